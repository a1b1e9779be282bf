import { describe, expect, it } from 'vitest';
import { evaluate } from '../../src/layer.js';
import { decodeBeam } from '../../src/models/decode-beam.js';
import { decodeGreedy, encoderDecoder } from '../../src/models/encoder-decoder.js';
import { parametersOf } from '../../src/parameters/parameter.js';
import { ids } from '../../src/tensor.js';
import { draw } from '../backprop/differences.js';

const [symbols, lanes, steps] = [3, 4, 4];
const start = symbols;
const model = encoderDecoder({
  source: 5,
  target: symbols + 1,
  length: 6,
  features: 8,
  heads: 2,
  blocks: 1,
  padding: 4,
  dropout: 0.1,
});
for (const [path, parameter] of parametersOf(model.params))
  parameter.assign(draw(parameter.shape, `beam ${path}`, 0.8).data);
const source = ids([3, lanes], [0, 1, 2, 3, 3, 2, 1, 0, 1, 4, 4, 2]);

/** log p of what each lane writes, all at once. */
function scoresOf(sequences: readonly (readonly number[])[]): readonly number[] {
  const shifted = sequences.map((sequence) => [start, ...sequence.slice(0, -1)]);
  const target = ids(
    [steps, lanes],
    Array.from({ length: steps * lanes }, (_, k) => shifted[k % lanes]?.[Math.floor(k / lanes)] as number),
  );
  const [{ data }] = evaluate(model, model.initial(lanes), { source, target });
  const width = symbols + 1;
  return sequences.map((sequence, lane) =>
    sequence.reduce((sum, symbol, t) => {
      const row = Array.from(data.subarray((t * lanes + lane) * width, (t * lanes + lane + 1) * width));
      return sum + (row[symbol] as number) - Math.log(row.reduce((total, z) => total + Math.exp(z), 0));
    }, 0),
  );
}

const written = (decoded: ReturnType<typeof decodeBeam>) =>
  Array.from({ length: lanes }, (_, lane) =>
    Array.from({ length: steps }, (_, t) => decoded.data[t * lanes + lane] as number),
  );

describe('decodeBeam', () => {
  it('of width 1 is greedy', () => {
    expect(decodeBeam(model, source, { start, steps, width: 1 })).toEqual(
      decodeGreedy(model, source, { start, steps }),
    );
  });

  it('that keeps every beginning finds the most probable sequence of all', () => {
    const found = written(decodeBeam(model, source, { start, steps, width: 64 }));
    const scores = scoresOf(found);
    const all = Array.from({ length: 4 ** steps }, (_, k) =>
      Array.from({ length: steps }, (_, t) => Math.floor(k / 4 ** t) % 4),
    );
    const best = all
      .map((sequence) => scoresOf(Array.from({ length: lanes }, () => sequence)))
      .reduce((most, each) => most.map((value, lane) => Math.max(value, each[lane] as number)));
    scores.forEach((score, lane) => {
      expect(score).toBeCloseTo(best[lane] as number, 4);
    });
    // The greedy one is not that: the search has something to find.
    const greedy = scoresOf(written(decodeGreedy(model, source, { start, steps })));
    expect(greedy.some((score, lane) => score < (best[lane] as number) - 1e-3)).toBe(true);
  });

  it('writes nothing but its end after an end', () => {
    for (const end of [0, 1, 2]) {
      for (const sequence of written(decodeBeam(model, source, { start, steps, width: 3, end }))) {
        const at = sequence.indexOf(end);
        if (at >= 0) expect(sequence.slice(at)).toEqual(new Array(steps - at).fill(end));
      }
    }
  });

  it('refuses a width that is none', () => {
    expect(() => decodeBeam(model, source, { start, steps, width: 0 })).toThrow('decodeBeam: width');
  });
});
