/** Rate and decay of dynamic evaluation, looked for on a text that is neither learnt nor the one to be scored. */

import { knownIds } from '../../streams/coder.js';
import type { GradientSquares } from '../../streams/dynamic-rules.js';
import { count } from '../shared/numbers.js';
import { type Dynamics, scoreDynamically, showDynamics, squaresFor } from './evaluate.js';
import type { LanguageRun } from './run.js';

/** Symbols of the validation part that each try reads. */
const TRIED = 20_000;
/** The first rate that is tried of each rule. */
const FIRST = { plain: 0.1, rms: 1e-3 } as const;
/** What a rate, and a decay, is multiplied or divided by from one try to the next. */
const COARSE = 3;
const FINE = 1.5;
const DECAYS = [0, 1e-3, 1e-2];

/** A number that is looked for: of the given ones, then up and down by a factor as long as that helps. */
export async function climb(
  cost: (value: number) => Promise<number>,
  starts: readonly number[],
  factor: number,
): Promise<number> {
  let [best, least] = [starts[0] as number, Number.POSITIVE_INFINITY];
  for (const start of starts) {
    const own = await cost(start);
    if (own < least) [best, least] = [start, own];
  }
  for (const by of [factor, 1 / factor]) {
    for (let value = best * by; value > 0; value *= by) {
      const own = await cost(value);
      if (!(own < least)) break;
      [best, least] = [value, own];
    }
  }
  return best;
}

/** The rule's rate and decay that cost the fewest bits on the validation part; both rules are tried where none is asked for. */
export async function tuned(
  run: LanguageRun,
  validation: Int32Array,
  training: Int32Array,
  rules: readonly Dynamics['dynamicRule'][],
): Promise<Dynamics> {
  const { screen, ending, recipe } = run;
  const known = new Map<string, number>();
  const base: Dynamics = recipe;
  let [best, least] = [base, Number.POSITIVE_INFINITY];

  function costOf(squares: GradientSquares | undefined) {
    return async (dynamics: Dynamics): Promise<number> => {
      const name = showDynamics(dynamics);
      const before = known.get(name);
      if (before !== undefined) return before;
      if (ending.requested()) return Number.POSITIVE_INFINITY;
      const what = `${count(Math.min(TRIED, validation.length))} symbols of the validation part by ${name}`;
      const cost = await scoreDynamically(run.model, validation, dynamics, squares, run, {
        symbols: TRIED,
        what,
      }).then(
        (scored) => scored?.natsPerCharacter ?? Number.POSITIVE_INFINITY,
        // A rate at which the model diverges is none.
        (error: unknown) => {
          if (error instanceof RangeError) return Number.POSITIVE_INFINITY;
          throw error;
        },
      );
      known.set(name, cost);
      if (Number.isFinite(cost)) screen.note(`dynamic evaluation by ${name}: ${cost.toFixed(4)} nats`);
      if (cost < least) [best, least] = [dynamics, cost];
      return cost;
    };
  }

  for (const rule of rules) {
    const cost = costOf(await squaresFor(run.model, knownIds(run.vocab, training), { ...base, dynamicRule: rule }));
    let own: Dynamics = { ...base, dynamicRule: rule };
    const of = (name: 'dynamicRate' | 'dynamicDecay') => (value: number) => cost({ ...own, [name]: value });
    own = { ...own, dynamicRate: await climb(of('dynamicRate'), [FIRST[rule]], COARSE) };
    own = { ...own, dynamicDecay: await climb(of('dynamicDecay'), DECAYS, COARSE) };
    own = { ...own, dynamicRate: await climb(of('dynamicRate'), [own.dynamicRate], FINE) };
  }
  return best;
}
