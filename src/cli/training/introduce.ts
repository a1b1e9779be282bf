/** What is about to be trained or scored, on what, and where it goes on. */
import { type Coder, charactersIn } from '../../streams/coder.js';
import { count, several } from '../shared/numbers.js';
import { weightsIn } from '../shared/weights.js';
import type { Course } from './course.js';
import type { Recipe } from './recipes.js';
import type { LanguageRun } from './run.js';
import type { Split } from './text.js';

/** How many symbols there are, and of what. */
export function sizesOf({ training, validation, heldOut }: Split, vocab: Coder) {
  const [learnt, validated, held] = [training, validation, heldOut].map((part) =>
    part.length === 0 ? 0 : charactersIn(vocab, part),
  ) as [number, number, number];
  return { characters: learnt + validated + held, heldOut: held, ...(validated > 0 && { validation: validated }) };
}

/** The model in a few words: `embedding 64, lstm 1 × 256`. */
export const shapeOf = ({ cell, units, layers, embed }: Recipe): string =>
  `${embed === 0 ? 'one-hot' : `embedding ${embed}`}, ${cell} ${layers} × ${units}`;

export function introduce(run: LanguageRun, done: Course): void {
  const { recipe, model, vocab, split, screen, machine, goingOn, keep } = run;
  const sizes = split && sizesOf(split, vocab);
  if (sizes !== undefined) {
    const validation = sizes.validation === undefined ? '' : `${count(sizes.validation)} for validation, `;
    const parts = `${validation}the last ${count(sizes.heldOut)} held out`;
    screen.say(`${count(sizes.characters)} characters, ${several(vocab.size, 'symbol')}; ${parts}`);
  }
  const weights = weightsIn(model.params);
  screen.say(`${shapeOf(recipe)}: ${count(weights)} weights; ${machine}`);
  const goesOn = goingOn && { step: goingOn.step, saved: goingOn.saved };
  screen.record({ ...recipe, ...sizes, symbols: vocab.size, weights, machine, saved: keep, goesOn });
  if (split !== undefined && split.batch < recipe.batch) {
    screen.note(`the text is short: ${several(split.batch, 'lane')} instead of ${recipe.batch}`);
  }
  if (goingOn === undefined) return;
  const part = done.done();
  const where = [
    `goes on after update ${count(goingOn.step)}`,
    ...placeOf(run, done),
    ...(part === undefined ? [] : [`${(100 * part).toFixed(0)} % of training`]),
    `saved ${goingOn.saved}`,
  ];
  screen.note(where.join(', '));
}

function placeOf({ split, goingOn, pipedAgain }: LanguageRun, done: Course): readonly string[] {
  const position = goingOn?.position as { readonly epoch?: number; readonly skip?: number } | undefined;
  if (split !== undefined) {
    if (position === undefined) return ['at the beginning of the text'];
    return position.epoch === undefined ? [] : [`epoch ${position.epoch}`];
  }
  const known = `${count(done.symbols())} characters`;
  if (pipedAgain) return [known, `passing over the first ${count(position?.skip ?? 0)} characters of what is piped in`];
  return [
    known,
    'with whatever is piped in now: a pipe has no places, only a count, and --piped-again is for one that begins anew',
  ];
}
