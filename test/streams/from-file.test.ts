import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { lastValueFrom, take, toArray } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { fromFile } from '../../src/streams/from-file.js';

const SAMPLE = '\nShe said “水🐂é”.\n'.repeat(50);
let folder: string;
let path: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'oxbow-'));
  path = join(folder, 'sample.txt');
  writeFileSync(path, SAMPLE);
});
afterAll(() => rmSync(folder, { recursive: true }));

const collect = (from: string | URL, chunk?: number) =>
  lastValueFrom(fromFile(from, chunk === undefined ? {} : { chunk }).pipe(toArray()));
const openFiles = () => readdirSync('/dev/fd').length;

describe('fromFile', () => {
  it('reads UTF-8 whatever the chunk cuts', async () => {
    for (const chunk of [1, 2, 3, 4, 5, 7, 64, 100_000]) {
      const chunks = await collect(path, chunk);
      expect(chunks.join('')).toBe(SAMPLE);
      for (const text of chunks) expect(text).not.toMatch(/\p{Surrogate}|\uFFFD/u);
    }
    expect((await collect(pathToFileURL(path))).join('')).toBe(SAMPLE);
  });

  it('leaves a byte-order mark out, and gives nothing for an empty file', async () => {
    writeFileSync(join(folder, 'mark.txt'), '\uFEFFab');
    writeFileSync(join(folder, 'empty.txt'), '');
    expect(await collect(join(folder, 'mark.txt'))).toEqual(['ab']);
    expect(await collect(join(folder, 'empty.txt'))).toEqual([]);
  });

  it('closes the file at the end, when unsubscribed, and when unsubscribed at once', async () => {
    await collect(path);
    const before = openFiles();
    await collect(path, 16);
    await vi.waitFor(() => expect(openFiles()).toBe(before));
    let during = 0;
    await new Promise<void>((resolve) => {
      fromFile(path, { chunk: 16 })
        .pipe(take(2))
        .subscribe({
          next: () => {
            during = openFiles();
          },
          complete: resolve,
        });
    });
    expect(during).toBe(before + 1);
    await vi.waitFor(() => expect(openFiles()).toBe(before));
    fromFile(path).subscribe().unsubscribe();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(openFiles()).toBe(before);
  });

  it('names the file where it cannot be read', async () => {
    await expect(collect(join(folder, 'none.txt'))).rejects.toThrow(/fromFile: .*none\.txt cannot be read: ENOENT/);
    await expect(collect(folder)).rejects.toThrow(new RegExp(`fromFile: ${folder} cannot be read: EISDIR`));
    expect(() => fromFile(path, { chunk: 0 })).toThrow(RangeError);
  });
});
