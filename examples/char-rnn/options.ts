/** The command line: what it says, checked as far as that goes without a text and a model. */
import { Command, CommanderError, Option } from 'commander';
import * as E from 'fp-ts/lib/Either.js';
import { type Failure, failure } from '../shared/failure.js';
import { positive, whole } from '../shared/numbers.js';
import { cellNames, type Shape } from './model.js';
import { listening, recipe, speech } from './recipe.js';

export type OptimizerName = keyof typeof recipe.learningRates;
export type TierName = 'wide' | 'fma' | 'simd';

export interface Options {
  readonly source:
    | { readonly from: 'moby-dick' }
    | { readonly from: 'file'; readonly path: string }
    | { readonly from: 'stdin' };
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
  readonly threads: number | undefined;
  readonly tier: TierName | undefined;
  readonly prompt: string | undefined;
  readonly temperature: number;
  readonly load: string | undefined;
  readonly save: string;
}

/** What was typed, option by option; undefined where it was not. */
interface Typed extends Partial<Shape> {
  readonly file?: string;
  readonly stdin?: true;
  readonly length?: number;
  readonly batch?: number;
  readonly optimizer?: OptimizerName;
  readonly lr?: number;
  readonly seconds?: number;
  readonly epochs?: number;
  readonly seed?: number;
  readonly threads?: number;
  readonly tier?: TierName;
  readonly prompt?: string;
  readonly temperature?: number;
  readonly load?: string;
  readonly save?: string;
}

function command(): Command {
  const { model, learningRates } = recipe;
  const choice = <T extends string>(flags: string, description: string, choices: readonly T[]) =>
    new Option(flags, description).choices([...choices]);
  const rates = Object.entries(learningRates).map(([name, rate]) => `${name} ${rate}`);
  return new Command('char-rnn')
    .description('A character model that learns from a text, or from lines as they arrive, and speaks.')
    .usage('[options]        (npm start -- [options])')
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
    .option('--threads <n>', 'threads to use (default: all processors)', whole(1))
    .addOption(choice('--tier <name>', 'kernels to use (default: the best that works here)', ['wide', 'fma', 'simd']))
    .option('--prompt <text>', 'what the model continues at the end')
    .option('--temperature <n>', `below 1 bolder, above 1 more varied (default: ${speech.temperature})`, positive)
    .option('--load <path>', 'start from a checkpoint')
    .option('--save <path>', `checkpoint to write at the end (default: ${recipe.save})`)
    .allowExcessArguments(false)
    .showSuggestionAfterError(false)
    .configureOutput({ writeErr: () => undefined })
    .exitOverride();
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
  const { file, stdin, cell, units, layers, embed, optimizer = recipe.optimizer } = typed;
  const asked = Object.fromEntries(
    Object.entries({ cell, units, layers, embed }).filter(([, value]) => value !== undefined),
  ) as Partial<Shape>;
  const peak = recipe.learningRates[optimizer] * (stdin ? listening.learningRate : 1);
  const unlimited = stdin === true || typed.epochs !== undefined;
  return {
    source: stdin ? { from: 'stdin' } : file === undefined ? { from: 'moby-dick' } : { from: 'file', path: file },
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
    prompt: typed.prompt,
    temperature: typed.temperature ?? speech.temperature,
    load: typed.load,
    save: typed.save ?? recipe.save,
  };
}

/** Parses the command line; `'help'` where help was asked for, and has been shown. */
export function parseOptions(args: readonly string[]): E.Either<Failure, Options | 'help'> {
  const program = command();
  try {
    program.parse(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return E.right('help');
    return E.left(failure(`${error.message.replace(/^error: /, '')} Try --help.`));
  }
  const typed = program.opts<Typed>();
  const wrong = conflict(typed);
  return wrong === undefined ? E.right(complete(typed)) : E.left(failure(wrong));
}
