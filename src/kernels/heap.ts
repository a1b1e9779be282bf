/**
 * Blocks of the kernels' memory, from an address upwards. Free neighbours are joined, so memory that is given back can
 * be had again in any size. Blocks start at multiples of 64 bytes and are padded to one.
 */
export interface Heap {
  /** Address of a block of at least `bytes`. */
  allocate(bytes: number): number;
  free(address: number): void;
  /** Bytes in blocks that are not free. */
  used(): number;
}

const ALIGNMENT = 64;

/** A heap from `base` on; `reserve(end)` makes the memory reach at least `end` bytes. */
export function heap(base: number, reserve: (end: number) => void): Heap {
  const sizes = new Map<number, number>();
  /** Free blocks, `[address, size]`, by address. */
  const free: [number, number][] = [];
  let top = Math.ceil(base / ALIGNMENT) * ALIGNMENT;
  let used = 0;

  function take(size: number): number {
    const k = free.findIndex((block) => block[1] >= size);
    if (k >= 0) {
      const block = free[k];
      const address = block[0];
      if (block[1] === size) free.splice(k, 1);
      else free[k] = [address + size, block[1] - size];
      return address;
    }
    const address = top;
    // Loops over whole groups of eight may read past the last block's end.
    reserve(address + size + ALIGNMENT);
    top += size;
    return address;
  }

  return {
    allocate(bytes) {
      const size = Math.max(1, Math.ceil(bytes / ALIGNMENT)) * ALIGNMENT;
      const address = take(size);
      sizes.set(address, size);
      used += size;
      return address;
    },
    free(address) {
      const size = sizes.get(address);
      if (size === undefined) throw new RangeError(`heap: no block starts at ${address}; it was freed before.`);
      sizes.delete(address);
      used -= size;
      let k = free.findIndex((block) => block[0] > address);
      if (k < 0) k = free.length;
      free.splice(k, 0, [address, size]);
      if (k + 1 < free.length && address + size === free[k + 1][0]) {
        free[k][1] += free[k + 1][1];
        free.splice(k + 1, 1);
      }
      if (k > 0 && free[k - 1][0] + free[k - 1][1] === address) {
        free[k - 1][1] += free[k][1];
        free.splice(k, 1);
        k -= 1;
      }
      if (free[k][0] + free[k][1] === top) {
        top = free[k][0];
        free.splice(k, 1);
      }
    },
    used: () => used,
  };
}
