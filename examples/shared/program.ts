/** How every example starts and ends. */
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import { checkSavePath } from './checkpoint.js';
import { type Failure, messageOf } from './failure.js';
import { chooseMachine, type MachineChoice } from './machine.js';

/**
 * Runs an example, and sets the exit code: 0 where all went well, 2 where the user can put it right (a number that the
 * package refuses is one that was asked for), 1 where nobody thought of it. What is wrong is one line on stderr.
 */
export async function runProgram<T extends object>(
  name: string,
  options: E.Either<Failure, T | 'help'>,
  run: (options: T) => Promise<E.Either<Failure, unknown>>,
): Promise<void> {
  function fail(code: number, message: string): void {
    process.stderr.write(`${name}: ${message.replaceAll(/\s*\n\s*/g, ' ')}\n`);
    process.exitCode = code;
  }
  // Whoever reads the output may have had enough: `npm start | head`.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

  if (E.isRight(options) && options.right === 'help') return;
  try {
    const outcome = E.isLeft(options) ? options : await run(options.right as T);
    if (E.isLeft(outcome)) fail(2, outcome.left.message);
  } catch (error) {
    fail(error instanceof RangeError ? 2 : 1, messageOf(error));
  }
}

/** What has to be in order before anything is read: the machine, told in a few words, and the place to save to. */
export function prepare(
  options: MachineChoice & { readonly save?: string | undefined },
): TE.TaskEither<Failure, { readonly machine: string }> {
  return pipe(
    TE.fromEither(chooseMachine(options)),
    TE.chainFirst(() => checkSavePath(options.save)),
    TE.map((machine) => ({ machine })),
  );
}
