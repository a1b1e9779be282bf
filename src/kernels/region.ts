/**
 * A region: memory of a window, taken piece by piece and given back whole. Its blocks stay for the next window, so a
 * steady stream of windows takes no new memory.
 */
import type { Heap } from './heap.js';

export interface Region {
  /** Address of `bytes` bytes, at a multiple of 64, padded to one. */
  allocate(bytes: number): number;
  /** Where the region stands; give it to `release` to give back all that came after. */
  mark(): Mark;
  release(mark: Mark): void;
  /** Gives its blocks back to the heap; it is of no use afterwards. */
  free(): void;
}

export interface Mark {
  readonly block: number;
  readonly offset: number;
}

const LEAST_BLOCK = 1 << 20;
/** Bytes taken ahead of need at most. */
const MOST_AHEAD = 1 << 28;

export function region(heap: Heap, leastBlock = LEAST_BLOCK): Region {
  const blocks: { readonly address: number; readonly size: number }[] = [];
  let block = 0;
  let offset = 0;

  return {
    allocate(bytes) {
      const size = Math.max(1, Math.ceil(bytes / 64)) * 64;
      for (; block < blocks.length; block += 1, offset = 0) {
        if (offset + size <= blocks[block].size) {
          const address = blocks[block].address + offset;
          offset += size;
          return address;
        }
      }
      // Each block is as large as all before it, within limits, so that a large window has few of them.
      const total = blocks.reduce((sum, { size: held }) => sum + held, 0);
      const fresh = Math.max(size, leastBlock, Math.min(total, MOST_AHEAD));
      blocks.push({ address: heap.allocate(fresh), size: fresh });
      offset = size;
      return blocks[block].address;
    },
    mark: () => ({ block, offset }),
    release(mark) {
      block = mark.block;
      offset = mark.offset;
    },
    free() {
      for (const { address } of blocks) heap.free(address);
    },
  };
}
