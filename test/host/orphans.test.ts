import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Checkpoint } from '../../src/formats/checkpoint.js';
import { loadCheckpoint, saveCheckpoint } from '../../src/formats/checkpoint-file.js';
import { temporaryName } from '../../src/host/node/orphans.js';
import { tensor } from '../../src/tensor.js';

const small: Checkpoint = { tensors: { w: tensor([2], [1, 2]) }, metadata: {} };

let folder: string;
let program: string;
let path: string;
const children: ChildProcess[] = [];

/** A program that saves a checkpoint of 32 MB again and again. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'oxbow-'));
  program = join(folder, 'save.mjs');
  path = join(folder, 'model.safetensors');
  await build({
    stdin: {
      contents: `
        import { saveCheckpoint } from '../../src/formats/checkpoint-file.js';
        const w = { shape: [8 << 20], type: 'float32', data: new Float32Array(8 << 20).fill(1) };
        for (;;) await saveCheckpoint(process.argv[2], { tensors: { w }, metadata: {} });
      `,
      resolveDir: fileURLToPath(new URL('.', import.meta.url)),
      loader: 'ts',
    },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: program,
    logLevel: 'error',
  });
}, 60_000);
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
});
afterAll(() => rm(folder, { recursive: true }));

const unfinished = async () => (await readdir(folder)).filter((name) => name.endsWith('.tmp'));

/** Starts the program, and sends it a signal in the midst of a save. */
async function interrupted(signal: 'SIGKILL' | 'SIGSTOP'): Promise<ChildProcess> {
  const child = spawn(process.execPath, [program, path], { stdio: 'inherit' });
  children.push(child);
  const before = new Set(await unfinished());
  while ((await unfinished()).every((name) => before.has(name))) await turn();
  child.kill(signal);
  if (signal === 'SIGKILL') await once(child, 'exit');
  return child;
}

describe('what a killed save leaves', () => {
  it('is removed by the next save into the folder, and nothing else is', async () => {
    // Between looking and the signal a save may end; then it is tried again.
    do await interrupted('SIGKILL');
    while ((await unfinished()).length === 0);
    const others = ['.model.safetensors.tmp', '.model.safetensors.oxbow-mine.tmp', 'notes.tmp'];
    for (const name of others) await writeFile(join(folder, name), '');
    await saveCheckpoint(join(folder, 'other.safetensors'), small);
    expect((await unfinished()).sort()).toEqual([...others].sort());
    for (const name of others) await rm(join(folder, name));
  }, 60_000);

  it('stays while its process lives, be it stopped', async () => {
    let child: ChildProcess | undefined;
    let writing: string | undefined;
    while (child === undefined || writing === undefined) {
      child?.kill('SIGKILL');
      child = await interrupted('SIGSTOP');
      [writing] = await unfinished();
    }
    await saveCheckpoint(join(folder, 'other.safetensors'), small);
    expect(await unfinished()).toEqual([writing]);
    child.kill('SIGCONT');
    while ((await unfinished()).includes(writing)) await turn();
    expect((await loadCheckpoint(path)).tensors.w?.data.at(-1)).toBe(1);
  }, 60_000);

  it('stays where another machine may be writing it, for a day', async () => {
    const own = await temporaryName('model', '0');
    const foreign = own.replace(/oxbow-[0-9a-f]+/, 'oxbow-0');
    const later = own.replace(/-\d+-0\.tmp$/, '-1-0.tmp');
    for (const name of [own, foreign, later]) await writeFile(join(folder, name), '');
    await saveCheckpoint(path, small);
    const linux = process.platform === 'linux';
    // A process that began at another time is another process, of whatever number.
    expect((await unfinished()).sort()).toEqual([own, foreign, ...(linux ? [] : [later])].sort());
    const before = new Date(Date.now() - 25 * 60 * 60 * 1000);
    await utimes(join(folder, foreign), before, before);
    await saveCheckpoint(path, small);
    expect(await unfinished()).not.toContain(foreign);
  });
});
