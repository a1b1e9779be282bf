/** What requests and answers have in common. */
import * as Type from 'typebox';

export const LONGEST_NAME = 128;

export const id = Type.String({
  minLength: 1,
  maxLength: LONGEST_NAME,
  description: 'The client’s own name of the request, which is in all answers to it.',
});
export const name = Type.String({ maxLength: LONGEST_NAME });
export const count = (description: string) => Type.Integer({ minimum: 0, description });
export const version = count('That of the weights: how often they have been changed.');
