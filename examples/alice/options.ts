/** The command line. */
import type { Either } from 'fp-ts/lib/Either.js';
import { type CommonOptions, choice, command, parse } from '../shared/command.js';
import type { Failure } from '../shared/failure.js';
import { whole } from '../shared/numbers.js';
import * as recipe from './recipe.js';

export interface Options extends CommonOptions {
  readonly file: string;
  readonly model: recipe.ModelName;
  readonly iterations: number;
  readonly seed: number;
  readonly load?: string;
  readonly save?: string;
}

const about = "The lecture's two text models, as in Keras, on Alice's Adventures in Wonderland.";

export function parseOptions(args: readonly string[]): Either<Failure, Options | 'help'> {
  const program = command('alice', 'run example:alice', about)
    .option('--file <path>', `Alice's Adventures in Wonderland, UTF-8, from ${recipe.source}`, recipe.file)
    .addOption(
      choice('--model <name>', 'characters: SimpleRNN 128; words: Embedding 500, LSTM 500 ×2', [
        'characters',
        'words',
      ]).default('characters'),
    )
    .option('--iterations <n>', 'epochs, each followed by what the model says', whole(1), recipe.iterations)
    .option('--seed <n>', 'of weights, orders and samples', whole(0), recipe.seed)
    .option('--load <path>', 'go on from a checkpoint, optimizer and all')
    .option('--save <path>', 'checkpoint to write after each iteration, whatever ends it');
  return parse(program, 'the start, each iteration and the end', args);
}
