/** Utterances out of folders, with all that is needed to learn from them. */
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import { fromSequenceFiles, loadUtterancesEither, type TaggedUtterance } from 'oxbow';
import { type Failure, failure, refused } from '../shared/failure.js';

export interface Sets {
  readonly train: readonly TaggedUtterance[];
  readonly valid: readonly TaggedUtterance[] | undefined;
  readonly test: readonly TaggedUtterance[] | undefined;
}

/** A folder of `seq.in`, `seq.out` and, if there is one, `label`; it must have an utterance at least. */
export function readFolder(folder: string): TE.TaskEither<Failure, readonly TaggedUtterance[]> {
  return pipe(
    loadUtterancesEither(fromSequenceFiles(folder)),
    TE.mapLeft(refused()),
    TE.filterOrElse(
      (utterances) => utterances.length > 0,
      () => failure(`${folder}/seq.in has no utterance.`),
    ),
    TE.map((utterances) => utterances.map((utterance) => ({ ...utterance, tags: utterance.tags ?? [] }))),
  );
}

export function readSets(
  folders: { readonly [name in keyof Sets]?: string | undefined },
): TE.TaskEither<Failure, Sets> {
  const maybe = (folder: string | undefined) => (folder === undefined ? TE.right(undefined) : readFolder(folder));
  return pipe(
    TE.Do,
    TE.apS('train', folders.train === undefined ? TE.right([]) : readFolder(folders.train)),
    TE.apS('valid', maybe(folders.valid)),
    TE.apS('test', maybe(folders.test)),
  );
}

/** What a tagger of these utterances has to know. */
export function namesOf(utterances: readonly TaggedUtterance[]) {
  const intents = new Set(utterances.flatMap(({ intent }) => intent ?? []));
  return {
    words: utterances.flatMap(({ words }) => words),
    tags: new Set(utterances.flatMap(({ tags }) => tags)),
    ...(intents.size > 0 && { intents }),
  };
}

/** Every nth of them. */
export const everyNth = <T>(values: readonly T[], n: number): readonly T[] => values.filter((_, k) => k % n === n - 1);
