import { setImmediate as turn } from 'node:timers/promises';
import {
  bufferCount,
  concatMap,
  finalize,
  from,
  interval,
  lastValueFrom,
  map,
  mergeMap,
  of,
  take,
  tap,
  toArray,
} from 'rxjs';
import { describe, expect, it } from 'vitest';
import { bounded } from '../../src/streams/bounded.js';
import { buffer } from '../../src/streams/buffer.js';
import { holdSource } from '../../src/streams/demand.js';
import { fromAsync } from '../../src/streams/from-async.js';
import { fromText } from '../../src/streams/from-text.js';
import { tokens } from '../../src/streams/tokens.js';
import { vocabulary } from '../../src/streams/vocabulary.js';
import { windows } from '../../src/streams/windows.js';

const vocab = vocabulary('abcdefghij');
const text = 'abcdefghij'.repeat(400);

/** Work that takes some turns of the event loop. */
async function work<T>(value: T): Promise<T> {
  await turn();
  await turn();
  return value;
}

/** A source that counts how far ahead of what is done it was asked. */
function counted(count: number) {
  const state = { asked: 0, done: 0, most: 0 };
  async function* numbers() {
    for (let k = 0; k < count; k += 1) {
      state.asked += 1;
      state.most = Math.max(state.most, state.asked - state.done);
      yield k;
    }
  }
  return { state, values$: fromAsync(numbers()) };
}

describe('a pull source waits for what works asynchronously', () => {
  it.each([1, 3, 16])('with a buffer of %i', async (capacity) => {
    const { state, values$ } = counted(60);
    const done = tap(() => {
      state.done += 1;
    });
    const out = await lastValueFrom(values$.pipe(bounded({ capacity, policy: 'block' }, work), done, toArray()));
    expect(out).toEqual(Array.from({ length: 60 }, (_, k) => k));
    // One is worked on, so many wait.
    expect(state.most).toBeLessThanOrEqual(capacity + 1);
  });

  it('through operators that hand on at once, whatever they make of a chunk', async () => {
    let [depth, most] = [0, 0];
    const gauge = {
      next(state: { depth: number }) {
        most = Math.max(most, state.depth);
      },
    };
    const out = await lastValueFrom(
      fromText(text, { chunk: 40 }).pipe(
        tokens(vocab),
        windows({ length: 4 }),
        bounded({ capacity: 2, policy: 'block', gauge }, work),
        tap(() => {
          depth += 1;
        }),
        toArray(),
      ),
    );
    expect(out.length).toBe(1000);
    expect(depth).toBe(1000);
    // Its capacity, and what one chunk gives.
    expect(most).toBeLessThanOrEqual(2 + 10);
  });

  it('through holdSource, for operators of RxJS', async () => {
    const { state, values$ } = counted(40);
    const slowly = mergeMap((value: number) => {
      const release = holdSource();
      return from(work(value)).pipe(
        finalize(() => {
          state.done += 1;
          release?.();
        }),
      );
    });
    expect(await lastValueFrom(values$.pipe(slowly, toArray()))).toHaveLength(40);
    expect(state.most).toBe(1);
  });

  it('goes on where who held it was unsubscribed from', async () => {
    const { values$ } = counted(20);
    const both = values$.pipe(
      mergeMap((value) => of(value).pipe(bounded({ capacity: 1, policy: 'block' }, work), take(1))),
      bufferCount(20),
    );
    expect(await lastValueFrom(both)).toHaveLength(20);
  });

  it('can be held by several, and released once each', async () => {
    const { state, values$ } = counted(10);
    const releases: (() => void)[] = [];
    const out = lastValueFrom(
      values$.pipe(
        tap(() => {
          for (const release of [holdSource(), holdSource()]) if (release) releases.push(release);
        }),
        toArray(),
      ),
    );
    for (let k = 1; k <= 10; k += 1) {
      while (releases.length < 2) await turn();
      const [first, second] = releases.splice(0);
      first?.();
      first?.();
      await turn();
      expect(state.asked).toBe(k);
      second?.();
    }
    expect(await out).toHaveLength(10);
  });

  it('is not there where values come from no pull source: the buffer says so', async () => {
    expect(holdSource()).toBeUndefined();
    const never = interval(0).pipe(
      concatMap(() => from([1, 2, 3])),
      bounded({ capacity: 1, policy: 'block' }, work),
      take(50),
      map((value) => value),
    );
    await expect(lastValueFrom(never)).rejects.toThrow("the policy 'block' found nothing to block");
  });
});

it('a buffer keeps nothing that was taken', async () => {
  const { setFlagsFromString } = await import('node:v8');
  const { runInNewContext } = await import('node:vm');
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const waiting = buffer<Uint8Array>('test', { capacity: 1000, policy: 'error' });
  const taken: WeakRef<Uint8Array>[] = [];
  for (let k = 0; k < 20; k += 1) {
    waiting.push(new Uint8Array(1024));
    taken.push(new WeakRef(waiting.shift() as Uint8Array));
  }
  await turn();
  collect();
  await turn();
  expect(taken.filter((each) => each.deref() !== undefined).length).toBeLessThanOrEqual(1);
  expect(waiting.depth).toBe(0);
});
