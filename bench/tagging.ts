/**
 * `npm run bench:tagging -- FOLDER`: how long a word waits for its tag where the model learns from each utterance
 * meanwhile, from no word and no tag on, and what it costs to grow. FOLDER has `seq.in`, `seq.out` and `label`.
 */
import { lastValueFrom, Subject, toArray } from 'rxjs';
import {
  adam,
  fromSequenceFiles,
  type LearnedTags,
  learnTags,
  machine,
  type Spoken,
  type TagLesson,
  type Taught,
  tag,
  tagger,
} from '../src/index.js';

const [folder, most = '1500', perText = '4'] = process.argv.slice(2);
if (folder === undefined) {
  console.error('usage: npm run bench:tagging -- FOLDER [utterances, 1500 by default] [replayed beside each, 4]');
  process.exit(2);
}
const all = await lastValueFrom(fromSequenceFiles(folder).pipe(toArray()));
const lessons = all
  .slice(0, Number(most))
  .filter((lesson): lesson is typeof lesson & Taught => lesson.tags !== undefined);
const per = Number(perText);
/** Utterances before anything counts: kernels and JavaScript are compiled by then. */
const WARM = 100;

function quantiles(what: string, times: readonly number[]): void {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) =>
    (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0).toFixed(2);
  console.log(
    `  ${what.padEnd(58)} ${at(0.5).padStart(7)} ${at(0.99).padStart(7)} ${at(1).padStart(7)}  ${sorted.length}`,
  );
}

function run(bidirectional: boolean, chain: boolean): void {
  const model = tagger({ words: [], tags: ['O'], intents: ['none'], bidirectional, chain, units: 200, seed: 1 });
  const [spoken$, lesson$] = [new Subject<Spoken>(), new Subject<TagLesson>()];
  let learned: LearnedTags | undefined;
  let told = 0;
  spoken$.pipe(tag(model)).subscribe(() => {
    told += 1;
  });
  lesson$
    .pipe(learnTags(model, { optimizer: adam(1e-3), clipNorm: 5, replay: { size: 1000, per } }))
    .subscribe((event) => {
      learned = event.outcome === 'learned' ? event : undefined;
    });
  const times = { word: [] as number[], waiting: [] as number[], shared: [] as number[] };
  const updates = { same: [] as number[], words: [] as number[], tags: [] as number[] };
  let update = 0;
  lessons.forEach((lesson, k) => {
    const before = performance.now();
    const own = lesson.words.map((word) => {
      const start = performance.now();
      spoken$.next(word);
      return performance.now() - start;
    });
    const end = performance.now();
    spoken$.next({ endOfUtterance: true });
    const last = performance.now() - end;
    const answered = performance.now() - before;
    const start = performance.now();
    lesson$.next(lesson);
    const wait = update;
    update = performance.now() - start;
    if (k < WARM || learned === undefined) return;
    own.forEach((time, place) => {
      // A model that reads both ways has all tags after the last word: its words share what that took.
      const mine = bidirectional ? answered / own.length : time + (place === own.length - 1 ? last : 0);
      times.word.push(mine);
      // Words that come as fast as they are tagged: the first one of an utterance waits for the update before it.
      times.waiting.push(mine + (place === 0 ? wait : 0));
      times.shared.push((answered + update) / own.length);
    });
    const { grown } = learned;
    updates[grown.tags.length > 0 ? 'tags' : grown.words.length > 0 ? 'words' : 'same'].push(update);
  });
  const sizes = `${model.words.size} words, ${model.tags.size} tags, ${model.intents?.size} intents`;
  console.log(
    `${bidirectional ? 'BiLSTM' : 'LSTM'} 200, ${chain ? 'chain' : 'softmax'}, ${per} replayed; ${sizes}; ${told} events`,
  );
  console.log(`  ${'milliseconds'.padEnd(58)} ${'p50'.padStart(7)} ${'p99'.padStart(7)} ${'most'.padStart(7)}`);
  quantiles('a word, from its arrival to its tag', times.word);
  quantiles('the same, the first one waiting for the update before it', times.waiting);
  quantiles('an utterance and its update, by word', times.shared);
  quantiles('an update (tagging first), nothing grew', updates.same);
  quantiles('an update where words were new', updates.words);
  quantiles('an update where tags were new', updates.tags);
}

const { tier, threads } = machine();
console.log(`${lessons.length} utterances, ${tier}, ${threads} threads`);
for (const bidirectional of [false, true]) for (const chain of [true, false]) run(bidirectional, chain);
