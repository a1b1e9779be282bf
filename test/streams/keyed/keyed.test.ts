import { from, lastValueFrom, map, type Observable, Subject, take, toArray } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { lstm } from '../../../src/cells/lstm.js';
import { masked } from '../../../src/cells/masked.js';
import { machine } from '../../../src/kernels/machine.js';
import type { Core } from '../../../src/layer.js';
import { dense } from '../../../src/layers/dense.js';
import { embedding } from '../../../src/layers/embedding.js';
import { type Parameter, parametersOf } from '../../../src/parameters/parameter.js';
import { stack } from '../../../src/stack.js';
import { paced } from '../../../src/streams/bounded.js';
import type { BufferState } from '../../../src/streams/buffer.js';
import { fromAsync } from '../../../src/streams/from-async.js';
import { keyed } from '../../../src/streams/keyed/keyed.js';
import type { KeyedOptions } from '../../../src/streams/keyed/options.js';
import { type Ids, ids, type Tensor, zeros } from '../../../src/tensor.js';
import { tiny } from '../model.js';
import { drawn, idsOf, onFeatures, onIds, SYMBOLS } from './models.js';

const model = drawn(onIds['an LSTM']);
const features = drawn(onFeatures['an LSTM']);

interface Said {
  readonly key: string;
  readonly value: number;
}

type Options = KeyedOptions<unknown, string, Said, 'argmax'>;

const say = (text: string): readonly Said[] => [...text].map((key, k) => ({ key, value: k % SYMBOLS }));
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Turns of the event loop, as many as it takes, then some more in which nothing is to change. */
async function until(holds: () => boolean): Promise<void> {
  for (let k = 0; k < 2000 && !holds(); k += 1) await turn();
  for (let k = 0; k < 5; k += 1) await turn();
}

/** Keys in the order of their answers, and a source for more. */
function conversation(options: Options = {}, spoken?: Observable<Said>) {
  const source = new Subject<Said>();
  const heard: string[] = [];
  let error: unknown;
  let complete = false;
  const subscription = (spoken ?? source).pipe(keyed(model, { ...options, output: 'argmax' })).subscribe({
    next: ({ key }) => heard.push(key),
    error: (given) => (error = given),
    complete: () => (complete = true),
  });
  return {
    source,
    say: (text: string) => {
      for (const one of say(text)) source.next(one);
    },
    heard: () => heard.splice(0).join(''),
    get error() {
      return error instanceof Error ? error.message : error;
    },
    get complete() {
      return complete;
    },
    subscription,
  };
}

describe('a batch', () => {
  it('is stepped at once when it is full, and at the end of the turn what there is by then', async () => {
    const { say, heard } = conversation({ maxBatch: 3 });
    say('ab');
    expect(heard()).toBe('');
    say('c');
    expect(heard()).toBe('abc');
    say('de');
    await turn();
    expect(heard()).toBe('de');
  });

  it('has one value of a key; answers of a key come in the order of its values', async () => {
    const { say, heard } = conversation({ maxBatch: 3 });
    say('aaaba');
    expect(heard()).toBe('');
    let all = '';
    await until(() => {
      all += heard();
      return all.length === 5;
    });
    expect(all).toBe('abaaa');
    const values = idsOf(3, 50, 8);
    const answers = await lastValueFrom(from(values).pipe(keyed(model, { maxBatch: 2 }), toArray()));
    for (const key of ['k0', 'k1', 'k2']) {
      const of = <T extends { readonly key: string }>(all: readonly T[]) => all.filter((one) => one.key === key);
      expect(of(answers).map(({ input }) => input)).toEqual(of(values));
    }
  });

  it('takes a key from what comes in, and of a number gives a number', async () => {
    const events = say('abab').map(({ key, value }) => ({ from: { host: key }, value }));
    const answers = await lastValueFrom(
      from(events).pipe(keyed(model, { key: (event) => event.from.host, output: 'surprisal' }), toArray()),
    );
    expect(answers.map(({ key, input }) => [key, input])).toEqual([0, 1, 2, 3].map((k) => ['abab'[k], events[k]]));
    const plain = await lastValueFrom(
      from(say('abab')).pipe(
        map(({ key, value }) => ({ key, value: ids([1, 1], [value]) })),
        keyed(model, { output: 'surprisal' }),
        toArray(),
      ),
    );
    expect(answers.map(({ value }) => value)).toEqual(plain.map(({ value }) => value.data[0]));
  });

  it('follows weights that change, and its answers say so', async () => {
    const learning = drawn(onIds['a simple RNN']);
    const heard: { readonly value: Tensor; readonly version: number }[] = [];
    const source = new Subject<Said>();
    source.pipe(keyed(learning, { maxBatch: 1 })).subscribe((answer) => heard.push(answer));
    const hear = () => {
      source.next({ key: 'a', value: 1 });
      return heard.at(-1) as (typeof heard)[number];
    };
    for (let k = 0; k < 4; k += 1) hear();
    expect(new Set(heard.map(({ version }) => version)).size).toBe(1);
    const version = hear().version;
    for (const [, parameter] of parametersOf(learning.params))
      parameter.assign(new Float32Array(parameter.data.length));
    const after = hear();
    expect(after.version).toBeGreaterThan(version);
    expect([...after.value.data].every((logit) => logit === 0)).toBe(true);
    expect(heard[0]?.value.data.some((logit) => logit !== 0)).toBe(true);
  });

  it('goes on where the model has grown', () => {
    const growing = stack({ e: embedding(3, 6, { grows: true }), r: lstm(6, 8), h: dense(8, 4) }, { seed: 2 });
    const [heard, alone]: [Tensor[], Tensor[]] = [[], []];
    const source = new Subject<Said>();
    source.pipe(keyed(growing, { maxBatch: 1 })).subscribe(({ value }) => heard.push(value));
    const single = new Subject<Ids>();
    single.pipe(growing).subscribe((y) => alone.push(y));
    const hear = (value: number) => {
      source.next({ key: 'a', value });
      single.next(ids([1, 1], [value]));
    };
    for (const value of [0, 1, 2, 1, 0]) hear(value);
    const [, table] = parametersOf(growing.params)[0] as readonly [string, Parameter];
    table.grow(0, 7);
    for (const value of [6, 1, 5, 4]) hear(value);
    expect(heard).toEqual(alone);
  });

  it('ends each step by what finish makes of it', async () => {
    const [answer] = await lastValueFrom(
      from(say('a')).pipe(keyed(model, { finish: (ops, y) => ops.softmax(y) }), toArray()),
    );
    expect(answer?.value.data.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 5);
  });
});

describe('company is waited for', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('for maxDelayMs at most', async () => {
    const { say, heard } = conversation({ maxBatch: 3, maxDelayMs: 20 });
    say('a');
    await vi.advanceTimersByTimeAsync(15);
    say('b');
    expect(heard()).toBe('');
    await vi.advanceTimersByTimeAsync(5);
    expect(heard()).toBe('ab');
    say('cde');
    expect(heard()).toBe('cde');
    say('fg');
    await vi.advanceTimersByTimeAsync(19);
    expect(heard()).toBe('');
    await vi.advanceTimersByTimeAsync(1);
    expect(heard()).toBe('fg');
  });

  it('not at all once the source is complete', () => {
    const talk = conversation({ maxBatch: 3, maxDelayMs: 20 });
    talk.say('aab');
    talk.source.complete();
    expect(talk.heard()).toBe('aba');
    expect(talk.complete).toBe(true);
  });
});

describe('memory', () => {
  it.each(['completes', 'fails', 'is left', 'is left within next'])(
    'is given back where the stream %s',
    async (how) => {
      const before = machine().memory.used;
      const source = new Subject<Said>();
      let heard = 0;
      const subscription = source
        .pipe(keyed(model, { maxBatch: 2 }), take(how === 'is left within next' ? 3 : 1000))
        .subscribe({ next: () => (heard += 1), error: () => {} });
      for (const one of say('abcdefga')) source.next(one);
      if (how === 'completes') source.complete();
      if (how === 'fails') source.error(new Error('no more'));
      if (how === 'is left') subscription.unsubscribe();
      expect(heard).toBe(how === 'is left within next' ? 3 : 8);
      await turn();
      expect(machine().memory.used).toBeLessThanOrEqual(before);
      expect(source.observed).toBe(false);
    },
  );

  it('is asked for nothing where nobody listens any more', async () => {
    let asked = 0;
    function* endless(): Generator<Said> {
      for (;;) {
        asked += 1;
        yield { key: `k${asked}`, value: 1 };
      }
    }
    await lastValueFrom(from(endless()).pipe(keyed(model, { maxBatch: 4 }), take(5)));
    expect(asked).toBe(8);
  });
});

describe('what waits is bounded', () => {
  const stuck = { get: () => new Promise<undefined>(() => {}), put: () => undefined };

  it.each<[policy: 'drop-oldest' | 'drop-newest', kept: string, dropped: number]>([
    ['drop-oldest', 'dea', 3],
    ['drop-newest', 'aab', 3],
  ])('%s', async (policy, kept, dropped) => {
    const gauge: BufferState[] = [];
    const open: (() => void)[] = [];
    const store = {
      get: () => new Promise<undefined>((resolve) => open.push(() => resolve(undefined))),
      put: () => undefined,
    };
    const waiting = { capacity: 3, policy, gauge: { next: (state: BufferState) => void gauge.push(state) } };
    const { say, heard } = conversation({ maxBatch: 3, store, waiting });
    say('aabdea');
    expect(gauge.at(-1)).toEqual({ depth: 3, dropped });
    for (const one of open) one();
    await until(() => gauge.at(-1)?.depth === 0);
    expect([...heard()].sort().join('')).toBe([...kept].sort().join(''));
    expect(gauge.at(-1)).toEqual({ depth: 0, dropped });
  });

  it('a full buffer is stepped rather than refused, as far as that can be', () => {
    const talk = conversation({ maxBatch: 4, waiting: { capacity: 4, policy: 'block' } });
    talk.say('aaaaaaa');
    expect(talk.heard()).toMatch(/^aaa+$/);
    expect(talk.error).toBeUndefined();
    const full = conversation({ maxBatch: 4, store: stuck, waiting: { capacity: 4, policy: 'block' } });
    full.say('abcd');
    expect(full.error).toBeUndefined();
    full.say('e');
    expect(full.error).toMatch(/keyed: the buffer of 4 is full, and its source cannot wait/);
    const refused = conversation({ maxBatch: 4, store: stuck, waiting: { capacity: 4, policy: 'error' } });
    refused.say('abcde');
    expect(refused.error).toMatch(/keyed: the buffer of 4 is full; raise its capacity/);
  });

  it('a pull source waits while the store does, and goes on after it', async () => {
    const asked: string[] = [];
    const open: (() => void)[] = [];
    const store = {
      get: () => new Promise<undefined>((resolve) => open.push(() => resolve(undefined))),
      put: () => undefined,
    };
    const spoken = fromAsync(function* () {
      for (const one of say('abcdefgh')) {
        asked.push(one.key);
        yield one;
      }
    });
    const talk = conversation({ maxBatch: 3, store, waiting: { capacity: 3, policy: 'block' } }, spoken);
    await until(() => asked.length === 3);
    expect(asked.join('')).toBe('abc');
    await until(() => {
      for (const one of open.splice(0)) one();
      return talk.complete;
    });
    expect(talk.heard()).toBe('abcdefgh');
  });

  it('a source that can be paused is, while the buffer is full', async () => {
    const log: string[] = [];
    const source = { pause: () => log.push('pause'), resume: () => log.push('resume') };
    const open: (() => void)[] = [];
    const store = {
      get: () => new Promise<undefined>((resolve) => open.push(() => resolve(undefined))),
      put: () => undefined,
    };
    const talk = conversation({ maxBatch: 2, store, waiting: { capacity: 2, policy: 'block', source } });
    talk.say('abc');
    expect(log).toEqual(['pause']);
    for (const one of open.splice(0)) one();
    let all = '';
    await until(() => {
      all += talk.heard();
      return all.length === 3;
    });
    expect(log).toEqual(['pause', 'resume']);
    expect(talk.error).toBeUndefined();
    expect(all).toBe('abc');
  });

  it('whoever goes on with answers later is waited for, by the source too', async () => {
    let asked = 0;
    const dealt: string[] = [];
    const spoken = fromAsync(function* () {
      for (const one of say('abcdefghij')) {
        asked += 1;
        yield one;
      }
    });
    const open: (() => void)[] = [];
    const done = lastValueFrom(
      spoken.pipe(
        keyed(model, { maxBatch: 2, waiting: { capacity: 2, policy: 'block' } }),
        paced(({ key }) => new Promise<string>((resolve) => open.push(() => resolve(key)))),
        map((key) => dealt.push(key)),
      ),
    );
    await until(() => open.length > 0);
    expect(asked).toBeLessThanOrEqual(4);
    await until(() => {
      for (const one of open.splice(0)) one();
      return dealt.length === 10;
    });
    await done;
    expect(dealt.join('')).toBe('abcdefghij');
  });
});

const bad: unknown = { shape: [1, 2], type: 'int32', data: Int32Array.of(1, 2) };
const fine = { key: 'x', value: ids([1, 1], [1]) };
const noStore = { get: () => undefined, put: () => undefined };

describe('errors', () => {
  it.each<[what: string, options: object, message: RegExp]>([
    ['maxBatch', { maxBatch: 0 }, /keyed: maxBatch is a whole number of at least 1, not 0/],
    ['maxKeys', { maxKeys: 1.5 }, /keyed: maxKeys is a whole number of at least 1, not 1.5/],
    ['maxDelayMs', { maxDelayMs: -1 }, /keyed: maxDelayMs is a number of milliseconds from 0 up, not -1/],
    ['idleMs', { idleMs: 0, store: noStore }, /keyed: idleMs is a number of milliseconds above 0, not 0/],
    ['idleMs without a store', { idleMs: 5 }, /idleMs needs a store.*keeps nothing/],
    ['a store without put', { store: { get: () => undefined } }, /two functions, get\(key\) and put/],
    ['output', { output: 'generate' }, /keyed: output is 'step' or 'surprisal' or 'argmax', not "generate"/],
    ['finish', { output: 'argmax', finish: () => zeros([1]) }, /finish is for the output 'step', not for 'argmax'/],
    ['waiting', { waiting: { capacity: 8, policy: 'block' } }, /where 8 values may wait there is never a batch of 256/],
    ['policy', { waiting: { capacity: 1024, policy: 'drop' } }, /keyed: policy is/],
  ])('%s is refused at once', (_, options, message) => {
    expect(() => keyed(model, options as never)).toThrow(message);
  });

  const core = (change: Partial<Core<unknown, Ids, Tensor>>): typeof model => ({ ...model, ...change }) as typeof model;

  it.each<[what: string, values: readonly unknown[], options: object, message: RegExp, of?: unknown]>([
    ['two lanes', [{ key: 'x', value: bad }], {}, /^keyed: key "x": keyed: a value is an id, or steps.*int32 \[1, 2\]/],
    ['no value', [{ key: 'x' }], {}, /^keyed: key "x": .*but got undefined/],
    ['no steps', [{ key: 7, value: ids([0, 1], []) }], {}, /^keyed: key 7: .*int32 \[0, 1\]/],
    ['half an id', [{ key: 'x', value: 1.5 }], {}, /^keyed: key "x": .*whole number of 32 bits, not 1.5/],
    [
      'a tensor at odds',
      [{ key: 'x', value: { ...fine.value, shape: [2, 1] } }],
      {},
      /^keyed: key "x": .*holds 2 numbers/,
    ],
    [
      'features after ids',
      [fine, { key: 'y', value: zeros([1, 1, 3]) }],
      {},
      /key "y": .*float32 \[1, 1, 3\] comes after.*int32 \[T, 1\]/,
    ],
    ['an unknown id', [fine, { key: 'y', value: SYMBOLS }], {}, new RegExp(`^keyed: key "y": .*${SYMBOLS}`)],
    [
      'an id that has no logit',
      [fine, { key: 'x', value: 99 }],
      { output: 'surprisal' },
      /^keyed: key "x": surprisal: symbol 99/,
    ],
    ['features of another width', [{ key: 'x', value: zeros([1, 1, 3]) }], {}, /^keyed: key "x": .*3/, features],
    ['a key without a name', [{ key: Symbol('s'), value: -1 }], {}, /^keyed: key Symbol\(s\): /],
    [
      'one key too many',
      [fine, { ...fine, key: 'y' }, { ...fine, key: 'z' }],
      { maxKeys: 2 },
      /^keyed: key "z": there are carries of 2 keys.*raise maxKeys, or give a store/,
    ],
    [
      'a key function that fails',
      [fine],
      {
        key: () => {
          throw new Error('no host');
        },
      },
      /^keyed: key undefined: no host/,
    ],
    [
      'a store that throws on get',
      [fine],
      {
        store: {
          ...noStore,
          get: () => {
            throw new Error('gone');
          },
        },
      },
      /^keyed: key "x": the store did not give its carry: gone/,
    ],
    [
      'a store that rejects get',
      [fine],
      { store: { ...noStore, get: () => Promise.reject(new Error('gone')) } },
      /^keyed: key "x": the store did not give its carry: gone/,
    ],
    [
      'a store that throws on put',
      [fine],
      {
        store: {
          ...noStore,
          put: () => {
            throw new Error('full');
          },
        },
      },
      /^keyed: key "x": the store did not take its carry: full/,
    ],
    [
      'a store that rejects put',
      [fine],
      { store: { ...noStore, put: () => Promise.reject(new Error('full')) } },
      /^keyed: key "x": the store did not take its carry: full/,
    ],
    [
      'a store that gives anything',
      [fine],
      { store: { ...noStore, get: () => 5 } },
      /^keyed: key "x": what the store gave is not its carry: .*not 5/,
    ],
    [
      'a store that gives another carry',
      [fine],
      { store: { ...noStore, get: () => ({ carry: { e: {}, r: { h: zeros([1, 3]), c: zeros([1, 16]) }, h: {} } }) } },
      /^keyed: key "x": what the store gave is not its carry/,
    ],
    [
      'a store that gives half a carry',
      [fine],
      { store: { ...noStore, get: () => ({ carry: { e: {}, r: { h: zeros([1, 16]) }, h: {} } }) } },
      /^keyed: key "x": .*\.c of stack is float32 \[1, 16\], but got undefined/,
    ],
    [
      'a store without what is expected',
      [fine],
      { output: 'surprisal', store: { ...noStore, get: () => ({ carry: model.initial(1) }) } },
      /^keyed: key "x": .*expected float32 \[1, 11\], but got undefined/,
    ],
    [
      'a snapshot of too many',
      [],
      { maxKeys: 1, from: { keys: ['a', 'b'], carry: model.initial(2) } },
      /snapshot of 2 keys is more than maxKeys, 1/,
    ],
    [
      'a snapshot of other lanes',
      [],
      { from: { keys: ['a', 'b'], carry: model.initial(3) } },
      /keyed: the carry.*3 lanes.*2/,
    ],
    ['a snapshot with a key twice', [], { from: { keys: ['a', 'a'], carry: model.initial(2) } }, /has key a twice/],
    [
      'a carry that belongs to no lane',
      [fine],
      {},
      /carry.windows of tiny is 0, which belongs to no lane/,
      tiny(SYMBOLS),
    ],
    [
      'a carry that is not by lanes',
      [fine],
      {},
      /tensor \[3, 2\] for 2 lanes/,
      core({ initial: (lanes) => ({ s: zeros([3, lanes]) }) }),
    ],
    [
      'a carry that grows',
      [fine],
      {},
      /keys need carries of one size/,
      core({
        kind: 'growing',
        params: {},
        initial: (lanes) => zeros([lanes, 1]),
        apply: (ops, carry, x) => [
          ops.reshape(ops.oneHot(x, SYMBOLS), [1, x.shape[1] as number, SYMBOLS]),
          ops.concat([carry as Tensor, carry as Tensor], 1),
        ],
      }),
    ],
    ['a model of something else', [fine], {}, /masked: the signal \[1, 1\] has no lengths/, masked(model)],
    [
      'surprisal without logits',
      [],
      { output: 'surprisal' },
      /surprisal takes a model that gives logits \[T, B, V\]/,
      core({ apply: (ops, carry) => [ops.fill([1, 1], 0), carry] }),
    ],
    [
      'an output that is none of lanes',
      [fine],
      {},
      /takes a model that gives \[1, B, …\] for one step, but .* gives \[2, 3\]/,
      core({ apply: (ops, carry) => [ops.fill([2, 3], 0), carry] }),
    ],
  ])('%s is an error notification', async (_, values, options, message, of = model) => {
    drawn(() => of as typeof model);
    const before = machine().memory.used;
    const stream$ = from(values as never[]).pipe(keyed(of as typeof model, options as never));
    await expect(lastValueFrom(stream$, { defaultValue: undefined })).rejects.toThrow(message);
    await turn();
    expect(machine().memory.used).toBeLessThanOrEqual(before);
  });

  it('what the store did not take can be had by a snapshot, where the error arrives', () => {
    const store = {
      get: () => undefined,
      put: () => {
        throw new Error('full');
      },
    };
    let size = 0;
    let snapshot: (() => { readonly keys: readonly unknown[] }) | undefined;
    let kept: readonly unknown[] = [];
    const source = new Subject<Said>();
    const carries = {
      next: (own: { readonly size: number; snapshot(): { readonly keys: readonly unknown[] } }) => {
        size = own.size;
        snapshot = own.snapshot;
      },
    };
    source.pipe(keyed(model, { maxBatch: 1, maxKeys: 2, store, carries })).subscribe({
      error: () => (kept = snapshot?.().keys ?? []),
    });
    for (const one of say('abc')) source.next(one);
    expect(size).toBe(0);
    expect(kept).toEqual(['a', 'b']);
  });

  it('of the source are passed on', () => {
    const talk = conversation();
    talk.say('a');
    talk.source.error(new Error('cut off'));
    expect(talk.error).toBe('cut off');
  });
});
