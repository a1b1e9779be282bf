/** The command line: what it says, checked as far as that goes without a text and a model. */
import type { Command } from 'commander';
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import { misused } from '../../src/cli/shared/failure.js';
import type { TypedSymbols } from '../../src/cli/shared/symbols.js';
import {
  askedOf,
  askedPlan,
  completed,
  recipesHelp,
  requireSound,
  withRecipe,
} from '../../src/cli/training/recipe-options.js';
import type { Plan, Recipe } from '../../src/cli/training/recipes.js';
import {
  evaluatingOf,
  requireTogether,
  type TypedTraining,
  withTraining,
  written,
} from '../../src/cli/training/train-options.js';
import { type CommonOptions, command, parse } from '../shared/command.js';
import { type Failure, failure, messageOf } from '../shared/failure.js';
import { type RunOptions, runOptions } from '../shared/run.js';

/** Where runs are kept where nothing is said of it. */
const SAVE = 'runs/char-rnn';

interface Typed extends TypedTraining, CommonOptions, RunOptions {
  readonly file?: string;
}

export interface Options extends CommonOptions, RunOptions {
  /** Undefined is Moby Dick, unless it comes from stdin. */
  readonly file: string | undefined;
  /** What of the recipe was asked for, to be held against that of a run which is there. */
  readonly asked: Partial<Recipe>;
  /** Undefined where nothing was said of an end. */
  readonly plan: Plan | undefined;
  /** Whether what is piped in begins where it did last time. */
  readonly pipedAgain: boolean;
  /** Whether a run is scored, and nothing learnt. */
  readonly eval: boolean;
  readonly evaluating: ReturnType<typeof evaluatingOf>;
  readonly report: string | undefined;
  /** What symbols are, of a new run. */
  readonly symbols: TypedSymbols;
  readonly prompt: string | undefined;
  readonly temperature: number;
  readonly save: string;
  readonly args: readonly string[];
  /** Refuses what makes no sense with the whole recipe, which may be that of a run. */
  requireWhole(recipe: Recipe, kept?: string): void;
}

function charRnn(): Command {
  const about = 'A character model that learns from a text, or from lines as they arrive, and speaks.';
  const program = command('char-rnn', 'run example:char-rnn', about).option(
    '--file <path>',
    'text to learn from, UTF-8 (default: Moby Dick)',
  );
  return runOptions(withTraining(withRecipe(program), 'with --resume', 'of --load'), SAVE).addHelpText(
    'after',
    recipesHelp,
  );
}

function checked(typed: Typed, requireWhole: Options['requireWhole']): void {
  if (typed.pipedAgain && !typed.resume) throw misused('--piped-again goes with --resume; leave it out.');
  if (typed.eval && typed.resume)
    throw misused('--eval learns nothing; give the run by --load, and leave --resume out.');
  if (typed.eval && typed.load === undefined)
    throw misused('--eval scores a run that is there; say which one by --load.');
  // What begins with a run is held against that.
  if (!typed.resume && !typed.load) requireWhole(requireSound(completed(askedOf(typed))));
  else if (typed.stdin) requireWhole(completed(askedOf(typed)));
}

function complete(typed: Typed, args: readonly string[]): Options {
  const { file, threads, tier, json, saveEvery, resume, load, report, prompt, symbols, tokenizer } = typed;
  return {
    file,
    asked: askedOf(typed),
    plan: askedPlan(typed),
    pipedAgain: typed.pipedAgain === true,
    eval: typed.eval === true,
    evaluating: evaluatingOf(typed),
    report,
    symbols: { ...(symbols && { symbols }), ...(tokenizer && { tokenizer }) },
    prompt,
    temperature: typed.temperature as number,
    requireWhole: (recipe, kept) => requireTogether(typed, recipe, file === undefined ? '' : '--file', kept),
    ...{ threads, tier, json, save: typed.save ?? SAVE, saveEvery, resume, load, args },
  };
}

/** Parses the command line; `'help'` where help was asked for, and has been shown. */
export function parseOptions(args: readonly string[]): E.Either<Failure, Options | 'help'> {
  return pipe(
    parse<Typed>(charRnn(), written, args),
    E.chain((typed) =>
      E.tryCatch(
        (): Options | 'help' => {
          if (typed === 'help') return typed;
          const made = complete(typed, args);
          checked(typed, made.requireWhole);
          return made;
        },
        (error) => failure(messageOf(error)),
      ),
    ),
  );
}
