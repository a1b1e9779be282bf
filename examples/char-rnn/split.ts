/** What of a text is learnt from. */
import * as E from 'fp-ts/lib/Either.js';
import { type Failure, failure } from '../shared/failure.js';
import { recipe } from './recipe.js';

export interface Split {
  readonly training: Int32Array;
  readonly heldOut: Int32Array;
  /** As many lanes as were asked for, or as many as the text is long enough for. */
  readonly batch: number;
}

/** Keeps the end of a text from the model; a failure where too little is left for one window. */
export function splitCorpus(symbols: Int32Array, length: number, batch: number): E.Either<Failure, Split> {
  const kept = Math.max(3, Math.round(symbols.length * recipe.heldOut));
  const rest = symbols.length - kept;
  if (rest <= length) {
    return E.left(
      failure(
        `the text has ${symbols.length} symbols, and without the ${kept} held out that is too short for one window of ` +
          `${length} and its targets; give at least ${length + 1 + kept}, or a smaller --length.`,
      ),
    );
  }
  return E.right({
    training: symbols.subarray(0, rest),
    heldOut: symbols.subarray(rest),
    batch: Math.min(batch, Math.floor((rest - 1) / length)),
  });
}
