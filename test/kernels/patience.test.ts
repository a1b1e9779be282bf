/** A process that stands still, all its threads with it, and goes on: nobody is late for that. */
import { beforeAll, describe, expect, it } from 'vitest';
import { linux, programOf, type Started, start } from './processes.js';

/** How often a fork looks around, some ten milliseconds of waiting apart, until it gives up. */
const PATIENCE = 100;

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * A fork one of whose chunks a worker holds until a line comes in: a further thread reads it, and lets the worker go, since the
 * thread that forks cannot.
 */
const program = `
  import { Worker } from 'node:worker_threads';
  const m = createMachine({ threads: 2 }, { patience: ${PATIENCE} });
  const y = m.heap.allocate(400);
  m.ints.fill(-1, y / 4, y / 4 + 100);
  const reader = new Worker(\`
    const { workerData: { buffer, at }, parentPort } = require('node:worker_threads');
    parentPort.postMessage('there');
    require('node:fs').readSync(0, Buffer.alloc(1));
    Atomics.store(new Int32Array(buffer), at, 0);
  \`, { eval: true, execArgv: [], workerData: { buffer: m.ints.buffer, at: m.arguments + 1 } });
  reader.unref();
  await new Promise((resolve) => reader.once('message', resolve));
  say('waiting');
  let message = 'done';
  try { fork(m, 'straggle', { y, chunks: 1000, held: false }, 100, 1); } catch (error) { message = error.message; }
  say(message);
  say(message === 'done' ? [...new Set(m.ints.subarray(y / 4, y / 4 + 100))].sort() : []);
  process.exit();
`;

/** Stops a process again and again, and has it go on. */
async function stopAndGo({ child }: Started, times: number, milliseconds: number): Promise<void> {
  for (let k = 0; k < times; k += 1) {
    // In the midst of its waiting.
    await sleep(30);
    child.kill('SIGSTOP');
    await sleep(milliseconds);
    child.kill('SIGCONT');
    // It looks around again before the worker comes back.
    await sleep(30);
  }
}

describe.runIf(linux).concurrent('a fork that waits', () => {
  let file: string;
  beforeAll(async () => {
    file = await programOf(program);
  });

  it.each([
    ['once, for longer than it would wait', 1, 1500],
    ['again and again', 5, 300],
  ])('goes on where the process was stopped %s', async (_, times, milliseconds) => {
    const process = start(file);
    expect(await process.next()).toBe('waiting');
    await stopAndGo(process, times, milliseconds);
    process.child.stdin?.write('\n');
    expect(await process.next()).toBe('done');
    expect(await process.next()).toEqual([0, 1]);
  });

  it('gives up where a worker does not come back, stopped in between or not', async () => {
    const process = start(file);
    expect(await process.next()).toBe('waiting');
    await stopAndGo(process, 1, 100);
    expect(await process.next()).toMatch(/^team: worker 1 of 2 has held its share of a kernel for 1 s of waiting/);
    process.child.kill('SIGKILL');
  });
});
