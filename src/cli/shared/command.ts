/** What all commands have in common: their help, their screen, and how they end. */
import { Command } from 'commander';
import { withMachine } from './arguments.js';
import { exitCodes } from './failure.js';
import { type Interrupt, onInterrupt } from './interrupt.js';
import { chooseMachine } from './machine.js';
import { type Screen, screen } from './screen.js';

/** What a command runs in. */
export interface Context {
  readonly screen: Screen;
  readonly ending: Interrupt;
}

/** An example of a command line, and what it does. */
export type Example = readonly [line: string, what: string];

const exitCodeLines = Object.entries(exitCodes).map(([code, what]) => `  ${code.padEnd(4)} ${what}`);

export const examplesHelp = (examples: readonly Example[]): string =>
  ['', 'Examples:', ...examples.flatMap(([line, what]) => [`  ${line}`, `      ${what}`])].join('\n');

export const exitCodesHelp: string = ['', 'Exit codes:', ...exitCodeLines].join('\n');

/** A command of `oxbow`, with its examples, and what its help says before them. */
export function command(name: string, description: string, examples: readonly Example[], more = ''): Command {
  return new Command(name)
    .description(description)
    .helpOption('-h, --help', 'show this, and nothing else')
    .addHelpText('after', `${more === '' ? '' : `${more}\n`}${examplesHelp(examples)}\n${exitCodesHelp}`);
}

/** Options that all have; `json` says what it is written for. */
export const withJson = (made: Command, json: string): Command =>
  made.option('--json', `a line of JSON for ${json}, and nothing else`);

/** Runs a command's work, and leaves the exit code. */
export async function inContext(
  options: { readonly json?: true | undefined },
  work: (context: Context) => Promise<unknown>,
): Promise<void> {
  const ending = onInterrupt('oxbow');
  const code = await work({ screen: screen(options.json), ending });
  process.exitCode = ending.code() ?? (typeof code === 'number' ? code : 0);
}

export { chooseMachine, withMachine };
