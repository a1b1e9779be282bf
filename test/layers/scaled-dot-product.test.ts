import { afterAll, describe, expect, it } from 'vitest';
import { tape } from '../../src/backprop/tape.js';
import { tierNames } from '../../src/host/host.js';
import { configure } from '../../src/kernels/machine.js';
import { noCarry } from '../../src/layer.js';
import { selfAttention } from '../../src/layers/attention.js';
import { scaledDotProductAttention } from '../../src/layers/scaled-dot-product.js';
import type { Ops } from '../../src/ops/ops.js';
import { inWindow, toSignal } from '../../src/ops/window.js';
import { type Tensor, tensor } from '../../src/tensor.js';
import { draw, scatterParameters } from '../backprop/differences.js';

const tiers = tierNames.filter((tier) => tier !== 'wide' || Number(process.versions.node.split('.')[0]) >= 24);
const [lanes, features, most] = [2, 12, 41];
const signal = Float32Array.from(draw([most, lanes, features], 'x').data);
const weights = Float32Array.from(draw([most, lanes, features], 'weights').data);

const attention = selfAttention(features, 3, { seed: 1 });
scatterParameters(attention.params);
const alone = scaledDotProductAttention({ heads: 2 });
const narrower = (ops: Ops, x: Tensor): Tensor => ops.split(x, 2, [4, features - 4])[0] as Tensor;
/** A step sees those at most so many steps away; at padding it may see all. */
const pairsOf = (count: number, away: number, real: number) =>
  tensor(
    [count, count],
    Float32Array.from({ length: count * count }, (_, k) => {
      const [t, s] = [Math.floor(k / count), k % count];
      return Number(Math.abs(t - s) <= away || t >= real);
    }),
  );

type Body = (ops: Ops, x: Tensor, mask: Tensor | undefined, real: number) => Tensor;
const bodies: Readonly<Record<string, Body>> = {
  'a mask': (ops, x, mask) => attention.apply(ops, noCarry, { x, mask })[0],
  'a mask and all pairs': (ops, x, mask, real) =>
    attention.apply(ops, noCarry, { x, mask, pairs: pairsOf(x.shape[0] as number, most, real) })[0],
  'a mask and near pairs': (ops, x, mask, real) =>
    attention.apply(ops, noCarry, { x, mask, pairs: pairsOf(x.shape[0] as number, 9, real) })[0],
  'a mask and values of another width': (ops, x, mask) =>
    alone.apply(ops, noCarry, { queries: x, keys: x, values: narrower(ops, x), mask })[0],
};

/** Outputs at the first steps and their gradient towards the input there, the steps after them hidden by a mask. */
function run(body: Body, real: number, count: number) {
  return inWindow((base) => {
    const steps = (numbers: Float32Array, width = features) =>
      Float32Array.from({ length: count * lanes * width }, (_, k) => {
        const [row, column] = [Math.floor(k / width), k % width];
        return numbers[row * features + column] as number;
      });
    const x = tensor([count, lanes, features], steps(signal));
    const isReal = (k: number) => Number(Math.floor(k / lanes) < real);
    const mask = tensor(
      [count, lanes],
      Float32Array.from({ length: count * lanes }, (_, k) => isReal(k)),
    );
    const ops = tape(base, [x]);
    const y = body(ops, x, count === real ? undefined : mask, real);
    const width = y.shape[2] as number;
    const counted = steps(weights, width).map((value, k) => value * isReal(Math.floor(k / width)));
    const loss = ops.sumTo(ops.multiply(y, tensor(y.shape, counted)), []);
    const first = (of: Tensor | undefined) => [...(of?.data ?? [])].slice(0, real * lanes * (of?.shape[2] ?? 0));
    return { y: first(toSignal(y)), gradient: first(toSignal(ops.gradients(loss)[0])) };
  });
}

afterAll(() => void configure({ threads: 2 }));

describe.each(tiers)('keys that are hidden at the end, on the %s tier', (tier) => {
  it.each(Object.keys(bodies))('change no bit of what the others give: %s', (name) => {
    configure({ tier, threads: 2 });
    const body = bodies[name] as Body;
    for (const real of [1, 3, 8, 12, 17, 22, 31, 37]) {
      const own = run(body, real, real);
      expect(own.y.length).toBeGreaterThan(0);
      for (const count of [real + 1, real + 4, most]) {
        expect(run(body, real, count), `${real} of ${count} steps`).toEqual(own);
      }
    }
  });
});
