/** Files are written in pieces, from arrays and from shared memory, with what their checksum decides at their start. */
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { crc32 } from '../../src/host/crc32.js';
import { writeInBackground } from '../../src/host/node/background-writer.js';
import { replaceFile } from '../../src/host/node/replace-file.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'oxbow-replace-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const memories = {
  'arrays of their own': (length: number) => new ArrayBuffer(length),
  'shared memory': (length: number) => new SharedArrayBuffer(length),
};

/** Bytes that repeat nowhere near a piece's length. */
function some(kind: string, length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(memories[kind as 'shared memory'](length + 3), 3, length);
  for (let k = 0; k < length; k += 1) bytes[k] = (k * 2_654_435_761 + seed * 40_503) >>> 13;
  return bytes;
}

describe.each(Object.keys(memories))('a file from %s', (kind) => {
  const MB = 1 << 20;
  it.each([[[10]], [[7, 2 * MB + 13, 5]], [[1 << 18]], [[8, 0, 3 * MB]]])(
    'has all its pieces, %j bytes',
    async (sizes) => {
      const pieces = sizes.map((size, k) => some(kind, size, k));
      const path = join(folder, 'file');
      const start = Uint8Array.of(1, 2, 3, 4, 5, 6, 7);
      let checksum = 0;
      await replaceFile(
        path,
        () => pieces,
        (all) => {
          checksum = all;
          return start;
        },
      );
      const all = Buffer.concat(pieces);
      expect(checksum).toBe(crc32(all, 0));
      all.set(start);
      expect(readFileSync(path).equals(all)).toBe(true);
      expect(readdirSync(folder)).toEqual(['file']);
    },
  );

  it('is written for each of many at once', async () => {
    const paths = Array.from({ length: 5 }, (_, k) => join(folder, `file-${k}`));
    const pieces = paths.map((_, k) => [some(kind, 300_000 + k, k), some(kind, 10, k)]);
    await Promise.all(
      paths.map((path, k) =>
        replaceFile(
          path,
          () => pieces[k] as Uint8Array[],
          () => new Uint8Array(),
        ),
      ),
    );
    for (const [k, path] of paths.entries()) {
      expect(readFileSync(path).equals(Buffer.concat(pieces[k] as Uint8Array[]))).toBe(true);
    }
  });

  it('is not there where what is to be its start throws', async () => {
    const refuse = () => {
      throw new Error('not now');
    };
    await expect(replaceFile(join(folder, 'file'), () => [some(kind, 400_000, 0)], refuse)).rejects.toThrow('not now');
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('a write in the background', () => {
  it('says what the system said', async () => {
    const path = join(folder, 'file');
    writeFileSync(path, 'as it was');
    const file = openSync(path, 'r');
    try {
      const writing = writeInBackground(file, some('shared memory', 1000, 0), 0, 0);
      await expect(writing).rejects.toMatchObject({ code: 'EBADF', syscall: 'write' });
      await expect(writing).rejects.toBeInstanceOf(Error);
    } finally {
      closeSync(file);
    }
    expect(readFileSync(path, 'utf8')).toBe('as it was');
  });

  // Blocks of a file of that size may go past the system's cache, which takes whole pages of the file alone.
  const LARGE = 2 << 20;
  const folders = ['', ...(existsSync('/dev/shm') ? ['/dev/shm'] : [])];
  it.each(
    folders.flatMap((where) =>
      [LARGE - 1, LARGE, LARGE + 1, LARGE + 4095, LARGE + 4096, (5 << 20) + 4097].flatMap((length) =>
        [0, 1, 4095, 4096, 1 << 20].map((at) => [where || 'the temporary folder', length, at] as const),
      ),
    ),
  )('to %s, of %i bytes from %i on, is those bytes with their checksum', async (where, length, at) => {
    const path = join(where === '/dev/shm' ? mkdtempSync('/dev/shm/oxbow-replace-') : folder, 'file');
    const before = some('shared memory', at, 1);
    const bytes = some('shared memory', length, 2);
    writeFileSync(path, before);
    const file = openSync(path, 'r+');
    try {
      expect(await writeInBackground(file, bytes, at, crc32(before, 0))).toBe(crc32(bytes, crc32(before, 0)));
    } finally {
      closeSync(file);
    }
    expect(Buffer.compare(readFileSync(path), Buffer.concat([before, bytes]))).toBe(0);
    if (where === '/dev/shm') rmSync(dirname(path), { recursive: true });
  });
});
