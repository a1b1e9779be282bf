import { describe, expect, it } from 'vitest';
import type { Cell } from '../../src/cells/cell.js';
import { gradientFlow } from '../../src/cells/gradient-flow.js';
import { gruCell } from '../../src/cells/gru.js';
import { lstm, lstmCell } from '../../src/cells/lstm.js';
import { residualRnnCell } from '../../src/cells/residual-rnn.js';
import { simpleRnnCell } from '../../src/cells/simple-rnn.js';
import { stacked } from '../../src/cells/stacked.js';
import { dense } from '../../src/layers/dense.js';
import type { Ops } from '../../src/ops/ops.js';
import { reference } from '../../src/ops/reference.js';
import { orthogonal } from '../../src/parameters/initializers.js';
import { parametersOf } from '../../src/parameters/parameter.js';
import { type Tensor, tensor } from '../../src/tensor.js';
import { draw, scatterParameters } from '../backprop/differences.js';

const linear = (_: Ops, z: Tensor) => z;

/** A recurrent matrix that stretches every direction by γ. */
const stretching = (gamma: number) =>
  simpleRnnCell(2, 6, { activation: linear, initializers: { wh: orthogonal(gamma) } });

describe('gradientFlow', () => {
  it.each([0.5, 1, 1.25])('is γ^(t−k) where the recurrent matrix stretches by γ = %d', (gamma) => {
    const { lags, norms, factors } = gradientFlow(stretching(gamma), { steps: 30 });
    expect(lags).toEqual(Array.from({ length: 30 }, (_, k) => k + 1));
    lags.forEach((lag, k) => {
      // The matrix is orthogonal to float32's precision.
      expect((norms.h?.[k] as number) / gamma ** lag).toBeCloseTo(1, 5);
    });
    expect(factors.h).toBeCloseTo(gamma, 6);
  });

  it('vanishes with logistic units, whose derivative is at most ¼', () => {
    const cell = simpleRnnCell(2, 6, { activation: (ops, z) => ops.logistic(z) });
    const { norms, factors } = gradientFlow(cell, { steps: 50 });
    expect(factors.h).toBeLessThanOrEqual(0.25);
    for (const [k, norm] of (norms.h as readonly number[]).entries()) {
      expect(norm).toBeGreaterThan(0);
      expect(norm).toBeLessThanOrEqual(0.25 ** (k + 1) * 1.00001);
    }
  });

  it('stays 1 in a residual recurrence that adds up its input, and in the c of an LSTM without forget gate', () => {
    const sum = gradientFlow(residualRnnCell(2, 3, dense(2, 3)), { steps: 20 }).norms.h;
    for (const norm of sum ?? []) expect(norm).toBeCloseTo(1, 12);
    // With wh = 0 only c remembers.
    const none = lstmCell(2, 3, {
      forget: 'none',
      initializers: { wh: (shape) => new Float32Array((shape[0] as number) * (shape[1] as number)) },
    });
    const { norms, factors } = gradientFlow(none, { steps: 20 });
    for (const norm of norms.c ?? []) expect(norm).toBeCloseTo(norms.c?.[0] as number, 12);
    expect(norms.h).toEqual(new Array(20).fill(0));
    expect(factors.c).toBeCloseTo(1, 12);
    expect(factors.h).toBe(0);
  });

  it.each([
    ['an LSTM', lstmCell(3, 4)],
    ['an LSTM with peepholes', lstmCell(3, 4, { peepholes: true })],
    ['a GRU', gruCell(3, 4)],
  ] as const)('is the slope of the last loss by each state: %s', (_, given) => {
    type Carry = Readonly<Record<string, Tensor>>;
    const cell = given as unknown as Cell<Carry>;
    scatterParameters(cell.params);
    const [steps, lanes] = [5, 2];
    const x = draw([steps, lanes, 3], 'x');
    const ops = reference();
    const loss = (on: Ops, y: Tensor) => on.sumTo(on.multiply(y, y), []);
    const moments = ops.split(x, 0, new Array<number>(steps).fill(1));
    const step = (carry: Carry, moment: Tensor) => {
      const projected = cell.project?.(ops, moment) as Tensor;
      return cell.step(ops, carry, ops.reshape(projected, projected.shape.slice(1)));
    };
    /** The last loss, from the state before a step on. */
    const lossFrom = (at: number, carry: Carry) => {
      let state = carry;
      let y: Tensor | undefined;
      for (const moment of moments.slice(at)) [y, state] = step(state, moment);
      return loss(ops, y as Tensor).data[0] as number;
    };
    const { norms } = gradientFlow(cell, { x, loss });
    // By the states before step 3, that is three steps back from the last one.
    const at = 2;
    let carry = cell.initial(lanes);
    for (const moment of moments.slice(0, at)) [, carry] = step(carry, moment);
    for (const name of Object.keys(carry)) {
      let square = 0;
      const state = carry[name] as Tensor;
      for (let k = 0; k < state.data.length; k += 1) {
        const nudged = (by: number) => Float64Array.from(state.data, (value, i) => value + (i === k ? by : 0));
        const moved = (by: number) => lossFrom(at, { ...carry, [name]: tensor(state.shape, nudged(by)) });
        square += ((moved(1e-4) - moved(-1e-4)) / 2e-4) ** 2;
      }
      expect(norms[name]?.[steps - at - 1]).toBeCloseTo(Math.sqrt(square / lanes), 7);
    }
  });

  it('takes layers, and names the tensors of nested carries', () => {
    const { norms } = gradientFlow(stacked([lstm(2, 3), lstm(3, 3)]), { steps: 4 });
    expect(Object.keys(norms)).toEqual(['layer1.h', 'layer1.c', 'layer2.h', 'layer2.c']);
    expect(norms['layer1.c']?.every((norm) => norm > 0)).toBe(true);
  });

  it('draws by its seed, and changes nothing', () => {
    const cell = lstmCell(2, 3);
    const before = parametersOf(cell.params).map(([, { data }]) => [...data]);
    const norms = (seed: number) => gradientFlow(cell, { steps: 4, seed }).norms;
    expect(norms(1)).toEqual(norms(1));
    expect(norms(1)).not.toEqual(norms(2));
    expect(parametersOf(cell.params).map(([, { data }]) => [...data])).toEqual(before);
  });

  it('refuses windows that show nothing, and models that tell no width', () => {
    expect(() => gradientFlow(lstmCell(2, 3), { steps: 1 })).toThrow(
      'gradientFlow: x is a window [T, B, …] with T ≥ 2, not [1, 1, 2].',
    );
    expect(() => gradientFlow(lstmCell(2, 3), { steps: 2.5 })).toThrow(RangeError);
    const { inputs: _, ...nameless } = lstm(2, 3);
    expect(() => gradientFlow({ ...nameless, apply: lstm(2, 3).apply })).toThrow(/does not tell how many features/);
  });
});
