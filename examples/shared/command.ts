/** The command line, as all examples have it. */
import { Command, CommanderError } from 'commander';
import * as E from 'fp-ts/lib/Either.js';
import { choice, withMachine } from '../../src/cli/shared/arguments.js';
import { type Failure, failure } from './failure.js';
import type { MachineChoice } from './machine.js';

/** What every example takes in addition to its own options. */
export interface CommonOptions extends MachineChoice {
  readonly json?: true | undefined;
}

/** A command that says nothing by itself where something is wrong; `script` is how npm starts it. */
export function command(name: string, script: string, description: string): Command {
  return new Command(name)
    .description(description)
    .usage(`[options]        (npm ${script} -- [options])`)
    .helpOption('-h, --help', 'show this, and nothing else')
    .allowExcessArguments(false)
    .configureOutput({ writeErr: () => undefined })
    .exitOverride();
}

export { choice };

/** Parses the command line; `'help'` where help was asked for, and has been shown. `json` says what it is written for. */
export function parse<T extends CommonOptions>(
  program: Command,
  json: string,
  args: readonly string[],
): E.Either<Failure, T | 'help'> {
  withMachine(program).option('--json', `one line of JSON for ${json}, and nothing else`);
  try {
    program.parse(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? E.right('help') : E.left(failure(`${sentence(error.message)} Try --help.`));
  }
  return E.right(program.opts<T>());
}

/** `unknown option '--step'. Did you mean --steps?` */
function sentence(message: string): string {
  const [what = '', guess] = message.replace(/^error: /, '').split(/\n\(|\)$/);
  return `${/[.?]$/.test(what) ? what : `${what}.`}${guess === undefined ? '' : ` ${guess}`}`;
}
