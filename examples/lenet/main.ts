/** `npm run example:lenet`: LeNet-5 learns handwritten digits. */
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import { configure } from 'oxbow';
import { type Failure, failure, messageOf } from '../shared/failure.js';
import { onInterrupt } from '../shared/interrupt.js';
import { screen } from '../shared/screen.js';
import { readMnist } from './data.js';
import { type Options, parseOptions } from './options.js';
import { type Session, train } from './train.js';

function chooseMachine({ threads, tier }: Options): E.Either<Failure, string> {
  return E.tryCatch(
    () => {
      const machine = configure({ ...(threads && { threads }), ...(tier && { tier }) });
      return `${machine.threads} ${machine.threads === 1 ? 'thread' : 'threads'}, tier ${machine.tier}`;
    },
    (error) => failure(messageOf(error)),
  );
}

const sessionOf = (options: Options): E.Either<Failure, Session> =>
  pipe(
    E.Do,
    E.apS('machine', chooseMachine(options)),
    E.bind('mnist', () => readMnist(options.data)),
    E.map((parts) => ({ ...parts, options, screen: screen(), interrupt: onInterrupt() })),
  );

function complain(message: string): void {
  process.stderr.write(`lenet: ${message.replaceAll(/\s*\n\s*/g, ' ')}\n`);
}

/** The exit code: 0 where all went well, 2 where the user can put it right. */
async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  if (E.isRight(options) && options.right === 'help') return 0;
  const session = E.isLeft(options) ? options : sessionOf(options.right as Options);
  if (E.isLeft(session)) {
    complain(session.left.message);
    return 2;
  }
  await train(session.right);
  return 0;
}

// Whoever reads the output may have had enough: `npm run example:lenet | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  complain(messageOf(error));
  return 1;
});
