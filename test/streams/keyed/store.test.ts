import { concat, firstValueFrom, from, lastValueFrom, NEVER, type Observable, Subject, toArray } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { machine } from '../../../src/kernels/machine.js';
import { fromAsync } from '../../../src/streams/from-async.js';
import { keyed } from '../../../src/streams/keyed/keyed.js';
import type { KeyedState } from '../../../src/streams/keyed/layout.js';
import type { Keyed, KeyedCarries, KeyedOptions } from '../../../src/streams/keyed/options.js';
import type { KeyedStore } from '../../../src/streams/keyed/store.js';
import type { Ids } from '../../../src/tensor.js';
import { drawn, idsOf, onIds } from './models.js';

type Own = Keyed<Ids, string>;
type Options = KeyedOptions<unknown, string, Own, 'step' | 'surprisal' | 'argmax'>;

const model = drawn(onIds['an LSTM']);
/** Has numbers of two types, and two tensors. */
const looking = drawn(onIds['one that looks at numbers, and so is not the same at each step']);

/** A store that keeps what went through JSON; what it is asked takes as long as `later` does. */
function memory(later: <T>(value: T) => T | Promise<T> = (value) => value) {
  const kept = new Map<string, string>();
  const log: string[] = [];
  const store: KeyedStore<unknown, string> = {
    get(key) {
      log.push(`get ${key}`);
      const text = kept.get(key);
      return later(text === undefined ? undefined : (JSON.parse(text) as KeyedState<unknown>));
    },
    put(key, state) {
      log.push(`put ${key}`);
      const text = JSON.stringify(state);
      const done = later(undefined);
      if (done instanceof Promise) return done.then(() => void kept.set(key, text));
      kept.set(key, text);
      return undefined;
    },
  };
  return { store, kept, log };
}

const soon = <T>(value: T): Promise<T> => new Promise((resolve) => setImmediate(() => resolve(value)));
/** Now at once, now later. */
function moody() {
  let count = 0;
  return <T>(value: T): T | Promise<T> => {
    count += 1;
    return count % 3 === 0 ? value : count % 3 === 1 ? Promise.resolve(value) : soon(value);
  };
}

/** Values a few at a time, so that keys have left before they come back. */
const slowly = (values: readonly Own[]): Observable<Own> =>
  fromAsync(async function* () {
    for (const [k, value] of values.entries()) {
      if (k % 3 === 2) await soon(0);
      yield value;
    }
  });

async function answers(values: Observable<Own>, options: Options, of = model) {
  const result: Record<string, unknown[]> = {};
  for (const { key, value } of await lastValueFrom(values.pipe(keyed(of, options), toArray()))) {
    result[key] ??= [];
    result[key].push(value);
  }
  return result;
}

describe('carries that give way and come back', () => {
  const kinds = { 'at once': undefined, later: soon, 'now at once, now later': moody() } as const;
  const cases = Object.entries(kinds).flatMap(([how, later]) =>
    (['step', 'surprisal'] as const).flatMap((output) => [1, 2, 7].map((maxKeys) => ({ how, later, output, maxKeys }))),
  );

  it.each(cases)('are as if they had never left: $how, $output, $maxKeys keys', async ({ later, output, maxKeys }) => {
    for (const of of [model, looking]) {
      const values = idsOf(12, 60, maxKeys, 3);
      const { store, log } = memory(later);
      const options: Options = { maxBatch: 4, output };
      const away = await answers(slowly(values), { ...options, maxKeys, store }, of);
      expect(away).toEqual(await answers(from(values), options, of));
      expect(log.filter((line) => line.startsWith('put')).length).toBeGreaterThan(12);
    }
  });

  it.each(cases.slice(0, 12))('at the end all are in the store, for the next stream: $how, $output', async (one) => {
    const values = idsOf(6, 60, 5, 2);
    const { store, kept } = memory(one.later);
    const options: Options = { maxBatch: 4, output: one.output };
    const stored = { ...options, maxKeys: one.maxKeys, store };
    const first = await answers(from(values.slice(0, 30)), stored);
    expect(kept.size).toBe(new Set(values.slice(0, 30).map(({ key }) => key)).size);
    const second = await answers(from(values.slice(30)), stored);
    const whole = await answers(from(values), options);
    for (const [key, all] of Object.entries(whole))
      expect([...(first[key] ?? []), ...(second[key] ?? [])]).toEqual(all);
  });

  it('one put of a key is done before the next begins, and a key that returns meanwhile goes on', async () => {
    const open: (() => void)[] = [];
    let putting = 0;
    let most = 0;
    const store: KeyedStore<unknown, string> = {
      get: () => undefined,
      put: (key) => {
        if (key !== 'a') return undefined;
        putting += 1;
        most = Math.max(most, putting);
        return new Promise<void>((resolve) =>
          open.push(() => {
            putting -= 1;
            resolve();
          }),
        );
      },
    };
    const source = new Subject<Own>();
    const got: Own[] = [];
    const [x] = idsOf(1, 1, 1).map(({ value }) => value) as [Ids];
    const alone: Ids[] = [x, x, x];
    source.pipe(keyed(model, { maxKeys: 1, store })).subscribe((answer) => got.push(answer as unknown as Own));
    source.next({ key: 'a', value: x });
    await soon(0);
    source.next({ key: 'b', value: x });
    await soon(0);
    expect(open.length).toBe(1);
    // Its carry is still here, and goes on from here.
    source.next({ key: 'a', value: x });
    await soon(0);
    expect(got.map(({ key }) => key)).toEqual(['a', 'a']);
    open.shift()?.();
    await soon(0);
    await soon(0);
    expect(open.length).toBe(1);
    source.next({ key: 'a', value: x });
    await soon(0);
    open.shift()?.();
    await vi.waitFor(() => expect(open.length).toBe(1));
    open.shift()?.();
    await vi.waitFor(() => expect(got.map(({ key }) => key)).toEqual(['a', 'a', 'a', 'b']));
    expect(most).toBe(1);
    const expected = await answers(from(alone.map((value) => ({ key: 'a', value }))), {});
    expect(got.filter(({ key }) => key === 'a').map(({ value }) => value)).toEqual(expected.a);
  });

  it('no more than maxKeys are in the memory, which is given back', async () => {
    const before = machine().memory.used;
    let carries: KeyedCarries | undefined;
    let most = 0;
    const values = idsOf(500, 2000, 3);
    const stream$ = from(values).pipe(
      keyed(model, { maxKeys: 20, maxBatch: 8, store: memory().store, carries: { next: (own) => (carries = own) } }),
    );
    await new Promise<void>((resolve, reject) => {
      stream$.subscribe({
        next: () => (most = Math.max(most, carries?.size ?? 0)),
        error: reject,
        complete: resolve,
      });
    });
    expect(most).toBe(20);
    expect(machine().memory.used).toBeLessThanOrEqual(before);
  });
});

describe('keys without values for long', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('leave for the store, those with values stay', async () => {
    const { store, kept } = memory();
    const source = new Subject<Own>();
    const got: unknown[] = [];
    let carries: KeyedCarries | undefined;
    const values = idsOf(1, 9, 4).map(({ value }) => value);
    const say = async (key: string, k: number) => {
      source.next({ key, value: values[k] as Ids });
      await vi.advanceTimersByTimeAsync(40);
    };
    source
      .pipe(keyed(model, { idleMs: 100, store, carries: { next: (own) => (carries = own) } }))
      .subscribe(({ key, value }) => {
        if (key === 'a') got.push(value);
      });
    await say('a', 0);
    await say('b', 1);
    await say('b', 2);
    await say('b', 3);
    expect([...kept.keys()]).toEqual(['a']);
    expect(carries?.size).toBe(1);
    await say('a', 4);
    await vi.advanceTimersByTimeAsync(500);
    expect([...kept.keys()].sort()).toEqual(['a', 'b']);
    expect(carries?.size).toBe(0);
    vi.useRealTimers();
    const alone = await answers(from([0, 4].map((k) => ({ key: 'a', value: values[k] as Ids }))), {});
    expect(got).toEqual(alone.a);
  });
});

describe('a snapshot of all carries', () => {
  it.each(['step', 'surprisal', 'argmax'] as const)('goes on elsewhere as if nothing had been: %s', async (output) => {
    for (const of of [model, looking]) {
      const values = idsOf(7, 60, 9, 3);
      let carries: KeyedCarries<unknown, string> | undefined;
      const options: Options = { maxBatch: 4, output };
      const first: { readonly key: string; readonly value: unknown }[] = [];
      const begun = concat(from(values.slice(0, 30)), NEVER).pipe(
        keyed(of, { ...options, carries: { next: (own) => (carries = own) } }),
      );
      const running = begun.subscribe((answer) => first.push(answer));
      await vi.waitFor(() => expect(first.length).toBe(30));
      const snapshot = JSON.parse(JSON.stringify(carries?.snapshot()));
      running.unsubscribe();
      const rest = await answers(from(values.slice(30)), { ...options, from: snapshot }, of);
      const whole = await answers(from(values), options, of);
      for (const [key, all] of Object.entries(whole)) {
        const before = first.filter((answer) => answer.key === key).map(({ value }) => value);
        expect([...before, ...(rest[key] ?? [])]).toEqual(all);
      }
    }
  });

  it('is of whole values, also while one is half done', async () => {
    const [long, short] = [idsOf(1, 9, 1, 30), idsOf(1, 1, 2)].map((all) => all.at(-1)?.value) as [Ids, Ids];
    const first = { key: 'a', value: short };
    const values = [first, { key: 'a', value: long }, { key: 'b', value: short }];
    let carries: KeyedCarries<unknown, string> | undefined;
    let snapshot: ReturnType<KeyedCarries<unknown, string>['snapshot']> | undefined;
    const whole: { readonly key: string; readonly value: unknown }[] = [];
    const stream$ = from(values).pipe(keyed(model, { maxBatch: 2, carries: { next: (own) => (carries = own) } }));
    await new Promise<void>((resolve, reject) => {
      stream$.subscribe({
        next(answer) {
          // Of the value of a many steps are done by then, and many are not.
          if (answer.key === 'b') snapshot = carries?.snapshot();
          whole.push(answer);
        },
        error: reject,
        complete: resolve,
      });
    });
    expect(whole.map(({ key }) => key)).toEqual(['a', 'b', 'a']);
    expect([...(snapshot?.keys ?? [])].sort()).toEqual(['a', 'b']);
    const again = await answers(from(values.slice(1, 2)), { from: snapshot as never });
    expect(again.a).toEqual([whole[2]?.value]);
  });

  it('is empty before the first value', async () => {
    let carries: KeyedCarries<unknown, string> | undefined;
    NEVER.pipe(keyed<unknown, Ids, Own, string>(model, { carries: { next: (own) => (carries = own) } }))
      .subscribe()
      .unsubscribe();
    expect(carries?.snapshot().keys).toEqual([]);
    const empty = JSON.parse(JSON.stringify(carries?.snapshot()));
    const [value] = idsOf(1, 1, 1);
    const first = await firstValueFrom(from([value as Own]).pipe(keyed(model, { from: empty })));
    expect(first.key).toBe('k0');
  });
});
