import { concat, from, lastValueFrom, NEVER, Subject, take } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { machine } from '../../../src/kernels/machine.js';
import type { Core } from '../../../src/layer.js';
import type { BufferState } from '../../../src/streams/buffer.js';
import { fromAsync } from '../../../src/streams/from-async.js';
import { keyedTbptt } from '../../../src/streams/keyed/keyed-tbptt.js';
import type { KeyedLearning, KeyedTbpttOptions } from '../../../src/streams/keyed/learning-options.js';
import { type Ids, ids, zeros } from '../../../src/tensor.js';
import { crossEntropy } from '../../../src/training/losses/cross-entropy.js';
import { adam } from '../../../src/training/optimizers/adam.js';
import { tiny } from '../model.js';
import { drawn, onIds, SYMBOLS } from './models.js';

const model = drawn(onIds['a simple RNN']);

interface Said {
  readonly key: string;
  readonly value: number;
}

type Options = KeyedTbpttOptions<unknown, string, Said>;

const defaults = () => ({ loss: crossEntropy(), optimizer: adam(0.01), length: 2, batch: 2 });
const say = (text: string): readonly Said[] => [...text].map((key, k) => ({ key, value: k % SYMBOLS }));
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** The keys of windows, each with how many steps it has, in their order, and a source for more. */
function lesson(options: Partial<Options> = {}) {
  const source = new Subject<Said>();
  const heard: string[] = [];
  let error: unknown;
  let complete = false;
  const subscription = source.pipe(keyedTbptt(model, { ...defaults(), ...options })).subscribe({
    next: ({ keys, window }) => heard.push(`${keys.join('')}${window.input.shape[0]}`),
    error: (given) => (error = given),
    complete: () => (complete = true),
  });
  return {
    source,
    subscription,
    say: (text: string) => {
      for (const one of say(text)) source.next(one);
    },
    heard: () => heard.splice(0).join(' '),
    get error() {
      return error instanceof Error ? error.message : error;
    },
    get complete() {
      return complete;
    },
  };
}

describe('windows', () => {
  // Length 2: a window is whole with a key's third symbol, and then with every second one.
  it.each<[what: string, said: string, windows: string, options?: Partial<Options>]>([
    ['wait until as many keys have one', 'aaabb', ''],
    ['are of those that had theirs first, in that order', 'bbbaaaccc', 'ba2'],
    ['of one key come one after the other', 'aaaaabbbcccddd', 'ab2 ac2'],
    ['leave out nobody that was earlier', 'aaaaabbbbbccc', 'ab2 ab2'],
    ['of as many as two batches wait, then with fewer keys', 'aaaaaaaaa', 'a2'],
    ['of one key alone do not wait', 'aaaaabbb', 'a2 a2 b2', { batch: 1 }],
  ])('%s', (_, said, windows, options) => {
    const { say, heard } = lesson(options);
    say(said);
    expect(heard()).toBe(windows);
  });

  it.each<[what: string, said: string, windows: string, options: Partial<Options>]>([
    ['whole ones with fewer keys, shorter ones of one length together', 'aaabbccddeeee', 'ae2 bc1 de1', {}],
    ['no shorter ones, where they are dropped', 'aaabb', 'a2', { partial: 'drop' }],
    ['none of a single symbol', 'ab', '', {}],
    ['shorter ones go to the store', 'aaabb', 'a2', { store: { get: () => undefined, put: () => {} } }],
  ])('at the end: %s', async (_, said, windows, options) => {
    const stream = lesson(options);
    stream.say(said);
    stream.source.complete();
    expect(stream.heard()).toBe(windows);
    await turn();
    expect(stream.complete).toBe(true);
  });

  it('tell of keys, counts, lanes and the version', async () => {
    const events = say('aaabbb').map(({ key, value }) => ({ from: { host: key }, value }));
    const step = await lastValueFrom(
      from(events).pipe(keyedTbptt(model, { ...defaults(), key: ({ from }) => from.host, length: 2 })),
    );
    expect(step.keys).toEqual(['a', 'b']);
    expect([step.step, step.tokens]).toEqual([1, 4]);
    expect([...step.window.input.data]).toEqual([0, 3, 1, 4]);
    expect([...step.window.target.data]).toEqual([1, 4, 2, 5]);
    expect((step.carry as { r: { h: Ids } }).r.h.shape).toEqual([2, 9]);
    expect(step.version).toBeGreaterThan(0);
  });
});

describe('company is waited for', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('for maxDelayMs at most', async () => {
    const { say, heard } = lesson({ maxDelayMs: 20, batch: 3 });
    say('aaa');
    await vi.advanceTimersByTimeAsync(15);
    say('bbb');
    expect(heard()).toBe('');
    await vi.advanceTimersByTimeAsync(5);
    expect(heard()).toBe('ab2');
    say('cccddd');
    await vi.advanceTimersByTimeAsync(10);
    say('eeecc');
    expect(heard()).toBe('cde2');
    await vi.advanceTimersByTimeAsync(19);
    expect(heard()).toBe('');
    await vi.advanceTimersByTimeAsync(1);
    expect(heard()).toBe('c2');
    await vi.advanceTimersByTimeAsync(100);
    say('fff');
    expect(heard()).toBe('');
  });
});

describe('memory', () => {
  it.each(['completes', 'fails', 'is left', 'is left within next', 'is left during an update'])(
    'is given back where the stream %s',
    async (how) => {
      const before = machine().memory.used;
      const source = new Subject<Said>();
      const during = how === 'is left during an update';
      let heard = 0;
      const subscription = source
        .pipe(
          keyedTbptt(model, { ...defaults(), ...(during && { slice: 0 }) }),
          take(how === 'is left within next' ? 1 : 1000),
        )
        .subscribe({ next: () => (heard += 1), error: () => {} });
      for (const one of say('aaabbbaaabbb')) source.next(one);
      if (how === 'completes') source.complete();
      if (how === 'fails') source.error(new Error('no more'));
      if (during) await turn();
      if (how.startsWith('is left')) subscription.unsubscribe();
      expect(heard > 0).toBe(!during);
      await turn();
      expect(machine().memory.used).toBeLessThanOrEqual(before);
      expect(source.observed).toBe(false);
    },
  );

  it('has no more than maxKeys carries, and those that are idle leave', async () => {
    vi.useFakeTimers();
    try {
      const puts: string[] = [];
      let own: KeyedLearning<unknown, string> | undefined;
      const store = { get: () => undefined, put: (key: string) => void puts.push(key) };
      const { say } = lesson({ maxKeys: 3, idleMs: 100, store, carries: { next: (given) => (own = given) } });
      say('abcd');
      expect(own?.size).toBe(3);
      expect(puts.join('')).toBe('a');
      say('ccc');
      await vi.advanceTimersByTimeAsync(300);
      // c waits for company.
      expect(puts.join('')).toBe('abd');
      expect(own?.snapshot()).toMatchObject({ keys: ['c'], line: [0], values: 7 });
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('what waits is bounded', () => {
  const stuck = { get: () => new Promise<undefined>(() => {}), put: () => undefined };

  it.each<[policy: 'drop-oldest' | 'drop-newest', kept: string]>([
    ['drop-oldest', 'bcd'],
    ['drop-newest', 'aab'],
  ])('%s', async (policy, kept) => {
    const gauge: BufferState[] = [];
    const asked: string[] = [];
    const open: (() => void)[] = [];
    const store = {
      get: (key: string) => {
        asked.push(key);
        return new Promise<undefined>((resolve) => open.push(() => resolve(undefined)));
      },
      put: () => undefined,
    };
    let own: KeyedLearning<unknown, string> | undefined;
    const waiting = { capacity: 3, policy, gauge: { next: (state: BufferState) => void gauge.push(state) } };
    const { say, error } = lesson({ store, waiting, carries: { next: (given) => (own = given) } });
    say('aabcd');
    expect(gauge.at(-1)).toEqual({ depth: 3, dropped: 2 });
    for (let k = 0; k < 50 && gauge.at(-1)?.depth !== 0; k += 1) {
      for (const one of open.splice(0)) one();
      await turn();
    }
    expect(error).toBeUndefined();
    expect(own?.snapshot().values).toBe(3);
    expect(own?.snapshot().keys).toEqual([...new Set(kept)]);
  });

  it('a key whose value was dropped while it was loaded keeps no other from its turn', async () => {
    const open: (() => void)[] = [];
    const store = { get: () => new Promise<undefined>((resolve) => open.push(() => resolve(undefined))), put() {} };
    let own: KeyedLearning<unknown, string> | undefined;
    const { say } = lesson({
      batch: 1,
      maxKeys: 1,
      store,
      waiting: { capacity: 2, policy: 'drop-oldest' },
      carries: { next: (given) => (own = given) },
    });
    say('aba');
    for (let k = 0; k < 50 && own?.snapshot().values !== 2; k += 1) {
      for (const one of open.splice(0)) one();
      await turn();
    }
    expect(own?.snapshot().values).toBe(2);
  });

  it('a full buffer whose source cannot wait is an error', () => {
    const full = lesson({ store: stuck, waiting: { capacity: 2, policy: 'block' } });
    full.say('ab');
    expect(full.error).toBeUndefined();
    full.say('c');
    expect(full.error).toMatch(/keyedTbptt: the buffer of 2 is full, and its source cannot wait/);
  });

  it('a pull source waits for updates, and for whoever is behind', async () => {
    let asked = 0;
    const source = fromAsync(async function* () {
      for (const one of say('aaabbb'.repeat(20))) {
        asked += 1;
        yield one;
      }
    });
    const steps: number[] = [];
    await new Promise<void>((resolve, reject) =>
      source
        .pipe(keyedTbptt(model, { ...defaults(), slice: 0, waiting: { capacity: 4, policy: 'block' } }))
        .subscribe({ next: () => steps.push(asked), error: reject, complete: resolve }),
    );
    expect(steps[0]).toBeLessThanOrEqual(11);
    expect(steps.length).toBe(30);
  });
});

const noStore = { get: () => undefined, put: () => undefined };

describe('errors', () => {
  it.each<[what: string, options: object, message: RegExp]>([
    ['length', { length: 0 }, /keyedTbptt: length is a whole number of at least 1, not 0/],
    ['batch', { batch: 1.5 }, /keyedTbptt: batch is a whole number of at least 1, not 1.5/],
    ['maxKeys', { maxKeys: 1 }, /keyedTbptt: a window of 2 keys has as many carries, but maxKeys is 1/],
    ['maxDelayMs', { maxDelayMs: -1 }, /keyedTbptt: maxDelayMs is a number of milliseconds from 0 up, not -1/],
    ['idleMs without a store', { idleMs: 5 }, /keyedTbptt: idleMs needs a store/],
    ['a store without put', { store: { get: () => undefined } }, /keyedTbptt: a store has two functions/],
    ['partial', { partial: 'keep' }, /keyedTbptt: partial is 'emit' or 'drop', not "keep"/],
    ['partial with a store', { partial: 'drop', store: noStore }, /partial is for streams without a store/],
    ['thread', { thread: 'main' }, /keyedTbptt: thread is 'caller' or 'learner', not main/],
    [
      'two states',
      { from: {}, state: { step: 0, slots: {} } },
      /'from' holds has a state of its own; leave 'state' out/,
    ],
    ['policy', { waiting: { capacity: 4, policy: 'drop' } }, /keyedTbptt: policy is/],
  ])('%s is refused at once', (_, options, message) => {
    expect(() => keyedTbptt(model, { ...defaults(), ...options } as never)).toThrow(message);
  });

  const of = (key: string, value: unknown, target?: unknown) => ({ key, value, target });
  const kept = () => {
    let own: KeyedLearning<unknown, string> | undefined;
    const all = { ...defaults(), carries: { next: (given: KeyedLearning<unknown, string>) => (own = given) } };
    const running = concat(from(say('aaab')), NEVER)
      .pipe(keyedTbptt(model, all))
      .subscribe();
    const snapshot = own?.snapshot();
    running.unsubscribe();
    return snapshot as NonNullable<typeof snapshot>;
  };

  it.each<[what: string, values: readonly unknown[], options: object, message: RegExp, of?: unknown]>([
    ['no value', [of('x', undefined)], {}, /^keyedTbptt: key "x": keyedTbptt: a value is an id, .*but got undefined/],
    ['half an id', [of('x', 1.5)], {}, /^keyedTbptt: key "x": .*whole number of 32 bits, not 1.5/],
    ['other values', [of('x', 1), of('y', zeros([1, 1, 3]))], {}, /key "y": .*comes after values of int32 \[T, 1\]/],
    ['a missing target', [of('x', 1, 2), of('y', 1)], {}, /key "y": .*without a target after values with/],
    ['a target too many', [of('x', 1), of('x', 1, 2)], {}, /key "x": .*with a target after values without/],
    ['targets of other steps', [of('x', ids([2, 1], [1, 2]), 1)], {}, /key "x": .*2 steps has 1 targets/],
    ['a target of two lanes', [of('x', 1, ids([1, 2], [1, 2]))], {}, /key "x": .*a target is an id, or steps/],
    ['an unknown id', say('aaabbb').map(({ key }) => of(key, 99)), {}, /99/],
    [
      'one key too many',
      say('abc'),
      { maxKeys: 2 },
      /^keyedTbptt: key "c": there are carries of 2 keys.*raise maxKeys, or give a store/,
    ],
    [
      'a store that gives another carry',
      say('a'),
      { store: { ...noStore, get: () => ({ carry: 5 }) } },
      /^keyedTbptt: key "a": what the store gave is not its carry/,
    ],
    [
      'a store that gives steps of another kind',
      say('a'),
      { store: { ...noStore, get: () => ({ carry: model.initial(1), steps: { input: zeros([1, 1, 3]) } }) } },
      /^keyedTbptt: key "a": what the store gave is not its carry: .*float32 \[1, 1, 3\] comes after/,
    ],
    [
      'a store that rejects put',
      say('aabc'),
      { maxKeys: 2, store: { ...noStore, put: () => Promise.reject(new Error('full')) } },
      /^keyedTbptt: key "a": the store did not take its carry: full/,
    ],
    ['a carry that belongs to no lane', say('a'), {}, /keyedTbptt: carry.windows of tiny is 0/, tiny(SYMBOLS)],
    ['what is no snapshot', [], { from: { keys: [], carry: {} } }, /keyedTbptt: 'from' is what snapshot\(\) gave/],
    ['a snapshot of another place', [], { from: { ...kept(), line: [2] } }, /'from' is what snapshot\(\) gave/],
    [
      'a snapshot of another length',
      [],
      { from: kept(), length: 1 },
      /has 1 whole windows in line, but steps for 2 of 1/,
    ],
    [
      'a snapshot of other lanes',
      [],
      { from: { ...kept(), carry: model.initial(3) } },
      /keyedTbptt: the carry.*3 lanes/,
    ],
  ])('%s is an error notification', async (_, values, options, message, learner = model) => {
    drawn(() => learner as typeof model);
    const before = machine().memory.used;
    const stream$ = from(values as never[]).pipe(
      keyedTbptt(learner as Core<unknown, Ids>, { ...defaults(), ...options } as never),
    );
    await expect(lastValueFrom(stream$, { defaultValue: undefined })).rejects.toThrow(message);
    await turn();
    expect(machine().memory.used).toBeLessThanOrEqual(before);
  });

  it('of the source are passed on', () => {
    const talk = lesson();
    talk.say('a');
    talk.source.error(new Error('cut off'));
    expect(talk.error).toBe('cut off');
  });
});
