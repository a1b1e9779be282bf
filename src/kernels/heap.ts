/**
 * Blocks of the kernels' memory, from an address upwards. Free neighbours are joined, so memory that is given back can
 * be had again in any size. Blocks start at multiples of 64 bytes and are padded to one.
 */
export interface Heap {
  /**
   * Address of a block of at least `bytes`. Where memory is short, others give way.
   *
   * @throws RangeError where there is not so much all the same.
   */
  allocate(bytes: number, want?: Want): number;
  /** The same where nobody has to give way for it. */
  allocateSpare(bytes: number): number | undefined;
  free(address: number): void;
  /** Bytes in blocks that are not free. */
  used(): number;
  usage(): Usage;
}

/** What memory is wanted for, and what to do where there is too little: a part of the error that says so. */
export interface Want {
  readonly what: string;
  readonly remedy: string;
}

/** In bytes. */
export interface Usage {
  /** In blocks that are not free. */
  readonly used: number;
  /** Given back, and to be had again. */
  readonly free: number;
  /** The most that was ever in blocks at once. */
  readonly peak: number;
  /** Where the last block ends. */
  readonly end: number;
}

/** What a heap asks of the memory that it is in. */
export interface HeapMemory {
  /** Makes the memory reach at least `end` bytes; false where it cannot. */
  reserve(end: number): boolean;
  /** Has others give back what they can do without, little by little, until `enough`. */
  relieve(bytes: number, enough: () => boolean): void;
  /** The error where there is too little. */
  refusal(bytes: number, want?: Want): Error;
}

const ALIGNMENT = 64;

/** A heap from `base` on. */
export function heap(base: number, ground: HeapMemory): Heap {
  const sizes = new Map<number, number>();
  /** Free blocks, `[address, size]`, by address. */
  const free: [number, number][] = [];
  let top = Math.ceil(base / ALIGNMENT) * ALIGNMENT;
  let used = 0;
  let peak = 0;

  function find(size: number): number | undefined {
    const k = free.findIndex((block) => block[1] >= size);
    if (k >= 0) {
      const block = free[k];
      const address = block[0];
      if (block[1] === size) free.splice(k, 1);
      else free[k] = [address + size, block[1] - size];
      return address;
    }
    // Loops over whole groups of eight may read past the last block's end.
    if (!ground.reserve(top + size + ALIGNMENT)) return undefined;
    const address = top;
    top += size;
    return address;
  }

  function take(bytes: number): number | undefined {
    const size = Math.max(1, Math.ceil(bytes / ALIGNMENT)) * ALIGNMENT;
    const address = find(size);
    if (address === undefined) return undefined;
    sizes.set(address, size);
    used += size;
    peak = Math.max(peak, used);
    return address;
  }

  return {
    allocate(bytes, want) {
      let address = take(bytes);
      if (address === undefined) {
        ground.relieve(bytes, () => {
          address = take(bytes);
          return address !== undefined;
        });
      }
      if (address === undefined) throw ground.refusal(bytes, want);
      return address;
    },
    allocateSpare: take,
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
    usage: () => ({ used, free: free.reduce((sum, [, size]) => sum + size, 0), peak, end: top }),
  };
}
