/** The command lines of the benchmarks: what is wrong is one line and code 2, help is code 0. */
import { Command, CommanderError, InvalidArgumentError } from 'commander';

export const wholeNumber = (text: string): number => {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new InvalidArgumentError('It is a whole number above 0.');
};

export const aboveZero =
  (unit: string) =>
  (text: string): number => {
    const value = Number(text);
    if (Number.isFinite(value) && value > 0) return value;
    throw new InvalidArgumentError(`It is a number of ${unit} above 0.`);
  };

/** A command that says nothing by itself where something is wrong; `usage` is how npm starts it. */
export const command = (usage: string): Command =>
  new Command(usage)
    .allowExcessArguments(false)
    .showSuggestionAfterError(false)
    .configureOutput({ writeErr: () => undefined })
    .exitOverride();

/** Parses a command line; what is wrong with it, or `'help'` where help was asked for, and has been shown. */
export function parse(program: Command, args: readonly string[]): { readonly wrong: string } | 'help' | undefined {
  try {
    program.parse(args, { from: 'user' });
    return undefined;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 'help' : { wrong: `${error.message.replace(/^error: /, '')} Try --help.` };
  }
}

/** Ends the process with one line about what is wrong. */
export function fail(name: string, message: string, exitCode: 1 | 2): never {
  process.stderr.write(`${name}: ${message.replaceAll(/\s*\n\s*/g, ' ')}\n`);
  process.exit(exitCode);
}

/** Parses the command line of a benchmark: its arguments. The process ends where help was asked for, or something is wrong. */
export function argumentsOf<A extends unknown[]>(name: string, program: Command, args: readonly string[]): A {
  // The reader of stdout has closed it (`| head`).
  process.stdout.on('error', () => process.exit(0));
  const outcome = parse(program, args);
  if (outcome === 'help') process.exit(0);
  if (outcome !== undefined) fail(name, outcome.wrong, 2);
  return program.processedArgs as A;
}
