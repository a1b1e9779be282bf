/** The command line: what it says, checked as far as that goes without a text and a model. */
import type { Command } from 'commander';
import * as E from 'fp-ts/lib/Either.js';
import { type CommonOptions, choice, command, parse } from '../shared/command.js';
import { type Failure, failure } from '../shared/failure.js';
import { positive, whole } from '../shared/numbers.js';
import { cellNames, type Shape } from './model.js';
import { listening, recipe, speech } from './recipe.js';

export type OptimizerName = keyof typeof recipe.learningRates;

export interface Options extends CommonOptions {
  /** Undefined is Moby Dick, unless it comes from stdin. */
  readonly file: string | undefined;
  readonly stdin: boolean;
  readonly shape: Shape;
  /** What of the shape was asked for by name, so that a loaded model can be held against it. */
  readonly asked: Partial<Shape>;
  readonly length: number;
  readonly batch: number;
  readonly optimizer: OptimizerName;
  readonly learningRate: number;
  readonly seconds: number;
  readonly epochs: number;
  readonly seed: number;
  readonly prompt: string | undefined;
  readonly temperature: number;
  readonly load: string | undefined;
  readonly save: string;
  /** Seconds. */
  readonly saveEvery: number;
}

/** What was typed, option by option; undefined where it was not. */
interface Typed extends Partial<Shape>, CommonOptions {
  readonly file?: string;
  readonly stdin?: true;
  readonly length?: number;
  readonly batch?: number;
  readonly optimizer?: OptimizerName;
  readonly lr?: number;
  readonly seconds?: number;
  readonly epochs?: number;
  readonly seed?: number;
  readonly prompt?: string;
  readonly temperature?: number;
  readonly load?: string;
  readonly save?: string;
  readonly saveEvery?: number;
}

function charRnn(): Command {
  const { model, learningRates } = recipe;
  const rates = Object.entries(learningRates).map(([name, rate]) => `${name} ${rate}`);
  const about = 'A character model that learns from a text, or from lines as they arrive, and speaks.';
  return command('char-rnn', 'start', about)
    .option('--file <path>', 'text to learn from, UTF-8 (default: Moby Dick)')
    .option(
      '--stdin',
      'learn online from what is piped in, as it arrives; the symbols are printable ASCII, tab and newline, ' +
        'and \uFFFD for every other one (with --load: those of the checkpoint)',
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
    .option('--seconds <n>', `train for so long (default: ${recipe.seconds}, unless --epochs or --stdin)`, positive)
    .option('--epochs <n>', 'go through the text so often', whole(1))
    .option('--seed <n>', `of weights and samples (default: ${recipe.seed})`, whole(0))
    .option('--prompt <text>', 'what the model continues at the end')
    .option('--temperature <n>', `below 1 bolder, above 1 more varied (default: ${speech.temperature})`, positive)
    .option('--load <path>', 'start from a checkpoint')
    .option(
      '--save <path>',
      `checkpoint to write while it trains and at the end, whatever ends it (default: ${recipe.save})`,
    )
    .option(
      '--save-every <n>',
      `seconds from one to the next while it trains (default: ${recipe.saveEvery})`,
      positive,
    );
}

/** Options that make no sense together, and why. */
function conflict(typed: Typed): string | undefined {
  const named = (names: readonly (keyof Typed)[]) => names.find((name) => typed[name] !== undefined);
  if (typed.stdin) {
    const other = named(['file', 'epochs', 'batch']);
    const why = 'text that is piped in has one lane and no second epoch';
    if (other !== undefined) return `--stdin does not go with --${other}: ${why}; leave one of them out.`;
  }
  return undefined;
}

function complete(typed: Typed): Options {
  const { file, stdin = false, cell, units, layers, embed, optimizer = recipe.optimizer } = typed;
  const asked = Object.fromEntries(
    Object.entries({ cell, units, layers, embed }).filter(([, value]) => value !== undefined),
  ) as Partial<Shape>;
  const peak = recipe.learningRates[optimizer] * (stdin ? listening.learningRate : 1);
  const unlimited = stdin || typed.epochs !== undefined;
  return {
    file,
    stdin,
    shape: { ...recipe.model, ...asked },
    asked,
    length: typed.length ?? (stdin ? listening.length : recipe.length),
    batch: typed.batch ?? recipe.batch,
    optimizer,
    learningRate: typed.lr ?? peak,
    seconds: typed.seconds ?? (unlimited ? Number.POSITIVE_INFINITY : recipe.seconds),
    epochs: typed.epochs ?? Number.POSITIVE_INFINITY,
    seed: typed.seed ?? recipe.seed,
    threads: typed.threads,
    tier: typed.tier,
    json: typed.json,
    prompt: typed.prompt,
    temperature: typed.temperature ?? speech.temperature,
    load: typed.load,
    save: typed.save ?? recipe.save,
    saveEvery: typed.saveEvery ?? recipe.saveEvery,
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
