/**
 * `npm run soak`: all of it together, for as long as one likes, and killed again and again. A process learns, scores, speaks and is kept in a
 * folder (`soak-life.ts`); it is killed at random moments, and another one goes on. For the last part one process lives on. Fails where a
 * window or a lesson was lost or repeated, a loss is not bit for bit the one that was said before, memory grows, anything is said on
 * stderr (an unhandled rejection is), a file is left over, or an exit code is another.
 *
 * Exit codes: 0; 1 where something of that is wrong; 2 where what was asked for cannot be done.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { generator } from '../src/index.js';
import { version } from '../src/version.js';
import { aboveZero, argumentsOf, command, wholeNumber } from './arguments.js';
import { type Growth, growthOf, type KeptMemory, mebibytes, percent } from './kept-memory.js';
import type { Said } from './soak-life.js';

const program = command('npm run soak --')
  .description('Learns, scores, speaks and is killed, all at once; fails where anything is lost or memory grows.')
  .option('--minutes <n>', 'that it goes on', aboveZero('minutes'), 30)
  .option('--seed <n>', 'of the moments at which it is killed', wholeNumber, Date.now())
  .option('--report <file>', 'write what came of it there, as Markdown');
argumentsOf<[]>('soak', program, process.argv.slice(2));
const { minutes, seed, report } = program.opts<{ minutes: number; seed: number; report?: string }>();

/** The part of the time in which processes are killed; then one lives on. */
const KILLING = 0.6;
/** Seconds that a process lives at most after it has begun to learn; seconds after which lives are compared. */
const [LONGEST, SETTLED] = [20, 3];
/** Growth within the last life is judged if that life is so many minutes long, and from life to life if they are so many. */
const [WARM, MANY_LIVES] = [10, 20];
/** Of some neighbours the lowest counts: what is under way at the moment comes and goes. */
const NEIGHBOURS = 20;
const KEPT = 3;

const folder = mkdtempSync(join(tmpdir(), 'oxbow-soak-'));
const start = performance.now();
const minutesGone = () => (performance.now() - start) / 60_000;
const random = generator(seed, 'kills');
const wrong: string[] = [];
const err = (text: string) => void process.stderr.write(`soak: ${text}\n`);
type Ending = 'SIGKILL' | 'SIGTERM' | 'stop';

/** What was learnt, by number: it comes in order, and what comes again after a kill is the same. */
function ledger(name: string) {
  const losses = new Map<number, number>();
  let next = 1;
  let [again, last] = [0, 0];
  return {
    get last() {
      return last;
    },
    get again() {
      return again;
    },
    goOn(after: number) {
      next = after + 1;
    },
    hear(number: number, loss: number) {
      if (number !== next) wrong.push(`of ${name}, number ${number} came in place of ${next}`);
      const known = losses.get(number);
      if (known !== undefined) again += 1;
      if (known !== undefined && !Object.is(known, loss)) {
        wrong.push(`of ${name}, number ${number} has the loss ${loss}, and had ${known} before the kill`);
      }
      losses.set(number, loss);
      next = number + 1;
      last = Math.max(last, number);
    },
  };
}
const learnt = { windows: ledger('windows'), lessons: ledger('lessons') };
const delays: number[] = [];
const settled: KeptMemory[] = [];
const endings: Record<Ending, number> = { SIGKILL: 0, SIGTERM: 0, stop: 0 };
const totals = { answered: 0, symbols: 0 };
let saved = 0;
let savedInAll = 0;
/** Where the next life has to begin at least; after SIGTERM that is all that was learnt. */
let atLeast = 0;

/** A process from its start to its end. */
async function live(ending: Ending, seconds: number): Promise<readonly KeptMemory[]> {
  const file = fileURLToPath(new URL('./soak-life.js', import.meta.url));
  const child: ChildProcess = fork(file, {
    execArgv: ['--expose-gc'],
    env: { ...process.env, OXBOW_FOLDER: folder },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const memories: KeptMemory[] = [];
  let text = '';
  let counts = { answered: 0, symbols: 0 };
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  const learns = new Promise<void>((resolve) => {
    child.on('message', (said: Said) => {
      if ('begun' in said) begin(said);
      else if ('number' in said) {
        learnt[said.of].hear(said.number, said.loss);
        if (said.of === 'windows') resolve();
      } else if ('saved' in said) {
        saved = said.saved;
        savedInAll += 1;
      } else if ('wrong' in said) wrong.push(said.wrong);
      else {
        memories.push(said.memory);
        delays.push(...said.delays);
        counts = said;
      }
    });
    child.once('exit', () => resolve());
  });
  const exited = new Promise<string>((resolve) =>
    child.once('close', (code, signal) => resolve(signal ?? String(code))),
  );
  await learns;
  await Promise.race([pause(1000 * seconds, undefined, { ref: false }), exited]);
  if (ending === 'stop') child.send('stop', () => undefined);
  else child.kill(ending);
  const how = await exited;
  const wanted = ending === 'stop' ? '0' : ending;
  if (how !== wanted) wrong.push(`a process that was to end by ${wanted} has ended by ${how}`);
  if (text !== '') wrong.push(`a process said: ${text.trim()}`);
  endings[ending] += 1;
  totals.answered += counts.answered;
  totals.symbols += counts.symbols;
  atLeast = ending === 'SIGKILL' ? saved : learnt.windows.last;
  const atAge = memories[SETTLED];
  if (atAge) settled.push(atAge);
  return memories;
}

function begin({ begun, step, lesson, names }: Extract<Said, { readonly begun: number }>): void {
  if (step !== begun) wrong.push(`the checkpoint of step ${step} has the position ${begun}`);
  if (begun < atLeast) wrong.push(`a run goes on after window ${begun}, but ${atLeast} was saved`);
  learnt.windows.goOn(begun);
  learnt.lessons.goOn(lesson);
  leftovers(names, KEPT + 1);
}

/** A run's folder has its lock and its checkpoints, and nothing else. */
function leftovers(names: readonly string[], most: number): void {
  const locks = names.filter((name) => /^\.lock-\d+$/.test(name));
  const files = names.filter((name) => /^step-\d{12}\.safetensors$/.test(name));
  if (locks.length === 1 && files.length <= most && names.length === locks.length + files.length) return;
  wrong.push(`the folder has ${names.join(', ')}`);
}

err(`for ${minutes} minutes, seed ${seed}`);
while (minutesGone() < KILLING * minutes) {
  const left = 60 * (KILLING * minutes - minutesGone());
  const ending = (endings.SIGKILL + 1) % 4 === 0 && endings.SIGTERM < endings.SIGKILL / 3 ? 'SIGTERM' : 'SIGKILL';
  await live(ending, Math.min(left, (random.below(1000 * LONGEST) + 1) / 1000));
  err(
    `${minutesGone().toFixed(1)} min, ${ending}: ${learnt.windows.last} windows, ${learnt.lessons.last} lessons, ` +
      `${savedInAll} checkpoints, ${wrong.length} wrong`,
  );
}
const lasting = Math.max(1, 60 * (minutes - minutesGone()));
const memories = await live('stop', lasting);
leftovers(readdirSync(join(folder, 'run')), KEPT);
const others = readdirSync(folder).filter((name) => name !== 'run' && name !== 'tagger.safetensors');
if (others.length > 0) wrong.push(`beside the run there is ${others.join(', ')}`);
if (
  !/"free":true/.test(
    readFileSync(
      join(folder, 'run', readdirSync(join(folder, 'run')).find((name) => name.startsWith('.lock-')) ?? ''),
      'utf8',
    ),
  )
) {
  wrong.push('the folder is still held');
}

function judge(growths: readonly Growth[], where: string): void {
  for (const { kind, grown, tooMuch } of growths) {
    if (tooMuch) wrong.push(`${where} the ${kind} grew by ${percent(grown)}`);
  }
}
const within = growthOf(memories, NEIGHBOURS);
if (lasting >= 60 * WARM * 0.999) judge(within, 'in the last process');
const overLives = growthOf(settled, 1);
if (settled.length >= MANY_LIVES) judge(overLives, 'from life to life');
const sorted = delays.sort((a, b) => a - b);
const delayAt = (share: number) => (sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN).toFixed(1);

const lines = [
  '# Soak',
  '',
  `\`npm run soak -- --minutes ${minutes} --seed ${seed}\`, ${new Date().toISOString().slice(0, 10)}: **${wrong.length === 0 ? 'nothing lost' : `${wrong.length} wrong`}**.`,
  '',
  'A process learns an LSTM on the learner team from a live source, keeps it in a folder, has a tagger learn and saves that, scores 1,000 keys',
  'and generates ten texts, all at once. It is killed at random moments, and another one goes on; for the last part one process lives on.',
  '',
  '| | |',
  '|---|---|',
  `| machine | ${cpus()[0]?.model.trim() ?? 'unknown'}, ${availableParallelism()} processors, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, ${process.platform} |`,
  `| Node, Oxbow | ${process.versions.node}, ${version} |`,
  `| processes killed by SIGKILL, ended by SIGTERM, ended in the end | ${endings.SIGKILL}, ${endings.SIGTERM}, ${endings.stop} |`,
  `| windows learnt; learnt again after a kill, each with the same loss, bit for bit | ${learnt.windows.last}; ${learnt.windows.again} |`,
  `| lessons of the tagger; learnt again likewise | ${learnt.lessons.last}; ${learnt.lessons.again} |`,
  `| checkpoints of the run | ${savedInAll} |`,
  `| values scored; symbols generated, until the last second of each process | ${totals.answered}; ${totals.symbols} |`,
  ...within.map(
    ({ kind, grown, last }) =>
      `| ${kind} of the last process, ${(lasting / 60).toFixed(1)} minutes: growth after its first quarter; at its end | ${percent(grown)}; ${mebibytes(last)} |`,
  ),
  ...overLives.map(
    ({ kind, grown }) =>
      `| ${kind} after ${SETTLED + 1} seconds of life: growth over ${settled.length} processes | ${percent(grown)} |`,
  ),
  `| delay of the event loop, p50, p99 | ${delayAt(0.5)}, ${delayAt(0.99)} ms |`,
  ...(wrong.length > 0 ? ['', ...wrong.slice(0, 20).map((each) => `- ${each}`)] : []),
  '',
];
console.log(lines.join('\n'));
if (report !== undefined) writeFileSync(report, lines.join('\n'));
for (const each of wrong.slice(0, 20)) err(each);
rmSync(folder, { recursive: true, force: true });
process.exit(wrong.length === 0 ? 0 : 1);
