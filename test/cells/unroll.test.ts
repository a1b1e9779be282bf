import { lastValueFrom, of, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { Cell } from '../../src/cells/cell.js';
import { unroll } from '../../src/cells/unroll.js';
import type { Ops } from '../../src/ops/ops.js';
import { reference } from '../../src/ops/reference.js';
import { type Tensor, tensor, zeros } from '../../src/tensor.js';

/** A leaky integrator: `h_t = ½ h_{t−1} + x_t`. */
const leaky: Cell<{ readonly h: Tensor }> = {
  kind: 'leaky',
  inputs: 1,
  units: 1,
  params: {},
  initial: (batch) => ({ h: zeros([batch, 1]) }),
  step(ops, { h }, x) {
    const next = ops.add(ops.affine(h, 0.5, 0), x);
    return [next, { h: next }];
  },
};

const one = (value: number) => tensor([1, 1, 1], [value]);

describe('unroll', () => {
  it('steps over the moments of a window, carry passed on', () => {
    const [y, carry] = unroll(leaky).apply(reference(), { h: tensor([1, 1], [16]) }, tensor([3, 1, 1], [0, 1, 2]));
    expect([...y.data]).toEqual([8, 5, 4.5]);
    expect([...carry.h.data]).toEqual([4.5]);
  });

  it('makes an operator that keeps its carry from signal to signal, and starts afresh with each subscription', async () => {
    const outputs$ = of(one(8), one(0), one(0)).pipe(unroll(leaky), toArray());
    const values = async () => (await lastValueFrom(outputs$)).map((y) => y.data[0]);
    expect(await values()).toEqual([8, 4, 2]);
    expect(await values()).toEqual([8, 4, 2]);
  });

  it('projects a window once, whatever its length', () => {
    let calls = 0;
    const projecting = unroll({
      ...leaky,
      project(ops, x) {
        calls += 1;
        return ops.affine(x, 10, 0);
      },
    });
    const [y] = projecting.apply(reference(), leaky.initial(1), tensor([3, 1, 1], [1, 0, 0]));
    expect([...y.data]).toEqual([10, 5, 2.5]);
    expect(calls).toBe(1);
  });

  it.each<[string, (y: Tensor) => unknown]>([
    ['its output in a list', (y) => [y]],
    ['its output alone', (y) => y],
    ['an undefined carry', (y) => [y, undefined]],
    ['three things', (y) => [y, y, y]],
    ['nothing', () => undefined],
  ])('refuses a cell that gives %s at its first step', (_, given) => {
    const gives = (ops: Ops, { h }: { readonly h: Tensor }, x: Tensor) => given(ops.add(x, h)) as never;
    for (const cell of [
      { ...leaky, step: gives },
      { ...leaky, window: gives },
    ]) {
      for (const lengths of [undefined, [1]]) {
        const ops = { ...reference(), lengths };
        if (given(one(1)) === undefined && 'window' in cell) continue;
        expect(() => unroll(cell).apply(ops, leaky.initial(1), one(1))).toThrow(
          /^leaky: it gives its output and the carry after it, \[y, carry\], but gave .*; give both/,
        );
      }
    }
  });

  it('refuses a window without a step, and signals that are no windows', () => {
    const refused = (x: Tensor) => () => unroll(leaky).apply(reference(), leaky.initial(1), x);
    expect(refused(zeros([0, 1, 1]))).toThrow(/leaky: takes a window \[T, B, 1\] with T ≥ 1, but got \[0, 1, 1\]/);
    expect(refused(zeros([1, 1]))).toThrow(/but got \[1, 1\]/);
  });
});
