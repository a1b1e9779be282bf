import { describe, expect, it } from 'vitest';
import { lstm } from '../../src/cells/lstm.js';
import { inWindow, toSignal } from '../../src/ops/window.js';
import { parametersOf } from '../../src/parameters/parameter.js';
import type { Tensor } from '../../src/tensor.js';
import { draw, scatterParameters } from '../backprop/differences.js';

const [T, B, I, H] = [4, 3, 5, 6];

type Vector = readonly number[];

/** Equations 20 to 22 of Ba, Kiros and Hinton (2016) lane by lane in float64, written from the paper. */
function oracle(numbers: (name: string) => Vector, x: Tensor, h0: Tensor, c0: Tensor) {
  const norm = (a: Vector, gain: Vector, bias: Vector) => {
    const mean = a.reduce((sum, each) => sum + each / a.length, 0);
    const deviation = Math.sqrt(a.reduce((sum, each) => sum + (each - mean) ** 2 / a.length, 0) + 1e-5);
    return a.map((each, k) => ((gain[k] as number) * (each - mean)) / deviation + (bias[k] as number));
  };
  const times = (a: Vector, w: Vector) => {
    const columns = w.length / a.length;
    return Array.from({ length: columns }, (_, k) =>
      a.reduce((sum, each, row) => sum + each * (w[row * columns + k] as number), 0),
    );
  };
  const rows = (tensor: Tensor, width: number, row: number) => [...tensor.data.slice(row * width, (row + 1) * width)];
  const sigma = (z: number) => 1 / (1 + Math.exp(-z));
  const none = new Array<number>(4 * H).fill(0);
  const outputs = new Array<number>(T * B * H).fill(0);
  for (let lane = 0; lane < B; lane += 1) {
    let [h, c] = [rows(h0, H, lane), rows(c0, H, lane)];
    for (let t = 0; t < T; t += 1) {
      const fromX = norm(times(rows(x, I, t * B + lane), numbers('wx')), numbers('gx'), none);
      const fromH = norm(times(h, numbers('wh')), numbers('gh'), none);
      const z = fromX.map((each, k) => each + (fromH[k] as number) + (numbers('b')[k] as number));
      const part = (gate: number, f: (z: number) => number) => z.slice(gate * H, (gate + 1) * H).map(f);
      const [i, f, g, o] = [part(0, sigma), part(1, sigma), part(2, Math.tanh), part(3, sigma)];
      c = c.map((each, k) => (f[k] as number) * each + (i[k] as number) * (g[k] as number));
      h = norm(c, numbers('gc'), numbers('bc')).map((each, k) => (o[k] as number) * Math.tanh(each));
      outputs.splice((t * B + lane) * H, H, ...h);
    }
  }
  return outputs;
}

describe('an LSTM with layer normalisation', () => {
  it('gives what the paper says', () => {
    const layer = lstm(I, H, { layerNorm: true });
    scatterParameters(layer.params);
    const [x, h, c] = [draw([T, B, I], 'x'), draw([B, H], 'h'), draw([B, H], 'c')];
    const named = new Map(parametersOf(layer.params));
    const expected = oracle((name) => [...(named.get(name)?.data ?? [])], x, h, c);
    const { data } = inWindow((ops) => toSignal(layer.apply(ops, { h, c }, x)[0]));
    data.forEach(
      (value, k) => void expect(Math.abs(value - (expected[k] as number)), `element ${k}`).toBeLessThan(2e-6),
    );
  });

  it("begins with gains of 1 and biases that are the plain cell's", () => {
    const of = (layerNorm: boolean) =>
      Object.fromEntries(
        parametersOf(lstm(2, 2, { layerNorm, seed: 1 }).params).map(([name, { data }]) => [name, [...data]]),
      );
    const { gx, gh, gc, bc, ...others } = of(true);
    expect([gx, gh, gc, bc]).toEqual([new Array(8).fill(1), new Array(8).fill(1), [1, 1], [0, 0]]);
    expect(others).toEqual(of(false));
  });

  it('does not mind how large its input is', () => {
    const layer = lstm(I, H, { layerNorm: true, seed: 1 });
    const x = draw([T, B, I], 'x');
    const run = (input: Tensor) => inWindow((ops) => toSignal(layer.apply(ops, layer.initial(B), input)[0])).data;
    const large = run({ ...x, data: x.data.map((each) => 1e3 * each) });
    run(x).forEach((value, k) => void expect(Math.abs(value - (large[k] as number))).toBeLessThan(1e-3));
  });
});
