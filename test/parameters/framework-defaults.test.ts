import { describe, expect, it } from 'vitest';
import { gru } from '../../src/cells/gru.js';
import { lstm } from '../../src/cells/lstm.js';
import { simpleRnn } from '../../src/cells/simple-rnn.js';
import { dense } from '../../src/layers/dense.js';
import { embedding } from '../../src/layers/embedding.js';
import { defaultsOf } from '../../src/parameters/framework-defaults.js';
import { type Parameter, parametersOf } from '../../src/parameters/parameter.js';
import { entry } from '../golden/load.js';

const H = 64;
const bound = 1 / Math.sqrt(H);
const params = (layer: { readonly params: Parameters<typeof parametersOf>[0] }) =>
  Object.fromEntries(parametersOf(layer.params)) as Readonly<Record<string, Parameter>>;
const largest = (numbers: Float32Array) => numbers.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
const deviation = (numbers: Float32Array) => Math.sqrt(numbers.reduce((sum, x) => sum + x * x, 0) / numbers.length);

describe("PyTorch's defaults", () => {
  const { pytorch } = defaultsOf;

  it.each([
    ['linear', dense(H, 40, { initializers: pytorch.linear(H) })],
    ['rnn', simpleRnn(32, H, { initializers: pytorch.rnn(H) })],
    ['lstm', lstm(32, H, { initializers: pytorch.lstm(H) })],
    ['gru', gru(32, H, { initializers: pytorch.gru(H) })],
    ['gru, reset before', gru(32, H, { reset: 'before', initializers: pytorch.gru(H) })],
  ] as const)('%s: matrices fill ±1/√fan', (_, layer) => {
    const matrices = Object.values(params(layer)).filter(({ shape }) => shape.length === 2);
    expect(matrices.length).toBeGreaterThan(0);
    for (const { data } of matrices) {
      expect(largest(data)).toBeLessThanOrEqual(Math.fround(bound));
      expect(largest(data)).toBeGreaterThan(0.97 * bound);
    }
  });

  it('biases are the sum of two, but where they stand alone', () => {
    const { b } = params(lstm(32, 1024, { initializers: pytorch.lstm(1024) }));
    expect(deviation((b as Parameter).data) * 32).toBeCloseTo(Math.sqrt(2 / 3), 1);
    const { b: ofGru, bn } = params(gru(32, 1024, { initializers: pytorch.gru(1024) }));
    for (const alone of [(ofGru as Parameter).data.subarray(2048), (bn as Parameter).data]) {
      expect(largest(alone)).toBeLessThanOrEqual(1 / 32);
    }
    expect(largest((ofGru as Parameter).data.subarray(0, 2048))).toBeGreaterThan(1 / 32);
  });

  it('embedding has deviation 1', () => {
    const { table } = params(embedding(100, 50, { initializers: pytorch.embedding() }));
    expect(Math.abs(deviation((table as Parameter).data) - 1)).toBeLessThan(0.05);
  });
});

describe("Keras' defaults", () => {
  const { keras } = defaultsOf;

  it('kernels are Glorot uniform over all gates as one, and biases 0 but for the forget gate', () => {
    const ofLstm = params(lstm(32, H, { initializers: keras.lstm() }));
    const limit = Math.sqrt(6 / (32 + 4 * H));
    expect(largest(entry(ofLstm, 'wx').data)).toBeLessThanOrEqual(Math.fround(limit));
    expect(largest(entry(ofLstm, 'wx').data)).toBeGreaterThan(0.99 * limit);
    expect([...entry(ofLstm, 'b').data]).toEqual(
      Array.from({ length: 4 * H }, (_, k) => (k >= H && k < 2 * H ? 1 : 0)),
    );
    for (const layer of [
      dense(H, 40, { initializers: keras.dense() }),
      simpleRnn(32, H, { initializers: keras.simpleRnn() }),
      gru(32, H, { initializers: keras.gru() }),
    ]) {
      expect(largest(entry(params(layer), 'b').data)).toBe(0);
    }
  });

  it('recurrent kernels have orthonormal rows', () => {
    const { data, shape } = entry(params(lstm(32, H, { initializers: keras.lstm() })), 'wh');
    const columns = shape[1] as number;
    for (const other of [0, 1, 40]) {
      const first = data.subarray(0, columns);
      const sum = first.reduce((total, x, k) => total + x * (data[other * columns + k] as number), 0);
      expect(sum).toBeCloseTo(other === 0 ? 1 : 0, 5);
    }
  });

  it('embeddings fill ±0.05', () => {
    const { data } = entry(params(embedding(100, 50, { initializers: keras.embedding() })), 'table');
    expect(largest(data)).toBeLessThanOrEqual(Math.fround(0.05));
    expect(largest(data)).toBeGreaterThan(0.049);
  });
});
