import * as TE from 'fp-ts/lib/TaskEither.js';
import { lastValueFrom, type Observable, toArray } from 'rxjs';
import type { FileError, UtteranceError } from '../errors.js';
import { isThrown } from './failure.js';
import type { Utterance } from './utterance.js';

/**
 * All utterances of a source at once, or what is wrong with it as a value.
 *
 * @throws what the source fails with, where that is neither a file's nor a line's fault.
 * @example
 * ```ts no-run
 * const training = await loadUtterances(fromSequenceFiles('atis/train'))();
 * ```
 */
export function loadUtterances(
  utterances$: Observable<Utterance>,
): TE.TaskEither<FileError | UtteranceError, readonly Utterance[]> {
  return TE.tryCatch(
    () => lastValueFrom(utterances$.pipe(toArray())),
    (error) => {
      if (isThrown(error)) return error;
      throw error;
    },
  );
}
