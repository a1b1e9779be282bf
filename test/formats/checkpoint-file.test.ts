import { execFileSync } from 'node:child_process';
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as E from 'fp-ts/lib/Either.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Checkpoint, encodeCheckpoint } from '../../src/formats/checkpoint.js';
import { loadCheckpoint, readCheckpoint, saveCheckpoint } from '../../src/formats/checkpoint-file.js';
import { parameter } from '../../src/parameters/parameter.js';
import { ids, tensor } from '../../src/tensor.js';

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
    await saveCheckpoint(path, checkpoint);
    expect(await loadCheckpoint(path)).toEqual(checkpoint);
  }
  expect(await readdir(folder)).toEqual(['model.safetensors']);
});

test('a failed save leaves the old file as it was, and nothing beside it', async () => {
  const path = join(folder, 'occupied');
  await mkdir(join(path, 'full'), { recursive: true });
  await expect(saveCheckpoint(path, first)).rejects.toMatchObject({
    _tag: 'FileError',
    path,
    message: expect.stringContaining('cannot be written'),
  });
  expect(await readdir(folder)).toEqual(['occupied']);
  expect((await stat(path)).isDirectory()).toBe(true);
});

test('two saves at once leave one of the two checkpoints, whole', async () => {
  const path = join(folder, 'model.safetensors');
  await Promise.all([saveCheckpoint(path, first), saveCheckpoint(path, second)]);
  expect([first, second]).toContainEqual(await loadCheckpoint(path));
  expect(await readdir(folder)).toEqual(['model.safetensors']);
});

test('a folder that is not there is an error that names the path', async () => {
  const path = join(folder, 'none', 'model.safetensors');
  await expect(saveCheckpoint(path, first)).rejects.toMatchObject({ message: expect.stringContaining(path) });
  await expect(loadCheckpoint(path)).rejects.toMatchObject({
    _tag: 'FileError',
    message: expect.stringContaining(path),
  });
});

test('a damaged file is an error that names the path and the damage', async () => {
  const path = join(folder, 'model.safetensors');
  await saveCheckpoint(path, first);
  const bytes = await readFile(path);
  await writeFile(path, bytes.subarray(0, bytes.length - 1));
  await expect(loadCheckpoint(path)).rejects.toMatchObject({
    _tag: 'Truncated',
    message: expect.stringContaining(`${path}: the tensors take 8 bytes`),
  });
});

describe('in pieces', () => {
  const ramp = (length: number) => Float32Array.from({ length }, (_, k) => k / 7);
  const checkpoint: Checkpoint = {
    tensors: {
      // In the file they stand by name; those that are empty, smaller, as large as and larger than a piece take turns.
      a: tensor([0], []),
      b: tensor([3, 5], ramp(15)),
      c: ids([1], [-7]),
      d: tensor([100], ramp(100)),
      e: tensor([], [Number.NaN]),
      f: tensor([16], ramp(16)),
    },
    metadata: { made: 'by hand' },
  };

  test.each([1, 3, 4, 7, 64, 400, 1 << 20])('of %d bytes a file is read as it was written', async (size) => {
    const path = join(folder, 'model.safetensors');
    await writeFile(path, encodeCheckpoint(checkpoint));
    const file = await open(path, 'r');
    expect(await readCheckpoint(file, size)).toEqual(E.right(checkpoint));
    await file.close();
  });

  test('a file is written as it is encoded', async () => {
    const path = join(folder, 'model.safetensors');
    const large = { ...checkpoint, tensors: { ...checkpoint.tensors, large: tensor([700_001], ramp(700_001)) } };
    await saveCheckpoint(path, large);
    const bytes = encodeCheckpoint(large);
    expect((await readFile(path)).equals(bytes)).toBe(true);
    expect(Buffer.from(encodeCheckpoint(await loadCheckpoint(path))).equals(bytes)).toBe(true);
  });

  test.each([0, 7, 8, 100, -1])('a file of %d bytes is an error', async (length) => {
    const path = join(folder, 'model.safetensors');
    const bytes = encodeCheckpoint(checkpoint);
    await writeFile(path, bytes.subarray(0, length < 0 ? bytes.length + length : length));
    await expect(loadCheckpoint(path)).rejects.toMatchObject({
      _tag: 'Truncated',
      message: expect.stringContaining(path),
    });
  });

  test('a file that becomes shorter while it is read is an error', async () => {
    const path = join(folder, 'model.safetensors');
    await writeFile(path, encodeCheckpoint(checkpoint));
    const file = await open(path, 'r');
    const reading = file.stat.bind(file);
    file.stat = (async () => {
      const before = await reading();
      await truncate(path, before.size - 8);
      return before;
    }) as typeof file.stat;
    expect(await readCheckpoint(file, 64)).toMatchObject(E.left({ _tag: 'Truncated' }));
    await file.close();
  });

  test('a tensor that no memory holds is an error', async () => {
    const path = join(folder, 'model.safetensors');
    const size = 2 ** 42;
    const header = `{"w":{"dtype":"F32","shape":[${size / 4}],"data_offsets":[0,${size}]}}`.padEnd(80, ' ');
    const bytes = Buffer.alloc(88);
    bytes.writeBigUInt64LE(80n);
    bytes.write(header, 8);
    await writeFile(path, bytes);
    // Sparse: it is as large as its header says, and takes a block.
    await truncate(path, 88 + size);
    await expect(loadCheckpoint(path)).rejects.toMatchObject({
      _tag: 'FileError',
      message: expect.stringContaining(`tensor "w" takes ${size} bytes`),
    });
  });

  test('numbers that live on are those of the call', async () => {
    const path = join(folder, 'model.safetensors');
    const live = parameter([2], () => Float32Array.of(1, 2));
    const saving = saveCheckpoint(path, { tensors: { w: live }, metadata: { run: '1' } });
    live.assign([8, 9]);
    await saving;
    expect(await loadCheckpoint(path)).toEqual(first);
  });

  test('timers have their turn meanwhile', async () => {
    const path = join(folder, 'model.safetensors');
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
    }, 0);
    const zeros = { tensors: { w: tensor([16 << 20], new Float32Array(16 << 20)) }, metadata: {} };
    await saveCheckpoint(path, zeros);
    const saved = turns;
    await loadCheckpoint(path);
    clearInterval(timer);
    expect(saved).toBeGreaterThan(2);
    expect(turns - saved).toBeGreaterThan(2);
  });
});

describe('the file that is replaced', () => {
  test.each([0o600, 0o640, 0o666, 0o755])('keeps its mode %o', async (mode) => {
    const path = join(folder, 'model.safetensors');
    await writeFile(path, '');
    await chmod(path, mode);
    await saveCheckpoint(path, first);
    expect((await stat(path)).mode & 0o7777).toBe(mode);
    expect(await loadCheckpoint(path)).toEqual(first);
  });

  test('has the usual mode where it is new', async () => {
    const path = join(folder, 'model.safetensors');
    await saveCheckpoint(path, first);
    await writeFile(join(folder, 'usual'), '');
    expect((await stat(path)).mode).toBe((await stat(join(folder, 'usual'))).mode);
  });

  test.each([0o444, 0o400, 0o555])('stays where its mode, %o, is read-only', async (mode) => {
    const path = join(folder, 'model.safetensors');
    await writeFile(path, 'mine');
    await chmod(path, mode);
    await expect(saveCheckpoint(path, first)).rejects.toMatchObject({
      _tag: 'FileError',
      path,
      message: expect.stringMatching(/cannot be written: it is read-only; make it/),
    });
    expect(await readFile(path, 'utf8')).toBe('mine');
    expect(await readdir(folder)).toEqual(['model.safetensors']);
  });

  test.each<readonly [string, string, boolean]>([
    ['in the same folder', 'target', true],
    ['in another folder', 'deep/target', true],
    ['that is not there yet', 'deep/new', false],
    ['that is a link itself', 'hop', true],
    ['that a linked folder leads to', 'side/../target', true],
  ])('is the target of a link, %s', async (_, to, isThere) => {
    await mkdir(join(folder, 'deep', 'under'), { recursive: true });
    await symlink(join('deep', 'under'), join(folder, 'side'));
    await symlink('deep/target', join(folder, 'hop'));
    const path = join(folder, 'model.safetensors');
    await symlink(to, path);
    // As the system itself follows it.
    await writeFile(path, '');
    const before = await stat(path);
    if (!isThere) await rm(join(folder, to));
    await saveCheckpoint(path, first);
    expect((await lstat(path)).isSymbolicLink()).toBe(true);
    expect((await stat(path)).size).toBeGreaterThan(before.size);
    expect(await loadCheckpoint(path)).toEqual(first);
    expect((await readdir(folder)).some((name) => name.endsWith('.tmp'))).toBe(false);
    expect((await readdir(join(folder, 'deep'))).some((name) => name.endsWith('.tmp'))).toBe(false);
  });

  test('is none where links lead in a circle', async () => {
    const path = join(folder, 'a');
    await symlink('b', path);
    await symlink('a', join(folder, 'b'));
    await expect(saveCheckpoint(path, first)).rejects.toMatchObject({
      message: expect.stringMatching(/cannot be written: it leads through more than 40 symbolic links/),
    });
    await expect(loadCheckpoint(path)).rejects.toMatchObject({ message: expect.stringContaining('ELOOP') });
  });

  test('is none where it is a pipe, which is neither waited for nor replaced', async () => {
    const path = join(folder, 'pipe');
    execFileSync('mkfifo', [path]);
    await expect(saveCheckpoint(path, first)).rejects.toMatchObject({ message: expect.stringContaining('regular') });
    await expect(loadCheckpoint(path)).rejects.toMatchObject({ message: expect.stringContaining('regular') });
    expect((await stat(path)).isFIFO()).toBe(true);
  });

  test('may have as long a name as there is', async () => {
    const path = join(folder, '模'.repeat(85));
    await saveCheckpoint(path, first);
    expect(await loadCheckpoint(path)).toEqual(first);
  });
});
