import * as E from 'fp-ts/lib/Either.js';
import { describe, expect, test } from 'vitest';
import { loadWeightsEither, weightsOf } from '../../src/formats/weights.js';
import { type Params, parameter } from '../../src/parameters/parameter.js';
import { ids, tensor } from '../../src/tensor.js';

function ramp(): Params {
  const count = (shape: readonly number[]) =>
    parameter(shape, (s) => Float32Array.from({ length: s.reduce((a, b) => a * b, 1) }, (_, i) => i));
  return { embed: { table: count([3, 2]) }, head: { w: count([2, 3]), b: count([3]) } };
}

test('weights are named by their path and loaded by it', () => {
  const from = ramp();
  const weights = weightsOf(from);
  expect(Object.keys(weights)).toEqual(['embed.table', 'head.w', 'head.b']);
  expect(weights['head.w']).toEqual(tensor([2, 3], [0, 1, 2, 3, 4, 5]));

  const to = ramp();
  const other = { ...weights, 'head.b': tensor([3], [7, 8, 9]) };
  expect(loadWeightsEither(to, other)).toEqual(E.right(undefined));
  expect(weightsOf(to)).toEqual(other);
});

test('weights taken out are copies', () => {
  const params = { b: parameter([1], () => Float32Array.of(1)) };
  const before = weightsOf(params);
  params.b.assign([2]);
  expect(before).toEqual({ b: tensor([1], [1]) });
});

test('what does not fit is listed in full, and no weight changes', () => {
  const params = ramp();
  const loaded = loadWeightsEither(params, {
    'embed.table': tensor([3, 2], [9, 9, 9, 9, 9, 9]),
    'head.w': tensor([3, 2], [9, 9, 9, 9, 9, 9]),
    'tail.b': tensor([3], [9, 9, 9]),
  });
  expect(loaded).toMatchObject(
    E.left({
      _tag: 'WeightsMismatch',
      missing: ['head.b'],
      unexpected: ['tail.b'],
      misshapen: ['head.w is float32 [2, 3], not float32 [3, 2]'],
      message:
        'loadWeights: the weights are of another model: missing: head.b; unexpected: tail.b; ' +
        'misshapen: head.w is float32 [2, 3], not float32 [3, 2]; make the model as it was when they were saved.',
    }),
  );
  expect(weightsOf(params)).toEqual(weightsOf(ramp()));
});

test('ids are no weights', () => {
  const loaded = loadWeightsEither({ b: parameter([2], () => new Float32Array(2)) }, { b: ids([2], [1, 2]) });
  expect(loaded).toMatchObject(E.left({ misshapen: ['b is float32 [2], not int32 [2]'] }));
});

describe('parameters that grow', () => {
  const growing = (rows: number, columns: number): Params => ({
    table: parameter([rows, 2], (s) => new Float32Array((s[0] as number) * 2).fill(rows), { grows: [0] }),
    head: parameter([3, columns], (s) => new Float32Array(3 * (s[1] as number)).fill(columns), { grows: [1] }),
    fixed: parameter([2], () => new Float32Array(2)),
  });

  test('grow to what is loaded', () => {
    const to = growing(1, 2);
    const saved = weightsOf(growing(5, 7));
    expect(loadWeightsEither(to, saved)).toEqual(E.right(undefined));
    expect(weightsOf(to)).toEqual(saved);
  });

  test('never shrink, and grow along no other axis; then nothing changes', () => {
    const to = growing(4, 4);
    const before = weightsOf(to);
    const smaller = loadWeightsEither(to, weightsOf(growing(3, 6)));
    expect(smaller).toMatchObject(E.left({ misshapen: ['table is float32 [4, 2], not float32 [3, 2]'] }));
    const other = loadWeightsEither(to, { ...weightsOf(growing(5, 4)), fixed: tensor([3], [1, 2, 3]) });
    expect(other).toMatchObject(E.left({ misshapen: ['fixed is float32 [2], not float32 [3]'] }));
    expect(weightsOf(to)).toEqual(before);
  });
});
