import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Utf8Place, utf8Place } from '../../src/streams/utf8.js';

const BYTES = Array.from({ length: 256 }, (_, byte) => byte);

function placeAfter(bytes: Iterable<number>): Utf8Place {
  const place = utf8Place();
  for (const byte of bytes) place.push(byte);
  return place;
}

const mayCome = ({ next }: Utf8Place, byte: number): boolean =>
  next.some(([first, last]) => byte >= first && byte <= last);

function decodes(bytes: readonly number[], stream: boolean): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(bytes), { stream });
    return true;
  } catch {
    return false;
  }
}
const isText = (bytes: readonly number[]): boolean => decodes(bytes, false);
/** A decoder that waits for more fails at the first byte that cannot belong to a text. */
const beginsText = (bytes: readonly number[]): boolean => decodes(bytes, true);

/** First bytes, and such with the second ones at which something is overlong, a surrogate, or beyond U+10FFFF, and around them. */
const beginnings: readonly (readonly number[])[] = [
  [],
  [0x61],
  ...BYTES.filter((byte) => beginsText([byte]) && byte >= 0x80).map((byte) => [byte]),
  ...[0xa0, 0xbf].map((second) => [0xe0, second]),
  ...[0x80, 0xbf].map((second) => [0xe1, second]),
  ...[0x80, 0x9f].map((second) => [0xed, second]),
  ...[0x80, 0xbf].map((second) => [0xee, second]),
  ...[0x90, 0xbf].flatMap((second) => [
    [0xf0, second],
    [0xf0, second, 0x80],
    [0xf0, second, 0xbf],
  ]),
  ...[0x80, 0xbf].flatMap((second) => [
    [0xf3, second],
    [0xf3, second, 0xbf],
  ]),
  ...[0x80, 0x8f].flatMap((second) => [
    [0xf4, second],
    [0xf4, second, 0x80],
    [0xf4, second, 0xbf],
  ]),
];

describe('a place in UTF-8', () => {
  it('begins with the bytes that begin a character', () => {
    const firsts = BYTES.filter((byte) => mayCome(utf8Place(), byte));
    expect(firsts).toEqual(BYTES.filter((byte) => beginsText([byte])));
    expect(firsts).toHaveLength(128 + 0xf4 - 0xc2 + 1);
  });

  it.each(beginnings.map((bytes) => [Buffer.from(bytes).toString('hex'), bytes] as const))(
    'after %s has next what a decoder takes, and counts what waits',
    (_, bytes) => {
      const place = placeAfter(bytes);
      expect(BYTES.filter((byte) => mayCome(place, byte))).toEqual(
        BYTES.filter((byte) => beginsText([...bytes, byte])),
      );
      expect(place.begun).toBe(isText(bytes) ? 0 : bytes.length);
      for (const byte of BYTES) {
        if (mayCome(place, byte)) expect(placeAfter([...bytes, byte]).begun === 0).toBe(isText([...bytes, byte]));
      }
    },
  );

  it('has ranges that are apart and in their order', () => {
    for (const bytes of beginnings) {
      const ends = placeAfter(bytes).next.flat();
      expect(ends.length).toBeLessThanOrEqual(32);
      expect(ends).toEqual([...ends].sort((a, b) => a - b));
    }
  });

  it('is where a decoder is, whatever comes', () => {
    // Those at which a rule ends, and some of all.
    const edges = [0, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee];
    const byte = fc.oneof(fc.constantFrom(...edges, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff), fc.nat(255));
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 40 }), (all) => {
        const place = utf8Place();
        const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
        for (const each of all) {
          const before = place.begun;
          const may = mayCome(place, each);
          place.push(each);
          const text = decoder.decode(Uint8Array.of(each), { stream: true });
          // What had begun and is not gone on with is given up for U+FFFD, and so is what begins nothing.
          const lost = may ? 0 : Number(before > 0) + Number(place.begun === 0 && each >= 0x80);
          const whole = Number(place.begun === 0 && (may || each < 0x80));
          expect([...text].length).toBe(lost + whole);
        }
        expect(decoder.decode()).toBe(place.begun > 0 ? '\uFFFD' : '');
      }),
      { numRuns: 500, seed: 1 },
    );
  });

  it.each([-1, 256, 0x1e9, 0.5 + 0xff, Number.NaN])('passes %s over, which is no byte', (none) => {
    expect(placeAfter([0xe6, none]).begun).toBe(0);
    expect(placeAfter([none, 0xe6, 0xb0]).begun).toBe(2);
  });
});
