/** The runs that `--save` keeps, a folder for each task and model, and what `--resume` finds of them. */
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import { type Failure, failure } from '../shared/failure.js';
import { checkAsked, hasRun, loadedRun, nothingIn, sameAs, taken } from '../shared/run.js';
import { folderOf, type MemoryAbout, type Plan, type Result } from './learn.js';
import type { Model } from './model.js';
import type { Options } from './options.js';
import { modelNames, recipe } from './recipe.js';
import { taskNames } from './tasks/task.js';

export interface Begun {
  readonly plan: Plan;
  /** Of the runs that are through. */
  readonly results: readonly Result[];
}

/** What is to be learnt, and what has been. */
export function begin(options: Options): TE.TaskEither<Failure, Begun> {
  const { save, resume: goesOn, task, model, seed } = options;
  const asked = checkAsked(options);
  if (E.isLeft(asked)) return TE.left(asked.left);
  const fresh: Plan = { task: task ?? taskNames, model: model ?? modelNames, seed: seed ?? recipe.seed };
  if (save === undefined) return TE.right({ plan: fresh, results: [] });
  const folders = taskNames.flatMap((task) => modelNames.map((model) => folderOf(save, task, model)));
  return pipe(
    TE.sequenceSeqArray(folders.map(hasRun)),
    TE.map((there) => folders.filter((_, k) => there[k])),
    TE.filterOrElse(
      (known) => known.length > 0 === (goesOn === true),
      () => failure(goesOn ? nothingIn(save) : taken(save)),
    ),
    TE.chain((known) =>
      TE.sequenceSeqArray(known.map((folder) => loadedRun<Model, MemoryAbout>('memory', folder, '--resume'))),
    ),
    TE.map((runs) => runs.map(({ about }) => about)),
    TE.chainEitherK((runs) => {
      const [first] = runs;
      if (first === undefined) return E.right({ plan: fresh, results: [] });
      const { plan } = first;
      return pipe(
        sameAs(`--resume: the run in ${save}`, { seed: plan.seed }, { ...(seed !== undefined && { seed }) }),
        E.map(() => ({
          plan: { task: task ?? plan.task, model: model ?? plan.model, seed: plan.seed },
          results: runs.flatMap(({ result }) => result ?? []),
        })),
      );
    }),
  );
}
