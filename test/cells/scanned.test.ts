/** Recurrences on the scan: minGRU, minLSTM, RG-LRU, and Griffin's block of that. */
import { afterAll, describe, expect, it } from 'vitest';
import { tape } from '../../src/backprop/tape.js';
import { bidirectional } from '../../src/cells/bidirectional.js';
import { minGru, minGruCell } from '../../src/cells/min-gru.js';
import { minLstm, minLstmCell } from '../../src/cells/min-lstm.js';
import { rgLru, rgLruCell } from '../../src/cells/rg-lru.js';
import { stacked } from '../../src/cells/stacked.js';
import { unroll } from '../../src/cells/unroll.js';
import { tierNames } from '../../src/host/host.js';
import { configure } from '../../src/kernels/machine.js';
import type { Layer } from '../../src/layer.js';
import { dense } from '../../src/layers/dense.js';
import { depthwiseConvolution1d } from '../../src/layers/depthwise-convolution-1d.js';
import { gatedDeltaNet } from '../../src/layers/gated-delta-net.js';
import { griffinBlock } from '../../src/layers/griffin-block.js';
import { layerNorm } from '../../src/layers/layer-norm.js';
import { oneHot } from '../../src/layers/one-hot.js';
import { residual } from '../../src/layers/residual.js';
import type { Ops } from '../../src/ops/ops.js';
import { reference } from '../../src/ops/reference.js';
import { inWindow, toSignal } from '../../src/ops/window.js';
import { parametersOf } from '../../src/parameters/parameter.js';
import { generator } from '../../src/random.js';
import { stack } from '../../src/stack.js';
import { ids, type Tensor, tensor } from '../../src/tensor.js';
import { crossEntropy } from '../../src/training/losses/cross-entropy.js';
import { adam } from '../../src/training/optimizers/adam.js';
import { trainer } from '../../src/training/trainer.js';
import * as tree from '../../src/tree.js';
import { draw, expectGradients, mixture, scatterParameters } from '../backprop/differences.js';
import { bytesOf } from '../training/training-run.js';

const tiers = tierNames.filter((tier) => tier !== 'wide' || Number(process.versions.node.split('.')[0]) >= 24);
const [steps, batch, units] = [5, 3, 4];

const layers: Readonly<Record<string, () => Layer<unknown>>> = {
  minGru: () => minGru(units, 5),
  'minGru, positive': () => minGru(units, 5, { candidate: 'positive' }),
  minLstm: () => minLstm(units, 5),
  'minLstm, positive': () => minLstm(units, 5, { candidate: 'positive' }),
  rgLru: () => rgLru(units),
  gatedDeltaNet: () => gatedDeltaNet(units, 6, { heads: 1, keys: 4, size: 2 }),
  'gatedDeltaNet, more keys than values, other outputs': () =>
    gatedDeltaNet(units, 4, { heads: 2, keys: 3, size: 2, outputs: 3, negativeEigenvalues: false }),
  depthwiseConvolution1d: () => depthwiseConvolution1d(units, 3),
  griffinBlock: () => griffinBlock(units, 6),
  'griffinBlock, one moment seen, other outputs': () => griffinBlock(units, 5, { size: 1, outputs: 3 }),
  'stacked, within residual links': () =>
    stacked([residual(stack({ norm: layerNorm(units), block: griffinBlock(units, 6) })), minGru(units, 5)]),
};

const tensorsOf = (carry: unknown): readonly Tensor[] => tree.leaves(carry).map(([, leaf]) => leaf as Tensor);
const scattered = <S>(carry: S): S => {
  let k = 0;
  return tree.map(carry, ({ shape }) => {
    k += 1;
    return draw(shape, `carry${k}`);
  });
};

describe.each(Object.entries(layers))('%s', (_, make) => {
  const layer = make();
  const parameters = scatterParameters(layer.params);
  const x = draw([steps, batch, units], 'x');
  const carry = scattered(layer.initial(batch));
  const entered = tensorsOf(carry);

  /** Output and last carry as one, so that gradients of both are held. */
  const everything = (ops: Ops): Tensor => {
    const [y, after] = layer.apply(ops, carry, x);
    const flat = [y, ...tensorsOf(after)].map((t) => ops.reshape(t, [t.data.length]));
    return ops.concat(flat, 0);
  };

  it('has the right gradients of parameters, input and entering carry', () => {
    expectGradients([...parameters, x, ...entered], everything);
  });

  it('treats each lane as if it were alone', () => {
    const ops = reference();
    const lane = (t: Tensor, axis: number) => ops.split(t, axis, [1, 1, 1])[1] as Tensor;
    const [both] = layer.apply(ops, carry, x);
    const [alone] = layer.apply(
      ops,
      tree.map(carry, (t) => lane(t, 0)),
      lane(x, 1),
    );
    expect(alone).toEqual(lane(both, 1));
  });

  describe.each(tiers)('%s tier', (tier) => {
    it('gives on the kernels what it gives on the reference, gradients too, with the same bits on any number of threads', () => {
      const run = (base: Ops) => {
        const ops = tape(base, [...parameters, x, ...entered]);
        const y = everything(ops);
        return toSignal([y, ...ops.gradients(mixture(ops, y))]);
      };
      const expected = run(reference());
      const [one, ...more] = [1, 2, 3].map((threads) => {
        configure({ tier, threads });
        return inWindow(run);
      });
      for (const several of more) {
        expect(several.map(({ data }) => bytesOf(data))).toEqual(one.map(({ data }) => bytesOf(data)));
      }
      one.forEach(({ data }, k) => {
        const exact = expected[k].data;
        const scale = Math.max(1e-3, ...Array.from(exact, Math.abs));
        data.forEach((value, i) => {
          expect(Math.abs(value - (exact[i] as number)) / scale).toBeLessThan(2e-5);
        });
      });
    });

    it('gives in T windows of one the bits of one window of T, carry too', () => {
      configure({ tier, threads: 2 });
      const wide = draw([steps, 9, units], 'wide');
      const first = tree.map(scattered(layer.initial(9)), (t) => tensor(t.shape, Float32Array.from(t.data)));
      const [whole, last] = inWindow((ops) => toSignal(layer.apply(ops, first, wide)));
      let state: unknown = first;
      const parts = Array.from({ length: steps }, (_, t) => {
        const at = wide.data.slice(t * 9 * units, (t + 1) * 9 * units);
        const [y, next] = inWindow((ops) => toSignal(layer.apply(ops, state, tensor([1, 9, units], at))));
        state = next;
        return Array.from(y.data);
      });
      expect(bytesOf(Float32Array.from(parts.flat()))).toBe(bytesOf(whole.data));
      expect(tensorsOf(state).map(({ data }) => bytesOf(data))).toEqual(
        tensorsOf(last).map(({ data }) => bytesOf(data)),
      );
    });
  });
});

describe('the equations, written for one lane in plain numbers', () => {
  const length = 7;
  const x = draw([length, 1, units], 'input');
  const logistic = (v: number) => 1 / (1 + Math.exp(-v));
  const gelu = (v: number) => inWindowless((ops) => ops.gelu(tensor([1], Float64Array.of(v))));
  const inWindowless = (body: (ops: Ops) => Tensor) => body(reference()).data[0] as number;
  const rowsOf = ({ shape, data }: Tensor) =>
    Array.from({ length: shape[0] as number }, (_, t) => Array.from(data.slice(t * units, (t + 1) * units)));

  /** A layer's parameters by their paths, and a product with one of them. */
  function weightsOf(layer: Layer<unknown>) {
    scatterParameters(layer.params);
    const named = Object.fromEntries(parametersOf(layer.params));
    const number = (name: string, k: number) => named[name]?.data[k] as number;
    const product = (from: readonly number[], w: string, b: string, k: number) => {
      const width = named[w]?.shape[1] as number;
      return from.reduce((sum, value, j) => sum + value * number(w, j * width + k), number(b, k));
    };
    return { number, product };
  }

  function expectRows(layer: Layer<unknown>, rows: readonly (readonly number[])[], carry = layer.initial(1)): void {
    const [y] = layer.apply(reference(), carry, x);
    expect(y.data.length).toBe(rows.flat().length);
    rows.flat().forEach((value, k) => {
      expect(Math.abs((y.data[k] as number) - value)).toBeLessThan(1e-12 * Math.max(1, Math.abs(value)));
    });
  }

  /** States of all steps, each unit's from the one before. */
  function recurrence(
    width: number,
    next: (row: readonly number[], h: number, k: number) => number,
    rows = rowsOf(x),
  ): number[][] {
    let h: readonly number[] = new Array<number>(width).fill(0);
    return rows.map((row) => {
      const after = h.map((value, k) => next(row, value, k));
      h = after;
      return after;
    });
  }

  const positive = (v: number) => (v >= 0 ? v + 0.5 : logistic(v));
  it.each([
    ['linear', (v: number) => v],
    ['positive', positive],
  ] as const)('minGru, %s', (candidate, g) => {
    const layer = minGru(units, 5, { candidate });
    const { product } = weightsOf(layer);
    const rows = recurrence(5, (row, h, k) => {
      const z = logistic(product(row, 'wz', 'bz', k));
      return (1 - z) * h + z * g(product(row, 'wh', 'bh', k));
    });
    expectRows(layer, rows);
  });

  it.each([
    ['linear', (v: number) => v],
    ['positive', positive],
  ] as const)('minLstm, %s', (candidate, g) => {
    const layer = minLstm(units, 5, { candidate });
    const { product } = weightsOf(layer);
    const rows = recurrence(5, (row, h, k) => {
      const [f, i] = [logistic(product(row, 'wf', 'bf', k)), logistic(product(row, 'wi', 'bi', k))];
      return (f / (f + i)) * h + (i / (f + i)) * g(product(row, 'wh', 'bh', k));
    });
    expectRows(layer, rows);
  });

  const gated =
    ({ number, product }: ReturnType<typeof weightsOf>, path = '') =>
    (row: readonly number[], h: number, k: number) => {
      const r = logistic(product(row, `${path}wa`, `${path}ba`, k));
      const i = logistic(product(row, `${path}wx`, `${path}bx`, k));
      const a = Math.exp(-8 * Math.log(1 + Math.exp(number(`${path}lambda`, k))) * r);
      return a * h + Math.sqrt(1 - a * a + 1e-12) * i * (row[k] as number);
    };

  it('rgLru', () => {
    const layer = rgLru(units);
    expectRows(layer, recurrence(units, gated(weightsOf(layer))));
  });

  it('griffinBlock', () => {
    const [width, size] = [6, 4];
    const layer = griffinBlock(units, width);
    const weights = weightsOf(layer);
    const { number, product } = weights;
    const all = (of: (k: number) => number) => Array.from({ length: width }, (_, k) => of(k));
    const entering = rowsOf(x).map((row) => all((k) => product(row, 'input.w', 'input.b', k)));
    const seen = entering.map((_, t) =>
      all((k) =>
        Array.from({ length: size }, (_, i) => i).reduce(
          (sum, i) => sum + number('convolution.w', i * width + k) * (entering[t - size + 1 + i]?.[k] ?? 0),
          number('convolution.b', k),
        ),
      ),
    );
    const states = recurrence(width, gated(weights, 'recurrence.'), seen);
    const rows = rowsOf(x).map((row, t) => {
      const passing = all((k) => gelu(product(row, 'gate.w', 'gate.b', k)) * (states[t]?.[k] as number));
      return Array.from({ length: units }, (_, k) => product(passing, 'output.w', 'output.b', k));
    });
    expectRows(layer, rows);
  });

  it.each([
    ['minGru', minGruCell(units, 5)],
    ['minLstm', minLstmCell(units, 5)],
    ['rgLru', rgLruCell(units)],
  ] as const)('step by step it is what a window is: %s', (_, cell) => {
    scatterParameters(cell.params);
    const { window, ...steps } = cell;
    expect(window).toBeDefined();
    const at = (made: typeof steps) => {
      const layer = unroll(made as never) as Layer<unknown>;
      const [y, carry] = layer.apply(reference(), layer.initial(1), x);
      return [...y.data, ...tensorsOf(carry).flatMap(({ data }) => [...data])];
    };
    const [whole, single] = [at(cell), at(steps)];
    for (const [k, value] of whole.entries()) expect(value).toBeCloseTo(single[k] as number, 12);
  });
});

describe('gates at their ends', () => {
  const zero = (params: Layer<unknown>['params'], values: Readonly<Record<string, number>>) => {
    for (const [name, parameter] of parametersOf(params)) {
      parameter.assign(new Float32Array(parameter.data.length).fill(values[name] ?? 0));
    }
  };
  /** Output and gradients on the kernels. */
  function gradientsOf(layer: Layer<unknown>) {
    const x = draw([4, 2, units], 'x');
    const watched = parametersOf(layer.params).map(([, parameter]) => parameter);
    return inWindow((base) => {
      const ops = tape(base, watched);
      const [y] = layer.apply(ops, layer.initial(2), x);
      return toSignal([y, ...ops.gradients(ops.sumTo(y, []))]);
    });
  }

  it.each([
    ['minLstm, both shut', minLstm(units, units), { bf: -200, bi: -200, bh: 1 }],
    ['minLstm, both open', minLstm(units, units), { bf: 200, bi: 200, bh: 1 }],
    ['minGru, shut', minGru(units, units), { bz: -200, bh: 1 }],
    ['rgLru, shut', rgLru(units), { ba: -200, bx: 1 }],
    ['rgLru, open and forgetting', rgLru(units), { ba: 200, lambda: 200 }],
    ['rgLru, keeping everything', rgLru(units), { ba: 200, lambda: -200 }],
  ] as const)('%s: nothing overflows, forwards or back', (_, layer, values) => {
    zero(layer.params, values);
    for (const { data } of gradientsOf(layer)) expect(data.every(Number.isFinite)).toBe(true);
  });

  it('the gates of a minLstm share out 1, so that its state is a mean of its candidates', () => {
    const layer = minLstm(units, units);
    zero(layer.params, { bf: -120, bi: -120, bh: 3 });
    const [y] = gradientsOf(layer);
    expect(y.data[0]).toBeCloseTo(1.5, 5);
    expect(y.data.at(-1)).toBeCloseTo(3 * (1 - 1 / 16), 5);
  });
});

describe('first weights', () => {
  it('an RG-LRU forgets at rates between the two that it is given', () => {
    for (const decays of [
      [0.9, 0.999],
      [0.3, 0.5],
    ] as const) {
      const lambda = new Map(parametersOf(rgLru(300, { seed: 1, decays }).params)).get('lambda');
      const rates = Array.from(lambda?.data ?? [], (value) => Math.exp(-8 * Math.log1p(Math.exp(value))));
      expect(Math.min(...rates)).toBeGreaterThanOrEqual(decays[0] - 1e-6);
      expect(Math.max(...rates)).toBeLessThanOrEqual(decays[1] + 1e-6);
      expect(rates.reduce((sum, rate) => sum + rate, 0) / 300).toBeCloseTo((decays[0] + decays[1]) / 2, 1);
    }
  });

  it.each([
    [() => rgLru(4, { decays: [0.9, 1] }), 'rgLru: decays are two numbers above 0 and below 1'],
    [() => rgLru(4, { decays: [0.9, 0.8] }), 'the smaller one first, not [0.9, 0.8]'],
    [() => rgLru(0), 'rgLru: units is a whole number of at least 1, not 0.'],
    [() => minGru(2, 3, { candidate: 'log' as never }), "minGru: candidate is 'linear' or 'positive', not"],
    [() => minLstm(2, 1.5), 'minLstm: units is a whole number'],
    [() => griffinBlock(4, 6, { size: 0 }), 'griffinBlock: the size is a whole number'],
    [() => depthwiseConvolution1d(4, 0), 'depthwiseConvolution1d: the size is a whole number'],
  ])('what is none is refused (%#)', (make, message) => {
    expect(make).toThrow(message);
  });
});

describe('both directions', () => {
  it('read a window each', () => {
    const layer = bidirectional(minGru(units, 3), griffinBlock(units, 5, { outputs: 2 }), { seed: 1 });
    const [y] = layer.apply(reference(), layer.initial(batch), draw([steps, batch, units], 'x'));
    expect(y.shape).toEqual([steps, batch, 5]);
  });
});

describe('learning', () => {
  /** One of four symbols at some step, silence at all others; at the end it is to be said. */
  function window(seed: number) {
    const [silence, lanes, length] = [4, 32, 24];
    const random = generator(seed);
    const input = ids([length, lanes], new Int32Array(length * lanes).fill(silence));
    const target = ids([length, lanes], new Int32Array(length * lanes).fill(-1));
    for (let lane = 0; lane < lanes; lane += 1) {
      const symbol = random.below(silence);
      input.data[random.below(length - 8) * lanes + lane] = symbol;
      target.data[(length - 1) * lanes + lane] = symbol;
    }
    return { input, target };
  }

  it.each([
    ['minGru', () => stacked([minGru(5, 16), minGru(16, 16)])],
    ['minLstm', () => stacked([minLstm(5, 16), minLstm(16, 16)])],
    ['griffinBlock', () => stacked([griffinBlock(5, 16), griffinBlock(5, 16)])],
    ['gatedDeltaNet', () => stacked([gatedDeltaNet(5, 16), gatedDeltaNet(5, 16)])],
  ] as const)('%s: two layers keep a symbol until the end', (_, make) => {
    const rnn = make() as Layer<unknown>;
    const model = stack({ in: oneHot(5), rnn, head: dense(rnn.outputs as number, 4) } as never, {
      seed: 1,
    }) as Layer<unknown>;
    const learner = trainer(model as never, { loss: crossEntropy(), optimizer: adam(0.02), clipNorm: 1 });
    let loss = Number.POSITIVE_INFINITY;
    for (let update = 0; update < 300 && loss > 0.1; update += 1) {
      loss = learner.learn({ carry: model.initial(32) as never, ...window(update) } as never).loss;
    }
    expect(loss).toBeLessThan(0.1);
  });
});

afterAll(() => void configure({ threads: 2 }));
