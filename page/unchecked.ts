/** In the page's bundle in place of the schemas' check, a fifth of it all: the page comes from the very server that it speaks to, so both are of one version. */
import type { ServerMessage } from '../src/protocol/types.js';

/** A value as a server's message. @throws TypeError where it is plainly none. */
export function asAnswer(value: unknown): ServerMessage {
  if (typeof Object(value).type !== 'string') throw new TypeError('A message has a type.');
  return value as ServerMessage;
}
