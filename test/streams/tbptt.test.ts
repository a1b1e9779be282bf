import { concat, from, lastValueFrom, map, NEVER, of, Subject, take, throwError, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { tape } from '../../src/backprop/tape.js';
import type { Layer } from '../../src/layer.js';
import { evaluate } from '../../src/layer.js';
import { reference } from '../../src/ops/reference.js';
import { parametersOf } from '../../src/parameters/parameter.js';
import { lanes } from '../../src/streams/lanes.js';
import { joinSteps, sliceSteps, stepsOf } from '../../src/streams/steps.js';
import { type TbpttOptions, tbptt } from '../../src/streams/tbptt.js';
import type { SymbolWindow } from '../../src/streams/window.js';
import { windows } from '../../src/streams/windows.js';
import { type Ids, ids, type Tensor } from '../../src/tensor.js';
import { crossEntropy } from '../../src/training/losses/cross-entropy.js';
import { adam } from '../../src/training/optimizers/adam.js';
import { sgd } from '../../src/training/optimizers/sgd.js';
import { type TinyCarry, tiny } from './model.js';

const RATE = 0.5;
const options = () => ({ loss: crossEntropy(), optimizer: sgd(RATE) });
const weights = (model: Layer<TinyCarry, Ids, Tensor>) =>
  parametersOf(model.params).flatMap(([, { data }]) => Array.from(data));
const run = (model: Layer<TinyCarry, Ids, Tensor>, cut: SymbolWindow[], more: Partial<TbpttOptions<TinyCarry>> = {}) =>
  lastValueFrom(from(cut).pipe(tbptt(model, { ...options(), ...more }), toArray()));

/** Consecutive windows of the given lengths over a text of two lanes without a pattern. */
function windowsOf(lengths: readonly number[]): SymbolWindow[] {
  const steps = lengths.reduce((sum, length) => sum + length, 1);
  const text = ids(
    [steps, 2],
    Int32Array.from({ length: 2 * steps }, (_, k) => (k * k + (k >> 2)) % 5),
  );
  let at = 0;
  return lengths.map((length) => {
    at += length;
    return { input: sliceSteps(text, at - length, at), target: sliceSteps(text, at - length + 1, at + 1) };
  });
}

/** The definition, in float64: each stretch from k2 steps back, with the carry that the stretches before found there. */
function definition(model: Layer<TinyCarry, Ids, Tensor>, cut: SymbolWindow[], k2: number) {
  const parameters = parametersOf(model.params).map(([, parameter]) => parameter);
  const carries = new Map<number, TinyCarry>([[0, model.initial(2)]]);
  let seen: Ids | undefined;
  return cut.map(({ input, target }) => {
    seen = seen ? joinSteps(seen, input) : input;
    const end = stepsOf(seen);
    const first = Math.max(0, end - k2);
    const ops = tape(reference(), parameters);
    let carry = carries.get(first) as TinyCarry;
    const predictions: Tensor[] = [];
    for (let step = first; step < end; step += 1) {
      const [y, next] = model.apply(ops, carry, sliceSteps(seen, step, step + 1));
      predictions.push(y);
      carry = next;
      carries.set(step + 1, carry);
    }
    const loss = crossEntropy()(ops, ops.concat(predictions.slice(-stepsOf(target)), 0), target);
    const gradients = ops.gradients(loss);
    const squares = gradients.flatMap(({ data }) => Array.from(data, (g) => g * g));
    parameters.forEach((parameter, k) => {
      const gradient = (gradients[k] as Tensor).data;
      parameter.assign(Float64Array.from(parameter.data, (w, j) => w - RATE * (gradient[j] as number)));
    });
    return { loss: loss.data[0] as number, gradientNorm: Math.sqrt(squares.reduce((sum, g) => sum + g, 0)), carry };
  });
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(actual.length).toBe(expected.length);
  for (let k = 0; k < expected.length; k += 1) {
    const wanted = expected[k] as number;
    expect(Math.abs((actual[k] as number) - wanted)).toBeLessThanOrEqual(2e-5 * Math.max(1, Math.abs(wanted)));
  }
}

describe('tbptt', () => {
  for (const [k2, lengths] of [
    [4, [4, 4, 4, 4, 4]],
    [8, [4, 4, 4, 4, 4, 4]],
    [6, [4, 4, 4, 4, 4, 4]],
    [11, [4, 4, 4, 4, 4, 4]],
    [5, [1, 1, 1, 1, 1, 1, 1, 1, 1]],
    [100, [3, 3, 3, 3]],
  ] as const) {
    it(`flows back ${k2} steps from windows of ${lengths[0]}, as defined in float64`, async () => {
      const [model, oracle] = [tiny(5), tiny(5)];
      const steps = await run(model, windowsOf(lengths), { k2 });
      const expected = definition(oracle, windowsOf(lengths), k2);
      expectClose(
        steps.map(({ loss }) => loss),
        expected.map(({ loss }) => loss),
      );
      expectClose(
        steps.map(({ gradientNorm }) => gradientNorm),
        expected.map(({ gradientNorm }) => gradientNorm),
      );
      expectClose(
        steps.flatMap(({ carry }) => [...carry.h.data]),
        expected.flatMap(({ carry }) => [...carry.h.data]),
      );
      expectClose(weights(model), weights(oracle));
    });
  }

  it('has other gradients for another k2', async () => {
    const norms = await Promise.all(
      [4, 6, 8].map(async (k2) => (await run(tiny(5), windowsOf([4, 4, 4]), { k2 })).map((step) => step.gradientNorm)),
    );
    expect(norms[0]?.[0]).toBeCloseTo(norms[1]?.[0] as number, 6);
    expect(norms[0]?.[1]).not.toBeCloseTo(norms[1]?.[1] as number, 4);
    expect(norms[1]?.[1]).not.toBeCloseTo(norms[2]?.[1] as number, 4);
  });

  it('with k2 = k1 is plain windows, bit for bit', async () => {
    const [plain, explicit] = [tiny(5), tiny(5)];
    const lengths = [4, 4, 4, 4];
    const untimed = (steps: Awaited<ReturnType<typeof run>>) =>
      steps.map(({ tokensPerSecond, state, snapshot, ...step }) => step);
    expect(untimed(await run(explicit, windowsOf(lengths), { k2: 4 }))).toEqual(
      untimed(await run(plain, windowsOf(lengths))),
    );
    expect(weights(explicit)).toEqual(weights(plain));
  });

  it('flows back k2 steps from a window of another length too', async () => {
    // Without updates every way to a carry gives the same one, so the gradients must agree wherever they start.
    for (const lengths of [
      [4, 4, 4, 2, 3, 1, 4],
      [2, 4, 1, 4, 4],
    ]) {
      const frozen = { loss: crossEntropy(), optimizer: sgd(0), k2: 6 };
      const steps = await lastValueFrom(from(windowsOf(lengths)).pipe(tbptt(tiny(5), frozen), toArray()));
      let end = 0;
      const text = windowsOf(lengths)
        .map(({ input }) => input)
        .reduce(joinSteps);
      for (const [k, { target }] of windowsOf(lengths).entries()) {
        end += stepsOf(target);
        const model = tiny(5);
        const first = Math.max(0, end - 6);
        const carry = first === 0 ? model.initial(2) : evaluate(model, model.initial(2), sliceSteps(text, 0, first))[1];
        const ops = tape(
          reference(),
          parametersOf(model.params).map(([, parameter]) => parameter),
        );
        const [y] = model.apply(ops, carry, sliceSteps(text, first, end));
        const counted = ops
          .split(
            y,
            0,
            [end - first - stepsOf(target), stepsOf(target)].filter((n) => n > 0),
          )
          .at(-1);
        const gradients = ops.gradients(crossEntropy()(ops, counted as Tensor, target));
        const squares = gradients.flatMap(({ data }) => Array.from(data, (g) => g * g));
        expectClose([steps[k]?.gradientNorm as number], [Math.sqrt(squares.reduce((sum, g) => sum + g, 0))]);
      }
    }
  });

  it('tells the loss before the update, counts, and the window', async () => {
    const cut = windowsOf([4, 4, 2]);
    const model = tiny(5);
    const [logits] = evaluate(model, model.initial(2), (cut[0] as SymbolWindow).input);
    const loss = crossEntropy()(reference(), logits, (cut[0] as SymbolWindow).target).data[0] as number;
    const schedule = (step: number) => 0.1 / (step + 1);
    const steps = await run(model, cut, { optimizer: sgd(schedule) });
    expect(steps[0]?.loss).toBeCloseTo(loss, 5);
    expect(steps.map(({ step }) => step)).toEqual([1, 2, 3]);
    expect(steps.map(({ tokens }) => tokens)).toEqual([8, 16, 20]);
    expect(steps.map(({ learningRate }) => learningRate)).toEqual([0, 1, 2].map(schedule));
    for (const [k, step] of steps.entries()) {
      expect(step.tokensPerSecond).toBeGreaterThan(0);
      expect(step.tokensPerSecond).toBeLessThan(Number.POSITIVE_INFINITY);
      expect(step.window).toBe(cut[k]);
    }
  });

  it('passes on what the source tells beside the window', async () => {
    const corpus = Int32Array.from({ length: 21 }, (_, k) => k % 5);
    const steps$ = lanes(corpus, { batch: 2, length: 5, epochs: 2 }).pipe(
      tbptt(tiny(5), options()),
      map(({ window: { epoch, index, count } }) => [epoch, index, count]),
      toArray(),
    );
    expect(await lastValueFrom(steps$)).toEqual([
      [1, 0, 2],
      [1, 1, 2],
      [2, 0, 2],
      [2, 1, 2],
    ]);
  });

  it('keeps the carry between windows, and starts from one that is given', async () => {
    const cut = windowsOf([4, 4, 4, 4]);
    const [whole, halves] = [tiny(5), tiny(5)];
    const steps = await run(whole, cut);
    const first = await run(halves, cut.slice(0, 2));
    const second = await run(halves, cut.slice(2), { carry: first[1]?.carry as TinyCarry });
    expect([...first, ...second].map(({ loss }) => loss)).toEqual(steps.map(({ loss }) => loss));
    expect(second.at(-1)?.carry).toEqual(steps.at(-1)?.carry);
    expect(weights(halves)).toEqual(weights(whole));
    const forgetful = await run(tiny(5), cut.slice(0, 1).concat(cut.slice(2)));
    expect(forgetful[1]?.loss).not.toBe(steps[2]?.loss);
  });

  it('starts flagged lanes afresh before the window, and forgets the history of all', async () => {
    const [first, second] = windowsOf([4, 4]) as [SymbolWindow, SymbolWindow];
    const frozen = { optimizer: sgd(0) };
    const both = await run(tiny(5), [first, { ...second, reset: [true, true] }], { ...frozen, k2: 8 });
    const alone = await run(tiny(5), [second], frozen);
    expect(both[1]?.gradientNorm).toBe(alone[0]?.gradientNorm);
    expect(both[1]?.carry.h).toEqual(alone[0]?.carry.h);

    const one = await run(tiny(5), [first, { ...second, reset: [true, false] }], { ...frozen, k2: 8 });
    const plain = await run(tiny(5), [first, second], frozen);
    const lane = (carry: TinyCarry | undefined, b: number) => [
      ...(carry as TinyCarry).h.data.subarray(b * 4, b * 4 + 4),
    ];
    expect(lane(one[1]?.carry, 0)).toEqual(lane(alone[0]?.carry, 0));
    expect(lane(one[1]?.carry, 1)).toEqual(lane(plain[1]?.carry, 1));
    expect(lane(one[1]?.carry, 0)).not.toEqual(lane(plain[1]?.carry, 0));
  });

  it('learns: the loss of a text that repeats falls', async () => {
    const text = ids(
      [601, 1],
      Int32Array.from({ length: 601 }, (_, k) => (k * k) % 5),
    );
    const steps$ = of(text).pipe(
      windows({ length: 15 }),
      tbptt(tiny(5, 16), { loss: crossEntropy(), optimizer: adam(0.05), clipNorm: 5 }),
      map(({ loss }) => loss),
      toArray(),
    );
    const losses = await lastValueFrom(steps$);
    expect(losses[0]).toBeGreaterThan(1);
    expect(losses.at(-1)).toBeLessThan(0.1);
  });

  it('gives the same losses for the same seed, and each subscription an optimizer of its own', async () => {
    const cut = windowsOf([4, 4, 4]);
    const fresh = (model: Layer<TinyCarry, Ids, Tensor>) =>
      from(cut).pipe(
        tbptt(model, { loss: crossEntropy(), optimizer: adam(0.01) }),
        map(({ loss, step }) => [loss, step]),
        toArray(),
      );
    const model = tiny(5);
    const before = weights(model);
    const training$ = fresh(model);
    const once = await lastValueFrom(training$);
    expect(await lastValueFrom(fresh(tiny(5)))).toEqual(once);
    for (const [, parameter] of parametersOf(model.params)) parameter.assign(before.splice(0, parameter.data.length));
    expect(await lastValueFrom(training$)).toEqual(once);
  });

  it('stops when unsubscribed, and passes errors on', async () => {
    const cut = windowsOf([4, 4, 4]);
    const model = tiny(5);
    await lastValueFrom(concat(from(cut), NEVER).pipe(tbptt(model, options()), take(1)));
    const once = tiny(5);
    await run(once, cut.slice(0, 1));
    expect(weights(model)).toEqual(weights(once));
    const windows$ = new Subject<SymbolWindow>();
    windows$.pipe(tbptt(model, options())).subscribe().unsubscribe();
    expect(windows$.observed).toBe(false);
    const failing$ = throwError(() => new Error('the source failed')).pipe(tbptt(model, options()));
    await expect(lastValueFrom(failing$)).rejects.toThrow('the source failed');
  });

  it('rejects impossible options, and windows that do not fit', async () => {
    for (const k2 of [0, 1.5, Number.NaN]) expect(() => tbptt(tiny(5), { ...options(), k2 })).toThrow(RangeError);
    await expect(run(tiny(5), windowsOf([4]), { k2: 3 })).rejects.toThrow(/k2 = 3 .* the window has 4.*at least 4/);
    const narrow = { input: ids([1, 1], [0]), target: ids([1, 1], [1]) };
    await expect(run(tiny(5), [...windowsOf([4]), narrow])).rejects.toThrow(/2 became 1/);
  });
});
