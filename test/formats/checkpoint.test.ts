import { crc32 } from 'node:zlib';
import * as E from 'fp-ts/lib/Either.js';
import { describe, expect, test } from 'vitest';
import type { FormatError } from '../../src/errors.js';
import {
  bytesIn,
  type Checkpoint,
  decodeCheckpointEither,
  encodeCheckpoint,
  fileLayoutOf,
  piecesOf,
} from '../../src/formats/checkpoint.js';
import { putChecksum } from '../../src/formats/seal.js';
import { generator, type RandomGenerator } from '../../src/random.js';
import { ids, type Tensor, tensor } from '../../src/tensor.js';

const small: Checkpoint = {
  tensors: { w: tensor([2, 2], [1, -2, 0.5, 4]), steps: ids([1], [7]) },
  metadata: { made: 'by hand' },
};

/** A file with the given header text and data, lengths as they come. */
function file(header: string, data: ArrayLike<number> = []): Uint8Array {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}

function errorOf(bytes: Uint8Array): FormatError {
  const decoded = decodeCheckpointEither(bytes);
  if (E.isRight(decoded)) throw new Error('decoded, though it should not');
  return decoded.left;
}

function randomTensor(random: RandomGenerator): Tensor {
  const shape = Array.from({ length: random.below(4) }, () => random.below(5));
  const bits = Int32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.below(2 ** 32) | 0);
  // Any bit pattern is a float, NaNs with payloads and denormal numbers among them.
  return random.below(2) === 0 ? ids(shape, bits) : tensor(shape, new Float32Array(bits.buffer));
}

function randomName(random: RandomGenerator): string {
  const symbols = ['a', 'Z', '.', '"', '\\', '\n', '船', '🦜', '__proto__', '\u0000', '7'];
  return Array.from({ length: 1 + random.below(6) }, () => symbols[random.below(symbols.length)]).join('');
}

describe('the bytes of a checkpoint', () => {
  test('are laid out as the safetensors format says', () => {
    const header =
      '{"__metadata__":{"oxbow.crc32":"00000000","oxbow.format":"1","made":"by hand"},"steps":{"dtype":"I32","shape":[1],"data_offsets":[0,4]},' +
      '"w":{"dtype":"F32","shape":[2,2],"data_offsets":[4,20]}}';
    const padded = header.padEnd(Math.ceil(header.length / 8) * 8, ' ');
    // 7; then 1, −2, 0.5 and 4 as IEEE 754 singles.
    const data = [7, 0, 0, 0, 0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 0, 0, 0, 0x3f, 0, 0, 0x80, 0x40];
    const checksum = crc32(file(padded, data)).toString(16).padStart(8, '0');
    expect(encodeCheckpoint(small)).toEqual(file(padded.replace('00000000', checksum), data));
  });

  test('do not depend on the order in which records were filled', () => {
    const { w, steps } = small.tensors as { w: Tensor; steps: Tensor };
    const other = encodeCheckpoint({ tensors: { steps, w }, metadata: small.metadata });
    expect(other).toEqual(encodeCheckpoint(small));
  });

  test('keep every bit of any tensor under any name', () => {
    const random = generator(3, 'round trips');
    for (let round = 0; round < 200; round += 1) {
      const checkpoint: Checkpoint = {
        tensors: Object.fromEntries(
          Array.from({ length: random.below(5) }, () => [randomName(random), randomTensor(random)]),
        ),
        metadata: Object.fromEntries(
          Array.from({ length: random.below(3) }, () => [randomName(random), randomName(random)]),
        ),
      };
      const bytes = encodeCheckpoint(checkpoint);
      const decoded = decodeCheckpointEither(bytes);
      if (E.isLeft(decoded)) throw new Error(decoded.left.message);
      expect(decoded.right.metadata).toEqual(checkpoint.metadata);
      expect(Object.keys(decoded.right.tensors).sort()).toEqual(Object.keys(checkpoint.tensors).sort());
      for (const [name, { shape, type }] of Object.entries(checkpoint.tensors)) {
        expect(decoded.right.tensors[name]).toMatchObject({ shape, type });
      }
      // Bit patterns: comparing bytes tells NaNs apart, comparing numbers does not.
      expect(encodeCheckpoint(decoded.right)).toEqual(bytes);
    }
  });

  test('may start at any place of a larger buffer', () => {
    const bytes = encodeCheckpoint(small);
    const shifted = new Uint8Array(bytes.length + 3).subarray(3);
    shifted.set(bytes);
    expect(decodeCheckpointEither(shifted)).toEqual(E.right(small));
  });

  test('of another writer are read: no metadata, no padding, any order', () => {
    const header =
      '{"b":{"dtype":"F32","shape":[],"data_offsets":[4,8]},"a":{"shape":[1,0],"dtype":"I32","data_offsets":[0,0]},"c":{"dtype":"I32","shape":[1],"data_offsets":[0,4]}}';
    const decoded = decodeCheckpointEither(file(header, [5, 0, 0, 0, 0, 0, 0x80, 0xbf]));
    expect(decoded).toEqual(
      E.right({ tensors: { a: ids([1, 0], []), b: tensor([], [-1]), c: ids([1], [5]) }, metadata: {} }),
    );
  });

  test('are the same in pieces of any size', () => {
    const bytes = encodeCheckpoint(small);
    const layout = fileLayoutOf('encodeCheckpoint', small);
    putChecksum(layout.header, crc32(Buffer.concat([...bytesIn(layout, 7)])));
    for (const size of [1, 3, 8, 64, bytes.length - 1, bytes.length, 1 << 20]) {
      const pieces = Array.from(piecesOf(layout, size), (piece) => piece.slice());
      expect(pieces.every(({ length }) => length <= size)).toBe(true);
      expect(new Uint8Array(Buffer.concat(pieces))).toEqual(bytes);
    }
  });

  test.each<readonly [string, Checkpoint, RegExp]>([
    ['a number', { tensors: {}, metadata: { a: 1 as never } }, /metadata are strings, but "a" is number/],
    ['null', { tensors: {}, metadata: { a: null as never } }, /"a" is null/],
    ['an object', { tensors: {}, metadata: { __proto__: '', a: {} as never } }, /"a" is object/],
    [
      'numbers of another type',
      { tensors: { w: { ...ids([1], [1]), type: 'float32' } }, metadata: {} },
      /Float32Array/,
    ],
  ])('refuse %s, which could not be read', (_, checkpoint, message) => {
    expect(() => encodeCheckpoint(checkpoint)).toThrow(TypeError);
    expect(() => encodeCheckpoint(checkpoint)).toThrow(message);
  });

  test('refuse too few numbers, and take those of a list', () => {
    const x = tensor([1], [1]);
    const encoded = (w: unknown) => encodeCheckpoint({ tensors: { w: w as Tensor }, metadata: {} });
    expect(() => encoded({ ...x, shape: [2] })).toThrow(/^encodeCheckpoint: w/);
    expect(encoded({ ...x, data: [1] })).toEqual(encoded(x));
  });

  test('refuse what is more than is read of any file', () => {
    const empty = tensor([0], []);
    const many = Object.fromEntries(Array.from({ length: 71_500 }, (_, k) => [k, empty]));
    expect(() => encodeCheckpoint({ tensors: many, metadata: {} })).toThrow(/500504 values, but no more than 500000/);
  });

  test('refuse a tensor that the format has no room for', () => {
    const wide = { w: tensor([1], new Float64Array(1)) };
    expect(() => encodeCheckpoint({ tensors: wide, metadata: {} })).toThrow(/w is float64.*convert it to float32/);
    const reserved = { __metadata__: tensor([1], [0]) };
    expect(() => encodeCheckpoint({ tensors: reserved, metadata: {} })).toThrow(/__metadata__/);
  });
});

describe('damaged bytes', () => {
  test('cut at any length are an error', () => {
    const bytes = encodeCheckpoint(small);
    for (let length = 0; length < bytes.length; length += 1) {
      expect(errorOf(bytes.subarray(0, length))._tag).toBe('Truncated');
    }
  });

  test('with one more byte at the end are an error', () => {
    const bytes = encodeCheckpoint(small);
    const longer = new Uint8Array(bytes.length + 1);
    longer.set(bytes);
    expect(errorOf(longer)).toMatchObject({
      _tag: 'BadOffsets',
      message: expect.stringContaining('1 bytes at the end belong to no tensor.'),
    });
  });

  test('with any single bit flipped are an error', () => {
    const bytes = encodeCheckpoint(small);
    for (let bit = 0; bit < 8 * bytes.length; bit += 1) {
      const damaged = bytes.slice();
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(errorOf(damaged).message).not.toBe('');
    }
  });

  test('of which a byte of the numbers was changed have another checksum', () => {
    const bytes = encodeCheckpoint(small);
    bytes[bytes.length - 1] = 0;
    expect(errorOf(bytes)).toMatchObject({
      _tag: 'BadChecksum',
      message: expect.stringMatching(
        /^decodeCheckpoint: the bytes have the checksum [0-9a-f]{8}, but the header says [0-9a-f]{8}: .*Take a copy/,
      ),
    });
  });

  test('that never had a checksum, as those of other writers, are read', () => {
    const header = '{"__metadata__":{"made":"by others"},"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}';
    const others = E.right({ tensors: { w: tensor([1], [1]) }, metadata: { made: 'by others' } });
    expect(decodeCheckpointEither(file(header, [0, 0, 0x80, 0x3f]))).toEqual(others);
  });

  test('with a header that is not UTF-8 are an error', () => {
    const bytes = file('{"w":1}');
    bytes[10] = 0xff;
    expect(errorOf(bytes)._tag).toBe('HeaderNotJson');
  });

  test('with a huge header length are an error, at once', () => {
    const bytes = new Uint8Array(64).fill(0xff);
    expect(errorOf(bytes)).toMatchObject({
      _tag: 'HeaderTooLarge',
      message: expect.stringContaining('18446744073709551615'),
    });
  });
});
