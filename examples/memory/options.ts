/** The command line. */
import type { Either } from 'fp-ts/lib/Either.js';
import { type CommonOptions, choice, command, parse } from '../shared/command.js';
import type { Failure } from '../shared/failure.js';
import { whole } from '../shared/numbers.js';
import { type RunOptions, runOptions } from '../shared/run.js';
import { type ModelName, modelNames, recipe } from './recipe.js';
import { type TaskName, taskNames } from './tasks/task.js';

/** What was typed: a run that is there has its own tasks, models and seed. */
export interface Options extends CommonOptions, RunOptions {
  readonly task?: readonly TaskName[];
  readonly model?: readonly ModelName[];
  readonly seed?: number;
  readonly flow?: string;
}

const about =
  'Tasks that need memory, and who has it: a net without, a simple RNN, an LSTM, a GRU, and recurrences of today.';

export function parseOptions(args: readonly string[]): Either<Failure, Options | 'help'> {
  const program = command('memory', 'run example:memory', about)
    .addOption(choice('--task <names...>', 'what is to be learnt (default: all)', taskNames))
    .addOption(choice('--model <names...>', 'who is to learn it (default: all)', modelNames))
    .option('--seed <n>', `of weights and sequences (default: ${recipe.seed})`, whole(0))
    .option('--flow <path>', 'only draw how gradients flow back through the recurrent cells, as an SVG');
  return parse(runOptions(program), 'each result (or curve)', args);
}
