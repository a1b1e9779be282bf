/** One pass over utterances, each of them learnt from once; and what is said of it. */
import { fromAsync, type SlotScores, scoreTagger, type TaggedUtterance, type Tagger } from 'oxbow';
import { lastValueFrom, takeUntil, tap } from 'rxjs';
import { count } from '../shared/numbers.js';
import { weightsIn } from '../shared/weights.js';
import { beginner, type Course, type Learnt, labelledOf, oneByOne, prequential } from './prequential.js';
import { showQuantiles } from './quantiles.js';
import { percent, showSpread, slotTable, sparkline, spreadOf, summary } from './report.js';
import type { Session } from './session.js';
import { showUtterance } from './show.js';

/** What is to be learnt from in a run, and what it is tested on afterwards. */
export interface Lessons {
  readonly utterances: readonly TaggedUtterance[];
  readonly test: readonly TaggedUtterance[] | undefined;
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

/** Learns from all utterances in their order, or until Ctrl-C. */
export async function passOver(session: Session, model: Tagger, lessons: Lessons, seed: number): Promise<OnlineRun> {
  const { screen, interrupt } = session;
  const { utterances, test } = lessons;
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  let latest: Learnt | undefined;

  function status(learnt: Learnt): string {
    const { utterances: done, recent, scores, blocks, answer } = learnt.course();
    const curve = blocks.length > 0 ? `${sparkline(blocks.slice(-40))} ` : '';
    return [
      `${curve}${count(done)} of ${count(utterances.length)}`,
      `F1 of late ${percent(recent.f1)}, so far ${percent(scores.f1)}`,
      `${count(done / seconds())} utterances/s`,
      `slots after ${answer.p50.toFixed(1)} ms`,
    ].join(' · ');
  }

  const learning$ = fromAsync(oneByOne(utterances)).pipe(
    takeUntil(interrupt.requested$),
    prequential(model, { seed, replay: true }),
    tap((learnt) => {
      latest = learnt;
      if (learnt.endsBlock) {
        const { utterances: done, recent } = learnt.course();
        const mark = `${count(done).padStart(7)}  ${sparkline([recent.f1])} F1 ${percent(recent.f1).padStart(6)}`;
        screen.say(`${mark}  ${shown(session, learnt).replaceAll('\n', `\n${' '.repeat(mark.length + 2)}`)}`);
      }
      screen.live(() => `${status(learnt)}\n${shown(session, learnt)}`);
    }),
  );
  await lastValueFrom(learning$, { defaultValue: undefined });
  const course = latest?.course();
  return {
    seed,
    course,
    test: test && scoreTagger(model, test),
    names: { words: model.words.size - 1, tags: model.tags.size, intents: model.intents?.size ?? 0 },
    seconds: seconds(),
    interrupted: interrupt.requested(),
  };
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
      `slots after an utterance's last word: ${showQuantiles(course.answer)}; by word ${showQuantiles(course.word)}; ` +
        `an update ${showQuantiles(course.update)}`,
    ].join('\n'),
  );
}

/** A run for each seed; gives the last one's model. */
export async function learnOnline(
  session: Session,
  lessonsOf: (seed: number) => Lessons,
): Promise<{ readonly model: Tagger; readonly runs: readonly OnlineRun[] } | undefined> {
  const { options, screen, interrupt, machine } = session;
  const runs: OnlineRun[] = [];
  let model: Tagger | undefined;
  for (let k = 0; k < options.seeds && !interrupt.requested(); k += 1) {
    const seed = options.seed + k;
    const lessons = lessonsOf(seed);
    model = beginner(lessons.utterances[0] as TaggedUtterance, options.units, seed);
    if (k === 0) {
      screen.say(
        `${count(lessons.utterances.length)} utterances, ${count(weightsIn(model.params))} weights; ${machine}`,
      );
    }
    const run = await passOver(session, model, lessons, seed);
    if (k === options.seeds - 1 || interrupt.requested()) {
      const scores = run.test ?? run.course?.scores;
      if (scores) screen.say(['', ...slotTable(scores)].join('\n'));
    }
    sayRun(session, run);
    screen.record(run);
    runs.push(run);
  }
  sayMeans(session, runs);
  return model && { model, runs };
}

function sayMeans({ screen }: Session, runs: readonly OnlineRun[]): void {
  if (runs.length < 2) return;
  const before = runs.flatMap(({ course }) => course?.scores.f1 ?? []);
  const after = runs.flatMap(({ test }) => test?.f1 ?? []);
  const parts = [`before learning F1 ${showSpread(spreadOf(before))}`];
  if (after.length > 0) parts.push(`afterwards F1 ${showSpread(spreadOf(after))}`);
  screen.say(`\n${runs.length} seeds, mean ± deviation: ${parts.join(' · ')}`);
}
