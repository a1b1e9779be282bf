/** The command line. */
import * as E from 'fp-ts/lib/Either.js';
import { type CommonOptions, choice, command, parse } from '../shared/command.js';
import { type Failure, failure } from '../shared/failure.js';
import { whole } from '../shared/numbers.js';
import { longest, recipe, shortest, type TaskName, taskNames } from './recipe.js';

export interface Options extends CommonOptions {
  readonly task?: TaskName;
  readonly steps?: number;
  readonly seed?: number;
  readonly load?: string;
  readonly save?: string;
}

export function parseOptions(args: readonly string[]): E.Either<Failure, Options | 'help'> {
  const about = `Transformers that read ${shortest} to ${longest} random digits and write them reversed, or sorted.`;
  const program = command('seq2seq', 'run example:seq2seq', about)
    .addOption(choice('--task <name>', 'what to learn (default: both)', taskNames))
    .option('--steps <n>', `batches to learn from, all in all (default: ${recipe.steps})`, whole(1))
    .option('--seed <n>', `of weights and sequences (default: ${recipe.seed})`, whole(0))
    .option('--load <path>', 'go on from a checkpoint, with its task, steps and seed')
    .option('--save <path>', 'checkpoint to write at the end, whatever ends it; goes with --task');
  const options = parse<Options>(program, 'the start, each hundred steps and the end', args);
  if (E.isLeft(options) || options.right === 'help') return options;
  const { task, save, load } = options.right;
  if (save === undefined || task !== undefined || load !== undefined) return options;
  return E.left(failure(`--save keeps one model: say which by --task ${taskNames.join(' or --task ')}.`));
}
