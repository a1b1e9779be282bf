import { describe, expect, it } from 'vitest';
import { tape } from '../../src/backprop/tape.js';
import type { Ops } from '../../src/ops/ops.js';
import { reference } from '../../src/ops/reference.js';
import { ids, type Tensor, tensor } from '../../src/tensor.js';

const vector = (...numbers: readonly number[]) => tensor([numbers.length], Float64Array.from(numbers));

/** Reference ops that count their calls by name. */
function counting(): { readonly ops: Ops; readonly calls: Map<string, number> } {
  const calls = new Map<string, number>();
  const ops = Object.fromEntries(
    Object.entries(reference()).map(([name, value]) => [
      name,
      typeof value !== 'function'
        ? value
        : (...args: readonly unknown[]) => {
            calls.set(name, (calls.get(name) ?? 0) + 1);
            return (value as (...args: readonly unknown[]) => unknown)(...args);
          },
    ]),
  ) as unknown as Ops;
  return { ops, calls };
}

describe('tape', () => {
  it('computes what its base computes', () => {
    const x = vector(1, 2);
    const ops = tape(reference(), [x]);
    expect(ops.exp(x)).toEqual(reference().exp(x));
  });

  it('is training, whatever its base is', () => {
    expect(tape(reference({ training: false }), []).training).toBe(true);
  });

  it('adds up the gradients of a tensor that is used twice', () => {
    const x = vector(1, 2, 3);
    const ops = tape(reference(), [x]);
    const [dx] = ops.gradients(ops.sumTo(ops.multiply(x, x), []));
    expect([...(dx as Tensor).data]).toEqual([2, 4, 6]);
  });

  it('gives gradients in the order of the watched tensors, zeros where the output does not depend on one', () => {
    const [a, b, unused] = [vector(2), vector(5), vector(1, 1)] as const;
    const ops = tape(reference(), [b, unused, a]);
    const gradients = ops.gradients(ops.multiply(a, b));
    expect(gradients.map((g) => [...g.data])).toEqual([[2], [0, 0], [5]]);
  });

  it('gives zeros for an output that does not depend on anything watched, and the seed for a watched output', () => {
    const x = vector(3);
    const ops = tape(reference(), [x]);
    expect(ops.gradients(vector(1)).map((g) => [...g.data])).toEqual([[0]]);
    expect(ops.gradients(x, vector(4)).map((g) => [...g.data])).toEqual([[4]]);
  });

  it('weighs the output by the seed', () => {
    const x = vector(1, 2);
    const ops = tape(reference(), [x]);
    const y = ops.multiply(x, x);
    expect([...(ops.gradients(y, vector(10, -1))[0] as Tensor).data]).toEqual([20, -4]);
  });

  it('gives the same gradients when asked twice', () => {
    const x = vector(0.5, 2);
    const ops = tape(reference(), [x]);
    const y = ops.sumTo(ops.exp(ops.multiply(x, x)), []);
    expect(ops.gradients(y)).toEqual(ops.gradients(y));
  });

  it('counts an operation that hands its operand back once', () => {
    const x = vector(1, 2);
    const lazy: Ops = { ...reference(), reshape: (operand) => operand };
    const ops = tape(lazy, [x]);
    const y = ops.sumTo(ops.multiply(ops.reshape(x, [2]), x), []);
    expect([...(ops.gradients(y)[0] as Tensor).data]).toEqual([2, 4]);
  });

  it('walks back over what depends on a watched tensor only', () => {
    const [x, constant] = [vector(1, 2), vector(3, 4)] as const;
    const { ops: base, calls } = counting();
    const ops = tape(base, [x]);
    const y = ops.sumTo(ops.multiply(ops.tanh(ops.exp(constant)), x), []);
    calls.clear();
    ops.gradients(y);
    expect(calls.get('tanhAdjoint')).toBeUndefined();
    // One product for x; none for the constant, of which no gradient is needed.
    expect(calls.get('multiply')).toBe(1);
  });

  it('unrolls over T with work that grows as T: one concat for a split, one split for a concat', () => {
    const x = tensor([64, 2], new Float64Array(128).fill(0.1));
    const { ops: base, calls } = counting();
    const ops = tape(base, [x]);
    const parts = ops.split(x, 0, new Array<number>(64).fill(1));
    const y = ops.sumTo(
      ops.concat(
        parts.map((part) => ops.tanh(part)),
        0,
      ),
      [],
    );
    calls.clear();
    ops.gradients(y);
    expect(Object.fromEntries(calls)).toMatchObject({ concat: 1, split: 1, tanhAdjoint: 64 });
  });

  it('takes draws and fills as constants', () => {
    const x = vector(1, 2);
    const ops = tape(reference(), [x]);
    const mask = ops.bernoulli([2], 0.5, 3);
    const y = ops.sumTo(ops.multiply(ops.add(x, ops.fill([2], 1)), mask), []);
    expect(ops.gradients(y)[0]).toEqual(mask);
  });

  it('refuses a gradient through an operation without a derivative, and only then', () => {
    const x = vector(1, 2);
    const ops = tape(reference(), [x]);
    const through = ops.sumTo(ops.tanhAdjoint(x, x), []);
    expect(() => ops.gradients(through)).toThrow(/through tanhAdjoint, which has no derivative/);
    expect([...(ops.gradients(ops.sumTo(x, []))[0] as Tensor).data]).toEqual([1, 1]);
  });

  it('refuses outputs of several numbers without a seed, seeds of another shape, and ids to watch', () => {
    const x = vector(1, 2);
    const ops = tape(reference(), [x]);
    expect(() => ops.gradients(ops.exp(x))).toThrow(/output \[2\] is not one number; reduce it to a loss/);
    expect(() => ops.gradients(ops.exp(x), vector(1))).toThrow(/seed \[1\] must have the output's shape, \[2\]/);
    expect(() => tape(reference(), [ids([1], [0])])).toThrow(TypeError);
  });
});
