/** How much of the kernels' memory there may be, how much is in use, and what is said where it is too little. */
import { requireCount } from '../checks.js';
import type { Want } from './heap.js';

/** What the kernels' memory is in use for, in bytes. */
export interface MemoryUse {
  /** In use: weights, what optimizers keep, windows' numbers, steppers. */
  readonly used: number;
  /** Given back, and used again for what comes next. */
  readonly free: number;
  /** The most that was ever in use at once. */
  readonly peak: number;
  /** What the process has taken for it; it never shrinks. */
  readonly reserved: number;
  /** What it may grow to. */
  readonly limit: number;
  /** How often weights or an optimizer's numbers were moved out to make room for others. */
  readonly gaveWay: number;
}

/** 32 bits of address reach no further. */
export const HIGHEST_LIMIT = 2 ** 32;
/** What the kernels need for themselves, with 64 threads. */
const LOWEST_LIMIT = 2 ** 26;

/** @throws RangeError where the limit is impossible. */
export function limitWanted({ memoryLimit }: { readonly memoryLimit?: number | undefined }): number | undefined {
  if (memoryLimit === undefined) return undefined;
  requireCount('configure', 'memoryLimit', memoryLimit, LOWEST_LIMIT, HIGHEST_LIMIT);
  return memoryLimit;
}

/** Errors of memory that cannot be had, which no other input would mend. */
const refusals = new WeakSet<object>();

export const isRefusal = (error: object): boolean => refusals.has(error);

/** The error where so many bytes cannot be had. */
export function refusal({ used, limit }: Pick<MemoryUse, 'used' | 'limit'>, bytes: number, want?: Want): RangeError {
  const { what, remedy } = want ?? { what: 'memory', remedy: 'use less at once' };
  const raise = limit < HIGHEST_LIMIT ? ', or raise it by configure({ memoryLimit })' : '';
  // More would be no help where it cannot fit at all.
  const release =
    bytes > limit
      ? ''
      : '; release() models, trainers and steppers that are done with (those that were dropped go by themselves, in a turn ' +
        'of the event loop)';
  const error = new RangeError(
    `${what} needs ${showBytes(bytes)}, but the kernels' memory ends at ${showBytes(limit)}, of which ` +
      `${showBytes(used)} are in use; ${remedy}${raise}${release}.`,
  );
  refusals.add(error);
  return error;
}

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** `1.5 GB`, as people write it. */
export function showBytes(bytes: number): string {
  const unit = Math.max(0, Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  const amount = bytes / 1000 ** unit;
  return `${amount >= 100 || unit === 0 ? Math.round(amount) : Number(amount.toPrecision(3))} ${UNITS[unit]}`;
}
