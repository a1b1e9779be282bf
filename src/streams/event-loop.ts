/**
 * Turns of the event loop. Long work is done in slices, so that timers, sockets and the other pipelines
 * of the process get their turn in between.
 */

/**
 * Resolves in a later turn of the event loop: what is due by then (timers, arrived data) runs first.
 *
 * Not a timer of 0 ms, which browsers stretch to 4 ms.
 */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') {
      setImmediate(resolve);
      return;
    }
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

/**
 * Counts a time slice: the function it gives returns a promise of the next turn once the slice is used up, and
 * nothing before that.
 *
 * @param milliseconds how long a slice is, of wall-clock time.
 * @returns a function to be called, and awaited, between two pieces of the work.
 * @example
 * const slice = timeSlice(4);
 * for (const word of corpus.split(' ')) {
 *   await slice();
 *   vocab.encode(word);
 * }
 */
export function timeSlice(milliseconds = 4): () => Promise<void> | undefined {
  let started = performance.now();
  return () => {
    if (performance.now() - started < milliseconds) return undefined;
    return nextTurn().then(() => {
      started = performance.now();
    });
  };
}
