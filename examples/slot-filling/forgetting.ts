/** One domain, then another: what is left of the first, with and without replay. */
import { fromAsync, type SlotScores, scoreTagger, type TaggedUtterance } from 'oxbow';
import { lastValueFrom, takeUntil, tap } from 'rxjs';
import { count } from '../shared/numbers.js';
import { type DomainName, domainNames, someUtterances } from './grammar/index.js';
import { netOf } from './options.js';
import { beginner, oneByOne, prequential } from './prequential.js';
import { forgetting, onGrammar } from './recipe.js';
import { columns, percent, showSpread, spreadOf } from './report.js';
import type { Session } from './session.js';

export interface ForgettingRun {
  readonly seed: number;
  readonly replay: boolean;
  /** F1 on utterances of the first domain that were never learnt from, after each of both. */
  readonly first: { readonly before: number; readonly after: number };
  /** F1 on such of the second, in the end. */
  readonly second: number;
}

/** Utterances whose seed is none that is learnt from. */
const heldOut = (name: DomainName, seed: number) => someUtterances(name, seed + 1_000_000, forgetting.heldOut);

async function trial(session: Session, seed: number, replay: boolean): Promise<ForgettingRun | undefined> {
  const { options, screen, interrupt } = session;
  const [first, second] = domainNames as readonly [DomainName, DomainName];
  const lessons = [first, second].map((name) => someUtterances(name, seed, options.utterances));
  const all = lessons.flat();
  const model = beginner(all[0] as TaggedUtterance, onGrammar, netOf(options), seed);
  const scores = (name: DomainName): SlotScores => scoreTagger(model, heldOut(name, seed));
  let before: number | undefined;

  const learning$ = fromAsync(oneByOne(all)).pipe(
    takeUntil(interrupt.requested$),
    prequential(model, onGrammar, { seed, replay }),
    tap(({ course, event }) => {
      // Both domains are one stream to the model: it does not know where the second begins.
      if (event.step === options.utterances) before = scores(first).f1;
      screen.live(() => {
        const name = event.step <= options.utterances ? first : second;
        const parts = [
          `seed ${seed}`,
          replay ? 'with replay' : 'without',
          name,
          `${count(event.step)} of ${count(all.length)}`,
        ];
        return [...parts, `F1 of late ${percent(course().recent.f1)}`].join(' · ');
      });
    }),
  );
  await lastValueFrom(learning$, { defaultValue: undefined });
  if (interrupt.requested() || before === undefined) return undefined;
  return { seed, replay, first: { before, after: scores(first).f1 }, second: scores(second).f1 };
}

/** The trial for each seed, with replay and without. */
export async function tryForgetting(session: Session): Promise<readonly ForgettingRun[]> {
  const { options, screen, interrupt, machine } = session;
  const [first, second] = domainNames;
  screen.say(
    `${count(options.utterances)} utterances of ${first}, then as many of ${second}; replay is ${onGrammar.replay.per} of ` +
      `${onGrammar.replay.size} kept ones beside each; F1 on ${forgetting.heldOut} others; ${machine}`,
  );
  const runs: ForgettingRun[] = [];
  for (let k = 0; k < options.seeds && !interrupt.requested(); k += 1) {
    for (const replay of [true, false]) {
      const run = interrupt.requested() ? undefined : await trial(session, options.seed + k, replay);
      if (run === undefined) continue;
      screen.record(run);
      runs.push(run);
    }
  }
  if (runs.length === 0) screen.say('interrupted before there was anything to say');
  else screen.say(forgettingTable(runs).join('\n'));
  return runs;
}

/** A row with replay and one without, means over the seeds. */
export function forgettingTable(runs: readonly ForgettingRun[]): readonly string[] {
  const [first = '', second = ''] = domainNames;
  const rows = [true, false].flatMap((replay) => {
    const some = runs.filter((run) => run.replay === replay);
    if (some.length === 0) return [];
    const figure = (of: (run: ForgettingRun) => number) => {
      const spread = spreadOf(some.map(of));
      return some.length > 1 ? showSpread(spread) : percent(spread.mean);
    };
    const falls = figure((run) => run.first.before - run.first.after);
    return [
      [
        replay ? 'with' : 'without',
        figure((run) => run.first.before),
        figure((run) => run.first.after),
        falls,
        figure((run) => run.second),
      ],
    ];
  });
  return columns([['replay', first, `${first} after ${second}`, 'falls by', second], ...rows]);
}
