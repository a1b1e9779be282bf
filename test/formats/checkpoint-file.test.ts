import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as E from 'fp-ts/lib/Either.js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Checkpoint } from '../../src/formats/checkpoint.js';
import { loadCheckpoint, saveCheckpoint } from '../../src/formats/checkpoint-file.js';
import { tensor } from '../../src/tensor.js';

const first: Checkpoint = { tensors: { w: tensor([2], [1, 2]) }, metadata: { run: '1' } };
const second: Checkpoint = { tensors: { w: tensor([2], [3, 4]) }, metadata: { run: '2' } };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'oxbow-'));
});
afterEach(() => rm(folder, { recursive: true }));

test('what was saved is loaded, and only one file is left', async () => {
  const path = join(folder, 'model.safetensors');
  for (const checkpoint of [first, second]) {
    expect(await saveCheckpoint(path, checkpoint)()).toEqual(E.right(undefined));
    expect(await loadCheckpoint(path)()).toEqual(E.right(checkpoint));
  }
  expect(await readdir(folder)).toEqual(['model.safetensors']);
});

test('a failed save leaves the old file as it was, and nothing beside it', async () => {
  const path = join(folder, 'occupied');
  await mkdir(join(path, 'full'), { recursive: true });
  const saved = await saveCheckpoint(path, first)();
  expect(saved).toMatchObject(
    E.left({ _tag: 'FileError', path, message: expect.stringContaining('cannot be written') }),
  );
  expect(await readdir(folder)).toEqual(['occupied']);
  expect((await stat(path)).isDirectory()).toBe(true);
});

test('two saves at once leave one of the two checkpoints, whole', async () => {
  const path = join(folder, 'model.safetensors');
  await Promise.all([saveCheckpoint(path, first)(), saveCheckpoint(path, second)()]);
  const loaded = await loadCheckpoint(path)();
  expect([E.right(first), E.right(second)]).toContainEqual(loaded);
  expect(await readdir(folder)).toEqual(['model.safetensors']);
});

test('a folder that is not there is an error that names the path', async () => {
  const path = join(folder, 'none', 'model.safetensors');
  expect(await saveCheckpoint(path, first)()).toMatchObject(E.left({ message: expect.stringContaining(path) }));
  expect(await loadCheckpoint(path)()).toMatchObject(
    E.left({ _tag: 'FileError', message: expect.stringContaining(path) }),
  );
});

test('a damaged file is an error that names the path and the damage', async () => {
  const path = join(folder, 'model.safetensors');
  await saveCheckpoint(path, first)();
  const bytes = await readFile(path);
  await writeFile(path, bytes.subarray(0, bytes.length - 1));
  const loaded = await loadCheckpoint(path)();
  expect(loaded).toMatchObject(
    E.left({ _tag: 'Truncated', message: expect.stringContaining(`${path}: the tensors take 8 bytes`) }),
  );
});
