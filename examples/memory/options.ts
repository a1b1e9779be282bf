/** The command line. */
import type { Either } from 'fp-ts/lib/Either.js';
import { type CommonOptions, choice, command, parse } from '../shared/command.js';
import type { Failure } from '../shared/failure.js';
import { whole } from '../shared/numbers.js';
import { type ModelName, modelNames, recipe } from './recipe.js';
import { type TaskName, taskNames } from './tasks/task.js';

export interface Options extends CommonOptions {
  readonly task: readonly TaskName[];
  readonly model: readonly ModelName[];
  readonly seed: number;
  readonly flow?: string;
  readonly load?: string;
  readonly save?: string;
}

const about = 'Tasks that need memory, and who has it: a net without, a simple RNN, an LSTM and a GRU.';

export function parseOptions(args: readonly string[]): Either<Failure, Options | 'help'> {
  const program = command('memory', 'run example:memory', about)
    .addOption(choice('--task <names...>', 'what is to be learnt', taskNames).default(taskNames, 'all'))
    .addOption(choice('--model <names...>', 'who is to learn it', modelNames).default(modelNames, 'all'))
    .option('--seed <n>', 'of weights and sequences', whole(0), recipe.seed)
    .option('--flow <path>', 'only draw how gradients flow back through the recurrent cells, as an SVG')
    .option('--load <path>', 'go on from results that --save wrote: what is there is not learnt again')
    .option('--save <path>', 'file to write the results to, as JSON, after each of them');
  return parse(program, 'each result (or curve)', args);
}
