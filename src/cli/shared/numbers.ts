/** Numbers as they are shown. */
import { type Params, parametersOf } from '../../parameters/parameter.js';
import { sizeOf } from '../../tensor.js';

export const count = (value: number): string => Math.round(value).toLocaleString('en-US');

/** `1 thread`, `2 threads`. */
export const several = (value: number, what: string): string => `${count(value)} ${what}${value === 1 ? '' : 's'}`;

/** How many numbers a model has to learn; one at two places of it counts once. */
export const weightsIn = (params: Params): number =>
  [...new Set(parametersOf(params).map(([, parameter]) => parameter))].reduce(
    (sum, { shape }) => sum + sizeOf(shape),
    0,
  );

export const bytes = (value: number): string => {
  if (!Number.isFinite(value)) return 'no limit';
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const step = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, value)) / 10));
  return `${(value / 1024 ** step).toFixed(step === 0 ? 0 : 1)} ${units[step]}`;
};
