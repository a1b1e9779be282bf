import { describe, expect, it } from 'vitest';
import { tape } from '../../src/backprop/tape.js';
import type { Cell } from '../../src/cells/cell.js';
import { unroll } from '../../src/cells/unroll.js';
import { evaluate } from '../../src/layer.js';
import { embedding } from '../../src/layers/embedding.js';
import { customVjp } from '../../src/ops/custom.js';
import type { CustomVjp, Ops } from '../../src/ops/ops.js';
import { reference } from '../../src/ops/reference.js';
import { inWindow, toSignal } from '../../src/ops/window.js';
import { stack } from '../../src/stack.js';
import { stepper } from '../../src/stepper.js';
import { type Ids, ids, type Tensor, tensor, zeros } from '../../src/tensor.js';
import { crossEntropy } from '../../src/training/losses/cross-entropy.js';
import { sgd } from '../../src/training/optimizers/sgd.js';
import { trainer } from '../../src/training/trainer.js';
import { draw, expectGradients } from '../backprop/differences.js';

const swish: CustomVjp = {
  kind: 'swish',
  forward: (ops, x) => ops.multiply(x, ops.logistic(x)),
  backward(ops, gradient, [x], y) {
    const s = ops.logistic(x as Tensor);
    return [ops.multiply(gradient, ops.add(y, ops.multiply(s, ops.affine(y, -1, 1))))];
  },
};
const product: CustomVjp = {
  kind: 'product',
  forward: (ops, a, b) => ops.matmul(a, b),
  backward: (ops, g, [a, b], _, [needsA, needsB]) => [
    needsA ? ops.matmul(g, b as Tensor, { b: true }) : undefined,
    needsB ? ops.matmul(a as Tensor, g, { a: true }) : undefined,
  ],
};
const rows: CustomVjp = {
  kind: 'rows',
  forward: (ops, table, at) => ops.gather(table, at as Ids),
  backward: (ops, g, [table, at]) => [ops.scatterAdd(g, at as Ids, (table as Tensor).shape[0] as number), undefined],
};

const x = draw([3, 2, 4], 'x');
const w = draw([4, 5], 'w');
const table = draw([6, 3], 'table');
const at = ids([2, 2], [5, 0, 5, 2]);

describe('a derivative of one’s own', () => {
  it.each([
    ['of one operand', [x], (ops: Ops) => customVjp(swish)(ops, x)],
    ['of several', [x, w], (ops: Ops) => customVjp(product)(ops, x, w)],
    ['of one of several', [w], (ops: Ops) => customVjp(product)(ops, x, w)],
    ['beside ids', [table], (ops: Ops) => customVjp(rows)(ops, table, at)],
    ['between primitives', [x], (ops: Ops) => ops.tanh(customVjp(swish)(ops, ops.affine(x, 2, 0.1)))],
    [
      'of what is used twice',
      [x],
      (ops: Ops) => {
        const y = customVjp(swish)(ops, x);
        return ops.multiply(y, y);
      },
    ],
  ] as const)('is what gradients are taken by: %s', (_, watched, body) => {
    expectGradients(watched, body);
  });

  it('stands in place of the one that follows from the primitives', () => {
    const reversed = customVjp({ ...swish, backward: (ops, g) => [ops.affine(g, -1, 0)] });
    const ops = tape(reference(), [x]);
    const [gradient] = ops.gradients(ops.sumTo(reversed(ops, x), []));
    expect(new Set(gradient?.data)).toEqual(new Set([-1]));
  });

  it('gives on the kernels what the oracle gives, forwards and backwards', () => {
    const y = customVjp(swish)(reference(), x);
    const [got, gradient] = inWindow((eager) => {
      const ops = tape(eager, [x]);
      const result = customVjp(swish)(ops, x);
      return toSignal([result, ops.gradients(ops.sumTo(result, []))[0] as Tensor] as const);
    });
    const exact = tape(reference(), [x]);
    const [slope] = exact.gradients(exact.sumTo(customVjp(swish)(exact, x), []));
    y.data.forEach((value, k) => {
      expect(got.data[k]).toBeCloseTo(value, 5);
      expect(gradient.data[k]).toBeCloseTo(slope?.data[k] as number, 5);
    });
  });

  it('refuses a gradient of another shape, by name', () => {
    const wrong = customVjp({ ...swish, backward: (ops) => [ops.fill([2], 1)] });
    const ops = tape(reference(), [x]);
    expect(() => ops.gradients(ops.sumTo(wrong(ops, x), []))).toThrow(
      "swish: backward gave a gradient [2] for operand 0, which is [3, 2, 4]; a gradient has its operand's shape.",
    );
  });
});

describe('in a model', () => {
  const cell: Cell<{ h: Tensor }> = {
    kind: 'swishing',
    inputs: 3,
    units: 3,
    params: {},
    initial: (batch) => ({ h: zeros([batch, 3]) }),
    step(ops, { h }, step) {
      const next = customVjp(swish)(ops, ops.add(ops.affine(h, 0.5, 0), step));
      return [next, { h: next }];
    },
  };

  it('learns, and says step by step what it says of a window', () => {
    const model = stack({ embed: embedding(3, 3), rnn: unroll(cell) }, { seed: 1 });
    const { learn } = trainer(model, { loss: crossEntropy(), optimizer: sgd(1) });
    const input = ids([4, 2], [0, 1, 2, 0, 1, 2, 0, 1]);
    const losses = Array.from({ length: 20 }, () => learn({ carry: model.initial(2), input, target: input }).loss);
    expect(losses.at(-1)).toBeLessThan((losses[0] as number) / 2);
    const [whole] = evaluate(model, model.initial(2), input);
    const { step } = stepper(model);
    const steps = [0, 1, 2, 3].flatMap((t) => [...step(ids([1, 2], input.data.slice(2 * t, 2 * t + 2))).data]);
    expect(steps).toEqual([...whole.data]);
  });

  it('checks ids that its own primitives look up at every step', () => {
    const weights = tensor([3, 2], [1, 2, 3, 4, 5, 6]);
    const { step } = stepper({
      kind: 'rows',
      params: {},
      initial: () => ({}),
      apply: (ops: Ops, carry: object, symbols: Ids) => [customVjp(rows)(ops, weights, symbols), carry],
    });
    for (let k = 0; k < 4; k += 1) step(ids([1, 1], [k % 3]));
    expect(() => step(ids([1, 1], [3]))).toThrow('outside 0 … 2');
  });
});
