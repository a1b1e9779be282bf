import { crc32 as zlibs } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { host as browser } from '../../src/host/browser.js';
import { host as node } from '../../src/host/node.js';
import { generator } from '../../src/random.js';

describe.each([
  ['Node', node],
  ['a browser', browser],
])('the CRC-32 in %s', (_, { crc32 }) => {
  it('is that of the standard', () => {
    // The check value of CRC-32/ISO-HDLC in the catalogue of parametrised CRC algorithms.
    expect(crc32(new TextEncoder().encode('123456789'), 0)).toBe(0xcbf43926);
    expect(crc32(new Uint8Array(0), 0)).toBe(0);
  });

  it("is zlib's for any bytes, whole and in two pieces", () => {
    const random = generator(5, 'crc32');
    for (let length = 0; length < 40; length += 1) {
      const bytes = Uint8Array.from({ length }, () => random.below(256));
      const cut = random.below(length + 1);
      expect(crc32(bytes, 0)).toBe(zlibs(bytes));
      expect(crc32(bytes.subarray(cut), crc32(bytes.subarray(0, cut), 0))).toBe(zlibs(bytes));
    }
  });
});
