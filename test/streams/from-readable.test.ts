import { PassThrough, Readable } from 'node:stream';
import { lastValueFrom, take, toArray } from 'rxjs';
import { describe, expect, it, vi } from 'vitest';
import { fromReadable } from '../../src/streams/from-readable.js';
import { text } from '../../src/streams/text.js';
import { tokens } from '../../src/streams/tokens.js';
import { vocabulary } from '../../src/streams/vocabulary.js';

describe('fromReadable', () => {
  it('gives bytes or strings as they come, which tokens puts together', async () => {
    const bytes = new TextEncoder().encode('水🐂');
    const readable = Readable.from([bytes.subarray(0, 2), bytes.subarray(2, 5), bytes.subarray(5)]);
    const vocab = vocabulary('水🐂');
    const back$ = fromReadable(readable).pipe(tokens(vocab), text(vocab), toArray());
    expect((await lastValueFrom(back$)).join('')).toBe('水🐂');
    expect(await lastValueFrom(fromReadable(Readable.from(['a', 'b'])).pipe(toArray()))).toEqual(['a', 'b']);
  });

  it('reads ahead no more than the stream’s own buffer holds', async () => {
    let produced = 0;
    let consumed = 0;
    let ahead = 0;
    const readable = new Readable({
      objectMode: true,
      highWaterMark: 2,
      read() {
        produced += 1;
        this.push(produced <= 50 ? produced : null);
      },
    });
    await new Promise<void>((resolve) => {
      fromReadable<number>(readable).subscribe({
        next: () => {
          consumed += 1;
          ahead = Math.max(ahead, produced - consumed);
        },
        complete: resolve,
      });
    });
    expect(consumed).toBe(50);
    expect(ahead).toBeLessThanOrEqual(3);
  });

  it('destroys the readable when unsubscribed, also while it waits', async () => {
    const waiting = new PassThrough();
    const subscription = fromReadable(waiting).subscribe();
    await new Promise((resolve) => setTimeout(resolve, 5));
    subscription.unsubscribe();
    await vi.waitFor(() => expect(waiting.closed).toBe(true));
    const readable = Readable.from(['a', 'b', 'c']);
    expect(await lastValueFrom(fromReadable(readable).pipe(take(1), toArray()))).toEqual(['a']);
    await vi.waitFor(() => expect(readable.destroyed).toBe(true));
  });

  it('passes on the readable’s error', async () => {
    const readable = new PassThrough();
    setTimeout(() => readable.destroy(new Error('read: connection lost')), 1);
    await expect(lastValueFrom(fromReadable(readable))).rejects.toThrow('connection lost');
  });
});
