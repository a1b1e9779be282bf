import { lastValueFrom, take, toArray } from 'rxjs';
import { describe, expect, it, vi } from 'vitest';
import { fromAsync } from '../../src/streams/from-async.js';
import { fromText } from '../../src/streams/from-text.js';

async function* count(upTo: number, log: string[] = []): AsyncGenerator<number> {
  try {
    for (let k = 0; k < upTo; k += 1) {
      log.push(`pull ${k}`);
      yield k;
    }
  } finally {
    log.push('closed');
  }
}

describe('fromAsync', () => {
  it('emits the values and completes', async () => {
    expect(await lastValueFrom(fromAsync(count(3)).pipe(toArray()))).toEqual([0, 1, 2]);
  });

  it('pulls the next value only when the consumer of the last one has returned', async () => {
    const log: string[] = [];
    await new Promise<void>((resolve) => {
      fromAsync(count(3, log)).subscribe({ next: (k) => log.push(`got ${k}`), complete: resolve });
    });
    expect(log).toEqual(['pull 0', 'got 0', 'pull 1', 'got 1', 'pull 2', 'got 2', 'closed']);
  });

  it('closes the iterable when unsubscribed, and pulls nothing more', async () => {
    const log: string[] = [];
    await lastValueFrom(fromAsync(count(100, log)).pipe(take(2)));
    await vi.waitFor(() => expect(log).toEqual(['pull 0', 'pull 1', 'closed']));
  });

  it('turns what is thrown into an error notification', async () => {
    async function* failing(): AsyncGenerator<number> {
      yield 1;
      throw new Error('the disk is gone');
    }
    const seen: number[] = [];
    await expect(
      new Promise((_, reject) => fromAsync(failing()).subscribe({ next: (k) => seen.push(k), error: reject })),
    ).rejects.toThrow('the disk is gone');
    expect(seen).toEqual([1]);
  });

  it('does not let an iterable that is always ready starve the event loop', async () => {
    const seen = await new Promise<number>((resolve) => {
      let last = 0;
      const subscription = fromAsync(count(Number.POSITIVE_INFINITY)).subscribe((k) => {
        last = k;
      });
      setTimeout(() => {
        subscription.unsubscribe();
        resolve(last);
      }, 20);
    });
    expect(seen).toBeGreaterThan(0);
  });
});

describe('fromText', () => {
  const SAMPLE = 'ab🐂水🐂';

  it('cuts a text into chunks of code points', async () => {
    expect(await lastValueFrom(fromText(SAMPLE, { chunk: 2 }).pipe(toArray()))).toEqual(['ab', '🐂水', '🐂']);
    expect(await lastValueFrom(fromText(SAMPLE, { chunk: 1 }).pipe(toArray()))).toEqual([...SAMPLE]);
    expect(await lastValueFrom(fromText(SAMPLE).pipe(toArray()))).toEqual([SAMPLE]);
    expect(await lastValueFrom(fromText('').pipe(toArray()))).toEqual([]);
  });

  it('leaves the event loop a turn between chunks, and stops when unsubscribed', async () => {
    const order: string[] = [];
    await new Promise<void>((resolve) => {
      fromText('abcdef', { chunk: 1 })
        .pipe(take(3))
        .subscribe({
          next: (chunk) => {
            order.push(chunk);
            setImmediate(() => order.push('turn'));
          },
          complete: () => setImmediate(resolve),
        });
    });
    expect(order).toEqual(['a', 'turn', 'b', 'turn', 'c', 'turn']);
  });

  it('rejects an impossible chunk', () => {
    expect(() => fromText('a', { chunk: 0 })).toThrow(/chunk .* at least 1, not 0/);
  });
});
