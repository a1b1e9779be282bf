import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Worker } from 'node:worker_threads';
import { build } from 'esbuild';
import { describe, expect, it, vi } from 'vitest';
import { fork } from '../../src/kernels/fork.js';
import { Unary } from '../../src/kernels/jobs.js';
import { unary } from '../../src/kernels/kernels.js';
import { createMachine } from '../../src/kernels/machine.js';
import type { Machine } from '../../src/kernels/machine-type.js';
import { bits, put, take, uniform } from './machines.js';

function tanhOf(machine: Machine, x: Float32Array): Float32Array {
  const mark = machine.arena.mark();
  const from = put(machine, x);
  const to = machine.arena.allocate(4 * x.length);
  unary(machine, Unary.tanh, from, to, x.length);
  const y = take(machine, to, x.length);
  machine.arena.release(mark);
  return y;
}

/** A machine and the workers it has started, which nobody else can reach. */
async function withWorkers(threads: number): Promise<readonly [ReturnType<typeof createMachine>, Worker[]]> {
  const workers: Worker[] = [];
  const started = (worker: Worker) => void workers.push(worker);
  // Workers are told of a turn after they are started: first those that came before.
  await new Promise(setImmediate);
  process.on('worker', started);
  const machine = createMachine({ threads });
  while (workers.length < threads - 1) await once(process, 'worker');
  process.off('worker', started);
  return [machine, workers];
}

/** Warnings that the process gives while something is done and the event loop has had its turns. */
async function warningsDuring(action: () => Promise<unknown>): Promise<readonly (Error & { code?: string })[]> {
  const warnings: Error[] = [];
  const warned = (warning: Error) => void warnings.push(warning);
  process.on('warning', warned);
  await action();
  await new Promise((resolve) => setTimeout(resolve, 50));
  process.off('warning', warned);
  return warnings;
}

/** Runs items of which a worker holds one until `finished` others are done; who did which. */
function straggle(machine: Machine, items: number, finished: number): number[] {
  const y = put(machine, new Int32Array(items).fill(-1));
  fork(machine, 'straggle', { y, chunks: finished, held: false }, items, 1);
  return Array.from(machine.ints.subarray(y / 4, y / 4 + items));
}

describe('a team', () => {
  it('has as many threads as there are processors, unless it is told otherwise', () => {
    vi.stubEnv('OXBOW_THREADS', '');
    expect(createMachine().threads).toBe(Math.min(64, availableParallelism()));
    vi.stubEnv('OXBOW_THREADS', '3');
    expect(createMachine().threads).toBe(3);
    vi.unstubAllEnvs();
  });

  it('goes on with the rest where a worker ends between two forks, and says so once', async () => {
    const [machine, [first, second]] = await withWorkers(3);
    const x = uniform(100_000, 1);
    const before = bits(tanhOf(machine, x));

    const [warning, ...more] = await warningsDuring(() => (first as Worker).terminate());
    expect(warning).toMatchObject({ name: 'OxbowWarning', code: 'OXBOW_WORKER_LOST' });
    expect(warning.message).toMatch(/worker 1 of 3 is gone \(its thread ended with code \d\); 2 threads go on/);
    expect(more).toEqual([]);
    expect(machine.threads).toBe(2);
    for (let round = 0; round < 20; round += 1) expect(bits(tanhOf(machine, x))).toEqual(before);
    expect(new Set(straggle(machine, 8, 7))).toEqual(new Set([0, 2]));

    const [last] = await warningsDuring(() => (second as Worker).terminate());
    expect(last.message).toContain('worker 2 of 3');
    expect(last.message).toContain('one thread goes on');
    expect(machine.threads).toBe(1);
    expect(bits(tanhOf(machine, x))).toEqual(before);

    machine.reconfigure({ threads: 3 });
    expect(machine.threads).toBe(3);
    expect(bits(tanhOf(machine, x))).toEqual(before);
  });

  it('says nothing of workers that it stops itself', async () => {
    const [machine, workers] = await withWorkers(3);
    const ends = workers.map((worker) => once(worker, 'exit'));
    const warnings = await warningsDuring(async () => {
      machine.reconfigure({ threads: 1 });
      await Promise.all(ends);
    });
    expect(warnings).toEqual([]);
  });

  it('leaves the other chunks of a fork to whoever is free while a worker is held up', () => {
    const machine = createMachine({ threads: 2 });
    // The worker's chunk ends only after all others have.
    const who = straggle(machine, 100, 99);
    expect(who.filter((member) => member === 1)).toHaveLength(1);
    expect(who.filter((member) => member === 0)).toHaveLength(99);
  });

  it('names a worker that holds its share for good, and works again once set up anew', () => {
    const machine = createMachine({ threads: 2 }, { patience: 20 });
    const x = uniform(100_000, 1);
    const before = bits(tanhOf(machine, x));
    expect(() => straggle(machine, 100, 100)).toThrow(
      'worker 1 of 2 has held its share of a kernel for 0.2 s of waiting',
    );
    expect(() => tanhOf(machine, x)).toThrow('go on with configure({ threads: 2 })');
    machine.reconfigure({ threads: 2 });
    expect(bits(tanhOf(machine, x))).toEqual(before);
  });

  it('takes no further fork after a kernel that failed on the thread that called it', () => {
    const machine = createMachine({ threads: 2 });
    const x = uniform(100_000, 1);
    const before = bits(tanhOf(machine, x));
    // No memory is there.
    expect(() => unary(machine, Unary.tanh, 2 ** 31, 2 ** 31, 100_000)).toThrow(WebAssembly.RuntimeError);
    expect(() => tanhOf(machine, x)).toThrow('a kernel failed on the thread that called it');
    machine.reconfigure({ threads: 2 });
    expect(bits(tanhOf(machine, x))).toEqual(before);
  });

  it('names a worker that fails within a kernel, takes no further fork, and works again once set up anew', () => {
    const machine = createMachine({ threads: 2 });
    const x = uniform(100_000, 1);
    const before = bits(tanhOf(machine, x));
    expect(() => fork(machine, 'fail', {}, 4096, 1)).toThrow('worker 1 of 2 failed within a kernel');
    expect(() => tanhOf(machine, x)).toThrow('go on with configure({ threads: 2 })');
    machine.reconfigure({ threads: 2 });
    expect(bits(tanhOf(machine, x))).toEqual(before);
  });

  it('cuts any number of items into whole grains', () => {
    const machine = createMachine({ threads: 2 });
    const size = 4096 * 8 + 8;
    const address = machine.arena.allocate(4 * size);
    machine.floats.fill(1, address / 4, address / 4 + size);
    // A grain of 8 makes more chunks than a fork can have.
    fork(machine, 'affine', { x: address, y: address, scale: 2, shift: 0 }, size, 8);
    expect(new Set(take(machine, address, size))).toEqual(new Set([2]));
  });

  it('keeps the machine as it was where a tier cannot be had', () => {
    const machine = createMachine({ threads: 2, tier: 'simd' });
    expect(() => machine.reconfigure({ tier: 'turbo' as 'wide' })).toThrow(RangeError);
    expect(() => machine.reconfigure({ shared: false })).toThrow('fixed at its first use');
    expect([machine.tier, machine.threads]).toEqual(['simd', 2]);
    expect(tanhOf(machine, Float32Array.of(0))).toEqual(Float32Array.of(0));
  });

  it('gives back what a former team held', async () => {
    const machine = createMachine({ threads: 1 });
    const held = machine.heap.used();
    for (let round = 0; round < 5; round += 1) {
      machine.reconfigure({ threads: 3 });
      machine.reconfigure({ threads: 1 });
    }
    // It is given back once the workers are gone.
    await vi.waitFor(() => expect(machine.heap.used()).toBe(held), { timeout: 20_000 });
  });

  it('has its workers whatever the process was started with, and lets the process end', async () => {
    const entry = fileURLToPath(new URL('../../src/kernels/machine.ts', import.meta.url));
    const { outputFiles } = await build({
      stdin: {
        contents: `
          import { createMachine } from ${JSON.stringify(entry)};
          import { fork } from ${JSON.stringify(entry.replace('machine.ts', 'fork.ts'))};
          const machine = createMachine({ threads: 2 });
          try { fork(machine, 'fail', {}, 4096, 1); } catch (error) { console.log(error.message); }`,
        resolveDir: fileURLToPath(new URL('.', import.meta.url)),
        loader: 'ts',
      },
      bundle: true,
      platform: 'node',
      format: 'esm',
      write: false,
    });
    const code = outputFiles[0]?.text ?? '';
    const printed = execFileSync(process.execPath, ['--input-type=module'], {
      input: code,
      encoding: 'utf8',
      stdio: 'pipe',
    });
    expect(printed).toContain('worker 1 of 2 failed within a kernel');
  });
});
