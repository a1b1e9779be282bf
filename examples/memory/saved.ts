/** Results as `--save` writes them, and how `--load` reads them. */
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import { type Failure, failure } from '../shared/failure.js';
import { readText } from '../shared/text-file.js';
import { writeWhole } from '../shared/whole-file.js';
import type { Result } from './learn.js';
import type { Options } from './options.js';
import { modelNames } from './recipe.js';
import { taskNames } from './tasks/task.js';

export const writeResults = (path: string, results: readonly Result[]): TE.TaskEither<Failure, void> =>
  writeWhole(path, `${JSON.stringify(results)}\n`);

function isResult(value: unknown): value is Result {
  const { task, model, seed, figure, passed, updates, seconds } = (value ?? {}) as Partial<Result>;
  return (
    taskNames.some((name) => name === task) &&
    modelNames.some((name) => name === model) &&
    [seed, figure, updates, seconds].every(Number.isFinite) &&
    typeof passed === 'boolean'
  );
}

/** The results to go on from; none where nothing is to be loaded. */
export function readResults({ load, seed }: Pick<Options, 'load' | 'seed'>): TE.TaskEither<Failure, readonly Result[]> {
  if (load === undefined) return TE.right([]);
  const wrong = (what: string) => E.left(failure(`--load ${load}: ${what}, or leave --load out.`));
  return pipe(
    readText(load, 'give a file that --save wrote'),
    TE.chainEitherK((text) => {
      const results = E.getOrElse((): unknown => undefined)(E.tryCatch((): unknown => JSON.parse(text), String));
      if (!Array.isArray(results) || !results.every(isResult)) {
        return wrong('it has no results of this example; give a file that --save wrote');
      }
      const other = results.find((result) => result.seed !== seed);
      return other === undefined
        ? E.right(results)
        : wrong(`its results are of seed ${other.seed}, not ${seed}; give --seed ${other.seed}`);
    }),
  );
}
