/**
 * `npm run bench:tagging -- FOLDER`: how long a word waits for its tag where the model learns from each utterance
 * meanwhile, from no word and no tag on. Another thread says the words, at times of its own; FOLDER has `seq.in`,
 * `seq.out` and `label`.
 */
import { Worker } from 'node:worker_threads';
import { lastValueFrom, Subject, toArray } from 'rxjs';
import {
  adam,
  endOfUtterance,
  fromSequenceFiles,
  learnTags,
  machine,
  type Spoken,
  type TagLesson,
  type Taught,
  tag,
  tagger,
} from '../src/index.js';
import { aboveZero, argumentsOf, command, fail, wholeNumber } from './arguments.js';

const program = command('npm run bench:tagging --')
  .description('How long a word waits for its tag where the model learns from each utterance meanwhile.')
  .argument('<folder>', 'with seq.in, seq.out and label')
  .argument('[utterances]', 'to learn from', wholeNumber, 1500)
  .argument('[replayed]', 'former utterances beside each', wholeNumber, 8)
  .argument('[gap]', 'milliseconds between two words, on the average', aboveZero('milliseconds'), 4);
const [folder, most, per, gap] = argumentsOf<[string, number, number, number]>(
  'tagging',
  program,
  process.argv.slice(2),
);
const all = await lastValueFrom(fromSequenceFiles(folder).pipe(toArray())).catch((error: unknown) =>
  fail('tagging', error instanceof Error ? error.message : String(error), 2),
);
const lessons = all.slice(0, most).filter((lesson): lesson is typeof lesson & Taught => lesson.tags !== undefined);
if (lessons.length === 0)
  fail('tagging', `${folder} has no utterance with tags; give a folder with seq.in and seq.out.`, 2);
/** Utterances before anything counts: kernels and JavaScript are compiled by then. */
const WARM = 100;

/** What is said: a word of an utterance, or that it has ended. `at` is when, in ms since 1970. */
interface Said {
  readonly utterance: number;
  readonly word?: string;
  readonly at: number;
}

/** Says words one by one, with pauses that are exponential and so know nothing of updates. */
const speaker = `
  const { parentPort, workerData: { utterances, gap } } = require('node:worker_threads');
  const clock = new Int32Array(new SharedArrayBuffer(4));
  let state = 1;
  const uniform = () => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) + 1) / 2 ** 32;
  const now = () => performance.timeOrigin + performance.now();
  let due = now() + 500;
  const say = (what) => {
    due += -gap * Math.log(uniform());
    const left = due - now();
    if (left > 0) Atomics.wait(clock, 0, 0, left);
    parentPort.postMessage({ ...what, at: now() });
  };
  utterances.forEach((words, utterance) => {
    for (const word of words) say({ utterance, word });
    say({ utterance });
  });
`;

function quantiles(what: string, times: readonly number[]): void {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) =>
    (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0).toFixed(2);
  const [half, most99, longest] = [at(0.5), at(0.99), at(1)].map((text) => text.padStart(7));
  console.log(`  ${what.padEnd(52)} ${half} ${most99} ${longest}  ${sorted.length}`);
}

async function run(bidirectional: boolean, slice: number | undefined): Promise<void> {
  const model = tagger({ words: [], tags: ['O'], intents: ['none'], bidirectional, units: 200, seed: 1 });
  const [spoken$, lesson$] = [new Subject<Spoken>(), new Subject<TagLesson>()];
  const times = { words: [] as number[], ends: [] as number[], updates: [] as number[] };
  let learning = 0;
  let busy = 0;
  let started = 0;
  spoken$.pipe(tag(model)).subscribe();
  lesson$
    .pipe(learnTags(model, { optimizer: adam(1e-3), clipNorm: 5, replay: { size: 1000, per }, slice }))
    .subscribe(() => {
      const took = performance.now() - started;
      started = performance.now();
      learning -= 1;
      busy += took;
      times.updates.push(took);
    });
  const worker = new Worker(speaker, {
    eval: true,
    workerData: { utterances: lessons.map(({ words }) => words), gap },
  });
  const began = performance.now();
  await new Promise<void>((resolve, reject) => {
    worker.once('error', reject);
    worker.on('message', ({ utterance, word, at }: Said) => {
      spoken$.next(word ?? endOfUtterance);
      const waited = performance.timeOrigin + performance.now() - at;
      if (utterance >= WARM) (word === undefined ? times.ends : times.words).push(waited);
      if (word !== undefined) return;
      if (learning === 0) started = performance.now();
      learning += 1;
      lesson$.next(lessons[utterance] as Taught);
      if (utterance === lessons.length - 1) resolve();
    });
  });
  const seconds = (performance.now() - began) / 1000;
  lesson$.complete();
  await worker.terminate();
  const way = slice === undefined ? 'updates at once' : `updates in slices of ${slice} ms`;
  console.log(
    `${bidirectional ? 'BiLSTM' : 'LSTM'} 200, chain, ${per} replayed, ${way}; ${model.words.size} words, ` +
      `${model.tags.size} tags; ${seconds.toFixed(0)} s, of which ${(busy / seconds / 10).toFixed(0)} % learning`,
  );
  console.log(`  ${'milliseconds'.padEnd(52)} ${'p50'.padStart(7)} ${'p99'.padStart(7)} ${'most'.padStart(7)}`);
  quantiles('a word, from when it was said until it has a tag', times.words);
  quantiles('an end, until the utterance has its final tags', times.ends);
  quantiles('an update, from its utterance on', times.updates);
}

const { tier, threads } = machine();
console.log(`${lessons.length} utterances, a word every ${gap} ms on the average; ${tier}, threads: ${threads}`);
for (const bidirectional of [false, true]) for (const slice of [undefined, 1]) await run(bidirectional, slice);
process.exit(0);
