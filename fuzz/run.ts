/** Runs a target: many cases, each within bounds of time and memory; the first that fails is made as small as it gets. */
import { writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';

/** Something that reads what others wrote. */
export interface Target<C> {
  readonly name: string;
  readonly cases: fc.Arbitrary<C>;
  /** Reads a case and says how many bytes there were. @throws Error where something is wrong with the reader. */
  judge(each: C): Promise<number>;
  /** Takes away what it keeps. */
  close?(): Promise<void>;
}

export interface Report {
  readonly target: string;
  readonly cases: number;
  readonly seconds: number;
  readonly seed: number;
  readonly failure?: { readonly path: string; readonly message: string; readonly example: string };
}

export interface Bounds {
  /** Milliseconds until a case hangs: none comes near, however busy the machine is. */
  readonly milliseconds: number;
  /** Bytes of arrays and of objects that a case may take however small its input is, and for each byte of that. */
  readonly arrays: readonly [fixed: number, perByte: number];
  readonly objects: readonly [fixed: number, perByte: number];
}

const MiB = 2 ** 20;
// Of the arrays, 2 MiB are the buffer through which files are read; of the objects, the most is garbage of earlier cases.
const bounds: Bounds = { milliseconds: 30_000, arrays: [4 * MiB, 64], objects: [64 * MiB, 1024] };

/** The case as it is judged, with what it took. @throws Error where that is too much, or where a rejection was left alone. */
async function within<C>(target: Target<C>, each: C, stray: unknown[], most: Bounds): Promise<void> {
  const before = process.memoryUsage();
  const bytes = await target.judge(each);
  const after = process.memoryUsage();
  const check = (what: string, taken: number, [fixed, perByte]: readonly [number, number]) => {
    if (taken <= fixed + perByte * bytes) return;
    throw new Error(`${(taken / MiB).toFixed(1)} MiB of ${what} for ${bytes} bytes`);
  };
  check('arrays', after.arrayBuffers - before.arrayBuffers, most.arrays);
  check('objects', after.heapUsed - before.heapUsed, most.objects);
  const [first] = stray.splice(0);
  if (first !== undefined) throw new Error('an error that nobody handled', { cause: first });
}

export async function run<C>(
  target: Target<C>,
  { runs, seed, path }: { readonly runs: number; readonly seed: number; readonly path?: string | undefined },
  most: Bounds = bounds,
): Promise<Report> {
  const stray: unknown[] = [];
  const remember = (error: unknown) => stray.push(error);
  process.on('unhandledRejection', remember);
  process.on('uncaughtException', remember);
  const watched = watch(target.name, seed);
  const start = performance.now();
  let cases = 0;
  try {
    const property = fc.asyncProperty(target.cases, async (each) => {
      watched.count();
      cases += 1;
      await within(target, each, stray, most);
      // What nobody handles is heard of in a turn of its own, and what is given back as well.
      if (cases % 64 === 0) await new Promise((resolve) => setImmediate(resolve));
    });
    const details = await fc.check(property, {
      numRuns: path === undefined ? runs : 1,
      seed,
      timeout: most.milliseconds,
      // What is printed is as small as it gets already.
      ...(path !== undefined && { path, endOnFailure: true }),
    });
    const seconds = (performance.now() - start) / 1000;
    await new Promise((resolve) => setImmediate(resolve));
    const report = { target: target.name, cases, seconds, seed };
    if (!details.failed) {
      if (stray.length === 0) return report;
      return { ...report, failure: { path: '', message: trace(stray[0]), example: 'one of the last 64' } };
    }
    return {
      ...report,
      failure: {
        path: details.counterexamplePath ?? '',
        message: trace(details.errorInstance),
        example: fc.stringify(details.counterexample?.[0]),
      },
    };
  } finally {
    watched.stop();
    process.off('unhandledRejection', remember);
    process.off('uncaughtException', remember);
    await target.close?.();
  }
}

/** An error with those that it came from. */
function trace(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = (error.stack ?? error.message).split('\n').slice(0, 6).join('\n');
  return error.cause === undefined ? own : `${own}\ncaused by ${trace(error.cause)}`;
}

const WATCH_EVERY_MS = 2_000;

/**
 * Watches from a thread of its own, which goes on where this one is in a loop that never ends: it says which case that is, and
 * ends the process.
 */
function watch(target: string, seed: number) {
  const counted = new Int32Array(new SharedArrayBuffer(4));
  const silent = (2 * bounds.milliseconds) / WATCH_EVERY_MS;
  const source = `
    const { workerData: { counted, target, seed, every, silent } } = require('node:worker_threads');
    let [last, same] = [-1, 0];
    setInterval(() => {
      const now = counted[0];
      same = now === last ? same + 1 : 0;
      last = now;
      if (same < silent) return;
      require('node:fs').writeSync(2, 'fuzz: case ' + (now - 1) + ' of ' + target + ' hangs; see it by npm run fuzz -- --only ' + target + ' --seed ' + seed + ' --path ' + (now - 1) + '\\n');
      process.kill(process.pid, 'SIGKILL');
    }, every);`;
  const worker = new Worker(source, {
    eval: true,
    workerData: { counted, target, seed, every: WATCH_EVERY_MS, silent },
  });
  worker.on('error', (error) => writeSync(2, `fuzz: nobody watches: ${error.message}\n`));
  worker.unref();
  return { count: () => Atomics.add(counted, 0, 1), stop: () => void worker.terminate() };
}
