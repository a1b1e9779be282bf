/** The command line, checked as far as that goes without a text and a model. */
import type { Either } from 'fp-ts/lib/Either.js';
import { type CommonOptions, command, parse } from '../shared/command.js';
import type { Failure } from '../shared/failure.js';
import { positive, whole } from '../shared/numbers.js';
import { type Course, course, recipe, type Shape, shape } from './recipe.js';

/** Of sizes and course what was asked for by name: a checkpoint has its own. */
export interface Options extends CommonOptions, Partial<Shape>, Partial<Course> {
  readonly file?: string;
  readonly temperature: number;
  readonly load?: string;
  readonly save?: string;
}

export function parseOptions(args: readonly string[]): Either<Failure, Options | 'help'> {
  const about = 'A character model after GPT that learns from windows of a text and speaks.';
  const program = command('gpt', 'run example:gpt', about)
    .option('--file <path>', 'text to learn from, UTF-8 (default: Moby Dick)')
    .option('--steps <n>', `windows to learn from, all in all (default: ${course.steps})`, whole(1))
    .option('--batch <n>', `places of the text side by side in a window (default: ${course.batch})`, whole(1))
    .option('--context <n>', `characters that one character sees (default: ${shape.context})`, whole(2))
    .option('--features <n>', `features of a character (default: ${shape.features})`, whole(1))
    .option('--heads <n>', `heads of the attention (default: ${shape.heads})`, whole(1))
    .option('--blocks <n>', `blocks one after another (default: ${shape.blocks})`, whole(1))
    .option('--lr <rate>', `learning rate at its peak (default: ${course.lr})`, positive)
    .option('--seed <n>', `of weights, windows and the text at the end (default: ${course.seed})`, whole(0))
    .option('--temperature <n>', 'below 1 bolder, above 1 more varied', positive, recipe.temperature)
    .option('--load <path>', 'go on from a checkpoint, with its sizes, steps, batch, rate and seed')
    .option('--save <path>', 'checkpoint to write at the end, whatever ends it');
  return parse(program, 'the start, each hundred steps and the end', args);
}
