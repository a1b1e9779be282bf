import { concat, from, lastValueFrom, map, NEVER, type Observable, Subject, toArray } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { loadWeights, weightsOf } from '../../../src/formats/weights.js';
import { configure } from '../../../src/kernels/machine.js';
import { evaluate, type Layer } from '../../../src/layer.js';
import { dense } from '../../../src/layers/dense.js';
import { parametersOf } from '../../../src/parameters/parameter.js';
import { generator } from '../../../src/random.js';
import { stack } from '../../../src/stack.js';
import { fromAsync } from '../../../src/streams/from-async.js';
import { keyed } from '../../../src/streams/keyed/keyed.js';
import { keyedTbptt } from '../../../src/streams/keyed/keyed-tbptt.js';
import type {
  KeyedLearning,
  KeyedTbpttOptions,
  KeyedTraining,
  KeyedTrainingStep,
} from '../../../src/streams/keyed/learning-options.js';
import type { KeyedStore } from '../../../src/streams/keyed/store.js';
import { lanes } from '../../../src/streams/lanes.js';
import { tbptt } from '../../../src/streams/tbptt.js';
import type { TrainingStep } from '../../../src/streams/training-step.js';
import type { SignalWindow } from '../../../src/streams/window.js';
import { windows } from '../../../src/streams/windows.js';
import { type Ids, ids, type Tensor, tensor } from '../../../src/tensor.js';
import { crossEntropy } from '../../../src/training/losses/cross-entropy.js';
import { squaredError } from '../../../src/training/losses/squared-error.js';
import { adam } from '../../../src/training/optimizers/adam.js';
import { idsOf, onFeatures, onIds, SYMBOLS } from './models.js';

afterEach(() => configure({ threads: 2 }));

type Model<X extends Tensor = Ids> = Layer<unknown, X, Tensor>;
interface Event<X extends Tensor = Ids> {
  readonly key: string;
  readonly value: X | number;
  readonly target?: Tensor | number;
}
type Options = KeyedTbpttOptions<unknown, string, Event>;

const LENGTH = 4;
const learning = () => ({ loss: crossEntropy(), optimizer: adam(0.02), clipNorm: 1 });
const weights = (model: Model<never>) => parametersOf(model.params).map(([, { data }]) => Array.from(data));

/** What is told of a step but for the time and whose it was. */
const facts = ({
  step,
  loss,
  gradientNorm,
  gradientNorms,
  learningRate,
  tokens,
  carry,
  window,
}: TrainingStep<unknown, SignalWindow<Tensor>>) => ({
  step,
  loss,
  gradientNorm,
  gradientNorms,
  learningRate,
  tokens,
  carry,
  input: window.input,
  target: window.target,
});

const keysOf = (steps: readonly KeyedTrainingStep<unknown, string>[]) => steps.map(({ keys }) => keys.join());

async function learnt(model: Model, events: Observable<Event> | readonly Event[], options: Partial<Options> = {}) {
  const events$ = Array.isArray(events) ? from(events) : (events as Observable<Event>);
  const all = { ...learning(), length: LENGTH, batch: 3, ...options };
  const steps = await lastValueFrom(events$.pipe(keyedTbptt(model, all), toArray()));
  return { keys: keysOf(steps), steps: steps.map(facts), weights: weights(model) };
}

const symbols = (count: number, seed: number) => {
  const random = generator(seed);
  return Int32Array.from({ length: count }, () => random.below(SYMBOLS));
};

/** Events of keys, single ids or several, some keys far more often than others. */
function uneven(count: number, seed: number, keys = 9): readonly Event[] {
  const random = generator(seed);
  return idsOf(keys, count, seed, 3).map(({ value }) => ({
    key: `k${Math.min(random.below(keys), random.below(keys))}`,
    value,
  }));
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

/** A store that keeps what went through JSON. */
function memory(later: <T>(value: T) => T | Promise<T> = (value) => value) {
  const kept = new Map<string, string>();
  let puts = 0;
  const store: KeyedStore<unknown, string> = {
    get: (key) => later(JSON.parse(kept.get(key) ?? 'null') ?? undefined),
    put(key, state) {
      puts += 1;
      kept.set(key, JSON.stringify(state));
      return later(undefined);
    },
  };
  return { store, kept, puts: () => puts };
}

const kinds = Object.entries(onIds);

describe('keyedTbptt is tbptt', () => {
  it.each(kinds)('over the windows of its one key, bit for bit: %s', async (_, make) => {
    const [model, alone] = [make(), make()];
    const text = symbols(31, 1);
    const steps = await lastValueFrom(
      from([ids([31, 1], text)]).pipe(windows({ length: LENGTH }), tbptt(alone, learning()), toArray()),
    );
    const events = Array.from(text, (value) => ({ key: 'a', value }));
    const got = await learnt(model, events, { batch: 1 });
    expect(got.steps).toEqual(steps.map(facts));
    expect(got.steps.at(-1)?.input.shape).toEqual([2, 1]);
    expect(got.weights).toEqual(weights(alone));
    model.release();
    alone.release();
  });

  it.each(kinds)('over lanes, of keys in lockstep, bit for bit: %s', async (_, make) => {
    const [model, alone] = [make(), make()];
    const [batch, length] = [3, 22];
    const corpus = symbols(batch * length + 1, 2);
    const steps = await lastValueFrom(
      lanes(corpus, { batch, length: LENGTH }).pipe(tbptt(alone, learning()), toArray()),
    );
    const events = Array.from({ length: (length + 1) * batch }, (_, k) => {
      const [t, lane] = [Math.floor(k / batch), k % batch];
      return { key: 'abc'[lane] as string, value: corpus[lane * length + t] as number };
    });
    const got = await learnt(model, events, { batch });
    expect(got.steps).toEqual(steps.map(facts));
    expect(new Set(got.keys)).toEqual(new Set(['a,b,c']));
    expect(got.weights).toEqual(weights(alone));
    model.release();
    alone.release();
  });

  it('and tells the loss of each position where it is asked for', async () => {
    const events = Array.from(symbols(9, 1), (value) => ({ key: 'a', value }));
    const options = { ...learning(), length: LENGTH, batch: 1, each: true };
    const steps = await lastValueFrom(from(events).pipe(keyedTbptt(make(), options), toArray()));
    for (const { each, loss } of steps) {
      expect(each?.shape).toEqual([LENGTH, 1]);
      const { data } = each as Tensor;
      expect((data as Float32Array).reduce((sum, own) => sum + own) / LENGTH).toBeCloseTo(loss, 6);
    }
  });

  it('over features with targets', async () => {
    const make = onFeatures['a GRU'] as () => Model<Tensor>;
    const [model, alone] = [make(), make()];
    const random = generator(4);
    const some = (shape: readonly number[]) =>
      tensor(
        shape,
        Array.from({ length: shape.reduce((a, b) => a * b) }, () => random.uniform() - 0.5),
      );
    const cut = Array.from({ length: 5 }, () => ({ input: some([LENGTH, 1, 5]), target: some([LENGTH, 1, 8]) }));
    const own = { loss: squaredError(), optimizer: adam(0.02) };
    const steps = await lastValueFrom(from(cut).pipe(tbptt(alone, own), toArray()));
    const events = cut.flatMap(({ input, target }) =>
      Array.from({ length: LENGTH / 2 }, (_, k) => ({
        key: 'a',
        value: tensor([2, 1, 5], input.data.slice(10 * k, 10 * k + 10)),
        target: tensor([2, 1, 8], target.data.slice(16 * k, 16 * k + 16)),
      })),
    );
    const got = await lastValueFrom(
      from(events).pipe(keyedTbptt(model, { ...own, length: LENGTH, batch: 1 }), toArray()),
    );
    expect(got.map(facts)).toEqual(steps.map(facts));
    expect(weights(model)).toEqual(weights(alone));
  });

  it('where the targets of features are the next ones', async () => {
    const model = stack({ h: dense(1, 1) }, { seed: 1 });
    const events = Array.from({ length: 9 }, (_, k) => ({ key: 'a', value: tensor([1, 1, 1], [k]) }));
    const own = { loss: squaredError(), optimizer: adam(0.1) };
    const got = await lastValueFrom(
      from(events).pipe(keyedTbptt(model, { ...own, length: LENGTH, batch: 1 }), toArray()),
    );
    expect(got.map(({ window }) => [[...window.input.data], [...window.target.data]])).toEqual([
      [
        [0, 1, 2, 3],
        [1, 2, 3, 4],
      ],
      [
        [4, 5, 6, 7],
        [5, 6, 7, 8],
      ],
    ]);
  });
});

const make = onIds['an LSTM'] as () => Model;
const looking = onIds['one that looks at numbers, and so is not the same at each step'] as () => Model;

describe('keyedTbptt comes to the same, bit for bit', () => {
  const ways: readonly { readonly how: string; readonly options: Partial<Options>; readonly threads?: number }[] = [
    { how: 'on the learner', options: { thread: 'learner' } },
    { how: 'in slices', options: { slice: 0 } },
    { how: 'on one thread', options: {}, threads: 1 },
    {
      how: 'on the learner, with little room to wait',
      options: { thread: 'learner', waiting: { capacity: 2, policy: 'block' } },
    },
  ];

  it.each(ways)('$how', async ({ options, threads = 2 }) => {
    const events = uneven(160, 3);
    const once = await learnt(make(), events);
    expect(new Set(once.keys).size).toBeGreaterThan(5);
    configure({ threads });
    const source = fromAsync(async function* () {
      yield* events;
    });
    expect(await learnt(make(), source, options)).toEqual(once);
  });

  it.each([
    ['at once', undefined, 3, {}],
    ['later', soon, 3, {}],
    ['later, to a few more', soon, 5, {}],
    ['later, on the learner', soon, 4, { thread: 'learner' }],
    ['now at once, now later', moody(), 4, { slice: 0 }],
  ] as const)('where carries and steps go to the store, %s, and come back', async (_, later, maxKeys, options) => {
    for (const of of [make, looking]) {
      const events = uneven(160, 5);
      const { store, kept, puts } = memory(later);
      const source = fromAsync(async function* () {
        yield* events;
      });
      const away = await learnt(of(), source, { maxKeys, store, ...options });
      expect(away).toEqual(await learnt(of(), events, { partial: 'drop' }));
      expect(puts()).toBeGreaterThan(20);
      expect(kept.size).toBe(9);
    }
  });

  it('where a stream ends and another over the same store goes on', async () => {
    const events = uneven(160, 7);
    const whole = await learnt(make(), events, { partial: 'drop', batch: 1 });
    const model = make();
    const { store } = memory();
    const options = { ...learning(), batch: 1, length: LENGTH, store };
    const first = await lastValueFrom(
      from(events.slice(0, 70)).pipe(
        keyedTbptt(model, options),
        map((step) => ({ ...facts(step), state: step.state() })),
        toArray(),
      ),
    );
    const { steps, weights } = await learnt(model, events.slice(70), { ...options, state: first.at(-1)?.state });
    expect([...first.map(({ state, ...rest }) => rest), ...steps]).toEqual(whole.steps);
    expect(weights).toEqual(whole.weights);
  });

  const cuts: readonly (readonly [string, Partial<Options>])[] = [
    ['at once', {}],
    ['on the learner', { thread: 'learner' }],
    ['with targets left out and the rest dropped', { partial: 'drop', batch: 2 }],
  ];

  it.each(cuts)('where it is stopped after any step and goes on from its snapshot, %s', async (_, options) => {
    const events = uneven(100, 11);
    const all = { ...learning(), length: LENGTH, batch: 3, ...options };
    const whole = await learnt(make(), events, all);
    const model = make();
    let own: KeyedLearning<unknown, string> | undefined;
    const taken = await lastValueFrom(
      from(events).pipe(
        keyedTbptt(model, { ...all, carries: { next: (given) => (own = given) } }),
        map(() => ({ text: JSON.stringify(own?.snapshot()), weights: structuredClone(weightsOf(model.params)) })),
        toArray(),
      ),
    );
    for (const at of [1, 2, 5, taken.length - 1]) {
      const { text, weights: then } = taken[at - 1] as (typeof taken)[number];
      const again = make();
      loadWeights(again.params, then);
      const kept = JSON.parse(text) as KeyedTraining<unknown, string>;
      const { steps, keys, weights } = await learnt(again, events.slice(kept.values), { ...all, from: kept });
      expect(steps).toEqual(whole.steps.slice(at));
      expect(keys).toEqual(whole.keys.slice(at));
      expect(weights).toEqual(whole.weights);
    }
  });

  it('where it is stopped in the midst of an update', async () => {
    const events = uneven(100, 13);
    const whole = await learnt(make(), events);
    const model = make();
    let own: KeyedLearning<unknown, string> | undefined;
    let done = 0;
    const carries = { next: (given: KeyedLearning<unknown, string>) => (own = given) };
    const running = concat(from(events), NEVER)
      .pipe(keyedTbptt(model, { ...learning(), length: LENGTH, batch: 3, slice: 0, carries }))
      .subscribe(() => (done += 1));
    while (done < 3) await soon(0);
    // Some pieces of the fourth.
    for (let k = 0; k < 3; k += 1) await soon(0);
    const kept = JSON.parse(JSON.stringify(own?.snapshot()));
    running.unsubscribe();
    expect(done).toBe(3);
    const { steps, weights } = await learnt(model, events.slice(kept.values), { from: kept });
    expect(steps).toEqual(whole.steps.slice(3));
    expect(weights).toEqual(whole.weights);
  });
});

describe('keyed on a model that keyedTbptt learns', () => {
  it.each(['caller', 'learner'] as const)('sees whole updates only: %s', async (thread) => {
    const model = make();
    const events = uneven(120, 17);
    const byVersion = new Map<number, ReturnType<typeof weightsOf>>();
    const note = (version: number) => byVersion.set(version, structuredClone(weightsOf(model.params)));
    const spoken = new Subject<Event<Ids>>();
    const heard: { readonly value: Tensor; readonly input: Event<Ids>; readonly version: number }[] = [];
    spoken.pipe(keyed(model, { maxBatch: 2 })).subscribe((answer) => {
      heard.push(answer);
      if (!byVersion.has(answer.version)) note(answer.version);
    });
    spoken.next({ key: 'first', value: ids([1, 1], [1]) });
    await soon(0);
    let over = false;
    const done = lastValueFrom(
      from(events).pipe(keyedTbptt(model, { ...learning(), length: LENGTH, batch: 3, thread, slice: 0 }), toArray()),
    ).finally(() => (over = true));
    for (let k = 0; !over; k += 1) {
      // A key of its own each time, so that its carry is of these weights alone.
      spoken.next({ key: `s${k}`, value: ids([1, 1], [k % SYMBOLS]) });
      await soon(0);
    }
    const versions = (await done).map(({ version }) => version);
    const known = [heard[0]?.version, ...versions];
    expect(new Set(heard.map(({ version }) => version)).size).toBeGreaterThan(2);
    const copy = make();
    for (const { value, input, version } of heard) {
      expect(known).toContain(version);
      loadWeights(copy.params, byVersion.get(version) as ReturnType<typeof weightsOf>);
      expect(value).toEqual(evaluate(copy, copy.initial(1), input.value as Ids)[0]);
    }
  });
});
