/** Checks of options: a wrong one is an error where the pipeline is put together, not a surprise when it runs. */
import { HIGHEST_LIMIT, showBytes } from '../kernels/memory-limit.js';

/** @throws RangeError where the numbers of such windows, inputs and targets, have no room in the kernels' memory. */
export function requireRoom(operation: string, steps: number, lanes: number, width = 1): void {
  const bytes = 2 * 4 * steps * lanes * width;
  if (bytes <= HIGHEST_LIMIT) return;
  throw new RangeError(
    `${operation}: a window of ${steps} steps of ${lanes} ${lanes === 1 ? 'lane' : 'lanes'} is ${showBytes(bytes)} of ` +
      `${width === 1 ? 'ids' : 'features'} alone, but the kernels' memory ends at ${showBytes(HIGHEST_LIMIT)}; make windows shorter or lanes fewer.`,
  );
}
