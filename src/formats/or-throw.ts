import * as E from 'fp-ts/lib/Either.js';
import type { OxbowError } from '../errors.js';

/**
 * What is right; what is left is thrown. Each function `name` is made so of its `nameEither`.
 *
 * @throws OxbowError where there is one.
 */
export function orThrow<A>(outcome: E.Either<OxbowError, A>): A {
  if (E.isLeft(outcome)) throw outcome.left;
  return outcome.right;
}
