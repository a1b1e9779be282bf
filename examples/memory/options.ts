/** The command line. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import * as E from 'fp-ts/lib/Either.js';
import { type Failure, failure } from '../shared/failure.js';
import { type ModelName, modelNames, recipe } from './recipe.js';
import { type TaskName, taskNames } from './tasks/task.js';

export interface Options {
  readonly task: readonly TaskName[];
  readonly model: readonly ModelName[];
  readonly seed: number;
  readonly threads?: number;
  readonly json: boolean;
  readonly flow?: string;
}

const whole = (least: number) => (text: string) => {
  const value = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(value) && value >= least) return value;
  throw new InvalidArgumentError(`It must be a whole number of at least ${least}.`);
};

function command(): Command {
  return new Command('memory')
    .description('Tasks that need memory, and who has it: a net without, a simple RNN, an LSTM and a GRU.')
    .usage('[options]        (npm run example:memory -- [options])')
    .addOption(new Option('--task <names...>', 'tasks').choices(taskNames).default(taskNames, 'all'))
    .addOption(new Option('--model <names...>', 'models').choices(modelNames).default(modelNames, 'all'))
    .option('--seed <n>', 'of weights and sequences', whole(0), recipe.seed)
    .option('--threads <n>', 'threads to use (default: all processors)', whole(1))
    .option('--json', 'print the table as one line of JSON, and nothing else', false)
    .option('--flow <path>', 'only draw how gradients flow back through the recurrent cells, as an SVG')
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
