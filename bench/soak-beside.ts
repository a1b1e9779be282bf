/**
 * `npm run soak:beside`: all of it together, for as long as one likes. An LSTM learns on the learner's threads from a live
 * source, 1,000 keys are scored whose carries come and go between memory and a store, and 20 generations speak. Fails where a
 * window or a value was lost, doubled or out of order, or where memory grew after the first quarter of ten minutes or more.
 */
import { constants, monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { lastValueFrom, tap } from 'rxjs';
import {
  adam,
  crossEntropy,
  dense,
  embedding,
  fromAsync,
  generateIterable,
  generator,
  type Ids,
  ids,
  type KeyedState,
  keyed,
  lstm,
  machine,
  type SymbolWindow,
  stack,
  tbptt,
} from '../src/index.js';
import { aboveZero, argumentsOf, command } from './arguments.js';
import { grownBy } from './slope.js';

const program = command('npm run soak:beside --')
  .description('Learns, scores many keys and speaks, all at once, and fails where memory grows or something is lost.')
  .option('--minutes <n>', 'that it goes on', aboveZero('minutes'), 30);
argumentsOf<[]>('soak:beside', program, process.argv.slice(2));
const { minutes } = program.opts<{ readonly minutes: number }>();

const [SYMBOLS, STEPS, LANES, UNITS] = [65, 32, 16, 128];
const [KEYS, RESIDENT, SPEAKERS] = [1000, 250, 20];
/** Milliseconds between two windows, between two bursts of values, and between two symbols of a speaker. */
const [WINDOW_GAP, BURST_GAP, SYMBOL_GAP] = [20, 20, 50];
const [BURST, SPEECH] = [50, 400];
/** Memory is looked at so often in all, and the lowest of some neighbours counts, since garbage comes and goes. */
const [SAMPLES, NEIGHBOURS] = [240, 10];
/** Of its mean, what memory may grow by from the end of the first quarter on. */
const ALLOWED = 0.05;
/** Minutes before which a process still warms up, so that its memory tells nothing. */
const WARM = 10;

const model = stack({ embed: embedding(SYMBOLS, 32), rnn: lstm(32, UNITS), head: dense(UNITS, SYMBOLS) }, { seed: 1 });
const end = performance.now() + minutes * 60_000;
const goesOn = () => performance.now() < end;
const wrong: string[] = [];
const counts = { given: 0, learnt: 0, asked: 0, answered: 0, said: 0, loss: Number.NaN };

interface Numbered extends SymbolWindow {
  readonly number: number;
}

async function* windows(): AsyncGenerator<Numbered> {
  const random = generator(1, 'windows');
  const draw = (): Ids =>
    ids(
      [STEPS, LANES],
      Int32Array.from({ length: STEPS * LANES }, () => random.below(SYMBOLS)),
    );
  while (goesOn()) {
    counts.given += 1;
    yield { input: draw(), target: draw(), number: counts.given };
    await pause(WINDOW_GAP);
  }
}

const learning = lastValueFrom(
  fromAsync(windows()).pipe(
    tbptt(model, { loss: crossEntropy(), optimizer: adam(1e-4), clipNorm: 5, thread: 'learner' }),
    tap(({ window, step, loss }) => {
      counts.learnt += 1;
      counts.loss = loss;
      if (window.number === counts.learnt && step === counts.learnt) return;
      wrong.push(`window ${window.number} was learnt as number ${counts.learnt}, in step ${step}`);
    }),
  ),
  { defaultValue: undefined },
);

interface Asked {
  readonly key: number;
  readonly value: number;
  /** Of its key. */
  readonly number: number;
}

async function* values(): AsyncGenerator<Asked> {
  const random = generator(1, 'values');
  const numbers = new Int32Array(KEYS);
  while (goesOn()) {
    for (let k = 0; k < BURST; k += 1) {
      const key = random.below(KEYS);
      numbers[key] = (numbers[key] as number) + 1;
      counts.asked += 1;
      yield { key, value: random.below(SYMBOLS), number: numbers[key] as number };
    }
    await pause(BURST_GAP);
  }
}

const away = new Map<number, KeyedState<unknown>>();
const answered = new Int32Array(KEYS);
const scoring = lastValueFrom(
  fromAsync(values()).pipe(
    keyed(model, {
      output: 'surprisal',
      maxKeys: RESIDENT,
      maxBatch: 64,
      store: { get: (key: number) => away.get(key), put: (key: number, state) => void away.set(key, state) },
    }),
    tap(({ key, input }) => {
      counts.answered += 1;
      answered[key] = (answered[key] as number) + 1;
      if (input.number !== answered[key]) wrong.push(`value ${input.number} of key ${key} was answer ${answered[key]}`);
    }),
  ),
  { defaultValue: undefined },
);

async function speak(speaker: number): Promise<void> {
  for (let speech = 0; goesOn(); speech += 1) {
    const seed = speaker + SPEAKERS * speech;
    for await (const symbol of generateIterable(model, ids([1, 1], [seed % SYMBOLS]), { length: SPEECH, seed })) {
      counts.said += symbol.data.length;
      if (!goesOn()) break;
      await pause(SYMBOL_GAP);
    }
  }
}
const speaking = Promise.all(Array.from({ length: SPEAKERS }, (_, k) => speak(k)));

const MIB = 2 ** 20;
const memory = { 'resident set': [] as number[], heap: [] as number[], "kernels' memory": [] as number[] };
/** The heap after the last whole collection: what is garbage does not count. */
let live = process.memoryUsage().heapUsed;
new PerformanceObserver((list) => {
  const { NODE_PERFORMANCE_GC_MAJOR: whole } = constants;
  const isWhole = (entry: object) => (entry as { readonly detail: { readonly kind: number } }).detail.kind === whole;
  if (list.getEntries().some(isWhole)) live = process.memoryUsage().heapUsed;
}).observe({ entryTypes: ['gc'] });
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();

function say(): void {
  const { rss } = process.memoryUsage();
  const { used, reserved } = machine().memory;
  const mib = (bytes: number) => (bytes / MIB).toFixed(1);
  const ms = (nanoseconds: number) => (nanoseconds / 1e6).toFixed(1);
  const left = Math.max(0, (end - performance.now()) / 60_000);
  console.log(
    [
      `${(minutes - left).toFixed(1)} min`,
      `windows ${counts.given} given, ${counts.learnt} learnt, loss ${counts.loss.toFixed(3)}`,
      `values ${counts.asked} asked, ${counts.answered} answered, ${away.size} carries away`,
      `${counts.said} symbols said`,
      `resident ${mib(rss)} MiB, heap ${mib(live)}, kernels ${mib(used)} of ${mib(reserved)}`,
      `event loop p50 ${ms(delay.percentile(50))}, p99 ${ms(delay.percentile(99))}, max ${ms(delay.max)} ms`,
    ].join(' · '),
  );
  delay.reset();
}

const sampling = setInterval(
  () => {
    memory['resident set'].push(process.memoryUsage().rss);
    memory.heap.push(live);
    memory["kernels' memory"].push(machine().memory.used);
  },
  (minutes * 60_000) / SAMPLES,
);
const saying = setInterval(say, 60_000);
await Promise.all([learning, scoring, speaking]);
clearInterval(sampling);
clearInterval(saying);
say();

if (counts.given !== counts.learnt) wrong.push(`${counts.given} windows were given and ${counts.learnt} learnt`);
if (counts.asked !== counts.answered) wrong.push(`${counts.asked} values were asked and ${counts.answered} answered`);
for (const [what, samples] of Object.entries(memory)) {
  const grown = grownBy(samples, NEIGHBOURS);
  console.log(`${what}: ${(100 * grown).toFixed(1)} % of its mean from the first quarter's end to the end`);
  if (minutes >= WARM && !(grown <= ALLOWED))
    wrong.push(`the ${what} grew by ${(100 * grown).toFixed(1)} %, more than ${100 * ALLOWED} %`);
}
for (const each of wrong.slice(0, 20)) console.error(`soak:beside: ${each}`);
process.exit(wrong.length === 0 ? 0 : 1);
