export { scratchBytes } from './scratch';
// What a tier is timed by.
export { tile } from './generated/tiles';
export { replay, run, serve } from './team';

/** The first address that the kernels themselves do not use. */
export function heapBase(): usize {
  return __heap_base;
}
