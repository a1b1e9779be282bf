import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as E from 'fp-ts/lib/Either.js';
import { afterAll, expect, test } from 'vitest';
import { readText } from '../../examples/shared/text-file.js';

const folder = mkdtempSync(join(tmpdir(), 'text-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function read(bytes: string | Uint8Array) {
  const path = join(folder, 'a');
  writeFileSync(path, bytes);
  return readText(path)();
}

const verse = 'The ship sails on the sea.\n'.repeat(20);
const utf16 = Buffer.from(verse, 'utf16le');
const swapped = Buffer.from(utf16).swap16();
const utf32 = Buffer.from(Uint32Array.from(`\uFEFF${verse}`, (symbol) => symbol.codePointAt(0) as number).buffer);
const noise = Uint8Array.from({ length: 5000 }, (_, k) => (Math.imul(k + 1, 0x9e3779b1) >>> 11) & 0xff);

test.each([
  [
    'UTF-16, little end first',
    Buffer.concat([Buffer.of(0xff, 0xfe), utf16]),
    /is UTF-16, not UTF-8; .*iconv -f UTF-16 /,
  ],
  [
    'UTF-16, big end first',
    Buffer.concat([Buffer.of(0xfe, 0xff), swapped]),
    /is UTF-16, not UTF-8; .*iconv -f UTF-16 /,
  ],
  ['Chinese UTF-16', Buffer.from('\uFEFF船在海上'.repeat(9), 'utf16le'), /is UTF-16, not UTF-8; .*iconv -f UTF-16 /],
  ['UTF-16 without a mark', utf16, /is UTF-16LE, not UTF-8; .*iconv -f UTF-16LE /],
  ['the same, big end first', swapped, /is UTF-16BE, not UTF-8; .*iconv -f UTF-16BE /],
  ['UTF-32', utf32, /is UTF-32, not UTF-8; .*iconv -f UTF-32 /],
  ['noise', noise, /is no text but binary \(a NUL at byte \d+\); give a text in UTF-8\.$/],
  ['a NUL in the midst', `${verse}\0${verse}`, /is no text but binary \(a NUL at byte 540\); give a text in UTF-8\.$/],
  ['controls', 'PK\u0003\u0004abc'.repeat(9), /is no text but binary \(0x03 at byte 2\); give a text in UTF-8\.$/],
  ['Latin-1', Buffer.from('un café', 'latin1'), /is no text in UTF-8 \(0xe9 at byte 6\); .*iconv -f WINDOWS-1252 /],
  ['a character that is cut off', Buffer.from('船').subarray(0, 2), /is no text in UTF-8 \(0xe8 at byte 0\)/],
  ['a half of a surrogate pair', Buffer.of(0x61, 0xed, 0xa0, 0x80), /is no text in UTF-8 \(0xed at byte 1\)/],
])('%s is refused by name, with the remedy', async (_, bytes, message) => {
  expect(await read(bytes)).toEqual(E.left({ _tag: 'Failure', message: expect.stringMatching(message) }));
});

test.each([
  ['a text', verse],
  ['what is not English', 'Ærøskøbing 船在海上 🦜\r\n\tÆ'],
  ['a replacement character', 'what was lost: \uFFFD'],
  ["a terminal's colours", '\u001b[32mgreen\u001b[39m '.repeat(9)],
  ['nothing', ''],
])('%s is read as it is', async (_, text) => {
  expect(await read(text)).toEqual(E.right(text));
});

test('a mark of byte order is no part of the text', async () => {
  expect(await read(`\uFEFF${verse}`)).toEqual(E.right(verse));
});
