/** The fuzzing itself: what is wrong with a reader is found, made small, and found again by what is printed. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { refusal } from '../../fuzz/judging.js';
import { cutUp, mutatedBytes, mutatedText } from '../../fuzz/mutations.js';
import { type Bounds, run } from '../../fuzz/run.js';
import { foreign, readSafetensors } from '../../fuzz/safetensors.js';
import { decodeCheckpoint, encodeCheckpoint, ids, OxbowError } from '../../src/index.js';

const wide: Bounds = { milliseconds: 1000, arrays: [2 ** 24, 0], objects: [2 ** 30, 0] };
const reading = (judge: (bytes: Uint8Array) => Promise<number> | number) => ({
  name: 'bytes',
  cases: fc.uint8Array({ maxLength: 40 }),
  judge: async (bytes: Uint8Array) => judge(bytes),
});
const kept: ArrayBuffer[] = [];

describe('a run', () => {
  it('counts its cases where none is wrong', async () => {
    const report = await run(
      reading(({ length }) => length),
      { runs: 200, seed: 5 },
      wide,
    );
    expect(report).toMatchObject({ target: 'bytes', cases: 200, seed: 5 });
    expect(report.failure).toBeUndefined();
  });

  it.each<[string, (bytes: Uint8Array) => Promise<number> | number, RegExp]>([
    [
      'an error',
      () => {
        throw new Error('wrong');
      },
      /wrong/,
    ],
    ['a promise that nobody keeps', () => new Promise(() => undefined), /Property timeout/],
    [
      'arrays out of all proportion',
      () => {
        kept.push(new ArrayBuffer(2 ** 25));
        return 0;
      },
      /32\.0 MiB of arrays for 0 bytes/,
    ],
    [
      'a rejection that nobody hears',
      async () => {
        void Promise.reject(new Error('alone'));
        await new Promise((resolve) => setImmediate(resolve));
        return 0;
      },
      /nobody handled[\s\S]*alone/,
    ],
  ])('finds %s, the smallest one, and finds it again', async (_, judge, message) => {
    const wrong = reading((bytes) => (bytes.includes(7) ? judge(bytes) : bytes.length));
    const bounds = { ...wide, milliseconds: 50 };
    const { failure } = await run(wrong, { runs: 2000, seed: 5 }, bounds);
    expect(failure).toMatchObject({ example: 'Uint8Array.from([7])' });
    expect(failure?.message).toMatch(message);
    const again = await run(wrong, { runs: 2000, seed: 5, path: failure?.path }, bounds);
    expect(again).toMatchObject({ cases: 1, failure: { example: 'Uint8Array.from([7])' } });
    kept.length = 0;
  });
});

describe('a refusal', () => {
  const oxbow = (message: string) => new OxbowError({ _tag: 'BadTensor', message });
  it.each([
    oxbow('read: no tensor.'),
    new TypeError('read: no list.'),
    new RangeError('read: 3 of 2.'),
    new Error('read: closed.'),
  ])('may be %s', (error) => {
    expect(refusal(['write', 'read'], error)).toBe(error);
  });

  it.each<[unknown, RegExp]>([
    [oxbow('a tensor is none.'), /no refusal by read/],
    [new TypeError("Cannot read properties of undefined (reading 'x')"), /no refusal/],
    [new SyntaxError('read: what JSON says'), /no refusal/],
    ['read: a text', /no refusal/],
    [oxbow('read: a file: Maximum call stack size exceeded'), /a fault of the program/],
    [oxbow("read: Cannot read properties of undefined (reading 'x')"), /a fault of the program/],
    [oxbow('read: it is [object Object]'), /a fault of the program/],
    [oxbow(`read: ${'x'.repeat(20_000)}`), /a message of 20006 characters/],
  ])('is not %s', (error, message) => {
    expect(() => refusal(['read'], error)).toThrow(message);
  });
});

describe('mutations', () => {
  const bytes = Uint8Array.of(1, 2, 3, 4);
  it.each<[Parameters<typeof mutatedBytes>[1][number], readonly number[]]>([
    [{ kind: 'flip', at: 1, bit: 7 }, [1, 130, 3, 4]],
    [{ kind: 'set', at: 7, byte: 9 }, [1, 2, 9, 4]],
    [{ kind: 'set', at: 4, byte: 9 }, [1, 2, 3, 4]],
    [{ kind: 'cut', at: 1, length: 2 }, [1, 4]],
    [{ kind: 'end', at: 3 }, [1, 2, 3]],
    [{ kind: 'copy', at: 0, length: 2, to: 4 }, [1, 2, 3, 4, 1, 2]],
    [{ kind: 'insert', at: 2, bytes: Uint8Array.of(8) }, [1, 2, 8, 3, 4]],
  ])('%j of bytes', (mutation, wanted) => {
    expect([...mutatedBytes(bytes, [mutation])]).toEqual(wanted);
    expect([...mutatedBytes(new Uint8Array(), [mutation])].length).toBeLessThan(2);
  });

  it.each<[Parameters<typeof mutatedText>[1][number], string]>([
    [{ kind: 'number', nth: 1, by: '-0' }, '{"a":[1,-0],"b":"c"}'],
    [{ kind: 'name', nth: 0, by: '"' }, '{"\\"":[1,2],"b":"c"}'],
    [{ kind: 'value', nth: 1, by: 'null' }, '{"a":[1,null],"b":"c"}'],
    [{ kind: 'value', nth: 3, by: '7' }, '{"a":7,"b":"c"}'],
    [{ kind: 'nest', nth: 2, depth: 2, by: 'object' }, '{"a":[1,2],"b":{"a":{"a":"c"}}}'],
    [{ kind: 'cut', at: 1, length: 4 }, '{[1,2],"b":"c"}'],
    [{ kind: 'copy', at: 5, length: 5, to: 5, times: 2 }, '{"a":[1,2][1,2][1,2],"b":"c"}'],
    [{ kind: 'insert', at: 0, text: '\uFEFF' }, '\uFEFF{"a":[1,2],"b":"c"}'],
  ])('%j of a text', (mutation, wanted) => {
    expect(mutatedText('{"a":[1,2],"b":"c"}', [mutation])).toBe(wanted);
  });

  it('chunks are all of the bytes', () => {
    expect(cutUp(bytes, [9, 2, 2]).map((chunk) => [...chunk])).toEqual([[1, 2], [], [3, 4], []]);
  });
});

it('the second reader reads names as they are, whatever was read before', () => {
  for (const name of ['\\', '\r', '\n', '__proto__', '\u0000']) {
    const file = foreign(encodeCheckpoint({ tensors: { [name]: ids([1], [1]) }, metadata: { [name]: name } }));
    expect([...(readSafetensors(file)?.tensors.keys() ?? [])]).toEqual([name]);
    expect(readSafetensors(file)?.metadata).toEqual(new Map([[name, name]]));
  }
});

it.each([
  [
    'a name twice',
    '{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"\\u0061":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}',
  ],
  ['a number with an exponent', '{"a":{"dtype":"F32","shape":[0e0],"data_offsets":[0,0]}}'],
  ['a gap', '{"a":{"dtype":"F32","shape":[0],"data_offsets":[1,1]}}'],
  ['a space before it', ' {}'],
])('the second reader refuses a header with %s', (_, header) => {
  const file = new Uint8Array(8 + header.length);
  file[0] = header.length;
  file.set(new TextEncoder().encode(header), 8);
  expect(readSafetensors(file)).toBeUndefined();
  expect(() => decodeCheckpoint(file)).toThrow(OxbowError);
});

it('the second reader takes what is sound and nothing else', () => {
  const file = foreign(encodeCheckpoint({ tensors: { a: ids([2], [1, 2]) }, metadata: { by: 'me' } }));
  expect(readSafetensors(file)?.tensors.get('a')).toEqual({
    dtype: 'I32',
    shape: [2],
    bytes: Uint8Array.of(1, 0, 0, 0, 2, 0, 0, 0),
  });
  expect(readSafetensors(file)?.metadata).toEqual(new Map([['by', 'me']]));
  expect(readSafetensors(file.subarray(0, -1))).toBeUndefined();
  expect(readSafetensors(Uint8Array.of(1, 2, 3))).toBeUndefined();
});
