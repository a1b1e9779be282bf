/**
 * An arena: memory of a window, taken piece by piece and given back whole. Its blocks stay for the next window, so a
 * steady stream of windows takes no new memory.
 */
import type { Heap, Want } from './heap.js';

export interface Arena {
  /** Address of `bytes` bytes, at a multiple of 64, padded to one. */
  allocate(bytes: number): number;
  /** Where the arena stands; give it to `release` to give back all that came after. */
  mark(): Mark;
  release(mark: Mark): void;
  /** Gives the blocks in which nothing lies back to the heap. */
  trim(): void;
  /** Gives all of its blocks back to the heap; it is of no use afterwards. */
  free(): void;
}

export interface Mark {
  readonly block: number;
  readonly offset: number;
}

const LEAST_BLOCK = 1 << 20;
/** Bytes taken ahead of need at most: with some systems memory that is new takes some 0.1 ms a megabyte, and the event loop waits. */
const MOST_AHEAD = 1 << 25;

/** What a window wants memory for. */
const WINDOW: Want = {
  what: 'a window',
  remedy: 'make windows shorter, batches smaller or the model smaller',
};

export function arena(heap: Heap, leastBlock = LEAST_BLOCK): Arena {
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
      const ahead = Math.max(size, leastBlock, Math.min(total, MOST_AHEAD));
      const spare = heap.allocateSpare(ahead);
      const address = spare ?? heap.allocate(size, WINDOW);
      blocks.push({ address, size: spare === undefined ? size : ahead });
      offset = size;
      return blocks[block].address;
    },
    mark: () => ({ block, offset }),
    release(mark) {
      block = mark.block;
      offset = mark.offset;
    },
    trim() {
      const unused = blocks.splice(offset === 0 ? block : block + 1);
      for (const { address } of unused) heap.free(address);
    },
    free() {
      for (const { address } of blocks) heap.free(address);
    },
  };
}
