/** How every example starts and ends. */
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import { OxbowError } from 'oxbow';
import { type Failure, messageOf } from './failure.js';
import { type Interrupt, onInterrupt } from './interrupt.js';
import { chooseMachine, type MachineChoice } from './machine.js';

/**
 * Runs an example, and sets the exit code: 0 where all went well, 2 where the user can put it right (a number that the
 * package refuses is one that was asked for), 1 where nobody thought of it, and that of the signal where one ended it. What
 * is wrong is one line on stderr.
 */
export async function runProgram<T extends object>(
  name: string,
  options: E.Either<Failure, T | 'help'>,
  run: (options: T, interrupt: Interrupt) => Promise<E.Either<Failure, unknown>>,
): Promise<void> {
  // From the first moment on, so that a signal has the same exit code at any time.
  const interrupt = onInterrupt(name);
  function fail(code: number, message: string): void {
    process.stderr.write(`${name}: ${message.replaceAll(/\s*\n\s*/g, ' ')}\n`);
    process.exitCode = code;
  }

  if (E.isRight(options) && options.right === 'help') return;
  try {
    const outcome = E.isLeft(options) ? options : await run(options.right as T, interrupt);
    if (E.isLeft(outcome)) fail(2, outcome.left.message);
    else process.exitCode = interrupt.code() ?? 0;
  } catch (error) {
    // Disks, folders and files are the user's too.
    if (error instanceof OxbowError) fail(2, messageOf(error).replace(/^\w+: /, ''));
    else fail(error instanceof RangeError ? 2 : 1, messageOf(error));
  }
}

/** What has to be in order before anything is read: the machine, in a few words. */
export const prepare = (options: MachineChoice): TE.TaskEither<Failure, { readonly machine: string }> =>
  pipe(
    TE.fromEither(chooseMachine(options)),
    TE.map((machine) => ({ machine })),
  );
