/** Iterators that close at once. */

/** What can be pulled. */
export type Pullable<T> = AsyncIterable<T> | Iterable<T> | ReadableStream<T>;

/** The part of an iterator that is used here; `close` does not wait for a value that was asked for. */
export interface ClosingIterator<T> {
  next(): Promise<IteratorResult<T>> | IteratorResult<T>;
  /** Closes what is held open. Never throws or rejects: nobody is there any more to handle it. */
  close(): void;
}

const isFunction = (value: unknown): value is () => unknown => typeof value === 'function';

/** Does what closes something, and leaves alone how that went. */
function quietly(close: () => unknown): void {
  new Promise((resolve) => resolve(close())).catch(() => undefined);
}

function read<T>(stream: ReadableStream<T>): ClosingIterator<T> {
  const reader = stream.getReader();
  return {
    async next() {
      try {
        const { done, value } = await reader.read();
        if (!done) return { done, value };
      } catch (error) {
        reader.releaseLock();
        throw error;
      }
      reader.releaseLock();
      return { done: true, value: undefined };
    },
    close() {
      // Ends a read that is under way, unlike the `return` of the stream's own iterator.
      quietly(() => reader.cancel());
      quietly(() => reader.releaseLock());
    },
  };
}

/** Whether something can be pulled. */
export function isPullable(value: unknown): value is Pullable<unknown> {
  const { [Symbol.asyncIterator]: async, [Symbol.iterator]: sync, getReader } = Object(value);
  return isFunction(async) || isFunction(sync) || isFunction(getReader);
}

/**
 * An iterator that can be closed while a value is waited for. The `return` of an async generator queues behind that value,
 * which may never come; so what the values come from is closed itself: a Node readable is destroyed, a web stream
 * cancelled, a readline interface closed.
 */
export function closingIterator<T>(values: Pullable<T>): ClosingIterator<T> {
  if ('getReader' in values && isFunction(values.getReader)) return read(values);
  const source = values as Partial<AsyncIterable<T> & Iterable<T>> & { destroy?: unknown; close?: unknown };
  const iterator = (source[Symbol.asyncIterator]?.() ?? source[Symbol.iterator]?.()) as AsyncIterator<T> | Iterator<T>;
  return {
    next: () => iterator.next(),
    close() {
      quietly(() => iterator.return?.());
      if (isFunction(source.destroy)) quietly(() => (source as { destroy(): unknown }).destroy());
      else if (isFunction(source.close)) quietly(() => (source as { close(): unknown }).close());
    },
  };
}

/** The same values, closed at once when the signal says so, however many generators are put around them. */
export function closedBy<T>(signal: AbortSignal, values: Pullable<T>): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = closingIterator(values);
      if (signal.aborted) iterator.close();
      else signal.addEventListener('abort', iterator.close, { once: true });
      return {
        next: async () => iterator.next(),
        async return() {
          signal.removeEventListener('abort', iterator.close);
          iterator.close();
          return { done: true, value: undefined };
        },
      };
    },
  };
}
