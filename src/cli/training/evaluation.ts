/** What was held out, scored by the trained weights and by dynamic evaluation. */
import { charactersIn, knownIds } from '../../streams/coder.js';
import { course } from './course.js';
import {
  type Bounds,
  type Dynamics,
  figuresOf,
  type Scored,
  sayOf,
  score,
  scoreDynamically,
  showDynamics,
  squaresFor,
} from './evaluate.js';
import { history } from './history.js';
import { introduce } from './introduce.js';
import type { DynamicRule } from './recipes.js';
import { type Report, reported, reportOf } from './report/report.js';
import type { LanguageRun } from './run.js';
import { tuned } from './tune.js';

/** How a model is evaluated besides by its weights as they are. */
export interface Evaluating {
  /** By dynamic evaluation too. */
  readonly dynamic: boolean;
  /** The rules among which, with their rates and decays, the best one on the validation part is looked for first. */
  readonly tune: readonly DynamicRule[];
}

/** Scores what was held out, says the figures, and gives them to the report. */
export async function scoreHeldOut(
  run: LanguageRun,
  report: Report,
  { dynamic, tune }: Evaluating,
  bounds: Bounds = {},
): Promise<object> {
  const { model, split, screen, vocab } = run;
  if (split === undefined) return {};
  const { heldOut, training, validation } = split;
  const told = (how: string, name: string, scored: Scored) => {
    const all = charactersIn(vocab, heldOut);
    const of = scored.characters < all - 1 ? ` of ${all.toLocaleString('en-US')}` : '';
    screen.say(`${name}: ${sayOf(scored)}${of}`);
    report.scored(how, scored);
  };

  const plain = await score(model, heldOut, run, bounds);
  if (plain === undefined) return {};
  told('trained weights', 'held out', plain);
  report.passage('held out', heldOut, plain.bits);
  if (!dynamic) return { heldOut: figuresOf(plain) };

  const dynamics: Dynamics = tune.length > 0 ? await tuned(run, validation, training, tune) : run.recipe;
  const squares = await squaresFor(model, knownIds(vocab, training), dynamics);
  const { symbols } = bounds;
  const adapting = await scoreDynamically(
    model,
    heldOut,
    dynamics,
    squares,
    run,
    symbols === undefined ? {} : { symbols },
  );
  if (adapting === undefined) return { heldOut: figuresOf(plain) };
  const how = showDynamics(dynamics);
  told(`dynamic evaluation: ${how}`, `held out, by dynamic evaluation (${how})`, adapting);
  report.passage('held out, by dynamic evaluation', heldOut, adapting.bits);
  const { dynamicRule, dynamicRate, dynamicDecay, dynamicLength } = dynamics;
  return {
    heldOut: figuresOf(plain),
    dynamic: { ...figuresOf(adapting), dynamicRule, dynamicRate, dynamicDecay, dynamicLength },
  };
}

/** Scores what a run held out, all of it, and learns nothing. */
export async function evaluate(run: LanguageRun, how: Evaluating): Promise<void> {
  const { screen, ending } = run;
  const done = course(run.course);
  const report = await reportOf(run, done, history(run.history));
  await reported(report, async () => {
    introduce(run, done);
    if (run.isOther)
      screen.note('the text is not the one that the run learnt from: what is scored of it may have been learnt');
    const scores = await scoreHeldOut(run, report, how);
    screen.record({ ...scores, interrupted: ending.requested() });
    await report.finish(ending.requested() ? 'ended before its time' : 'evaluated');
  });
}
