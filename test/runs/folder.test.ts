import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Checkpoint, encodeCheckpoint } from '../../src/formats/checkpoint.js';
import { loadCheckpoint } from '../../src/formats/checkpoint-file.js';
import { temporaryName } from '../../src/host/node/orphans.js';
import { machine } from '../../src/kernels/machine.js';
import { loadNewest, openRunFolder, type RunFolder, type RunFolderOptions } from '../../src/runs/folder.js';
import { tensor } from '../../src/tensor.js';
import { version } from '../../src/version.js';

const at = (step: number): Checkpoint => ({
  tensors: { w: tensor([2], [step, -step]) },
  metadata: { vocabulary: JSON.stringify(['a', 'b', 'c']) },
});
const name = (step: number) => `step-${String(step).padStart(12, '0')}.safetensors`;

let path: string;
const opened: RunFolder[] = [];
const warnings: string[] = [];

async function open(options?: RunFolderOptions): Promise<RunFolder> {
  const folder = await openRunFolder(path, options);
  opened.push(folder);
  return folder;
}

/** Files with steps, and what nobody should find. */
const files = async () => (await readdir(path)).filter((each) => !each.startsWith('.lock-')).sort();

beforeEach(async () => {
  path = join(await mkdtemp(join(tmpdir(), 'oxbow-run-')), 'runs', 'one');
  vi.spyOn(process, 'emitWarning').mockImplementation((message, options) => {
    warnings.push(`${(options as NodeJS.EmitWarningOptions).code}: ${message}`);
  });
});
afterEach(async () => {
  for (const folder of opened.splice(0)) await folder.close();
  await rm(join(path, '..', '..'), { recursive: true, force: true });
  vi.restoreAllMocks();
  warnings.splice(0);
});

describe('the folder of a run', () => {
  it('is made, and gives back what was written last', async () => {
    const folder = await open();
    expect(await folder.newest()).toEqual({ found: undefined, skipped: [] });
    for (const step of [0, 5, 1234]) await folder.write(at(step), { step });
    expect(await files()).toEqual([name(0), name(5), name(1234)]);
    const { found, skipped } = await folder.newest();
    expect(skipped).toEqual([]);
    expect(found).toMatchObject({ checkpoint: at(1234), step: 1234, file: join(folder.path, name(1234)) });
    expect(await loadNewest(path)).toEqual({ found, skipped });
    // A file like any other, for whoever has that alone.
    expect(await loadCheckpoint(join(path, name(5)))).toEqual(at(5));
  });

  it('says of each where it comes from, and from which it goes on', async () => {
    const first = await open();
    const [a, b] = [await first.write(at(1), { step: 1 }), await first.write(at(2), { step: 2 })];
    expect(a).toMatchObject({ version, tier: machine().tier, parent: undefined });
    expect(new Date(a.date).toISOString()).toBe(a.date);
    expect(a.hash).toMatch(/^[0-9a-f]{64}$/);
    expect(b.parent).toBe(a.hash);
    await first.close();
    const second = await open();
    const { found } = await second.newest();
    expect(found).toEqual({ ...b, checkpoint: at(2) });
    expect((await second.write(at(3), { step: 3 })).parent).toBe(b.hash);
  });

  it('keeps as many as it is to', async () => {
    const folder = await open({ keep: 2 });
    for (const step of [1, 2, 3, 10, 20]) await folder.write(at(step), { step });
    expect(await files()).toEqual([name(10), name(20)]);
  });

  it('takes a step again that it wrote, and none before it', async () => {
    const folder = await open();
    await folder.write(at(7), { step: 7 });
    await folder.write(at(8), { step: 7 });
    await expect(folder.write(at(6), { step: 6 })).rejects.toMatchObject({
      _tag: 'FileError',
      message: expect.stringMatching(
        /^write: .*step 6 is not after step 7, which the folder has; go on from newest\(\)/,
      ),
    });
    expect((await folder.newest()).found).toMatchObject({ step: 7, checkpoint: at(8) });
    await folder.close();
    // A run that does not go on from it must not write over it either.
    await expect((await open()).write(at(7), { step: 7 })).rejects.toMatchObject({ _tag: 'FileError' });
    expect(await files()).toEqual([name(7)]);
  });

  it('reads numbers that are part of others at the call, unless they are held', async () => {
    const folder = await open();
    const all = new Float32Array(8).fill(1);
    const part = { tensors: { w: tensor([2], all.subarray(2, 4)) }, metadata: {} };
    for (const held of [false, true]) {
      const writing = folder.write(part, { step: 1, held });
      if (!held) all.fill(9);
      await writing;
      expect((await folder.newest()).found?.checkpoint.tensors.w?.data).toEqual(Float32Array.of(1, 1));
      all.fill(1);
    }
  });

  it('does one thing at a time, and nothing once it is closed', async () => {
    const folder = await open();
    const writing = folder.write(at(1), { step: 1 });
    await expect(folder.write(at(2), { step: 2 })).rejects.toThrow(/write: .* still at work; await/);
    await expect(folder.newest()).rejects.toThrow(/newest: .* still at work/);
    await folder.close();
    await writing;
    expect((await loadNewest(path)).found?.step).toBe(1);
    await expect(folder.write(at(2), { step: 2 })).rejects.toThrow(/write: .* is closed; open it anew/);
    await folder.close();
  });

  it.each<readonly [string, () => Promise<unknown>, RegExp]>([
    ['keep', () => open({ keep: 0 }), /^openRunFolder: keep is a whole number of at least 1, not 0/],
    ['a step', async () => (await open()).write(at(1), { step: -1 }), /^write: step is a whole number from 0 to/],
    ['no step', async () => (await open()).write(at(1), {} as never), /^write: step is a whole number/],
    ['an option', async () => (await open()).write(at(1), { stop: 1 } as never), /^write: there is no option 'stop'/],
    [
      'metadata of its own',
      async () => (await open()).write({ tensors: {}, metadata: { 'oxbow.step': '1' } }, { step: 1 }),
      /^write: metadata named oxbow\.… .*"oxbow\.step"/,
    ],
  ])('refuses %s that cannot be, and changes nothing', async (_, wrong, message) => {
    await expect(wrong()).rejects.toThrow(message);
    expect(await readdir(path).then(files, () => [])).toEqual([]);
  });

  it.each<readonly [string, place: string]>([
    // Where there is no /proc, the system does not let folders be made at the root or below a file either.
    ['below /proc, where no folder can be made', '/proc/none/run'],
    ['right in /proc', '/proc/none'],
    ['below a device', '/dev/null/run'],
    ['a device', '/dev/null'],
    ['a file', 'file'],
    ['below a file', 'file/a/run'],
    ['a link that leads nowhere', 'link'],
    ['of too long a name', 'x'.repeat(300)],
  ])('that cannot be made is an error: %s', async (_, place) => {
    const base = join(path, '..', '..');
    await writeFile(join(base, 'file'), '');
    await symlink('none', join(base, 'link'));
    const wanted = resolve(base, place);
    await expect(openRunFolder(wanted)).rejects.toMatchObject({
      _tag: 'FileError',
      message: expect.stringContaining(`openRunFolder: ${wanted} cannot be written: `),
    });
  });

  it('has what killed writers left removed', async () => {
    await (await open()).close();
    const own = await temporaryName(name(3), '0');
    const dead = own.replace(/-\d+-(\d+)-0\.tmp$/, `-${2 ** 22 + 1}-$1-0.tmp`);
    for (const each of [own, dead, 'notes.tmp']) await writeFile(join(path, each), '');
    await open();
    expect(await files()).toEqual([own, 'notes.tmp'].sort());
  });
});

/** Three checkpoints, of which something is done to the last one. */
async function damaged(damage: (bytes: Buffer) => Uint8Array): Promise<RunFolder> {
  const folder = await open();
  for (const step of [1, 2, 3]) await folder.write(at(step), { step });
  const file = join(path, name(3));
  await writeFile(file, damage(await readFile(file)));
  return folder;
}

/** Flips a bit, of a byte that is so far from a text or from the start or end. */
const flip =
  (where: string | number, bit: number, further = 0) =>
  (bytes: Buffer) => {
    const place = typeof where === 'string' ? bytes.indexOf(where) : (where + bytes.length) % bytes.length;
    expect(place).toBeGreaterThanOrEqual(0);
    bytes[place + further] = (bytes[place + further] as number) ^ (1 << bit);
    return bytes;
  };
const swap = (one: string, other: string) => (bytes: Buffer) =>
  Buffer.from(bytes.toString('latin1').replace(one, other), 'latin1');

describe('a newest checkpoint that is damaged', () => {
  it.each<readonly [string, (bytes: Buffer) => Uint8Array, RegExp]>([
    ['is empty', () => new Uint8Array(0), /there are 0/],
    ['ends in its first bytes', (bytes) => bytes.subarray(0, 5), /there are 5/],
    ['ends in its header', (bytes) => bytes.subarray(0, 100), /was cut/],
    ['lacks its last byte', (bytes) => bytes.subarray(0, -1), /it was cut/],
    ['has a byte more', (bytes) => Buffer.concat([bytes, Buffer.of(0)]), /belong to no tensor/],
    ['is all zeros, as after a power cut', (bytes) => bytes.fill(0), /header/],
    ['has zeros for numbers', (bytes) => bytes.fill(0, bytes.length - 8), /checksum/],
    ["has a bit of the header's length flipped", flip(0, 3), /./],
    ['has a bit of the braces flipped', flip(8, 0), /header/],
    ["has a bit of the metadata's name flipped", flip('__metadata__', 0), /tensor/],
    [
      "has a bit of the checksum's name flipped",
      flip('oxbow.crc32', 1, 7),
      /does not begin with the checksum, oxbow\.crc32/,
    ],
    ['has a bit of the checksum flipped', flip(41, 0), /checksum/],
    ['has a letter of the checksum in upper case', (bytes) => upperChecksum(bytes), /checksum/],
    ["has a bit of the format's name flipped", flip('oxbow.format', 2, 6), /checksum/],
    ["has a bit of the format's version flipped", flip('"oxbow.format":"1"', 1, 16), /checksum/],
    ['has a bit of the date flipped', flip('oxbow.date":"', 0, 13), /checksum/],
    ['has a bit of a word flipped', flip('\\"b', 0, 2), /checksum/],
    ["has a bit of a tensor's name flipped", flip('"w"', 0, 1), /./],
    ["has a bit of a tensor's shape flipped", flip('[2]', 0, 1), /./],
    ['has a bit of the blanks flipped', (bytes) => flip(headerEnd(bytes) - 1, 1)(bytes), /./],
    ['has the first bit of the numbers flipped', (bytes) => flip(headerEnd(bytes), 0)(bytes), /checksum/],
    ['has the last bit of the numbers flipped', flip(-1, 7), /checksum/],
    ['has its vocabulary in another order', swap('[\\"a\\",\\"b\\"', '[\\"b\\",\\"a\\"'), /checksum/],
    ['is of no run', () => Buffer.from(encodeCheckpoint(at(3))), /does not say which run/],
  ])('%s is skipped for the one before it, which is said', async (_, damage, reason) => {
    const folder = await damaged(damage);
    const aside = join(folder.path, `${name(3)}.broken`);
    const lookedAt = await loadNewest(path);
    expect(lookedAt.skipped).toMatchObject([{ file: join(path, name(3)), reason: expect.stringMatching(reason) }]);
    const { found, skipped } = await folder.newest();
    expect(found).toMatchObject({ step: 2, checkpoint: at(2) });
    expect(skipped).toMatchObject([{ file: aside, reason: expect.stringMatching(reason) }]);
    expect(await files()).toEqual([name(1), name(2), `${name(3)}.broken`]);
    expect(warnings).toHaveLength(2);
    expect(warnings[1]).toMatch(/^OXBOW_CHECKPOINT_SKIPPED: newest: .*step-000000000003.* It is skipped/);
  });

  it('does not keep the run from going on, nor count as one that is kept', async () => {
    await (await damaged(flip(-1, 0))).close();
    const folder = await open({ keep: 1 });
    const { found } = await folder.newest();
    expect((await folder.write(at(9), { step: 3 })).parent).toBe(found?.hash);
    expect(await files()).toEqual([name(3), `${name(3)}.broken`]);
    expect((await folder.newest()).found?.checkpoint).toEqual(at(9));
  });

  it('leaves nothing to go on from where all are', async () => {
    const folder = await damaged(flip(-1, 0));
    for (const step of [1, 2]) await writeFile(join(path, name(step)), 'none');
    const { found, skipped } = await folder.newest();
    expect(found).toBeUndefined();
    expect(skipped).toHaveLength(3);
  });

  it('was given the name of another step', async () => {
    const folder = await damaged((bytes) => bytes);
    await writeFile(join(path, name(4)), await readFile(join(path, name(3))));
    const { found, skipped } = await folder.newest();
    expect(found?.step).toBe(3);
    expect(skipped[0]?.reason).toMatch(/is named by step 4, but it is of step 3/);
  });
});

it('what a later version wrote is an error, and stays', async () => {
  const folder = await damaged((bytes) => {
    const text = bytes.toString('latin1').replace('"oxbow.format":"1"', '"oxbow.format":"2"');
    const blank = Buffer.from(text.replace(/"oxbow.crc32":"[0-9a-f]{8}"/, '"oxbow.crc32":"00000000"'), 'latin1');
    blank.write(crc32(blank).toString(16).padStart(8, '0'), 40, 'latin1');
    return blank;
  });
  await expect(folder.newest()).rejects.toMatchObject({
    _tag: 'UnsupportedFormat',
    message: expect.stringMatching(/^newest: .*version 2 of the format, and not 1\. Read it by/),
  });
  expect(await files()).toEqual([name(1), name(2), name(3)]);
});

const headerEnd = (bytes: Buffer): number => 8 + Number(bytes.readBigUInt64LE(0));

function upperChecksum(bytes: Buffer): Buffer {
  const digits = bytes.toString('latin1', 40, 48);
  // Where it has none, one of its digits is made a letter.
  bytes.write(/[a-f]/.test(digits) ? digits.toUpperCase() : `A${digits.slice(1)}`, 40, 'latin1');
  return bytes;
}
