/** `npm run example:slots`: slots of what people say, learnt while they say it, or from a folder. */
import * as E from 'fp-ts/lib/Either.js';
import { type Failure, failure, messageOf } from '../shared/failure.js';
import { readSets } from './data.js';
import { trainOffline } from './offline.js';
import { parseOptions } from './options.js';
import { openSession, type Session } from './session.js';

function complain(message: string): void {
  process.stderr.write(`slots: ${message.replaceAll(/\s*\n\s*/g, ' ')}\n`);
}

/** What was found, as it is printed with `--json`. */
async function run(session: Session): Promise<E.Either<Failure, unknown>> {
  const { options } = session;
  const sets = await readSets(options)();
  if (E.isLeft(sets)) return sets;
  switch (options.mode) {
    case 'offline':
      return E.right(await trainOffline(session, sets.right));
    default:
      return E.left(failure('not yet'));
  }
}

/** The exit code: 0 where all went well, 2 where the user can put it right. */
async function main(args: readonly string[]): Promise<number> {
  const parsed = parseOptions(args);
  if (E.isRight(parsed) && parsed.right === 'help') return 0;
  const session = E.isLeft(parsed) ? parsed : openSession(parsed.right as Exclude<typeof parsed.right, 'help'>);
  const outcome = E.isLeft(session) ? session : await run(session.right);
  if (E.isLeft(outcome)) {
    complain(outcome.left.message);
    return 2;
  }
  if (E.isRight(session) && session.right.options.json) process.stdout.write(`${JSON.stringify(outcome.right)}\n`);
  return 0;
}

// Whoever reads the output may have had enough: `npm run example:slots | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  complain(messageOf(error));
  return 1;
});
