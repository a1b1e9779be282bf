/** One pass over utterances, each of them learnt from once; and what is said of it. */
import { fromAsync, type SlotScores, scoreTagger, type TaggedUtterance, type Tagger } from 'oxbow';
import { lastValueFrom, takeUntil, tap } from 'rxjs';
import { clock } from '../shared/course.js';
import { count } from '../shared/numbers.js';
import { keeping, sayWhere } from '../shared/run.js';
import { weightsIn } from '../shared/weights.js';
import { netOf } from './options.js';
import { beginner, type Course, type Learnt, labelledOf, oneByOne, prequential } from './prequential.js';
import { showQuantiles } from './quantiles.js';
import type { OnlineRecipe } from './recipe.js';
import { percent, showSpread, slotTable, sparkline, spreadOf, summary } from './report.js';
import type { Learner, SlotsAbout } from './saved.js';
import { aboutOf, type Session } from './session.js';
import { showUtterance } from './show.js';

/** What is to be learnt from in a run, and what it is tested on afterwards. */
export interface Lessons {
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

interface Passed {
  readonly run: OnlineRun;
  readonly learner: Learner;
}

/** Learns from all utterances in their order, or until it is interrupted. */
async function passOver(session: Session, model: Tagger, lessons: Lessons, seed: number): Promise<Passed> {
  const { screen, interrupt, options, kept } = session;
  const { utterances, test, recipe } = lessons;
  /** Utterances that were read. */
  let read = kept?.about.read ?? 0;
  const time = clock(kept?.about.seconds);
  const began = read;
  let latest: Learnt | undefined;
  let state = kept?.snapshot;
  const about = (): SlotsAbout => ({
    ...aboutOf(session),
    seconds: time.seconds(),
    read,
    ...(latest && { pass: latest.counted() }),
  });

  function status(learnt: Learnt): string {
    const { utterances: done, recent, scores, blocks, answer } = learnt.course();
    const curve = blocks.length > 0 ? `${sparkline(blocks.slice(-40))} ` : '';
    return [
      `${curve}${count(done)} of ${count(utterances.length)}`,
      `F1 of late ${percent(recent.f1)}, so far ${percent(scores.f1)}`,
      `${count(done / time.seconds())} utterances/s`,
      `slots after ${answer.p50.toFixed(1)} ms`,
    ].join(' · ');
  }

  if (kept) {
    sayWhere(screen, kept, `utterance ${count(began)} of ${count(utterances.length)}`);
  }
  if (began >= utterances.length) {
    screen.note(`it has learnt from ${count(began)} utterances of these already; give more to go on`);
  }
  const learning$ = fromAsync(oneByOne(utterances, began)).pipe(
    takeUntil(interrupt.requested$),
    tap(() => {
      read += 1;
    }),
    prequential(model, recipe, { seed, replay: true, from: kept?.snapshot, counted: kept?.about.pass }),
    tap((learnt) => {
      latest = learnt;
      // Only now: by the next utterance the optimizer has gone on.
      if (read === utterances.length) state = learnt.snapshot() as typeof state;
      if (learnt.endsBlock) {
        const { utterances: done, recent } = learnt.course();
        const mark = `${count(done).padStart(7)}  ${sparkline([recent.f1])} F1 ${percent(recent.f1).padStart(6)}`;
        screen.say(`${mark}  ${shown(session, learnt).replaceAll('\n', `\n${' '.repeat(mark.length + 2)}`)}`);
      }
      screen.live(() => `${status(learnt)}\n${shown(session, learnt)}`);
    }),
    keeping(options, screen, model, about),
  );
  await lastValueFrom(learning$, { defaultValue: undefined });
  const course = latest?.course();
  const run: OnlineRun = {
    seed,
    course,
    test: test && scoreTagger(model, test),
    names: { words: model.words.size - 1, tags: model.tags.size, intents: model.intents?.size ?? 0 },
    seconds: time.seconds(),
    interrupted: interrupt.requested(),
  };
  return { run, learner: { model, state } };
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

function fresh({ options }: Session, { utterances, recipe }: Lessons, seed: number): Tagger {
  const [first] = utterances;
  return beginner(first as TaggedUtterance, recipe, { ...recipe.model, ...netOf(options) }, seed);
}

/** A run for each seed; gives the last one's tagger. */
export async function learnOnline(
  session: Session,
  lessonsOf: (seed: number) => Lessons,
): Promise<Learner | undefined> {
  const { options, screen, interrupt, machine } = session;
  const runs: OnlineRun[] = [];
  let last: Learner | undefined;
  for (let k = 0; k < options.seeds && !interrupt.requested(); k += 1) {
    const seed = options.seed + k;
    const lessons = lessonsOf(seed);
    const begun = session.kept?.model ?? session.loaded ?? fresh(session, lessons, seed);
    if (k === 0) {
      screen.say(
        `${count(lessons.utterances.length)} utterances, ${count(weightsIn(begun.params))} weights; ${machine}`,
      );
    }
    const { run, learner } = await passOver(session, begun, lessons, seed);
    last = learner;
    if (k === options.seeds - 1 || interrupt.requested()) {
      const scores = run.test ?? run.course?.scores;
      if (scores) screen.say(['', ...slotTable(scores)].join('\n'));
    }
    sayRun(session, run);
    screen.record(run);
    runs.push(run);
  }
  sayMeans(session, runs);
  return last;
}

function sayMeans({ screen }: Session, runs: readonly OnlineRun[]): void {
  if (runs.length < 2) return;
  const before = runs.flatMap(({ course }) => course?.scores.f1 ?? []);
  const after = runs.flatMap(({ test }) => test?.f1 ?? []);
  const parts = [`before learning F1 ${showSpread(spreadOf(before))}`];
  if (after.length > 0) parts.push(`afterwards F1 ${showSpread(spreadOf(after))}`);
  screen.say(`\n${runs.length} seeds, mean ± deviation: ${parts.join(' · ')}`);
}
