import { type Params, parametersOf } from 'oxbow';

/** How many numbers a model has to learn; one at two places of it counts once. */
export function weightsIn(params: Params): number {
  const distinct = new Set(parametersOf(params).map(([, parameter]) => parameter));
  return [...distinct].reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
}
