import { describe, expect, it } from 'vitest';
import { ids, type Tensor, tensor, zeros } from '../src/tensor.js';
import * as tree from '../src/tree.js';

const h = tensor([2], [1, 2]);
const c = tensor([1], [3]);
const nested = { rnn: [{ h, c }], step: 4, none: undefined, ids: ids([1], [7]) };
const doubled = ({ shape, data }: Tensor): Tensor => tensor(shape, data.map((value) => 2 * value) as Float32Array);
const sum = (parts: readonly unknown[]) =>
  (parts as readonly Tensor[]).map(({ data }) => data[0] as number).reduce((a, b) => a + b);

describe('map', () => {
  it.each<[string, unknown, unknown]>([
    ['a tensor', h, tensor([2], [2, 4])],
    ['records and lists', { a: [h, { b: c }] }, { a: [tensor([2], [2, 4]), { b: tensor([1], [6]) }] }],
    ['what holds no tensor', { step: 4, none: undefined, of: [] }, { step: 4, none: undefined, of: [] }],
    ['nothing', undefined, undefined],
    ['a bare array of numbers', Float32Array.of(1), Float32Array.of(1)],
  ])('reaches the tensors of %s and leaves the rest', (_, from, to) => {
    expect(tree.map(from, doubled)).toEqual(to);
  });

  it('leaves the tree that it was given as it was', () => {
    const given = { a: [h] };
    tree.map(given, doubled);
    expect(given).toEqual({ a: [tensor([2], [1, 2])] });
  });

  it('keeps a part of a name that records have by themselves', () => {
    const named = JSON.parse('{"__proto__": {"a": 1}, "b": 2}');
    expect(Object.keys(tree.map(named, doubled))).toEqual(['__proto__', 'b']);
  });
});

describe('leaves', () => {
  it('gives tensors in order, by their paths', () => {
    expect(tree.leaves(nested)).toEqual([
      ['rnn[0].h', h],
      ['rnn[0].c', c],
      ['ids', nested.ids],
    ]);
    expect(tree.leaves(nested, 'the carry').map(([path]) => path)).toContain('the carry.rnn[0].h');
    expect(tree.leaves(h)).toEqual([['', h]]);
    expect(tree.leaves(3)).toEqual([]);
  });
});

describe('every', () => {
  it('asks the tensors alone, up to the first that does not hold', () => {
    const asked: Tensor[] = [];
    const isLong = (x: Tensor) => asked.push(x) > 0 && x.shape[0] === 2;
    expect(tree.every(nested, isLong)).toBe(false);
    expect(asked).toEqual([h, c]);
    expect(tree.every({ a: [h], b: 'text' }, isLong)).toBe(true);
  });
});

describe('zip', () => {
  it('joins the parts at each place, any number of trees', () => {
    const one = { a: [h], b: { c } };
    expect(tree.zip([one, one, one], sum)).toEqual({ a: [3], b: { c: 9 } });
    expect(tree.zip([h, c], sum)).toBe(4);
  });

  it.each<[string, unknown, unknown, string, unknown, unknown]>([
    ['a part missing', { a: { b: h } }, { a: {} }, 'x.a.b', h, undefined],
    ['a part too many', { a: {} }, { a: { b: h } }, 'x.a.b', undefined, h],
    ['a record instead of a tensor', { a: h }, { a: { b: h } }, 'x.a', h, { b: h }],
    ['a list instead of a record', { a: { b: h } }, { a: [h] }, 'x.a', { b: h }, [h]],
    ['a shorter list', [h, h], [h], 'x[1]', h, undefined],
    ['a number', { a: 1 }, { a: 2 }, 'x.a', 1, 2],
  ])('tells the place where trees differ: %s', (_, one, other, path, part, its) => {
    const met: unknown[] = [];
    tree.zip([one, other], ([a, b], at) => met.push([at, a, b]), 'x');
    expect(met).toContainEqual([path, part, its]);
  });
});

it.each<[unknown, string]>([
  [zeros([2, 3]), 'float32 [2, 3]'],
  [{ h, c }, '{ h, c }'],
  [{}, '{}'],
  [[h, c], 'a list of 2'],
  [undefined, 'undefined'],
  [7, '7'],
])('shown', (part, text) => {
  expect(tree.shownPart(part)).toBe(text);
});
