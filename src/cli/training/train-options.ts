/** What all commands that train a language model take besides a recipe. */
import type { Command } from 'commander';
import { choice, positive } from '../shared/arguments.js';
import { misused } from '../shared/failure.js';
import { type SymbolChoice, streamChoicesHelp, symbolChoices } from '../shared/symbols.js';
import type { Evaluating } from './evaluation.js';
import { habits } from './habits.js';
import type { TypedRecipe } from './recipe-options.js';
import { dynamicRules } from './recipes.js';

export interface TypedTraining extends TypedRecipe {
  readonly pipedAgain?: true;
  readonly eval?: true;
  readonly dynamic?: true;
  readonly tuneDynamic?: true;
  readonly report?: string;
  readonly symbols?: SymbolChoice;
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
    .addOption(
      choice(
        '--symbols <name>',
        `of a new run (default: text, those of its text; open with --stdin). ${streamChoicesHelp}`,
        symbolChoices,
      ),
    )
    .option('--prompt <text>', 'what the model goes on from in its samples')
    .option(
      '--temperature <n>',
      'of samples: below 1 bolder, above 1 more varied',
      positive(),
      habits.sample.temperature,
    );

/** How what is held out is to be scored. */
export function evaluatingOf({ eval: only, dynamic, tuneDynamic, dynamicRule }: TypedTraining): Evaluating {
  const rules = dynamicRule === undefined ? dynamicRules : [dynamicRule];
  return { dynamic: Boolean(only || dynamic || tuneDynamic), tune: tuneDynamic ? rules : [] };
}

/** A line of what was typed, as a shell takes it. */
export const commandLine = (command: string, args: readonly string[]): string =>
  [command, ...args.map((arg) => (/^[\w./:=@%+,-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", `'\\''`)}'`))].join(' ');

/** What of the options makes no sense together; `file` is how a text is given. */
export function requireTogether(typed: TypedTraining, file: string): void {
  if (!typed.stdin) return;
  const without = (what: string, why: string) =>
    misused(`--stdin does not go with ${what}: ${why}; leave one of them out.`);
  if (file !== '') throw without(file, 'text that is piped in has one lane and no second epoch');
  if (typed.eval) throw without('--eval', 'what is piped in holds nothing out');
}
