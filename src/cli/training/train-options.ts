/** What all commands that train a language model take besides a recipe. */
import type { Command } from 'commander';
import { positive } from '../shared/arguments.js';
import { misused } from '../shared/failure.js';
import { type TypedSymbols, textSymbols, tokenizerOption } from '../shared/symbols.js';
import type { Evaluating } from './evaluation.js';
import { habits } from './habits.js';
import { optionOf, partNames, type TypedRecipe } from './recipe-options.js';
import { dynamicRules, type Recipe } from './recipes.js';

export interface TypedTraining extends TypedRecipe, TypedSymbols {
  readonly pipedAgain?: true;
  readonly eval?: true;
  readonly dynamic?: true;
  readonly tuneDynamic?: true;
  readonly report?: string;
  readonly prompt?: string;
  readonly temperature?: number;
}

/** `again` says when what is piped in may begin where it did last time, `kept` which run is evaluated. */
export const withTraining = (command: Command, again: string, kept: string): Command =>
  command
    .option(
      '--piped-again',
      `${again}: what is piped in is what was last time, from its start, and what is known of it is passed over`,
    )
    .option('--eval', `score all that the run ${kept} holds out, as it is and by dynamic evaluation, and learn nothing`)
    .option('--dynamic', 'at the end score what is held out by dynamic evaluation too')
    .option('--tune-dynamic', 'first look for the rule, rate and decay that are best on the validation part')
    .option('--report <file>', 'a page of HTML that says how the training went, also while it goes on')
    .addOption(textSymbols('a new run (default: text, those of its text; open with --stdin)'))
    .addOption(tokenizerOption('a new run'))
    .option('--prompt <text>', 'what the model goes on from in its samples')
    .option(
      '--temperature <n>',
      'of samples: below 1 bolder, above 1 more varied',
      positive(),
      habits.sample.temperature,
    );

/** What `--json` is written for. */
export const written = 'the start, each sample, each score of the validation part and the end';

/** How what is held out is to be scored. */
export function evaluatingOf({ eval: only, dynamic, tuneDynamic, dynamicRule }: TypedTraining): Evaluating {
  const rules = dynamicRule === undefined ? dynamicRules : [dynamicRule];
  return { dynamic: Boolean(only || dynamic || tuneDynamic), tune: tuneDynamic ? rules : [] };
}

/** A line of what was typed, as a shell takes it. */
export const commandLine = (command: string, args: readonly string[]): string =>
  [command, ...args.map((arg) => (/^[\w./:=@%+,-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", `'\\''`)}'`))].join(' ');

/**
 * What of the options makes no sense together, or with the recipe that they come to: better said before than after an hour of training.
 * `file` is how a text is given; `kept` is the run whose recipe it is, where one goes on or is scored.
 */
export function requireTogether(
  typed: TypedTraining,
  { stdin, validation }: Pick<Recipe, 'stdin' | 'validation'>,
  file: string,
  kept?: string,
): void {
  if (!stdin) {
    if (!typed.tuneDynamic || validation > 0) return;
    const remedy =
      kept === undefined ? 'give --validation 0.05 too' : `${kept} has none: train one with --validation 0.05`;
    throw misused(`--tune-dynamic needs a validation part to choose by; ${remedy}.`);
  }
  const named = typed.recipe === undefined ? 'a recipe' : `--recipe ${typed.recipe}`;
  const without = (what: string, why: string) =>
    typed.stdin || kept === undefined
      ? misused(`${typed.stdin ? '--stdin' : named} does not go with ${what}: ${why}; leave one of them out.`)
      : misused(`${kept} learns from stdin, which does not go with ${what}: ${why}; leave that out.`);
  if (file !== '') throw without(file, 'text that is piped in has one lane and no second epoch');
  const scoring = (['eval', 'dynamic', 'tuneDynamic', ...partNames] as const).find((name) => typed[name] !== undefined);
  if (scoring !== undefined) throw without(optionOf(scoring), 'what is piped in holds nothing out');
}
