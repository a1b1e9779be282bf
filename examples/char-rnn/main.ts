/** `npm start`: a character model that learns from a text, or from lines as they arrive, and speaks. */
import * as E from 'fp-ts/lib/Either.js';
import { messageOf } from '../shared/failure.js';
import { listen } from './listen.js';
import { parseOptions } from './options.js';
import { openSession, type Session } from './session.js';
import { train } from './train.js';

function complain(message: string): void {
  process.stderr.write(`char-rnn: ${message.replaceAll(/\s*\n\s*/g, ' ')}\n`);
}

function run(session: Session) {
  return session.options.source.from === 'stdin' ? listen(session) : train(session);
}

/** The exit code: 0 where all went well, 2 where the user can put it right. */
async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  if (E.isRight(options) && options.right === 'help') return 0;
  const session = E.isLeft(options)
    ? options
    : await openSession(options.right as Exclude<typeof options.right, 'help'>)();
  const outcome = E.isLeft(session) ? session : await run(session.right);
  if (E.isRight(outcome)) return 0;
  complain(outcome.left.message);
  return 2;
}

// Whoever reads the output may have had enough: `npm start | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  complain(messageOf(error));
  return 1;
});
