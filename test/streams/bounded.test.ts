import {
  BehaviorSubject,
  concat,
  from,
  lastValueFrom,
  map,
  NEVER,
  of,
  Subject,
  throwError,
  timer,
  toArray,
} from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it, vi } from 'vitest';
import { bounded } from '../../src/streams/bounded.js';
import { type BufferOptions, type BufferState, buffer } from '../../src/streams/buffer.js';

const scheduler = () => new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
const pausable = () => ({ pause: vi.fn(), resume: vi.fn() });

function drain<T>(from: { shift(): T | undefined; readonly depth: number }): T[] {
  const values: T[] = [];
  while (from.depth > 0) values.push(from.shift() as T);
  return values;
}

describe('buffer', () => {
  it('is first in, first out', () => {
    const queue = buffer<number>('test', { capacity: 3, policy: 'error' });
    const seen: (number | undefined)[] = [];
    // Pushed and taken at different times, so that it has been empty, full and in between at every place.
    for (let k = 0; k < 30; k += 1) {
      queue.push(k);
      if (k % 5 === 2) seen.push(...drain(queue));
      else if (k % 5 > 2) seen.push(queue.shift());
    }
    expect(seen).toEqual(Array.from({ length: 30 }, (_, k) => k));
    expect(queue.depth).toBe(0);
    expect(queue.shift()).toBeUndefined();
  });

  it('drops the oldest, drops the newest, or fails, as it was told', () => {
    const filled = (policy: 'drop-oldest' | 'drop-newest') => {
      const queue = buffer<number>('test', { capacity: 2, policy });
      for (const value of [1, 2, 3, 4, 5]) queue.push(value);
      expect(queue.depth).toBe(2);
      expect(queue.dropped).toBe(3);
      return drain(queue);
    };
    expect(filled('drop-oldest')).toEqual([4, 5]);
    expect(filled('drop-newest')).toEqual([1, 2]);
    const strict = buffer<number>('readings', { capacity: 1, policy: 'error' });
    strict.push(1);
    expect(() => strict.push(2)).toThrow(RangeError);
    expect(() => strict.push(2)).toThrow(/readings: the buffer of 1 is full; raise its capacity/);
  });

  it('pauses its source while it is full, and takes what the source had read already', () => {
    const source = pausable();
    const queue = buffer<number>('test', { capacity: 2, policy: 'block', source });
    queue.push(1);
    expect(source.pause).not.toHaveBeenCalled();
    queue.push(2);
    queue.push(3);
    expect(source.pause).toHaveBeenCalledTimes(1);
    expect(queue.shift()).toBe(1);
    expect(source.resume).not.toHaveBeenCalled();
    expect(queue.shift()).toBe(2);
    expect(source.resume).toHaveBeenCalledTimes(1);
    expect(queue.dropped).toBe(0);
    queue.push(4);
    expect(source.pause).toHaveBeenCalledTimes(2);
    queue.clear();
    expect(source.resume).toHaveBeenCalledTimes(2);
    expect(queue.depth).toBe(0);
  });

  it('tells its depth and drops', () => {
    const gauge = new BehaviorSubject<BufferState>({ depth: 0, dropped: 0 });
    const states: BufferState[] = [];
    gauge.subscribe((state) => states.push(state));
    const queue = buffer<number>('test', { capacity: 1, policy: 'drop-newest', gauge });
    queue.push(1);
    queue.push(2);
    queue.shift();
    expect(states.map(({ depth, dropped }) => [depth, dropped])).toEqual([
      [0, 0],
      [1, 0],
      [1, 1],
      [0, 1],
    ]);
  });

  it('rejects impossible options', () => {
    expect(() => buffer('test', { capacity: 0, policy: 'error' })).toThrow(/capacity .* not 0/);
    expect(() => buffer('test', { capacity: 1, policy: 'drop' as never })).toThrow(/'block' or 'drop-oldest' or/);
    const blocking = { capacity: 1, policy: 'block', source: {} } as unknown as BufferOptions;
    expect(() => bounded(blocking)).toThrow(/the source of the policy 'block' is one that can be paused/);
  });
});

describe('bounded', () => {
  it('works on one value after the other, and keeps what arrives meanwhile', () => {
    scheduler().run(({ hot, cold, expectObservable }) => {
      const source = hot('     ab-c-------|');
      const work = (value: string) => cold('--(x|)').pipe(map(() => value));
      expectObservable(source.pipe(bounded({ capacity: 2, policy: 'error' }, work))).toBe('--a-b-c----|');
    });
  });

  it('completes when the last work has', () => {
    scheduler().run(({ hot, cold, expectObservable }) => {
      const source = hot('ab|');
      const work = (value: string) => cold('--(x|)').pipe(map(() => value));
      expectObservable(source.pipe(bounded({ capacity: 2, policy: 'error' }, work))).toBe('--a-(b|)');
    });
  });

  it('drops by its policy while work is going on', () => {
    scheduler().run(({ hot, cold, expectObservable }) => {
      const source = hot('  abcd------|');
      const work = (value: string) => cold('-----(x|)').pipe(map(() => value));
      const pipe = (policy: 'drop-oldest' | 'drop-newest') => source.pipe(bounded({ capacity: 1, policy }, work));
      expectObservable(pipe('drop-oldest')).toBe('-----a----(d|)');
      expectObservable(pipe('drop-newest')).toBe('-----a----(b|)');
    });
  });

  it('makes an error notification of an overflow, of failing work and of a failing source', () => {
    scheduler().run(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot('abc---|');
      const full = new RangeError(
        "bounded: the buffer of 1 is full; raise its capacity, slow the source down, or choose the policy 'drop-oldest', " +
          "'drop-newest' or, where the source can wait, 'block'.",
      );
      expectObservable(source.pipe(bounded({ capacity: 1, policy: 'error' }, () => NEVER))).toBe('--#', {}, full);
      expectSubscriptions(source.subscriptions).toBe('^-!');
      const options = { capacity: 1, policy: 'error' } as const;
      expectObservable(hot('-a|').pipe(bounded(options, () => throwError(() => 'broken')))).toBe('-#', {}, 'broken');
      const thrown = () => {
        throw 'thrown';
      };
      expectObservable(hot('-a|').pipe(bounded(options, thrown))).toBe('-#', {}, 'thrown');
      expectObservable(hot('-#').pipe(bounded(options, of))).toBe('-#');
    });
  });

  it('stops the source and the work when unsubscribed, and lets a paused source go on', () => {
    scheduler().run(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const source = hot('ab-----');
      const work = cold(' -------');
      expectObservable(source.pipe(bounded({ capacity: 9, policy: 'error' }, () => work)), '---!').toBe('----');
      expectSubscriptions(source.subscriptions).toBe('^--!');
      expectSubscriptions(work.subscriptions).toBe('^--!');
    });
    const source = pausable();
    const values$ = new Subject<number>();
    const subscription = values$.pipe(bounded({ capacity: 1, policy: 'block', source }, () => NEVER)).subscribe();
    // The first value passes through at once, the second one waits.
    values$.next(1);
    expect(source.resume).toHaveBeenCalledTimes(1);
    values$.next(2);
    expect(source.resume).toHaveBeenCalledTimes(1);
    subscription.unsubscribe();
    expect(source.pause).toHaveBeenCalledTimes(2);
    expect(source.resume).toHaveBeenCalledTimes(2);
    expect(values$.observed).toBe(false);
  });

  it('does not grow the stack when work completes at once', async () => {
    const many = Array.from({ length: 20_000 }, (_, k) => k);
    const gate = new Subject<void>();
    const options = { capacity: many.length, policy: 'error' } as const;
    const results$ = from(many).pipe(
      bounded(options, (k) => (k === 0 ? concat(gate, of(k)) : of(k))),
      toArray(),
    );
    const all = lastValueFrom(results$);
    gate.complete();
    expect(await all).toEqual(many);
  });

  it('without work lets one value through for each turn of the event loop', async () => {
    const order: string[] = [];
    await new Promise<void>((resolve) => {
      from(['a', 'b', 'c'])
        .pipe(bounded({ capacity: 3, policy: 'error' }))
        .subscribe({
          next: (value) => {
            order.push(value);
            setImmediate(() => order.push('turn'));
          },
          complete: resolve,
        });
    });
    expect(order.slice(0, 5)).toEqual(['a', 'turn', 'b', 'turn', 'c']);
  });

  it('accepts promises as work', async () => {
    const options = { capacity: 3, policy: 'error' } as const;
    const doubled$ = from([1, 2]).pipe(
      bounded(options, async (k) => 2 * k),
      toArray(),
    );
    expect(await lastValueFrom(doubled$)).toEqual([2, 4]);
    expect(
      await lastValueFrom(
        of(1).pipe(
          bounded(options, () => timer(1)),
          toArray(),
        ),
      ),
    ).toEqual([0]);
  });
});
