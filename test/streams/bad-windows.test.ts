import {
  type BadWindow,
  type BadWindowError,
  type BadWindowOptions,
  crossEntropy,
  dense,
  dropout,
  embedding,
  fromAsync,
  gru,
  type Layer,
  liveLanes,
  lstm,
  OxbowError,
  parametersOf,
  positioned,
  type SignalWindow,
  sgd,
  simpleRnn,
  squaredError,
  stack,
  stacked,
  type TbpttOptions,
  type TbpttStep,
  type Tensor,
  tbptt,
  tensor,
} from 'oxbow';
import { concat, from, lastValueFrom, map, type Observable, tap, throwError, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { generator } from '../../src/random.js';
import { ids } from '../../src/tensor.js';
import { adam } from '../../src/training/optimizers/adam.js';
import { everyOptimizer } from '../training/every-optimizer.js';

type Window = SignalWindow<Tensor>;
type Model = Layer<unknown, Tensor, Tensor>;
type Options = TbpttOptions<unknown>;

const [T, B] = [3, 2];
const random = generator(5);
const numbers = (count: number) => Float32Array.from({ length: count }, () => 2 * random.uniform() - 1);
const signal = (data: Float32Array, steps = T, lanes = B, features = 2) => tensor([steps, lanes, features], data);
const windowOf = (steps = T, lanes = B, features = 2): Window => ({
  input: signal(numbers(steps * lanes * features), steps, lanes, features),
  target: signal(numbers(steps * lanes * 2), steps, lanes),
});
const good = Array.from({ length: 9 }, () => windowOf());
const changed = (part: 'input' | 'target', value: number): Window => {
  const window = windowOf();
  // Step 1 of lane 0, its second number.
  window[part].data[5] = value;
  return window;
};

const features = (cell: Layer<never, Tensor, Tensor> = lstm(2, 4) as never): Model =>
  stack({ rnn: cell, head: dense(4, 2) }, { seed: 2 }) as Model;
const weights = (model: Model) => parametersOf(model.params).map(([path, { data }]) => [path, Array.from(data)]);
const learning = (): Options => ({ loss: squaredError(), optimizer: adam(0.02), clipNorm: 1 });
const run = (model: Model, windows: readonly Window[], more: Partial<Options> = {}) =>
  lastValueFrom(from(windows).pipe(tbptt(model, { ...learning(), ...more }), toArray()));
const factsOf = (steps: readonly TbpttStep<unknown, unknown>[]) =>
  steps.map(({ step, loss, gradientNorm, tokens }) => ({ step, loss, gradientNorm, tokens }));

/** An observer, and what it has heard. */
function ear() {
  const heard: BadWindow[] = [];
  return { heard, bad: { next: (window: BadWindow) => void heard.push(window) } };
}

async function errorOf(ends: Promise<unknown>): Promise<unknown> {
  return ends.then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** Windows that are the matter, with a word for it. */
const kinds: readonly (readonly [name: string, bad: Window, reason: BadWindow['reason'], says: RegExp])[] = [
  [
    'NaN among features',
    changed('input', Number.NaN),
    'data',
    /the input of .* has NaN at step \d of lane 0, element 1 of/,
  ],
  ['an infinite feature', changed('input', Number.POSITIVE_INFINITY), 'data', /the input of .* has Infinity/],
  ['NaN among targets', changed('target', Number.NaN), 'data', /the target of .* has NaN/],
  ['a loss beyond float32', changed('target', 3e38), 'loss', /the loss of .* is Infinity/],
  ['other features', windowOf(T, B, 3), 'misfit', /3/],
  ['other lanes', windowOf(T, 3), 'misfit', /lanes/],
  ['more steps than gradients flow back', windowOf(T + 3), 'misfit', /k2/],
  ['fewer targets than lanes', { ...windowOf(), target: windowOf(T, 1).target }, 'misfit', /same lanes/],
  [
    'numbers that are no signal',
    { ...windowOf(), input: { ...windowOf().input, shape: [T, B] } },
    'misfit',
    /\[3, 2\]/,
  ],
];
const isAlone = { k2: T + 2 };

describe('a window that cannot be learnt from', () => {
  it.each(kinds)('is left out, %s: all is as if it had not come', async (_, bad, reason, says) => {
    const { heard, bad: observer } = ear();
    const [with_, without] = [features(), features()];
    const stream = [...good.slice(0, 4), bad, ...good.slice(4, 6), bad, good[6] as Window];
    const steps = await run(with_, stream, { ...isAlone, badWindow: 'skip', bad: observer });
    const expected = await run(without, good.slice(0, 7), isAlone);
    expect(factsOf(steps)).toEqual(factsOf(expected));
    expect(weights(with_)).toEqual(weights(without));
    expect(heard.map(({ window, reason, done, step }) => ({ window, reason, done, step }))).toEqual([
      { window: 5, reason, done: 'skipped', step: 4 },
      { window: 8, reason, done: 'skipped', step: 6 },
    ]);
    expect(heard[0]?.error.message).toMatch(says);
    expect(steps.map(({ bad }) => bad.skipped)).toEqual([0, 0, 0, 0, 1, 1, 2]);
    expect(steps.at(-1)?.bad).toEqual({ skipped: 2, rolledBack: 0 });
  });

  it.each(kinds)('ends the stream by an error that has what the run goes on from: %s', async (_, bad, reason, says) => {
    const [model, whole] = [features(), features()];
    const stream$ = from([...good.slice(0, 4), bad, ...good]).pipe(positioned((_, index) => ({ index: index + 1 })));
    const error = await errorOf(lastValueFrom(stream$.pipe(tbptt(model, { ...learning(), ...isAlone }))));
    expect(error).toBeInstanceOf(OxbowError);
    const { _tag, window, position, reason: why, message, snapshot } = error as BadWindowError;
    expect({ _tag, window, position, why }).toEqual({
      _tag: 'BadWindow',
      window: 5,
      position: { index: 5 },
      why: reason,
    });
    expect(message).toMatch(/^tbptt: window 5 cannot be learnt from: /);
    expect(message).toMatch(says);
    const rest = await run(model, good.slice(4), { ...isAlone, from: snapshot as never });
    const expected = await run(whole, good, isAlone);
    expect(factsOf(rest)).toEqual(factsOf(expected).slice(4));
    expect(weights(model)).toEqual(weights(whole));
  });

  const cells: Readonly<Record<string, () => Layer<never, Tensor, Tensor>>> = {
    simpleRnn: () => simpleRnn(2, 4) as never,
    lstm: () => lstm(2, 4) as never,
    gru: () => gru(2, 4) as never,
    'stacked, dropout': () => stack({ first: stacked([gru(2, 4), gru(4, 4)]), drop: dropout(0.4) }) as never,
  };
  const ways: Readonly<Record<string, Partial<Options>>> = {
    'at once': {},
    'in slices': { slice: 0 },
    'by the learner': { thread: 'learner' },
  };
  const rows = [
    ...Object.keys(cells).flatMap((cell) => Object.keys(ways).map((way) => [cell, 'adam', way, undefined] as const)),
    ...Object.keys(everyOptimizer).map((name) => ['lstm', name, 'at once', undefined] as const),
    ...['adam, lazy', 'vsgd', 'one in Ops'].map((name) => ['gru', name, 'by the learner', 2 * T] as const),
    ...Object.keys(ways).map((way) => ['stacked, dropout', 'momentum', way, T + 1] as const),
  ];

  it.each(rows)('leaves no trace: %s, %s, %s, k2 %s', async (cell, optimizer, way, k2) => {
    const make = () => features(cells[cell]?.());
    const options = () => ({ ...ways[way], ...(k2 && { k2 }), optimizer: everyOptimizer[optimizer]?.() as never });
    const [with_, without] = [make(), make()];
    const bads = kinds
      .filter(([, { input }, reason]) => reason !== 'misfit' || input.shape[0] === T)
      .map(([, bad]) => bad);
    const stream = good
      .slice(0, 6)
      .flatMap((window, k) => (k === 0 ? [window] : [bads[k % bads.length] as Window, window]));
    const steps = await run(with_, stream, { ...options(), badWindow: 'skip', bad: ear().bad });
    expect(factsOf(steps)).toEqual(factsOf(await run(without, good.slice(0, 6), options())));
    expect(weights(with_)).toEqual(weights(without));
    expect(steps.at(-1)?.bad.skipped).toBe(5);
  });

  it('is one whose ids are beyond the model', async () => {
    const make = () => stack({ embed: embedding(5, 3), rnn: lstm(3, 4), head: dense(4, 5) }, { seed: 1 });
    const text = (...all: number[]) => ids([all.length / 2, 2], Int32Array.from(all));
    const fine = [0, 1, 2, 3].map((k) => ({ input: text(k, 1, 2, k), target: text(1, k, k, 4) }));
    const labels = { input: text(0, 1, 2, 3), target: text(0, 1, 5, 3) };
    const symbols = { input: text(0, 1, -2, 3), target: text(0, 1, 2, 3) };
    const [with_, without] = [make(), make()];
    const options = { loss: crossEntropy(), optimizer: adam(0.1) };
    const { heard, bad } = ear();
    const run$ = from([fine[0], labels, fine[1], symbols, fine[2], fine[3]] as typeof fine);
    const steps = await lastValueFrom(run$.pipe(tbptt(with_, { ...options, badWindow: 'skip', bad }), toArray()));
    const expected = await lastValueFrom(from(fine).pipe(tbptt(without, options), toArray()));
    expect(factsOf(steps)).toEqual(factsOf(expected));
    expect(heard.map(({ window, reason }) => [window, reason])).toEqual([
      [2, 'misfit'],
      [4, 'misfit'],
    ]);
  });

  it('hands its lanes that begin afresh to the next one', async () => {
    const [with_, without] = [features(), features()];
    const reset = [false, true];
    const bad = { ...(kinds[0]?.[1] as Window), reset };
    await run(with_, [...good.slice(0, 2), bad, ...good.slice(2, 4)], { badWindow: 'skip', bad: ear().bad });
    await run(without, [...good.slice(0, 2), { ...(good[2] as Window), reset }, good[3] as Window]);
    expect(weights(with_)).toEqual(weights(without));
  });

  it.each(['stop', 'skip', 'rollback'] as const)(
    'is a fault of the pipeline where nothing has fitted before: %s',
    async (badWindow) => {
      const { heard, bad } = ear();
      const nan = changed('input', Number.NaN);
      const error = await errorOf(run(features(), [windowOf(T, B, 3)], { badWindow, bad }));
      expect(error).not.toBeInstanceOf(OxbowError);
      expect(String(error)).toContain('3');
      if (badWindow === 'stop') return;
      const second = await errorOf(run(features(), [nan, windowOf(T, B, 3)], { badWindow, bad }));
      expect(second).not.toBeInstanceOf(OxbowError);
      expect(heard.map(({ window }) => window)).toEqual([1]);
    },
  );

  it('is no excuse for code that fails, nor for a source that does', async () => {
    const oops = () => {
      throw new TypeError("Cannot read properties of undefined (reading 'shape')");
    };
    let calls = 0;
    const base = squaredError();
    const loss: Options['loss'] = (...args) => (++calls === 3 ? oops() : base(...args));
    const failing = run(features(), good, { badWindow: 'skip', loss });
    await expect(failing).rejects.toThrow('Cannot read');
    const ended$ = concat(
      from(good.slice(0, 2)),
      throwError(() => new RangeError('disk: it is full.')),
    );
    const source = lastValueFrom(ended$.pipe(tbptt(features(), { ...learning(), badWindow: 'skip' })));
    await expect(source).rejects.toThrow('disk: it is full.');
  });

  it('is not skipped for ever where it is not the windows that are wrong', async () => {
    const model = features();
    const poisoned$ = from(good).pipe(
      tap((window) => {
        if (window === good[3]) parametersOf(model.params)[0]?.[1].assign(new Float32Array(32).fill(Number.NaN));
      }),
    );
    const error = await errorOf(lastValueFrom(poisoned$.pipe(tbptt(model, { ...learning(), badWindow: 'skip' }))));
    expect(error).toMatchObject({ _tag: 'BadWindow', window: 4, reason: 'start' });
    const far = Array.from({ length: 150 }, () => changed('target', 3e38));
    const { heard, bad } = ear();
    const tooMany = await errorOf(run(features(), [...good, ...far], { badWindow: 'skip', bad }));
    expect(tooMany).toMatchObject({ _tag: 'BadWindow', window: good.length + 101, reason: 'loss' });
    expect(heard).toHaveLength(100);
  });
});

describe('going back', () => {
  const back = (more: Partial<BadWindowOptions> = {}) =>
    ({ badWindow: 'rollback', rollback: { every: 3 }, ...more }) as const;

  it.each([
    ['at once', {}],
    ['in slices', { slice: 0 }],
    ['by the learner', { thread: 'learner' }],
    ['k2 > k1', { k2: T + 2 }],
    ['k2 > k1, by the learner', { k2: 2 * T, thread: 'learner' }],
    ['vsgd', { optimizer: everyOptimizer.vsgd?.() }],
    ['lazy', { optimizer: everyOptimizer['adam, lazy']?.() }],
    ['in Ops', { optimizer: everyOptimizer['one in Ops']?.() }],
  ] as readonly [string, Partial<Options>][])(
    'is to go on from the copy with the windows after the bad one: %s',
    async (_, how) => {
      const make = () => features(stack({ rnn: gru(2, 4), drop: dropout(0.3) }) as never);
      const far = changed('target', 3e38);
      for (const at of [2, 5, 7]) {
        const { heard, bad } = ear();
        const [model, reference] = [make(), make()];
        const steps = await run(model, [...good.slice(0, at), far, ...good.slice(at)], { ...how, ...back({ bad }) });
        expect(heard).toMatchObject([{ window: at + 1, reason: 'loss', done: 'rolledBack' }]);
        const step = heard[0]?.step as number;
        expect(at - step).toBeLessThanOrEqual(3);
        // One copy is of the weights before the first update.
        const kept =
          step > 0 &&
          (await lastValueFrom(
            from(good.slice(0, step)).pipe(
              tbptt(reference, { ...learning(), ...how }),
              map((each) => each.snapshot()),
            ),
          ));
        const expected = await run(reference, good.slice(at), { ...how, ...(kept && { from: kept }) });
        expect(factsOf(steps.slice(at))).toEqual(factsOf(expected));
        expect(weights(model)).toEqual(weights(reference));
        expect(steps.at(-1)?.bad).toEqual({ skipped: 1, rolledBack: 1 });
      }
    },
  );

  it('leaves out a window whose own data is wrong, and loses nothing by it', async () => {
    const [with_, without] = [features(), features()];
    const { heard, bad } = ear();
    const stream = [...good.slice(0, 5), changed('input', Number.NaN), windowOf(T, B, 3), ...good.slice(5)];
    await run(with_, stream, back({ bad }));
    await run(without, good);
    expect(weights(with_)).toEqual(weights(without));
    expect(heard.map(({ done }) => done)).toEqual(['skipped', 'skipped']);
  });

  it('mends weights that are not finite any more', async () => {
    const [model, reference] = [features(), features()];
    const spoil = () => parametersOf(model.params)[0]?.[1].assign(new Float32Array(32).fill(Number.NaN));
    const stream$ = from(good).pipe(tap((window) => void (window === good[6] && spoil())));
    const { heard, bad } = ear();
    const steps = await lastValueFrom(stream$.pipe(tbptt(model, { ...learning(), ...back({ bad }) }), toArray()));
    expect(heard).toMatchObject([{ window: 7, reason: 'start', done: 'rolledBack', step: 3 }]);
    expect(steps.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 4, 5]);
    const kept = await lastValueFrom(
      from(good.slice(0, 3)).pipe(
        tbptt(reference, learning()),
        map((each) => each.snapshot()),
      ),
    );
    await run(reference, good.slice(7), { from: kept });
    expect(weights(model)).toEqual(weights(reference));
  });

  it.each([1, 4])('ends by an error where it has gone back %i times to the same copy', async (most) => {
    const model = features();
    const { heard, bad } = ear();
    const stream = [...good.slice(0, 4), ...good.flatMap((window) => [changed('target', 3e38), window])];
    const error = await errorOf(run(model, stream, back({ bad, rollback: { every: 1000, most } })));
    expect(error).toMatchObject({ _tag: 'BadWindow', reason: 'loss' });
    expect(heard.map(({ done }) => done)).toEqual(new Array(most).fill('rolledBack'));
    // That copy is what it leaves: the weights before the first update.
    expect(weights(model)).toEqual(weights(features()));
    expect((error as BadWindowError).snapshot).toMatchObject({ state: { step: 0 } });
  });

  it('is what becomes of live lanes, whose places begin afresh as their sources did', async () => {
    const speech = (seed: number): Observable<Tensor> => {
      const own = generator(seed);
      const step = () =>
        tensor(
          [1, 1, 2],
          Float32Array.from({ length: 2 }, () => own.uniform() - 0.5),
        );
      return fromAsync(async function* () {
        for (let k = 0; k < 13; k += 1) yield seed === 2 && k === 9 ? tensor([1, 1, 2], [Number.NaN, 0]) : step();
      });
    };
    const model = features();
    const { heard, bad } = ear();
    const windows$ = liveLanes(from([1, 2, 3, 4].map(speech)), { batch: 2, length: 3 });
    const steps = await lastValueFrom(windows$.pipe(tbptt(model, { ...learning(), bad }), toArray()));
    expect(heard.length).toBeGreaterThan(0);
    expect(heard.every(({ reason, done }) => reason === 'data' && done === 'skipped')).toBe(true);
    expect(steps.at(-1)?.bad.skipped).toBe(heard.length);
  });
});

describe('the options of bad windows', () => {
  it.each([
    [{ badWindow: 'ignore' }, /badWindow/],
    [{ badWindow: 'rollback', rollback: { every: 0 } }, /rollback\.every/],
    [{ badWindow: 'rollback', rollback: { most: 1.5 } }, /rollback\.most/],
    [{ badWindow: 'skip', rollback: { every: 2 } }, /rollback is for badWindow: 'rollback'/],
    [{ bad: () => undefined }, /bad is an observer/],
  ])('are held against what they can be: %j', (wrong, says) => {
    expect(() => tbptt(features(), { ...learning(), ...(wrong as object) })).toThrow(says);
  });

  it('need no observer: the first one that is left out is a process warning', async () => {
    const warned = new Promise<Error>((resolve) => {
      const hear = (warning: Error & { code?: string }) => {
        if (warning.code !== 'OXBOW_BAD_WINDOW') return;
        process.off('warning', hear);
        resolve(warning);
      };
      process.on('warning', hear);
    });
    const nan = changed('input', Number.NaN);
    const [last] = await run(features(), [nan, good[0] as Window], { badWindow: 'skip', optimizer: sgd(0.1) });
    expect(last?.bad).toEqual({ skipped: 1, rolledBack: 0 });
    expect((await warned).message).toMatch(/tbptt: window 1 was left out: .*NaN/);
  });
});
