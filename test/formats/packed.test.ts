import * as E from 'fp-ts/lib/Either.js';
import { decodeCheckpoint, encodeCheckpoint, generator, ids, tensor, vocabulary } from 'oxbow';
import { describe, expect, it } from 'vitest';
import { packed, unpacked } from '../../src/formats/packed.js';

/** Through a file and back. */
function through(value: unknown): unknown {
  const { json, tensors } = packed(value, 'run');
  const read = decodeCheckpoint(encodeCheckpoint({ tensors, metadata: { run: json } }));
  const back = unpacked({ json: read.metadata.run as string, tensors: read.tensors });
  if (E.isLeft(back)) throw back.left;
  return back.right;
}

describe('a packed value', () => {
  it.each<[string, unknown]>([
    ['plain values', { a: 1, b: 'two', c: [true, null, -3.5e-300], d: {}, e: [] }],
    ['numbers that JSON has not', [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 0]],
    ['tensors', { carry: { rnn: { h: tensor([2, 3], [1, 2, 3, 4, 5, Number.NaN]) } }, x: [ids([1, 1], [7])] }],
    ['tensors of no numbers', tensor([0, 3], [])],
    ['a tensor with lengths', { ...ids([2, 2], [1, 2, 3, 4]), lengths: [2, 1] }],
    ['arrays of numbers', { f: Float32Array.of(1.5, -0), i: Int32Array.of(1, -2), none: new Float32Array() }],
    ['names that look like marks', { $: 'tensor', at: 'run', deep: { $: { $: 1 } } }],
    ['names that records inherit', JSON.parse('{"__proto__":{"toString":1},"constructor":2,"hasOwnProperty":3}')],
    ['texts of any kind', ['', '\ud83e', '🐂', '\u0000', '$', 'a.b[0]']],
    ['a single text', 'text'],
    ['nothing', null],
  ])('comes back: %s', (_, value) => {
    const back = through(value);
    expect(back).toEqual(value);
  });

  it('tells zeros and infinities apart', () => {
    const back = through({ zero: -0, most: Number.POSITIVE_INFINITY }) as Record<string, number>;
    expect(Object.is(back.zero, -0)).toBe(true);
    expect(back.most).toBe(Number.POSITIVE_INFINITY);
  });

  it('leaves out what is undefined, and takes what says itself what it is', () => {
    const random = generator(3);
    random.normal();
    expect(through({ a: undefined, b: [undefined], vocab: vocabulary('abc') })).toEqual({
      b: [null],
      vocab: { symbols: 'abc', unknown: 'error' },
    });
  });

  it.each<[unknown, string]>([
    [{ a: { b: () => 1 } }, 'run.a.b is a function'],
    [{ a: [1n] }, 'run.a[0] is 1'],
    [{ a: Symbol('s') }, 'run.a is Symbol(s)'],
    [new Map(), 'run is a Map'],
    [{ when: new Float64Array(2) }, 'run.when is a Float64Array'],
    [loop(), 'parts within one another'],
  ])('refuses what no file can hold: %#', (value, message) => {
    expect(() => packed(value, 'run')).toThrow(message);
    expect(() => packed(value, 'run')).toThrow(TypeError);
  });

  it.each([
    ['{', 'JSON'],
    ['{"$":"tensor","at":"none"}', 'should lie in "none", which is not there'],
    ['{"$":"tensor","at":"__proto__"}', 'which is not there'],
    ['{"$":"tensor"}', 'should lie in undefined'],
    ['{"$":"int32","at":"x"}', 'is float32, not int32'],
    ['{"$":"number","is":"toString"}', 'is no number, but "toString"'],
    ['{"$":"number","is":[{"toString":null}]}', 'is no number, but [{"toString":null}]'],
    ['{"$":"else"}', 'marked as "else"'],
    ['{"$":"record","of":[1]}', 'is no record'],
    [`${'['.repeat(500)}${']'.repeat(500)}`, 'too many parts'],
  ])('is refused where nothing of the kind was packed: %s', (json, message) => {
    const back = unpacked({ json, tensors: { x: tensor([1], [1]) } });
    expect(E.isLeft(back) && back.left._tag).toBe('BadMetadata');
    expect(E.isLeft(back) && back.left.message).toContain(message);
  });
});

function loop(): unknown {
  const record: Record<string, unknown> = {};
  record.self = record;
  return record;
}
