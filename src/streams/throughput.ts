/** Older time counts less and less: after this long by a factor of e. */
const MEMORY_SECONDS = 1;

/**
 * Counts what gets done per second of wall-clock time, over about the last second: call it with what was done since
 * the last call.
 */
export function throughput(): (done: number) => number {
  let last = performance.now();
  let seconds = 0;
  let amount = 0;
  return (done) => {
    const now = performance.now();
    const elapsed = (now - last) / 1000;
    last = now;
    const kept = Math.exp(-elapsed / MEMORY_SECONDS);
    seconds = seconds * kept + elapsed;
    amount = amount * kept + done;
    return seconds > 0 ? amount / seconds : 0;
  };
}
