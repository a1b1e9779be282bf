/** The command line, checked as far as that goes without a text and a model. */
import * as E from 'fp-ts/lib/Either.js';
import { type CommonOptions, command, parse } from '../shared/command.js';
import type { Failure } from '../shared/failure.js';
import { positive, whole } from '../shared/numbers.js';
import { type RunOptions, runOptions } from '../shared/run.js';
import { type Course, course, recipe, type Shape, shape } from './recipe.js';

/** Of sizes and course what was asked for by name: a run that is there has its own. */
export interface Options extends CommonOptions, RunOptions, Partial<Shape>, Partial<Course> {
  readonly file?: string;
  readonly temperature: number;
}

export function parseOptions(args: readonly string[]): E.Either<Failure, Options | 'help'> {
  const about = 'A character model after GPT that learns from windows of a text and speaks.';
  const program = command('gpt', 'run example:gpt', about)
    .option('--file <path>', 'text to learn from, UTF-8 (default: Moby Dick)')
    .option('--steps <n>', `windows to learn from, all in all (default: ${course.steps})`, whole(1))
    .option('--batch <n>', `places of the text side by side in a window (default: ${course.batch})`, whole(1))
    .option('--context <n>', `characters that one character sees (default: ${shape.context})`, whole(2))
    .option('--features <n>', `features of a character (default: ${shape.features})`, whole(1))
    .option('--heads <n>', `heads of the attention (default: ${shape.heads})`, whole(1))
    .option('--blocks <n>', `blocks one after another (default: ${shape.blocks})`, whole(1))
    .option('--lr <rate>', `learning rate at its peak (default: ${course.learningRate})`, positive())
    .option('--seed <n>', `of weights, windows and the text at the end (default: ${course.seed})`, whole(0))
    .option('--temperature <n>', 'below 1 bolder, above 1 more varied', positive(), recipe.temperature);
  const parsed = parse<Options & { readonly lr?: number }>(
    runOptions(program),
    'the start, each hundred steps and the end',
    args,
  );
  if (E.isLeft(parsed) || parsed.right === 'help') return parsed;
  const { lr, ...rest } = parsed.right;
  return E.right({ ...rest, ...(lr !== undefined && { learningRate: lr }) });
}
