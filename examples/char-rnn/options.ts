/** The command line: what it says, checked as far as that goes without a text and a model. */
import type { Command } from 'commander';
import * as E from 'fp-ts/lib/Either.js';
import { type CommonOptions, choice, command, parse } from '../shared/command.js';
import { type Failure, failure } from '../shared/failure.js';
import { positive, share, whole } from '../shared/numbers.js';
import { type RunOptions, runOptions } from '../shared/run.js';
import { cellNames } from './model.js';
import { type CharRecipe, listening, type Plan, recipe, speech } from './recipe.js';

export interface Options extends CommonOptions, RunOptions {
  /** Undefined is Moby Dick, unless it comes from stdin. */
  readonly file: string | undefined;
  /** That of a new run. */
  readonly recipe: CharRecipe;
  /** What of the recipe was asked for by name, to be held against that of a run which is there. */
  readonly asked: Partial<CharRecipe>;
  /** Undefined where nothing was said of an end. */
  readonly plan: Plan | undefined;
  /** Whether what is piped in begins where it did last time. */
  readonly pipedAgain: boolean;
  readonly prompt: string | undefined;
  readonly temperature: number;
  readonly save: string;
}

/** What was typed, option by option; undefined where it was not. */
interface Typed extends Partial<Omit<CharRecipe, 'learningRate' | 'stdin'>>, CommonOptions, RunOptions {
  readonly file?: string;
  readonly stdin?: true;
  readonly pipedAgain?: true;
  readonly lr?: number;
  readonly seconds?: number;
  readonly epochs?: number;
  readonly prompt?: string;
  readonly temperature?: number;
}

function charRnn(): Command {
  const { model, learningRates } = recipe;
  const rates = Object.entries(learningRates).map(([name, rate]) => `${name} ${rate}`);
  const about = 'A character model that learns from a text, or from lines as they arrive, and speaks.';
  const program = command('char-rnn', 'run example:char-rnn', about)
    .option('--file <path>', 'text to learn from, UTF-8 (default: Moby Dick)')
    .option(
      '--stdin',
      'learn online from what is piped in, as it arrives; the symbols are printable ASCII, tab and newline, ' +
        'and \uFFFD for every other one (with --load: those of that run)',
    )
    .option(
      '--piped-again',
      'with --resume: what is piped in is what was last time, from its start, and what is known of it is passed over',
    )
    .addOption(choice('--cell <name>', `recurrent cell (default: ${model.cell})`, cellNames))
    .option('--units <n>', `hidden units of a layer (default: ${model.units})`, whole(1))
    .option('--layers <n>', `recurrent layers (default: ${model.layers})`, whole(1))
    .option('--embed <n>', `features of a symbol; 0 is one-hot (default: ${model.embed})`, whole(0))
    .option('--length <n>', `steps of a window (default: ${recipe.length}; from stdin ${listening.length})`, whole(1))
    .option('--batch <n>', `lanes of text read side by side (default: ${recipe.batch})`, whole(1))
    .addOption(
      choice(
        '--optimizer <name>',
        `what makes a step of a gradient (default: ${recipe.optimizer})`,
        Object.keys(learningRates),
      ),
    )
    .option('--lr <rate>', `learning rate (default: ${rates.join(', ')})`, positive)
    .option('--floor <share>', `what the rate falls to by the end; 1 keeps it (default: ${recipe.floor})`, share)
    .option(
      '--seconds <n>',
      `train for so long, all in all (default: ${recipe.seconds}, unless --epochs or --stdin)`,
      positive,
    )
    .option('--epochs <n>', 'go through the text so often, all in all', whole(1))
    .option('--seed <n>', `of weights and samples (default: ${recipe.seed})`, whole(0))
    .option('--prompt <text>', 'what the model continues at the end')
    .option('--temperature <n>', `below 1 bolder, above 1 more varied (default: ${speech.temperature})`, positive);
  return runOptions(program, recipe.save);
}

/** Options that make no sense together, and why. */
function conflict(typed: Typed): string | undefined {
  const named = (names: readonly (keyof Typed)[]) => names.find((name) => typed[name] !== undefined);
  if (typed.stdin) {
    const other = named(['file', 'epochs', 'batch']);
    const why = 'text that is piped in has one lane and no second epoch';
    if (other !== undefined) return `--stdin does not go with --${other}: ${why}; leave one of them out.`;
  }
  if (typed.pipedAgain && !typed.resume) return '--piped-again goes with --resume; leave it out.';
  return undefined;
}

function complete(typed: Typed): Options {
  const { file, stdin = false, optimizer = recipe.optimizer, lr, seconds, epochs, ...rest } = typed;
  const { cell, units, layers, embed, length, batch, floor, seed } = rest;
  const named = {
    cell,
    units,
    layers,
    embed,
    length,
    batch,
    optimizer: typed.optimizer,
    learningRate: lr,
    floor,
    seed,
  };
  const asked = Object.fromEntries(
    Object.entries({ ...named, stdin: typed.stdin }).filter(([, value]) => value !== undefined),
  ) as Partial<CharRecipe>;
  const usual: CharRecipe = {
    ...recipe.model,
    length: stdin ? listening.length : recipe.length,
    batch: stdin ? 1 : recipe.batch,
    optimizer,
    learningRate: recipe.learningRates[optimizer] * (stdin ? listening.learningRate : 1),
    // Where no end is known, the rate does not fall.
    floor: stdin ? 1 : recipe.floor,
    seed: recipe.seed,
    stdin,
  };
  return {
    file,
    recipe: { ...usual, ...asked },
    asked,
    plan:
      seconds === undefined && epochs === undefined ? undefined : { seconds: seconds ?? null, epochs: epochs ?? null },
    pipedAgain: typed.pipedAgain === true,
    prompt: typed.prompt,
    temperature: typed.temperature ?? speech.temperature,
    ...{ threads: typed.threads, tier: typed.tier, json: typed.json },
    ...{ save: typed.save ?? recipe.save, saveEvery: typed.saveEvery, resume: typed.resume, load: typed.load },
  };
}

/** Parses the command line; `'help'` where help was asked for, and has been shown. */
export function parseOptions(args: readonly string[]): E.Either<Failure, Options | 'help'> {
  const typed = parse<Typed>(charRnn(), 'the start, each sample and the end', args);
  if (E.isLeft(typed)) return typed;
  if (typed.right === 'help') return E.right('help');
  const wrong = conflict(typed.right);
  return wrong === undefined ? E.right(complete(typed.right)) : E.left(failure(wrong));
}
