/** How every example starts and ends. */
import * as E from 'fp-ts/lib/Either.js';
import { type Failure, messageOf } from './failure.js';

/**
 * Runs an example, and sets the exit code: 0 where all went well, 2 where the user can put it right, 1 where nobody
 * thought of it. What is wrong is one line on stderr.
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
    fail(1, messageOf(error));
  }
}
