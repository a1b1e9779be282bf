import { concat, EMPTY, from, last, lastValueFrom, map, of, Subject, take, throwError, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { lstm } from '../../src/cells/lstm.js';
import { OxbowError } from '../../src/errors.js';
import { weightsOf } from '../../src/formats/weights.js';
import { configure } from '../../src/kernels/machine.js';
import { dense } from '../../src/layers/dense.js';
import { dropout } from '../../src/layers/dropout.js';
import { embedding } from '../../src/layers/embedding.js';
import { parametersOf } from '../../src/parameters/parameter.js';
import { stack } from '../../src/stack.js';
import {
  type DynamicEvaluationOptions,
  type DynamicEvaluationSnapshot,
  type DynamicStep,
  dynamicEvaluation,
  gradientSquares,
} from '../../src/streams/dynamic-evaluation.js';
import { sliceSteps } from '../../src/streams/steps.js';
import { surprisal } from '../../src/streams/surprisal.js';
import { windows } from '../../src/streams/windows.js';
import { type Ids, ids, type Tensor } from '../../src/tensor.js';
import { crossEntropy } from '../../src/training/losses/cross-entropy.js';
import { sgd } from '../../src/training/optimizers/sgd.js';
import { trainer } from '../../src/training/trainer.js';

const V = 5;
const model = () =>
  stack({ embed: embedding(V, 4), rnn: lstm(4, 6), drop: dropout(0.5), head: dense(6, V) }, { seed: 3 });
type Model = ReturnType<typeof model>;
type Carry = ReturnType<Model['initial']>;

const text = (steps: number, lanes = 2): Ids =>
  ids(
    [steps, lanes],
    Int32Array.from({ length: steps * lanes }, (_, k) => (k * k + (k >> 2)) % V),
  );

const cutUp = (all: Ids, ...lengths: readonly number[]): Ids[] => {
  let at = 0;
  return lengths.map((length) => {
    at += length;
    return sliceSteps(all, at - length, Math.min(at, all.shape[0] as number));
  });
};

const run = (net: Model, signals: readonly Ids[], options: Partial<DynamicEvaluationOptions<Carry>> = {}) =>
  lastValueFrom(
    from(signals).pipe(dynamicEvaluation(net, { learningRate: 0.5, decay: 0.1, length: 4, ...options }), toArray()),
  );
const bits = (steps: readonly DynamicStep<Carry>[]) => steps.flatMap(({ surprisal: { data } }) => [...data]);
const numbers = (weights: Readonly<Record<string, Tensor>>) => Object.values(weights).flatMap(({ data }) => [...data]);
const meanSquares = (net: Model, signal: Ids) =>
  lastValueFrom(of(signal).pipe(windows({ length: 4 }), gradientSquares(net)));

/** The gradient at given weights: what a step of plain SGD with a rate of 1 takes from them. */
function gradientAt(
  weights: Readonly<Record<string, readonly number[]>>,
  window: { input: Ids; target: Ids },
  carry: Carry,
) {
  const net = stack({ embed: embedding(V, 4), rnn: lstm(4, 6), drop: dropout(0), head: dense(6, V) }, { seed: 3 });
  for (const [path, parameter] of parametersOf(net.params)) parameter.assign(weights[path] as readonly number[]);
  const before = weightsOf(net.params);
  const learned = trainer(net, { loss: crossEntropy(), optimizer: sgd(1) }).learn({ ...window, carry });
  const after = weightsOf(net.params);
  const gradients = Object.fromEntries(
    Object.entries(before).map(([path, { data }]) => [
      path,
      Array.from(data, (value, k) => value - (after[path]?.data[k] as number)),
    ]),
  );
  return { gradients, carry: learned.finalCarry as Carry };
}

describe('dynamicEvaluation', () => {
  it('gives with a rate of 0 what surprisal gives, bit for bit', async () => {
    const net = model();
    const all = text(23);
    const fixed = await lastValueFrom(of(all).pipe(surprisal(net)));
    for (const squares of [undefined, await meanSquares(net, all)]) {
      const steps = await run(net, [all], { learningRate: 0, decay: 0.3, squares });
      expect(bits(steps)).toEqual([...fixed.data.subarray(2)]);
    }
  });

  it.each([
    ['the rule', false, 0.1],
    ['the rule that comes back at once', false, 1],
    ['the rule with squares', true, 0.1],
    ['the rule with squares and a large decay', true, 0.9],
  ])('moves weights by %s', async (_, scaled, decay) => {
    const net = model();
    const all = text(13);
    const squares = scaled ? await meanSquares(net, text(40)) : undefined;
    const [rate, epsilon] = [scaled ? 0.01 : 0.5, 1e-4];
    const trained = Object.fromEntries(
      Object.entries(weightsOf(net.params)).map(([path, { data }]) => [path, [...data]]),
    );
    const root =
      squares &&
      Object.fromEntries(Object.entries(squares).map(([path, { data }]) => [path, Array.from(data, Math.sqrt)]));
    const every = Object.values(root ?? {}).flat();
    const mean = every.reduce((sum, value) => sum + value, 0) / every.length;
    let weights = trained;
    let carry = net.initial(2);
    const seen: Readonly<Record<string, Tensor>>[] = [];
    await from([all])
      .pipe(dynamicEvaluation(net, { learningRate: rate, decay, length: 4, squares, epsilon }))
      .forEach((step) => {
        seen.push(step.snapshot().weights);
        const found = gradientAt(weights, step.window, carry);
        carry = found.carry;
        weights = Object.fromEntries(
          Object.entries(weights).map(([path, own]) => [
            path,
            own.map((value, k) => {
              const g = found.gradients[path]?.[k] as number;
              const back = (trained[path]?.[k] as number) - value;
              const r = root?.[path]?.[k];
              if (r === undefined) return value - rate * g + decay * back;
              return value - (rate * g) / (r + epsilon) + Math.min((decay * r) / mean, 1) * back;
            }),
          ]),
        );
        const own = step.snapshot().weights;
        for (const [path, expected] of Object.entries(weights)) {
          expected.forEach((value, k) => void expect(own[path]?.data[k]).toBeCloseTo(value, 4));
        }
      });
    expect(seen).toHaveLength(3);
    expect(numbers(seen[2] as (typeof seen)[0])).not.toEqual(numbers(seen[1] as (typeof seen)[0]));
  });

  it('scores by the weights before each update, so the first window as they were trained', async () => {
    const net = model();
    const all = text(17);
    const steps = await run(net, [all]);
    const fixed = await lastValueFrom(of(all).pipe(surprisal(net)));
    expect([...(steps[0] as DynamicStep<Carry>).surprisal.data]).toEqual([...fixed.data.subarray(2, 10)]);
    expect([...(steps[1] as DynamicStep<Carry>).surprisal.data]).not.toEqual([...fixed.data.subarray(10, 18)]);
    expect(steps.map(({ step }) => step)).toEqual([1, 2, 3, 4]);
  });

  it('learns what repeats', async () => {
    const again = ids(
      [201, 1],
      Int32Array.from({ length: 201 }, (_, k) => [0, 3, 1, 4][k % 4] as number),
    );
    const steps = await run(model(), [again], { decay: 0, learningRate: 1 });
    const mean = (some: readonly DynamicStep<Carry>[]) =>
      bits(some).reduce((sum, each) => sum + each, 0) / bits(some).length;
    expect(mean(steps.slice(-5))).toBeLessThan(0.5 * mean(steps.slice(0, 5)));
  });

  it('leaves no trace of where signals end', async () => {
    const net = model();
    const all = text(23);
    const whole = bits(await run(net, [all]));
    expect(bits(await run(net, cutUp(all, 1, 7, 2, 9, 4)))).toEqual(whole);
    expect(bits(await run(net, cutUp(all, ...new Array(23).fill(1))))).toEqual(whole);
  });

  it('gives the same bits on any number of threads, at once, in slices and by a team of its own', async () => {
    const all = text(23);
    const squares = await meanSquares(model(), all);
    const whole = bits(await run(model(), [all], { squares, learningRate: 0.01 }));
    for (const how of [{ slice: 0 }, { thread: 'learner' as const }]) {
      expect(bits(await run(model(), [all], { squares, learningRate: 0.01, ...how }))).toEqual(whole);
    }
    configure({ threads: 1 });
    try {
      expect(bits(await run(model(), [all], { squares, learningRate: 0.01 }))).toEqual(whole);
    } finally {
      configure({ threads: 2 });
    }
  });

  it.each([[false], [true]])('goes on from a snapshot as if it had never stopped, squares: %s', async (scaled) => {
    const net = model();
    const all = text(25);
    const more = scaled ? { squares: await meanSquares(net, all), learningRate: 0.01 } : {};
    const whole = bits(await run(net, [all], more));
    let snapshot: ReturnType<DynamicStep<Carry>['snapshot']> | undefined;
    const first = await lastValueFrom(
      of(all).pipe(dynamicEvaluation(net, { learningRate: 0.5, decay: 0.1, length: 4, ...more }), take(3), toArray()),
    );
    await of(all)
      .pipe(dynamicEvaluation(net, { learningRate: 0.5, decay: 0.1, length: 4, ...more }), take(3))
      .forEach((step) => {
        snapshot = step.snapshot();
      });
    const kept = JSON.parse(JSON.stringify(snapshot), (_, value) => value);
    for (const from of [snapshot, kept]) {
      const rest = await run(net, [sliceSteps(all, 13, 25)], { ...more, from });
      expect([...bits(first), ...bits(rest)]).toEqual(whole);
      expect(rest[0]?.step).toBe(4);
    }
  });

  it('lets several streams over one model adapt by themselves', async () => {
    const net = model();
    const [one, two] = [text(23), text(23, 3)];
    const [alone, other] = [bits(await run(net, [one])), bits(await run(net, [two]))];
    const seen: [number[], number[]] = [[], []];
    const sources = [new Subject<Ids>(), new Subject<Ids>()] as const;
    sources.forEach((source, k) => {
      source
        .pipe(dynamicEvaluation(net, { learningRate: 0.5, decay: 0.1, length: 4 }))
        .subscribe((step) => seen[k]?.push(...step.surprisal.data));
    });
    const chunks = [cutUp(one, ...new Array(23).fill(1)), cutUp(two, ...new Array(23).fill(1))] as const;
    for (let k = 0; k < 23; k += 1) sources.forEach((source, of) => void source.next(chunks[of]?.[k] as Ids));
    for (const source of sources) source.complete();
    expect(seen).toEqual([alone, other]);
  });

  it('leaves the trained weights as they are: after the end, an error, unsubscription, and a symbol that is none', async () => {
    const net = model();
    const before = numbers(weightsOf(net.params));
    const all = text(23);
    const same = () => expect(numbers(weightsOf(net.params))).toEqual(before);
    await run(net, [all]);
    same();
    const broken = concat(
      of(all),
      throwError(() => new Error('gone')),
    ).pipe(dynamicEvaluation(net, { learningRate: 0.5, length: 4 }));
    await expect(lastValueFrom(broken)).rejects.toThrow('gone');
    same();
    await lastValueFrom(of(all).pipe(dynamicEvaluation(net, { learningRate: 0.5, length: 4, slice: 0 }), take(1)));
    same();
    await lastValueFrom(
      of(all).pipe(dynamicEvaluation(net, { learningRate: 0.5, length: 4, thread: 'learner' }), take(1)),
    );
    same();
    await expect(run(net, [ids([9, 1], [1, 2, 3, 4, 1, V, 1, 2, 3])])).rejects.toThrow(
      /from 0 to 4|5 classes|outside|0 … 4/,
    );
    same();
    await expect(run(net, [all], { learningRate: 1e38 })).rejects.toThrow(/nothing was changed|not finite|loss/);
    same();
  });

  it('refuses a snapshot that is wanted too late, or is of another model', async () => {
    const steps = await run(model(), [text(23)]);
    expect(() => (steps[0] as DynamicStep<Carry>).snapshot()).toThrow(/step 1 is wanted, but step 6/);
    const snapshot = await new Promise<ReturnType<DynamicStep<Carry>['snapshot']>>((resolve) => {
      of(text(9))
        .pipe(dynamicEvaluation(model(), { learningRate: 0.1, length: 4 }), take(1))
        .subscribe((step) => resolve(step.snapshot()));
    });
    const other = { ...snapshot, weights: { none: snapshot.last } };
    const refused = await run(model(), [text(9)], { from: other }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(OxbowError);
    expect(refused).toMatchObject({ _tag: 'WeightsMismatch' });
  });

  it.each<'caller' | 'learner'>(['caller', 'learner'])(
    'refuses a snapshot after the end of the stream: %s',
    async (thread) => {
      const steps = await run(model(), [text(23)], { thread });
      expect(() => (steps.at(-1) as DynamicStep<Carry>).snapshot()).toThrow(
        /^dynamicEvaluation: the snapshot after step 6 is wanted, but the stream has ended/,
      );
    },
  );

  it.each([undefined, null, 7, 'what'])('refuses to go on from a snapshot of which a part is %o', async (wrong) => {
    const [snapshot] = await lastValueFrom(
      of(text(9)).pipe(
        dynamicEvaluation(model(), { learningRate: 0.1, length: 4 }),
        map((step) => step.snapshot()),
        toArray(),
      ),
    );
    for (const part of ['weights', 'state', 'carry', 'last']) {
      const from = { ...snapshot, [part]: wrong } as DynamicEvaluationSnapshot<Carry>;
      expect(() => dynamicEvaluation(model(), { learningRate: 0.1, from })).toThrow(
        new RegExp(`^dynamicEvaluation: takes a stream to go on from with its ${part}, but got .+; give what snapshot`),
      );
    }
  });

  it('scores a text of which nothing is left to learn, whose squares are all 0', async () => {
    const net = stack({ embed: embedding(1, 4), head: dense(4, 1) }, { seed: 3 });
    const one = ids([9, 1], new Int32Array(9));
    const squares = await lastValueFrom(of(one).pipe(windows({ length: 4 }), gradientSquares(net)));
    const steps = await lastValueFrom(
      of(one).pipe(dynamicEvaluation(net, { learningRate: 0.1, decay: 0.5, length: 4, squares }), toArray()),
    );
    expect(steps.flatMap(({ surprisal: { data } }) => [...data])).toEqual(new Array(8).fill(0));
  });

  it.each<[object, RegExp]>([
    [{ learningRate: -1 }, /learningRate/],
    [{ learningRate: 1, decay: 2 }, /decay is a share of the way back, from 0 to 1, not 2/],
    [{ learningRate: 1, length: 0 }, /length/],
    [{ learningRate: 1, squares: {} }, /squares have no tensor \[5, 4\] for embed\.table|squares have no tensor/],
    [{ learningRate: 1, epsilon: 0, squares: undefined, more: 1 }, /more/],
  ])('refuses %o', (options, says) => {
    expect(() => dynamicEvaluation(model(), options as DynamicEvaluationOptions<Carry>)).toThrow(says);
  });
});

describe('gradientSquares', () => {
  it('are means over windows, with the carry running on', async () => {
    const net = model();
    const found = await meanSquares(net, text(13));
    const trained = Object.fromEntries(
      Object.entries(weightsOf(net.params)).map(([path, { data }]) => [path, [...data]]),
    );
    const sums: Record<string, number[]> = {};
    let carry = net.initial(2);
    const cut = await lastValueFrom(of(text(13)).pipe(windows({ length: 4 }), toArray()));
    for (const window of cut) {
      const at = gradientAt(trained, window, carry);
      carry = at.carry;
      for (const [path, own] of Object.entries(at.gradients)) {
        own.forEach((g, k) => {
          sums[path] ??= own.map(() => 0);
          (sums[path] as number[])[k] = ((sums[path] as number[])[k] as number) + (g * g) / cut.length;
        });
      }
    }
    for (const [path, expected] of Object.entries(sums)) {
      expected.forEach((value, k) => void expect(found[path]?.data[k]).toBeCloseTo(value, 6));
    }
    expect(numbers(weightsOf(net.params))).toEqual(Object.values(trained).flat());
  });

  it('is an error where there is no window', async () => {
    await expect(lastValueFrom(EMPTY.pipe(gradientSquares(model()), last()))).rejects.toThrow(/no elements/);
  });
});
