/**
 * `npm run bench:beside`: what learning leaves to everybody else. An LSTM 512 ×2 learns windows of 32 × 32 at full speed, on the
 * calling thread and on a learner's, alone and while it says symbols to so many at once; how long the event loop is held,
 * how late symbols are, and how fast it learns.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { identity, Observable } from 'rxjs';
import {
  adam,
  checkpointed,
  configure,
  crossEntropy,
  dense,
  embedding,
  generateIterable,
  generator,
  ids,
  lstm,
  type SignalWindow,
  saveRuns,
  stack,
  tbptt,
  timeSlice,
} from '../src/index.js';
import { aboveZero, argumentsOf, command, fail, wholeNumber } from './arguments.js';
import { kindOf } from './bars.js';

const program = command('npm run bench:beside --')
  .description('How long the event loop is held, and how late symbols are, while a model learns at full speed.')
  .argument('[seconds]', 'that each run is measured', aboveZero('seconds'), 4)
  .argument('[rounds]', 'of all runs, one after the other', wholeNumber, 3)
  .argument('[speakers]', 'that say 20 symbols a second each', wholeNumber, 50)
  .option('--only <text>', 'the ways alone that have this in their names, such as "said"', '');
const [seconds, rounds, speakers] = argumentsOf<[number, number, number]>('beside', program, process.argv.slice(2));

const [symbols, steps, lanes, units] = [65, 32, 32, 512];
/** Windows before anything counts. */
const WARM = 5;
/** Milliseconds between two symbols of a speaker. */
const GAP = 50;

const model = stack(
  {
    embed: embedding(symbols, units),
    first: lstm(units, units),
    second: lstm(units, units),
    head: dense(units, symbols),
  },
  { seed: 1 },
);
const random = generator(1, 'symbols');
const some = () =>
  ids(
    [steps, lanes],
    Int32Array.from({ length: steps * lanes }, () => random.below(symbols)),
  );
const windows = Array.from(
  { length: 16 },
  (): SignalWindow<ReturnType<typeof some>> => ({ input: some(), target: some() }),
);

/** Windows for ever; each is given when the one before has been learnt, a turn of the event loop later. */
const windows$ = (learnt: { next: (() => void) | undefined }) =>
  new Observable<(typeof windows)[number]>((subscriber) => {
    let k = 0;
    learnt.next = () =>
      setImmediate(
        () => !subscriber.closed && subscriber.next(windows[k++ % windows.length] as (typeof windows)[number]),
      );
    learnt.next();
  });

interface Figures {
  /** Longest hold before anything counts: draws, kernels and JavaScript are cold. */
  readonly firstHold: number;
  readonly windowsPerSecond: number;
  readonly delays: readonly number[];
  readonly late: readonly number[];
}

interface Way {
  readonly thread: 'caller' | 'learner';
  readonly slice?: number;
  readonly speaking?: number;
  /** Whether the run is kept in a folder, a file a second. */
  readonly keeps?: boolean;
}

async function run({ thread, slice, speaking = 0, keeps = false }: Way): Promise<Figures> {
  const folder = mkdtempSync(join(tmpdir(), 'oxbow-beside-'));
  const [delays, late]: number[][] = [[], []];
  let counts = false;
  let firstHold = 0;
  let before = performance.now();
  // A timer of one millisecond: what it is late by is what somebody held the loop.
  const timer = setInterval(() => {
    const now = performance.now();
    const delay = Math.max(0, now - before - 1);
    if (counts) delays.push(delay);
    else firstHold = Math.max(firstHold, delay);
    before = now;
  }, 1);
  const timers = Array.from({ length: speaking }, (_, k) => {
    const said = generateIterable(model, ids([1, 1], [k % symbols]), { length: Number.POSITIVE_INFINITY, seed: k })[
      Symbol.asyncIterator
    ]();
    let due = performance.now() + (GAP * k) / speaking;
    let stopped = false;
    const say = async () => {
      await said.next();
      if (counts) late.push(performance.now() - due);
      due += GAP;
      if (!stopped) setTimeout(say, Math.max(0, due - performance.now()));
    };
    setTimeout(say, Math.max(0, due - performance.now()));
    return {
      stop: () => {
        stopped = true;
        void said.return?.();
      },
    };
  });
  const learnt: { next: (() => void) | undefined } = { next: undefined };
  let done = 0;
  let started = 0;
  let ended = 0;
  await new Promise<void>((resolve, reject) => {
    const subscription = windows$(learnt)
      .pipe(
        tbptt(model, { loss: crossEntropy(), optimizer: adam(1e-4), clipNorm: 5, thread, slice }),
        keeps ? checkpointed(folder, { model, everyMs: 1000 }) : identity,
      )
      .subscribe({
        next() {
          done += 1;
          if (done === WARM) {
            counts = true;
            started = performance.now();
          }
          ended = performance.now();
          if (done <= WARM || ended - started < 1000 * seconds) {
            learnt.next?.();
            return;
          }
          setImmediate(() => {
            subscription.unsubscribe();
            resolve();
          });
        },
        error: reject,
      });
  });
  clearInterval(timer);
  for (const { stop } of timers) stop();
  await saveRuns();
  rmSync(folder, { recursive: true });
  return { firstHold, windowsPerSecond: (1000 * (done - WARM)) / (ended - started), delays, late };
}

const at = (values: readonly number[], share: number) =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(share * values.length))] ?? Number.NaN;
const median = (values: readonly number[]) => at(values, 0.5);
const three = (values: readonly number[]) =>
  [0.5, 0.99, 1].map((share) => (values.length === 0 ? '-' : at(values, share).toFixed(1)).padStart(7)).join('');

const { tier, threads, learnerThreads } = configure({});
const kind = kindOf(process.platform === 'linux' ? readFileSync('/proc/cpuinfo', 'utf8') : '');
console.log(
  `Oxbow on ${cpus()[0]?.model.trim()} (kind ${kind}, ${availableParallelism()} processors), Node ${process.versions.node}; ` +
    `${tier} tier, ${threads} threads, ${learnerThreads} of a learner`,
);
const ways = [
  { name: 'on the calling thread, at once', thread: 'caller' },
  { name: 'on the calling thread, slices of 2 ms', thread: 'caller', slice: 2 },
  { name: 'on a learner', thread: 'learner' },
  { name: 'on a learner, kept in a file a second', thread: 'learner', keeps: true },
  { name: `on a learner, ${speakers} × 20 symbols/s said`, thread: 'learner', speaking: speakers },
] as const;
const { only } = program.opts<{ readonly only: string }>();
const figures = ways.filter(({ name }) => name.includes(only)).map((way) => ({ ...way, runs: [] as Figures[] }));
if (figures.length === 0)
  fail('beside', `--only: no way has ${only} in its name: ${ways.map(({ name }) => name).join('; ')}.`, 2);
// Learners first, so that the first hold is that of a process in which nothing is warm.
for (let round = 0; round < rounds; round += 1) {
  for (const way of figures.toReversed()) {
    way.runs.push(await run(way));
    await timeSlice(0)();
  }
}
const speed = (runs: readonly Figures[]) => median(runs.map(({ windowsPerSecond }) => windowsPerSecond));
const base = speed(figures[0]?.runs ?? []);
console.log(`${''.padEnd(46)} windows/s  ratio  loop held, ms: p50    p99   most  symbol late, ms: p50    p99   most`);
for (const { name, runs } of figures) {
  const delays = three(runs.flatMap((each) => each.delays));
  const late = three(runs.flatMap((each) => each.late));
  console.log(
    `${name.padEnd(46)} ${speed(runs).toFixed(2).padStart(9)} ${(speed(runs) / base).toFixed(3).padStart(6)}      ${delays}            ${late}`,
  );
}
console.log(`first window of the process, longest hold: ${figures.at(-1)?.runs[0]?.firstHold.toFixed(1)} ms`);
process.exit(0);
