/** The command line. */
import { Command, CommanderError, Option } from 'commander';
import * as E from 'fp-ts/lib/Either.js';
import { type Failure, failure } from '../shared/failure.js';
import { whole } from '../shared/numbers.js';
import * as recipe from './recipe.js';

export interface Options {
  readonly file: string;
  readonly model: recipe.ModelName;
  readonly iterations: number;
  readonly seed: number;
  readonly threads?: number;
  readonly tier?: 'wide' | 'fma' | 'simd';
  readonly load?: string;
  readonly save?: string;
  readonly json?: true;
}

function command(): Command {
  return new Command('alice')
    .description("The lecture's two text models, as in Keras, on Alice's Adventures in Wonderland.")
    .usage('[options]        (npm run example:alice -- [options])')
    .option('--file <path>', `the text, UTF-8, from ${recipe.source}`, recipe.file)
    .addOption(
      new Option('--model <name>', 'characters: SimpleRNN 128; words: Embedding 500, LSTM 500 ×2')
        .choices(['characters', 'words'])
        .default('characters'),
    )
    .option('--iterations <n>', 'epochs, each followed by what the model says', whole(1), recipe.iterations)
    .option('--seed <n>', 'of weights, orders and samples', whole(0), recipe.seed)
    .option('--threads <n>', 'threads to use (default: all processors)', whole(1))
    .addOption(
      new Option('--tier <name>', 'kernels to use (default: the best that works here)').choices([
        'wide',
        'fma',
        'simd',
      ]),
    )
    .option('--load <path>', 'go on from a checkpoint, optimizer and all')
    .option('--save <path>', 'checkpoint to write after each iteration')
    .option('--json', 'one line of JSON for each iteration, and nothing else')
    .allowExcessArguments(false)
    .showSuggestionAfterError(false)
    .configureOutput({ writeErr: () => undefined })
    .exitOverride();
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
  return E.right(program.opts<Options>());
}
