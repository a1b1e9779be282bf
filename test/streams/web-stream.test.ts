import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { concat, from, lastValueFrom, NEVER, of, Subject, take, throwError, toArray } from 'rxjs';
import { describe, expect, it, vi } from 'vitest';
import { fromWebStream } from '../../src/streams/from-web-stream.js';
import { text } from '../../src/streams/text.js';
import { toWebStream } from '../../src/streams/to-web-stream.js';
import { tokens } from '../../src/streams/tokens.js';
import { vocabulary } from '../../src/streams/vocabulary.js';

const streamOf = <T>(...values: T[]) =>
  new ReadableStream<T>({
    start(controller) {
      for (const value of values) controller.enqueue(value);
      controller.close();
    },
  });

describe('fromWebStream', () => {
  it('emits the chunks, completes, and gives the lock back', async () => {
    const stream = streamOf('a', 'b');
    expect(await lastValueFrom(fromWebStream(stream).pipe(toArray()))).toEqual(['a', 'b']);
    expect(stream.locked).toBe(false);
  });

  it('reads the body of a real response, UTF-8 whatever the network cuts', async () => {
    const server = createServer((_, response) => {
      const bytes = new TextEncoder().encode('水🐂');
      response.write(bytes.subarray(0, 4));
      setTimeout(() => response.end(bytes.subarray(4)), 5);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { body } = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const vocab = vocabulary('水🐂');
    const chunks$ = fromWebStream(body as ReadableStream<Uint8Array>).pipe(tokens(vocab), text(vocab), toArray());
    expect((await lastValueFrom(chunks$)).join('')).toBe('水🐂');
    await new Promise((resolve) => server.close(resolve));
  });

  it('cancels the stream when unsubscribed, also while it waits', async () => {
    const cancel = vi.fn();
    const waiting = new ReadableStream<string>({ cancel });
    const subscription = fromWebStream(waiting).subscribe();
    await new Promise((resolve) => setTimeout(resolve, 1));
    subscription.unsubscribe();
    await vi.waitFor(() => expect(waiting.locked).toBe(false));
    expect(cancel).toHaveBeenCalledTimes(1);
  });

  it('pulls a chunk only when the consumer of the last one has returned', async () => {
    const log: string[] = [];
    let pulled = 0;
    const stream = new ReadableStream<number>(
      {
        pull(controller) {
          pulled += 1;
          log.push(`pull ${pulled}`);
          if (pulled === 3) controller.close();
          else controller.enqueue(pulled);
        },
      },
      { highWaterMark: 0 },
    );
    await new Promise<void>((resolve) => {
      fromWebStream(stream).subscribe({ next: (value) => log.push(`got ${value}`), complete: resolve });
    });
    expect(log).toEqual(['pull 1', 'got 1', 'pull 2', 'got 2', 'pull 3']);
  });

  it('passes on the stream’s error, and that of a stream read by another', async () => {
    const failing = new ReadableStream<string>({ start: (controller) => controller.error(new Error('reset by peer')) });
    await expect(lastValueFrom(fromWebStream(failing))).rejects.toThrow('reset by peer');
    const stream = streamOf('a');
    stream.getReader();
    await expect(lastValueFrom(fromWebStream(stream))).rejects.toThrow(TypeError);
  });
});

describe('toWebStream', () => {
  it('is the inverse of fromWebStream', async () => {
    const there = toWebStream(from(['a', 'b', 'c']), { capacity: 4, policy: 'error' });
    expect(await lastValueFrom(fromWebStream(there).pipe(toArray()))).toEqual(['a', 'b', 'c']);
  });

  it('lets values wait in a bounded buffer until they are read', async () => {
    const source$ = new Subject<number>();
    const gauge = { next: vi.fn() };
    const stream = toWebStream(source$, { capacity: 2, policy: 'drop-oldest', gauge });
    for (const value of [1, 2, 3, 4, 5]) source$.next(value);
    source$.complete();
    expect(gauge.next).toHaveBeenLastCalledWith({ depth: 2, dropped: 2 });
    // One value is in the web stream's own queue.
    expect(await lastValueFrom(fromWebStream(stream).pipe(toArray()))).toEqual([1, 4, 5]);
  });

  it('fails when the buffer overflows and its policy is to fail', async () => {
    const source$ = new Subject<number>();
    const stream = toWebStream(source$, { capacity: 1, policy: 'error' });
    for (const value of [1, 2, 3]) source$.next(value);
    expect(source$.observed).toBe(false);
    await expect(lastValueFrom(fromWebStream(stream))).rejects.toThrow(/toWebStream: the buffer of 1 is full/);
  });

  it('passes on an error, and unsubscribes when cancelled', async () => {
    const failing = toWebStream(
      concat(
        of(1),
        throwError(() => new Error('no more')),
      ),
      { capacity: 1, policy: 'error' },
    );
    await expect(lastValueFrom(fromWebStream(failing))).rejects.toThrow('no more');
    const source$ = new Subject<number>();
    await toWebStream(source$, { capacity: 1, policy: 'error' }).cancel();
    expect(source$.observed).toBe(false);
    const endless$ = fromWebStream(toWebStream(concat(of(1), NEVER), { capacity: 1, policy: 'error' }));
    expect(await lastValueFrom(endless$.pipe(take(1)))).toBe(1);
  });
});
