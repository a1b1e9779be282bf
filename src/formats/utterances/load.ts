import * as TE from 'fp-ts/lib/TaskEither.js';
import { lastValueFrom, type Observable, toArray } from 'rxjs';
import type { FileError, UtteranceError } from '../../errors.js';
import { orThrow } from '../or-throw.js';
import { isOfSource } from './failure.js';
import type { Utterance } from './utterance.js';

/**
 * All utterances of a source at once.
 *
 * @param utterances$ a source that ends, as `fromConll`.
 * @returns them, in their order, when the source has ended.
 * @throws OxbowError (as a rejection), a {@link FileError} or an {@link UtteranceError}, that names the file, and what else
 * the source fails with.
 * @example
 * ```ts no-run
 * const training = await loadUtterances(fromSequenceFiles('atis/train'));
 * ```
 */
export async function loadUtterances(utterances$: Observable<Utterance>): Promise<readonly Utterance[]> {
  return orThrow(await loadUtterancesEither(utterances$)());
}

/**
 * {@link loadUtterances} for fp-ts: the source is subscribed to where the result is called, and what is wrong with a file is
 * a value.
 *
 * @param utterances$ a source that ends, as `fromConll`.
 * @returns a task: right the utterances, left the error of a file or a line.
 * @throws (as a rejection) what the source fails with, where that is neither a file's nor a line's fault.
 * @example
 * ```ts no-run
 * const loaded = await loadUtterancesEither(fromSequenceFiles('atis/train'))();
 * if (loaded._tag === 'Left') console.error(loaded.left.message);
 * ```
 */
export function loadUtterancesEither(
  utterances$: Observable<Utterance>,
): TE.TaskEither<FileError | UtteranceError, readonly Utterance[]> {
  return TE.tryCatch(
    () => lastValueFrom(utterances$.pipe(toArray())),
    (error) => {
      if (isOfSource(error)) return error;
      throw error;
    },
  );
}
