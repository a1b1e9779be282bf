/** One pass over utterances, each of them learnt from once; and what is said of it. */
import * as E from 'fp-ts/lib/Either.js';
import { fromAsync, type LearnTagsState, type SlotScores, scoreTagger, type TaggedUtterance, type Tagger } from 'oxbow';
import { lastValueFrom, takeWhile, tap } from 'rxjs';
import type { Failure } from '../shared/failure.js';
import { count } from '../shared/numbers.js';
import { weightsIn } from '../shared/weights.js';
import { netOf } from './options.js';
import { beginner, type Course, type Learnt, labelledOf, oneByOne, prequential } from './prequential.js';
import { showQuantiles } from './quantiles.js';
import type { OnlineRecipe } from './recipe.js';
import { percent, showSpread, slotTable, sparkline, spreadOf, summary } from './report.js';
import type { Saved } from './saved.js';
import { keep, type Session } from './session.js';
import { showUtterance } from './show.js';

/** What is to be learnt from in a run, and what it is tested on afterwards. */
export interface Lessons {
  /** Where the utterances are from. */
  readonly from: string;
  readonly utterances: Iterable<TaggedUtterance> & { readonly length: number };
  readonly test: readonly TaggedUtterance[] | undefined;
  readonly recipe: OnlineRecipe;
}

export interface OnlineRun {
  readonly seed: number;
  readonly course: Course | undefined;
  readonly test: SlotScores | undefined;
  readonly names: { readonly words: number; readonly tags: number; readonly intents: number };
  readonly seconds: number;
  readonly interrupted: boolean;
}

/** An utterance as it was tagged, and where that was wrong the right slots below it. */
function shown({ paint, screen }: Session, { event }: Learnt): string {
  const { words, tags, prediction } = event;
  const said = labelledOf(prediction).tags;
  const right = said.every((tag, k) => tag === tags[k]);
  const lines = [`${right ? '✓' : '✗'} ${showUtterance(words, said, paint)}`];
  if (!right) lines.push(screen.dim(`  right: ${showUtterance(words, tags, (text) => text)}`));
  return lines.join('\n');
}

/** A tagger, and where its learning stands: what it needs in order to go on. */
export interface Learner {
  readonly model: Tagger;
  /** Undefined where nothing was learnt. */
  readonly state: LearnTagsState | undefined;
}

interface Passed {
  readonly run: OnlineRun;
  readonly saved: Saved;
}

/** Learns from all utterances in their order, or until it is interrupted. */
async function passOver(
  session: Session,
  { model, state: before, about }: Saved,
  lessons: Lessons,
): Promise<E.Either<Failure, Passed>> {
  const { screen, interrupt } = session;
  const { from, utterances, test, recipe } = lessons;
  const { seed, read } = about;
  /** Utterances learnt from, with those of an earlier run. */
  const known = read.from === from ? read.utterances : 0;
  let learntFrom = known;
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  let latest: Learnt | undefined;
  let state = before;

  function status(learnt: Learnt): string {
    const { utterances: done, recent, scores, blocks, answer } = learnt.course();
    const curve = blocks.length > 0 ? `${sparkline(blocks.slice(-40))} ` : '';
    return [
      `${curve}${count(known + done)} of ${count(utterances.length)}`,
      `F1 of late ${percent(recent.f1)}, so far ${percent(scores.f1)}`,
      `${count(done / seconds())} utterances/s`,
      `slots after ${answer.p50.toFixed(1)} ms`,
    ].join(' · ');
  }

  const learning$ = fromAsync(oneByOne(utterances, known)).pipe(
    prequential(model, recipe, { seed, replay: true, state, learnt: known }),
    tap((learnt) => {
      latest = learnt;
      learntFrom += 1;
      // Only now: by the next utterance the optimizer has gone on.
      if (learntFrom === utterances.length || interrupt.requested()) state = learnt.event.state();
      if (learnt.endsBlock) {
        const { utterances: done, recent } = learnt.course();
        const mark = `${count(known + done).padStart(7)}  ${sparkline([recent.f1])} F1 ${percent(recent.f1).padStart(6)}`;
        screen.say(`${mark}  ${shown(session, learnt).replaceAll('\n', `\n${' '.repeat(mark.length + 2)}`)}`);
      }
      screen.live(() => `${status(learnt)}\n${shown(session, learnt)}`);
    }),
    takeWhile(() => !interrupt.requested()),
  );
  if (known >= utterances.length) {
    screen.note(`it has learnt from ${count(known)} utterances of these already; give more to go on`);
  }
  await lastValueFrom(learning$, { defaultValue: undefined });
  const saved = { model, state, about: { ...about, read: { from, utterances: learntFrom } } };
  const kept = latest === undefined ? E.right(undefined) : await keep(session, saved)();
  if (E.isLeft(kept)) return kept;
  const course = latest?.course();
  const run: OnlineRun = {
    seed,
    course,
    test: test && scoreTagger(model, test),
    names: { words: model.words.size - 1, tags: model.tags.size, intents: model.intents?.size ?? 0 },
    seconds: seconds(),
    interrupted: interrupt.requested(),
  };
  return E.right({ run, saved });
}

function sayRun({ screen }: Session, { seed, course, test, names, seconds }: OnlineRun): void {
  if (course === undefined) {
    screen.say('nothing learnt');
    return;
  }
  const known = `${count(names.words)} words, ${names.tags} tags, ${names.intents} intents`;
  screen.say(
    [
      '',
      `seed ${seed}: ${count(course.utterances)} utterances in ${seconds.toFixed(1)} s; it knows ${known}`,
      `each tagged before it was learnt from: ${summary(course.scores)}`,
      ...(test ? [`afterwards, on ${count(test.utterances)} others: ${summary(test)}`] : []),
      `latency while it learns: a word ${showQuantiles(course.word)}; an utterance's slots ` +
        `${showQuantiles(course.answer)}; an update ${showQuantiles(course.update)}`,
      ...(Number.isNaN(course.revised)
        ? []
        : [`of all words ${percent(course.revised)} % had another tag in the end than when they came`]),
    ].join('\n'),
  );
}

function fresh({ options }: Session, { from, utterances, recipe }: Lessons, seed: number): Saved {
  const [first] = utterances;
  const net = { ...recipe.model, ...netOf(options) };
  const model = beginner(first as TaggedUtterance, recipe, net, seed);
  return { model, state: undefined, about: { net, seed, read: { from, utterances: 0 } } };
}

/** A run for each seed; gives the last one's tagger. */
export async function learnOnline(
  session: Session,
  lessonsOf: (seed: number) => Lessons,
): Promise<E.Either<Failure, Saved | undefined>> {
  const { options, screen, interrupt, machine } = session;
  const runs: OnlineRun[] = [];
  let saved: Saved | undefined;
  for (let k = 0; k < options.seeds && !interrupt.requested(); k += 1) {
    const seed = options.seed + k;
    const lessons = lessonsOf(seed);
    const begun = session.loaded ?? fresh(session, lessons, seed);
    if (k === 0) {
      screen.say(
        `${count(lessons.utterances.length)} utterances, ${count(weightsIn(begun.model.params))} weights; ${machine}`,
      );
    }
    const passed = await passOver(session, begun, lessons);
    if (E.isLeft(passed)) return passed;
    const { run } = passed.right;
    saved = passed.right.saved;
    if (k === options.seeds - 1 || interrupt.requested()) {
      const scores = run.test ?? run.course?.scores;
      if (scores) screen.say(['', ...slotTable(scores)].join('\n'));
    }
    sayRun(session, run);
    screen.record(run);
    runs.push(run);
  }
  sayMeans(session, runs);
  return E.right(saved);
}

function sayMeans({ screen }: Session, runs: readonly OnlineRun[]): void {
  if (runs.length < 2) return;
  const before = runs.flatMap(({ course }) => course?.scores.f1 ?? []);
  const after = runs.flatMap(({ test }) => test?.f1 ?? []);
  const parts = [`before learning F1 ${showSpread(spreadOf(before))}`];
  if (after.length > 0) parts.push(`afterwards F1 ${showSpread(spreadOf(after))}`);
  screen.say(`\n${runs.length} seeds, mean ± deviation: ${parts.join(' · ')}`);
}
