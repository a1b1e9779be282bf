/** Sources that say where they go on: what comes after a position is what the whole text has there. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { from, lastValueFrom, map, type Observable, of, tap, toArray } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bounded } from '../../src/streams/bounded.js';
import { positionNow } from '../../src/streams/demand.js';
import { type FilePosition, fromFile } from '../../src/streams/from-file.js';
import { fromText, type TextPosition } from '../../src/streams/from-text.js';
import { positioned } from '../../src/streams/positioned.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'oxbow-position-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** What comes, and the position after each. */
const heard = <P>(source$: Observable<string>): Promise<(readonly [string, P | undefined])[]> =>
  lastValueFrom(
    source$.pipe(
      map((text) => [text, positionNow() as P | undefined] as const),
      toArray(),
    ),
    { defaultValue: [] },
  );

const texts: readonly (readonly [name: string, bytes: Uint8Array])[] = [
  ['letters', Buffer.from('abcdefghij')],
  ['two, three and four bytes', Buffer.from('aé水🐂é🐃水z')],
  ['a mark at its start', Buffer.from('\ufeffab\ufeffc水')],
  ['a mark in its midst', Buffer.from('a\ufeffb\ufeff\ufeffc')],
  ['nothing', Buffer.from('')],
  ['bytes that are no UTF-8', Buffer.from([0x61, 0xff, 0xe6, 0xb0, 0x62, 0xf0, 0x9f, 0x63, 0xc3, 0x64, 0x80, 0x80])],
  [
    'overlong and surrogates',
    Buffer.from([0xe0, 0x80, 0x80, 0xed, 0xa0, 0x80, 0xf0, 0x80, 0x80, 0x80, 0xf4, 0x90, 0x80, 0x80, 0x61]),
  ],
  ['an end that is cut', Buffer.from([0x61, 0xf0, 0x9f, 0x90])],
];

describe.each(texts)('a file with %s', (name, bytes) => {
  it.each([1, 2, 3, 4, 5, 64])('goes on after any chunk of %i bytes', async (chunk) => {
    const path = join(folder, `${name}.txt`);
    await writeFile(path, bytes);
    const all = await heard<FilePosition>(fromFile(path, { chunk }));
    const whole = all.map(([text]) => text).join('');
    let before = '';
    for (const [text, position] of all) {
      before += text;
      if (position === undefined) continue;
      const rest = await heard(fromFile(path, { chunk: 7, from: position }));
      expect(before + rest.map(([piece]) => piece).join('')).toBe(whole);
    }
  });
});

describe('a text', () => {
  it.each(['abcdef', 'a🐂b🐃', '\ufeffab\ufeffc', ''])('%j goes on after any chunk', async (text) => {
    for (const chunk of [1, 2, 5]) {
      const all = await heard<TextPosition>(fromText(text, { chunk }));
      const whole = all.map(([piece]) => piece).join('');
      let before = '';
      for (const [piece, position] of all) {
        before += piece;
        const rest = await heard(fromText(text, { chunk: 3, from: position }));
        expect(before + rest.map(([one]) => one).join('')).toBe(whole);
      }
    }
  });

  it.each([-1, 7, 1.5, Number.NaN])('has no place %d', (offset) => {
    expect(() => fromText('abcdef', { from: { offset } })).toThrow(/^fromText: from.offset/);
    if (offset !== 7) expect(() => fromFile('none', { from: { bytes: offset } })).toThrow(/^fromFile: from.bytes/);
  });
});

describe('a position', () => {
  it('goes with its value through operators, and through those that go on with it later', async () => {
    const seen: unknown[] = [];
    await lastValueFrom(
      from(['a', 'b', 'c']).pipe(
        positioned((value, index) => ({ after: value, index })),
        map((value) => value.toUpperCase()),
        bounded({ capacity: 8, policy: 'error' }, async (value) => value + value),
        tap((value) => seen.push([value, positionNow()])),
      ),
    );
    expect(seen).toEqual([
      ['AA', { after: 'a', index: 0 }],
      ['BB', { after: 'b', index: 1 }],
      ['CC', { after: 'c', index: 2 }],
    ]);
    expect(positionNow()).toBeUndefined();
  });

  it('is the nearest of several, and nobody has one where no source says so', async () => {
    const seen: unknown[] = [];
    await lastValueFrom(of(1).pipe(tap(() => seen.push(positionNow()))));
    await lastValueFrom(
      of(1).pipe(
        positioned(() => 'outer'),
        positioned(() => 'inner'),
        tap(() => seen.push(positionNow())),
      ),
    );
    expect(seen).toEqual([undefined, 'inner']);
  });

  it('is an error of the stream where it cannot be said', async () => {
    const wrong$ = of(1).pipe(
      positioned(() => {
        throw new Error('no place');
      }),
    );
    await expect(lastValueFrom(wrong$)).rejects.toThrow('no place');
  });
});
