import { afterAll, describe, expect, it } from 'vitest';
import { tape } from '../../src/backprop/tape.js';
import type { Cell } from '../../src/cells/cell.js';
import { gruCell } from '../../src/cells/gru.js';
import { lstmCell } from '../../src/cells/lstm.js';
import { minGruCell } from '../../src/cells/min-gru.js';
import { minLstmCell } from '../../src/cells/min-lstm.js';
import { simpleRnnCell } from '../../src/cells/simple-rnn.js';
import { unroll } from '../../src/cells/unroll.js';
import { tierNames } from '../../src/host/host.js';
import { configure } from '../../src/kernels/machine.js';
import type { Ops } from '../../src/ops/ops.js';
import { reference } from '../../src/ops/reference.js';
import { inWindow, toSignal } from '../../src/ops/window.js';
import { parametersOf } from '../../src/parameters/parameter.js';
import { generator } from '../../src/random.js';
import { type Shape, sizeOf, type Tensor, tensor } from '../../src/tensor.js';

const tiers = tierNames.filter((tier) => tier !== 'wide' || Number(process.versions.node.split('.')[0]) >= 24);

function normal(shape: Shape, seed: number, scale = 1): Tensor {
  const random = generator(seed);
  return tensor(
    shape,
    Array.from({ length: sizeOf(shape) }, () => scale * random.normal()),
  );
}

type AnyCell = Cell<Record<string, Tensor>>;

const cells: Record<string, (inputs: number, units: number) => AnyCell> = {
  'simple RNN': (inputs, units) => simpleRnnCell(inputs, units) as unknown as AnyCell,
  ...Object.fromEntries(
    (['learned', 'none', 'coupled'] as const).flatMap((forget) =>
      ([{}, { peepholes: true }, { layerNorm: true }, { peepholes: true, layerNorm: true }] as const).map((options) => [
        ['LSTM, forget', forget, ...Object.keys(options)].join(' '),
        (inputs: number, units: number) => lstmCell(inputs, units, { forget, ...options }) as unknown as AnyCell,
      ]),
    ),
  ),
  'GRU, reset after': (inputs, units) => gruCell(inputs, units, { reset: 'after' }) as unknown as AnyCell,
  'GRU, reset before': (inputs, units) => gruCell(inputs, units, { reset: 'before' }) as unknown as AnyCell,
  minGRU: (inputs, units) => minGruCell(inputs, units) as unknown as AnyCell,
  minLSTM: (inputs, units) => minLstmCell(inputs, units) as unknown as AnyCell,
};

/**
 * Batches that are streamed and packed, units with and without a rest beyond eight, windows of one and of more, and one
 * stream whose matrix is large enough to be shared out.
 */
const sizes = [
  { T: 1, B: 1, I: 3, H: 8 },
  { T: 5, B: 1, I: 3, H: 13 },
  { T: 4, B: 3, I: 5, H: 16 },
  { T: 3, B: 4, I: 5, H: 7 },
  { T: 6, B: 19, I: 4, H: 24 },
  { T: 2, B: 50, I: 6, H: 33 },
  { T: 2, B: 5, I: 4, H: 72 },
  { T: 2, B: 1, I: 3, H: 227 },
];

/** Two windows, one after the other, and every gradient there is. */
function run(ops: Ops, cell: AnyCell, { T, B, I, H }: (typeof sizes)[number]) {
  const layer = unroll(cell);
  const parameters = parametersOf(layer.params).map(([, parameter]) => parameter);
  parameters.forEach((parameter, k) => {
    parameter.assign(normal(parameter.shape, 100 + k, 1 / Math.sqrt(H)).data);
  });
  const x = normal([T, B, I], 1);
  const first = Object.fromEntries(Object.keys(layer.initial(1)).map((name, k) => [name, normal([B, H], 2 + k)]));
  const recording = tape(ops, [...parameters, x, ...Object.values(first)]);
  const [y1, carry] = layer.apply(recording, first, x);
  const [y2, last] = layer.apply(recording, carry, normal([T, B, I], 9));
  const weighted = (y: Tensor, seed: number) => recording.sumTo(recording.multiply(y, normal(y.shape, seed)), []);
  const loss = Object.values(last).reduce(
    (sum, part, k) => recording.add(sum, weighted(part, 20 + k)),
    recording.add(weighted(y1, 11), weighted(y2, 12)),
  );
  return toSignal([y1, y2, ...Object.values(last), ...recording.gradients(loss)]);
}

function compare(got: readonly Tensor[], expected: readonly Tensor[], tolerance: number): void {
  got.forEach(({ shape, data }, k) => {
    expect(shape).toEqual(expected[k].shape);
    const scale = Array.from(expected[k].data).reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
    data.forEach((value, i) => {
      if (!(Math.abs(value - expected[k].data[i]) <= tolerance * scale)) {
        expect.fail(`result ${k}, element ${i}: ${value} instead of ${expected[k].data[i]}`);
      }
    });
  });
}

/** All bits as text: two results are the same or they are not. */
const bytesOf = (results: readonly Tensor[]) =>
  results.map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64')).join(' ');

/** What the reference gives for each size; it knows no tier. */
const references = new Map<string, Tensor[][]>();
function expectedOf(name: string): Tensor[][] {
  const cellOf = cells[name];
  const known = references.get(name) ?? sizes.map((size) => run(reference(), cellOf(size.I, size.H), size));
  references.set(name, known);
  return known;
}

afterAll(() => void configure({ threads: 2 }));

for (const tier of tiers) {
  describe(`windows of recurrences, ${tier} tier`, () => {
    for (const [name, cellOf] of Object.entries(cells)) {
      it(`${name}: all steps at once match the reference and the steps one by one`, () => {
        configure({ tier, threads: 1 });
        sizes.forEach((size, k) => {
          const cell = cellOf(size.I, size.H);
          const { window: _, ...steps } = cell;
          const atOnce = inWindow((ops) => run(ops, cell, size));
          compare(atOnce, expectedOf(name)[k], 2e-5);
          compare(
            inWindow((ops) => run(ops, steps as AnyCell, size)),
            atOnce,
            2e-5,
          );
        });
      });

      it(`${name}: two and three threads give the bits of one`, () => {
        const [one, ...more] = [1, 2, 3].map((threads) => {
          configure({ tier, threads });
          return sizes.map((size) => bytesOf(inWindow((ops) => run(ops, cellOf(size.I, size.H), size))));
        });
        for (const several of more) expect(several).toEqual(one);
      });

      it(`${name}: T windows of one give the bits of one window of T`, () => {
        configure({ tier, threads: 2 });
        for (const { T, B, I, H } of sizes) {
          const layer = unroll(cellOf(I, H));
          const x = normal([T, B, I], 1);
          const [whole] = inWindow((ops) => toSignal(layer.apply(ops, layer.initial(B), x)));
          let carry = layer.initial(B);
          for (let t = 0; t < T; t += 1) {
            const step = tensor([1, B, I], x.data.slice(t * B * I, (t + 1) * B * I));
            const [y, next] = inWindow((ops) => toSignal(layer.apply(ops, carry, step)));
            const expected = tensor(y.shape, whole.data.slice(t * B * H, (t + 1) * B * H));
            expect(bytesOf([y])).toBe(bytesOf([expected]));
            carry = next;
          }
        }
      });
    }
  });
}

describe("an LSTM's window", () => {
  const lstmOf = (gates: number, forget: 'learned' | 'coupled', peepholes: number) =>
    inWindow(({ recurrences }) =>
      recurrences?.lstm(
        normal([2, 3, gates * 4], 1),
        normal([4, gates * 4], 2),
        normal([3, 4], 3),
        normal([3, 4], 4),
        undefined,
        forget,
        normal([peepholes], 5),
      ),
    );

  it('refuses peepholes and gates that are not those of its form', () => {
    expect(() => lstmOf(4, 'learned', 8)).toThrow('lstm: peepholes is [8] and must be [12].');
    expect(() => lstmOf(3, 'coupled', 12)).toThrow('lstm: peepholes is [12] and must be [8].');
    expect(() => lstmOf(4, 'coupled', 8)).toThrow('it wants [T, B, 3H] and [B, H]');
    expect(() => lstmOf(4, 'learned', 12)).not.toThrow();
  });
});
