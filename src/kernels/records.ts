/** Records: equal pieces of the kernels' memory, one a key, taken and given back one by one. */
import type { Want } from './heap.js';
import type { Machine } from './machine-type.js';

export interface Records {
  /** Address of a record; its numbers are whatever lay there. @throws RangeError where there is too little memory. */
  take(): number;
  give(record: number): void;
  /** Gives the memory of all of them back. */
  free(): void;
}

/** Whole cache lines, so that no two threads write to one. */
const LINE = 64;
const FIRST_PAGE = 16;
const LARGEST_PAGE = 1 << 20;

/** Records of so many bytes. Pages double, so that few keys take little and many take few blocks; they stay until all are freed. */
export function records({ heap }: Machine, bytes: number, want: Want): Records {
  const size = Math.max(1, Math.ceil(bytes / LINE)) * LINE;
  const most = Math.max(1, Math.floor(LARGEST_PAGE / size));
  const pages: number[] = [];
  const spare: number[] = [];
  let next = FIRST_PAGE;

  function open(): void {
    const howMany = Math.min(next, most);
    const page = heap.allocate(howMany * size, want);
    next *= 2;
    pages.push(page);
    // From last to first, so that they are taken in the order of their addresses.
    for (let k = howMany - 1; k >= 0; k -= 1) spare.push(page + k * size);
  }

  return {
    take() {
      if (spare.length === 0) open();
      return spare.pop() as number;
    },
    give: (record) => void spare.push(record),
    free() {
      for (const page of pages.splice(0)) heap.free(page);
      spare.length = 0;
    },
  };
}
