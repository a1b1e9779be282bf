/** What of a process's memory is not garbage, and whether it grew. */
import { machine } from '../src/index.js';
import { grownBy } from './slope.js';

/**
 * Of its mean, what each kind may grow by after the first quarter of the samples. What is alive after a whole collection is a figure to
 * judge by; the resident set has what V8 and the C library's arenas hold in store too, which comes and goes by a tenth without a leak.
 */
const ALLOWED = { 'live heap': 0.05, "kernels' memory": 0.05, 'resident set': 0.25 } as const;

/** Bytes by kind. The live heap is what V8 counts of objects, and what these hold outside it: buffers, and what C++ has of them. */
export type KeptMemory = Readonly<Record<keyof typeof ALLOWED, number>>;

/** What the process keeps now, after a whole collection. It was started with `--expose-gc`. */
export function keptMemory(): KeptMemory {
  if (gc === undefined) throw new Error('keptMemory: there is no gc(); start the process with --expose-gc.');
  gc();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { 'live heap': heapUsed + external, "kernels' memory": machine().memory.used, 'resident set': rss };
}

export interface Growth {
  readonly kind: keyof KeptMemory;
  /** Of its mean; NaN where there are too few samples. */
  readonly grown: number;
  /** Bytes at the end. */
  readonly last: number;
  readonly tooMuch: boolean;
}

/** By how much each kind of memory grew, as `grownBy` says. */
export function growthOf(samples: readonly KeptMemory[], neighbours: number): readonly Growth[] {
  return (Object.keys(ALLOWED) as (keyof KeptMemory)[]).map((kind) => {
    const bytes = samples.map((sample) => sample[kind]);
    const grown = grownBy(bytes, neighbours);
    return { kind, grown, last: bytes.at(-1) ?? Number.NaN, tooMuch: !(grown <= ALLOWED[kind]) };
  });
}

export const percent = (share: number): string =>
  Number.isFinite(share) ? `${(100 * share).toFixed(1)} %` : 'too few samples';

export const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
