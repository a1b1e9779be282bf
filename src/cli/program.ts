/** The `oxbow` command: its commands by name, and how whatever goes wrong in one of them ends. */
import { Command, CommanderError } from 'commander';
import { version } from '../version.js';
import { benchCommand } from './bench.js';
import { completeCommand, completionCommand } from './completion.js';
import { convertCommand } from './convert.js';
import { doctorCommand } from './doctor.js';
import { generateCommand } from './generate.js';
import { inspectCommand } from './inspect.js';
import { scoreCommand } from './score.js';
import { serveCommand } from './serve.js';
import { examplesHelp, exitCodesHelp } from './shared/command.js';
import { codeOf, messageOf } from './shared/failure.js';
import { tagCommand } from './tag.js';
import { trainCommand } from './train.js';

/** All commands, in the order of the help. */
const commands = [
  trainCommand,
  generateCommand,
  scoreCommand,
  tagCommand,
  serveCommand,
  inspectCommand,
  convertCommand,
  benchCommand,
  doctorCommand,
  completionCommand,
];

export function program(): Command {
  const made = new Command('oxbow')
    .description('Recurrent language models that learn from texts and streams, generate, score and tag.')
    .version(version, '-V, --version', 'show the version, and nothing else')
    .helpOption('-h, --help', 'show this, and nothing else')
    .helpCommand('help [command]', 'show the help of a command')
    .addHelpText(
      'after',
      `${examplesHelp([
        [
          'oxbow train --keep model/ && oxbow generate --model model/ "The whale"',
          'learns Moby Dick, and goes on from a prompt',
        ],
        ['tail -f app.log | oxbow score --learn --keep model/', 'marks the lines of a log that are strange'],
        ['oxbow doctor', 'what this machine gives'],
      ])}\n${exitCodesHelp}`,
    );
  for (const command of commands) made.addCommand(command());
  made.addCommand(completeCommand(made), { hidden: true });
  for (const command of [made, ...made.commands]) {
    command
      .exitOverride()
      .configureOutput({ writeErr: () => undefined })
      .showHelpAfterError(false);
  }
  return made;
}

/** A command's help, as it is shown where there is no terminal. */
export function helpOf(command: Command): string {
  let help = '';
  command
    .configureOutput({
      writeOut: (text) => {
        help += text;
      },
      getOutHelpWidth: () => 80,
    })
    .outputHelp();
  return help;
}

/** `unknown option '--step'. Did you mean --steps?` */
function sentence(message: string): string {
  const [what = '', guess] = message.replace(/^error: /, '').split(/\n\(|\)$/);
  return `${/[.?]$/.test(what) ? what : `${what}.`}${guess === undefined ? '' : ` ${guess}`}`;
}

/** The command that was meant, as far as that is known. */
function whole(made: Command, args: readonly string[]): string {
  const named = made.commands.find((each) => each.name() === args[0]);
  return named === undefined ? 'oxbow' : `oxbow ${named.name()}`;
}

/** Runs a command line; it leaves the exit code to the process, and says what is wrong in one line. */
export async function run(args: readonly string[]): Promise<void> {
  function fail(code: number, message: string): void {
    process.stderr.write(`oxbow: ${message.replaceAll(/\s*\n\s*/g, ' ')}\n`);
    process.exitCode = code;
  }
  const made = program();
  if (args.length === 0) {
    process.stderr.write(made.helpInformation());
    fail(2, 'say what is to be done: one of the commands above.');
    return;
  }
  try {
    await made.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode !== 0) fail(2, `${sentence(error.message)} Try ${whole(made, args)} --help.`);
      return;
    }
    fail(codeOf(error), messageOf(error));
  }
}
