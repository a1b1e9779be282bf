/** The memory that all numbers lie in, as large as there is address space for. */
import { host } from '#host';

const PAGE = 65_536;
const MOST_PAGES = 65_536;
/** Below this there is no point: 64 MiB. */
const LEAST_PAGES = 1024;
/** What a thread reserves for itself (V8 some 850 MiB), and what is left to everything else that the process does. */
const THREAD_BYTES = 2 ** 30;
const SPARE_BYTES = 2 ** 29;

/** How many of so many threads have room in the address space that is left; each of them ends the process where it has not. */
export function threadsWithRoom(threads: number): number {
  if (threads === 1) return 1;
  return Math.min(threads, 1 + Math.max(0, Math.floor((host.addressSpaceLeft() - SPARE_BYTES) / THREAD_BYTES)));
}

/**
 * Memory for the kernels that can grow to 4 GiB; where there is less address space, to what that has room for with so many
 * threads, and a warning says so.
 *
 * @throws RangeError where there is no room at all.
 */
export function kernelMemory(shared: boolean, threads: number): WebAssembly.Memory {
  const left = host.addressSpaceLeft();
  // Half of what is left, where threads would take more than that.
  const room = Math.max(left - SPARE_BYTES - (threads - 1) * THREAD_BYTES, left / 2);
  let maximum = Math.max(LEAST_PAGES, Math.min(MOST_PAGES, Math.floor(room / PAGE)));
  for (; ; maximum = Math.max(LEAST_PAGES, Math.floor(maximum / 2))) {
    try {
      const memory = new WebAssembly.Memory({ initial: 64, maximum, shared });
      if (maximum < MOST_PAGES) {
        host.warn(
          `memory: there is address space for ${maximum / 16} MiB of numbers instead of 4096, which is what the kernels go on ` +
            `with. To have more, ${host.remedies.someMemory}.`,
          'OXBOW_LESS_MEMORY',
        );
      }
      return memory;
    } catch (error) {
      if (!(error instanceof RangeError) || maximum === LEAST_PAGES) {
        throw new RangeError(
          `memory: not even ${LEAST_PAGES / 16} MiB of address space can be had for the kernels (${String(error)}); ` +
            `${host.remedies.noMemory}.`,
        );
      }
    }
  }
}
