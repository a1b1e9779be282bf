/** Processes that are really killed, and disks that are really full. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { generator } from '../../src/random.js';
import { loadNewest, openRunFolder } from '../../src/runs/folder.js';
import { tensor } from '../../src/tensor.js';
import { programOf, run, type Setting, start } from '../kernels/processes.js';

/** More of them: `OXBOW_TEST_KILLS=500 npx vitest run test/examples/kills.test.ts`. */
const KILLS = Number(process.env.OXBOW_TEST_KILLS || 20);
const random = generator(Date.now(), 'kills');

let path: string;
let writer: string;
let filler: string;

/** Settings of a program, as a user who has to keep to what modes say. */
const setting = (more: Setting = {}): Setting => ({
  env: { FOLDER: path, OXBOW_THREADS: '1' },
  ...(process.getuid?.() === 0 && { uid: 65_534 }),
  ...more,
});

beforeAll(async () => {
  // Goes on from the newest step, and says each that it has written. All numbers of a checkpoint are its step.
  writer = await programOf(`
    import { openRunFolder } from '../../src/runs/folder.js';
    const folder = await openRunFolder(process.env.FOLDER, { keep: 2 });
    const { found, skipped } = await folder.newest();
    const w = new Float32Array(1 << 17);
    let step = found?.step ?? 0;
    const isSound = !found || found.checkpoint.tensors.w.data.every((each) => each === step);
    say({ step, isSound, skipped: skipped.length, names: readdirSync(folder.path).sort() });
    for (;;) {
      step += 1;
      await folder.write({ tensors: { w: { shape: [w.length], type: 'float32', data: w.fill(step) } }, metadata: {} }, { step });
      say({ step });
    }
  `);
  // Writes a small checkpoint and one that is too large for what it may write.
  filler = await programOf(`
    import { openRunFolder } from '../../src/runs/folder.js';
    const said = ({ _tag, path, message, cause }) => ({ _tag, path, message, code: cause?.code });
    try {
      const folder = await openRunFolder(process.env.FOLDER);
      for (const [k, size] of [1, 1 << 16, 2].entries()) {
        const w = { shape: [size], type: 'float32', data: new Float32Array(size) };
        say(await folder.write({ tensors: { w }, metadata: {} }, { step: k + 1 }).then(({ step }) => ({ step }), said));
      }
      await folder.close();
    } catch (error) {
      say(said(error));
    }
  `);
});
beforeEach(() => {
  path = join(mkdtempSync(join(tmpdir(), 'oxbow-kills-')), 'run');
  chmodSync(join(path, '..'), 0o777);
});
afterEach(() => rmSync(join(path, '..'), { recursive: true, force: true }));

const files = () => readdirSync(path).filter((name) => !name.startsWith('.lock-'));

it(`what was written is there after each of ${KILLS} kills at random moments`, { timeout: 600_000 }, async () => {
  let written = 0;
  for (let kill = 0; kill < KILLS; kill += 1) {
    const { child, next, ended } = start(writer, setting());
    const first = (await next()) as { step: number; isSound: boolean; skipped: number; names: string[] };
    // What it was about to say when it was killed may be there too.
    expect([written, written + 1]).toContain(first.step);
    expect(first).toMatchObject({ isSound: true, skipped: 0 });
    // Nothing is left of what it was writing, nor of its lock.
    expect(first.names.filter((name) => name.startsWith('.'))).toEqual([`.lock-${kill + 1}`]);
    expect(first.names.length).toBeLessThanOrEqual(1 + 3);
    for (let more = random.below(3); more > 0; more -= 1) await next();
    await delay(random.below(10));
    child.kill('SIGKILL');
    const steps = (await ended).said.slice(1) as { step: number }[];
    written = steps.at(-1)?.step ?? first.step;
  }
  expect(written).toBeGreaterThan(0);
  const folder = await openRunFolder(path);
  const { found } = await folder.newest();
  expect(found?.step).toBeGreaterThanOrEqual(written);
  await folder.close();
});

describe('a checkpoint that cannot be written', () => {
  it('for lack of room is an error, leaves nothing of it, and the last one', async () => {
    // 64 blocks of 512 bytes, as sh counts them; a file may not be larger, and the system says so as it does of a full disk.
    const { said, err } = await run(filler, setting({ shell: 'ulimit -f 64' }));
    expect(err).toBe('');
    const file = join(path, 'step-000000000002.safetensors');
    expect(said).toMatchObject([
      { step: 1 },
      {
        _tag: 'FileError',
        path: file,
        code: 'EFBIG',
        message: expect.stringContaining(`write: ${file} cannot be written: EFBIG`),
      },
      { step: 3 },
    ]);
    expect(files()).toEqual(['step-000000000001.safetensors', 'step-000000000003.safetensors']);
    expect((await loadNewest(path)).found?.step).toBe(3);
  });

  it.each<readonly [string, () => void]>([
    [
      'in a folder that is read-only',
      () => {
        mkdirSync(path);
        chmodSync(path, 0o555);
      },
    ],
    ['below one that is', () => chmodSync(join(path, '..'), 0o555)],
  ])('%s is an error that names it', async (_, prepare) => {
    prepare();
    const { said } = await run(filler, setting());
    expect(said).toMatchObject([
      {
        _tag: 'FileError',
        path,
        code: 'EACCES',
        message: expect.stringMatching(/^openRunFolder: .* cannot be written: EACCES/),
      },
    ]);
  });

  it.each<readonly [string, (path: string) => string]>([
    ['that is a file', (file) => file],
    ['below a file', (file) => join(file, 'run')],
  ])('in a folder %s is an error that names it', async (_, folder) => {
    writeFileSync(path, 'mine');
    await expect(openRunFolder(folder(path))).rejects.toMatchObject({
      _tag: 'FileError',
      path: folder(path),
      message: expect.stringContaining('openRunFolder'),
      cause: expect.objectContaining({ code: expect.stringMatching(/EEXIST|ENOTDIR/) }),
    });
  });

  it('in a folder that was removed is an error that names it', async () => {
    const folder = await openRunFolder(path);
    const w = tensor([1], [1]);
    await folder.write({ tensors: { w }, metadata: {} }, { step: 1 });
    rmSync(path, { recursive: true });
    await expect(folder.write({ tensors: { w }, metadata: {} }, { step: 2 })).rejects.toMatchObject({
      _tag: 'FileError',
      path: join(folder.path, 'step-000000000002.safetensors'),
      cause: expect.objectContaining({ code: 'ENOENT' }),
    });
    await expect(loadNewest(path)).rejects.toMatchObject({ _tag: 'FileError', path });
    await folder.close();
    expect(readdirSync(join(path, '..'))).toEqual([]);
  });
});
