import { type Params, parametersOf } from '../../parameters/parameter.js';
import { sizeOf } from '../../tensor.js';

/** How many numbers a model has to learn; one at two places of it counts once. */
export const weightsIn = (params: Params): number =>
  [...new Set(parametersOf(params).map(([, parameter]) => parameter))].reduce(
    (sum, { shape }) => sum + sizeOf(shape),
    0,
  );
