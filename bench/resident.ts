/** What of a process's memory is not garbage. */
import { constants, PerformanceObserver } from 'node:perf_hooks';

export interface Resident {
  /** Bytes of the heap after the last whole collection. */
  readonly heap: number;
  /** The lowest resident set, in bytes, of the samples since then. */
  readonly set: number;
}

/**
 * Looks at what is resident, at each call. Two whole collections may be minutes apart, and all that has grown old in between stays
 * until the next: it is no leak, and does not count.
 */
export function residentMeter(): () => Resident {
  let heap = process.memoryUsage().heapUsed;
  let set = Number.POSITIVE_INFINITY;
  new PerformanceObserver((list) => {
    const { NODE_PERFORMANCE_GC_MAJOR: whole } = constants;
    const isWhole = (entry: object) => (entry as { readonly detail: { readonly kind: number } }).detail.kind === whole;
    if (!list.getEntries().some(isWhole)) return;
    heap = process.memoryUsage().heapUsed;
    set = Number.POSITIVE_INFINITY;
  }).observe({ entryTypes: ['gc'] });
  return () => {
    set = Math.min(set, process.memoryUsage.rss());
    return { heap, set };
  };
}
