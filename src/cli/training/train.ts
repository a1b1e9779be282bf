/** How a training begins and ends: figures, what was held out, the model's own words, the report. */
import { finalize } from 'rxjs';
import { Failure } from '../shared/failure.js';
import { count, several } from '../shared/numbers.js';
import { bitsOf, type Course, course } from './course.js';
import { type Evaluating, scoreHeldOut } from './evaluation.js';
import { habits } from './habits.js';
import { history } from './history.js';
import { introduce } from './introduce.js';
import { rateOf, type TextWindows, windowsOf } from './language.js';
import { type Beside, learn, validate } from './learn.js';
import { reported, reportOf } from './report/report.js';
import type { LanguageRun } from './run.js';
import { lastWords } from './speech.js';
import { pipedWindows } from './stdin.js';

/** Learns, and then shows what has been learnt. */
export async function train(run: LanguageRun, how: Evaluating): Promise<void> {
  const { split, recipe, goingOn } = run;
  const source = split && windowsOf(split.training, { ...recipe, batch: split.batch }, goingOn?.position);
  const done = course(run.course, source?.epoch);
  const kept = history(run.history);
  const report = await reportOf(run, done, kept);
  introduce(run, done);
  const schedule = rateOf(recipe);
  const rate = () => schedule(done.done());
  const beside: Beside = { done, rate, history: kept, report };
  await reported(report, async () => {
    await learnt(run, beside, source?.windows$);
    await told(run, beside, how);
  });
}

/** Learns for as long as there is something left of the training. */
async function learnt(run: LanguageRun, beside: Beside, ofText: TextWindows['windows$'] | undefined): Promise<void> {
  const { done, rate } = beside;
  if ((done.done() ?? 0) >= 1) {
    run.screen.note(
      `it has learnt for all of its ${planOf(run)} already; give more --epochs, --steps or --seconds to go on`,
    );
    return;
  }
  const windows$ = ofText ?? pipedWindows(run).pipe(finalize(() => process.stdin.destroy()));
  const page = await run.openPage?.(rate);
  if (page !== undefined) run.screen.say(`live page: ${page.url}`);
  try {
    await learn(run, windows$, { ...beside, page });
  } finally {
    await page?.close();
  }
}

/** Shows what has been learnt, if anything. */
async function told(run: LanguageRun, beside: Beside, how: Evaluating): Promise<void> {
  const { split, screen, ending } = run;
  const { done, history: kept, report } = beside;
  if (done.symbols() === 0) {
    if (split === undefined && !ending.requested()) {
      throw new Failure('the input has no two characters to learn from; nothing was saved.', 2);
    }
    screen.note('nothing learnt, nothing saved');
    screen.record({ characters: 0, interrupted: ending.requested() });
    await report.finish('ended before its time');
    return;
  }
  const outcome = split === undefined ? sayStream(run, done) : ending.requested() ? {} : await shown(run, beside, how);
  const said = ending.requested() ? undefined : await lastWords(run);
  if (said !== undefined) kept.said({ steps: done.steps(), seconds: done.seconds(), text: said });
  screen.record({ characters: done.symbols(), ...outcome, said, saved: run.keep, interrupted: ending.requested() });
  await report.finish(ending.requested() ? 'ended before its time' : 'finished');
}

/** What is to be seen of a text that has been learnt. */
async function shown(run: LanguageRun, beside: Beside, how: Evaluating): Promise<object> {
  await validate(run, beside);
  const { seconds } = run.recipe;
  return scoreHeldOut(run, beside.report, how, {
    symbols: habits.scored,
    ...(seconds !== null && { seconds: Math.max(habits.scoring, seconds) }),
  });
}

/** What a stream's symbols cost, each predicted before it was learnt from. */
function sayStream({ screen }: LanguageRun, done: Course): object {
  const bits = bitsOf(done.overall());
  screen.say(
    `all of it: ${bits.toFixed(3)} bits per character before learning it, ${count(done.symbols())} characters`,
  );
  return { bitsPerCharacter: bits };
}

/** Where a training ends. */
const planOf = ({ course: { plan } }: LanguageRun): string =>
  [
    plan.epochs === null ? [] : several(plan.epochs, 'epoch'),
    plan.steps === null ? [] : several(plan.steps, 'step'),
    plan.seconds === null ? [] : `${plan.seconds} seconds`,
  ]
    .flat()
    .join(' or ');
