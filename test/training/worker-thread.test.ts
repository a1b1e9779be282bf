import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import * as oxbow from '../../src/index.js';
import { differing, type Outcome, trainingRun } from './training-run.js';

interface Report {
  readonly threads: number;
  /** Who did the items of a fork. */
  readonly members: readonly number[];
  readonly runs: readonly Outcome[];
}

/** A program that trains on a thread of its own, with a team of its own, until it is told to stop. */
async function program(): Promise<string> {
  const contents = `
    import { parentPort, workerData } from 'node:worker_threads';
    import * as oxbow from '../../src/index.js';
    import { fork } from '../../src/kernels/fork.js';
    import { trainingRun } from './training-run.js';
    const { threads } = oxbow.configure({ threads: 2 });
    const runs = [trainingRun(oxbow, 'lstm')];
    parentPort.postMessage('training');
    do runs.push(trainingRun(oxbow, 'lstm')); while (Atomics.load(workerData, 0) === 0);
    // Ends only once a worker of the team has done an item of it.
    const machine = oxbow.machine();
    const { ints, heap } = machine;
    const y = heap.allocate(4 * 64);
    fork(machine, 'straggle', { y, chunks: 63, held: false }, 64, 1);
    parentPort.postMessage({ threads, runs, members: [...new Set(ints.subarray(y / 4, y / 4 + 64))].sort() });
  `;
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: fileURLToPath(new URL('.', import.meta.url)), loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    write: false,
  });
  return outputFiles[0].text;
}

describe('a trainer within a worker thread', () => {
  it('leads a team of its own, and gives the bits of the main thread, which trains meanwhile', async () => {
    oxbow.configure({ threads: 1 });
    const alone = trainingRun(oxbow, 'lstm');
    oxbow.configure({ threads: 2 });

    const stop = new Int32Array(new SharedArrayBuffer(4));
    const worker = new Worker(await program(), { eval: true, execArgv: [], workerData: stop, stderr: true });
    let complaints = '';
    worker.stderr.on('data', (text) => {
      complaints += text;
    });
    const report = await new Promise<readonly [Outcome[], Report]>((resolve, reject) => {
      const here: Outcome[] = [];
      const exited = (code: number) => reject(new Error(`the worker ended with code ${code}: ${complaints}`));
      worker.on('error', reject);
      worker.on('exit', exited);
      worker.on('message', (message: 'training' | Report) => {
        if (message === 'training') {
          for (let run = 0; run < 3; run += 1) here.push(trainingRun(oxbow, 'lstm'));
          Atomics.store(stop, 0, 1);
        } else {
          worker.off('exit', exited);
          worker.on('exit', () => resolve([here, message]));
        }
      });
    });
    const [here, { threads, members, runs }] = report;
    expect(threads).toBe(2);
    expect(members).toEqual([0, 1]);
    expect(here).toHaveLength(3);
    expect(runs.length).toBeGreaterThan(1);
    for (const run of [...here, ...runs]) {
      expect(run.losses).toEqual(alone.losses);
      expect(run.gradientNorms).toEqual(alone.gradientNorms);
      expect(differing(run, alone)).toEqual([]);
    }
    // The worker ended by itself: its team neither kept it alive nor counted as lost.
    expect(complaints).toBe('');
  });
});
