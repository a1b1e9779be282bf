/** What ends a command: one line that says what is wrong and what to do, and the exit code that says whose fault it is. */

/** Documented once, for the help of every command and the page of the docs. */
export const exitCodes = {
  0: 'all went well; a reader that closes the pipe early is no failure',
  1: 'it could not be done: a file, a model or this machine stands in the way',
  2: 'it was asked for in the wrong way: an unknown option, an impossible value',
  129: 'ended by SIGHUP, after saving',
  130: 'ended by SIGINT (Ctrl-C), after saving',
  143: 'ended by SIGTERM, after saving',
} as const;

/** An end that the user can do something about. */
export class Failure extends Error {
  constructor(
    message: string,
    readonly code: 1 | 2 = 1,
  ) {
    super(message);
  }
}

/** What was typed cannot be meant. */
export const misused = (message: string): Failure => new Failure(message, 2);

/** The message of whatever was thrown, without the name of a function of the package, which nobody typed. */
export const messageOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replace(/^[a-z]\w*: (?=\S)/, '');

/** The exit code of whatever was thrown. A number that the package refuses is one that was asked for. */
export const codeOf = (error: unknown): number =>
  error instanceof Failure ? error.code : error instanceof RangeError ? 2 : 1;
