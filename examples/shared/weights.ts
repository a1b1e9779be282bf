import * as E from 'fp-ts/lib/Either.js';
import { type Params, parametersOf } from 'oxbow';
import { type Failure, failure } from './failure.js';
import { count } from './numbers.js';

/** How many numbers a model has to learn; one at two places of it counts once. */
export function weightsIn(params: Params): number {
  const distinct = new Set(parametersOf(params).map(([, parameter]) => parameter));
  return [...distinct].reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
}

/** Weights that fit into the kernels' memory of 4 GiB: each with its gradient and two numbers of its optimizer's. */
const MOST_WEIGHTS = 200_000_000;

/** Better now than when the memory is full; `fewer` is what to choose instead. */
export function checkSize(params: Params, fewer: string): E.Either<Failure, void> {
  const weights = weightsIn(params);
  if (weights <= MOST_WEIGHTS) return E.right(undefined);
  const most = `${count(MOST_WEIGHTS)} do`;
  return E.left(failure(`a model of ${count(weights)} weights does not fit into memory, ${most}; choose ${fewer}.`));
}

/** Numbers of one array that fits into the kernels' memory. */
const MOST_NUMBERS = 2 ** 29;

/** Better now than when a window is made: `positions` are its steps times its lanes, `widest` its layers' most features. */
export function checkWindow(positions: number, widest: number, fewer: string): E.Either<Failure, void> {
  const numbers = positions * widest;
  if (numbers <= MOST_NUMBERS) return E.right(undefined);
  return E.left(
    failure(
      `a window of ${count(positions)} positions of ${count(widest)} numbers does not fit into memory; choose ${fewer}.`,
    ),
  );
}
