/** `npm run example:alice`: the lecture's two text models, written as in Keras. */
import * as E from 'fp-ts/lib/Either.js';
import { configure } from 'oxbow';
import { type Failure, failure, messageOf } from '../shared/failure.js';
import { characterTask, wordTask } from './models.js';
import { type Options, parseOptions } from './options.js';
import { run } from './run.js';
import { readBook } from './text.js';

function complain(message: string): void {
  process.stderr.write(`alice: ${message.replaceAll(/\s*\n\s*/g, ' ')}\n`);
}

function chooseMachine({ threads, tier }: Options): E.Either<Failure, string> {
  return E.tryCatch(
    () => {
      const machine = configure({ ...(threads !== undefined && { threads }), ...(tier !== undefined && { tier }) });
      return `${machine.threads} ${machine.threads === 1 ? 'thread' : 'threads'}, tier ${machine.tier}`;
    },
    (error) => failure(messageOf(error)),
  );
}

async function start(options: Options): Promise<E.Either<Failure, void>> {
  const machine = chooseMachine(options);
  if (E.isLeft(machine)) return machine;
  const text = await readBook(options.file)();
  if (E.isLeft(text)) return text;
  const task = (options.model === 'words' ? wordTask : characterTask)(text.right, options.seed);
  if (task === undefined) return E.left(failure(`${options.file} is too short for one batch of ${options.model}.`));
  return run(options, task, machine.right);
}

/** The exit code: 0 where all went well, 2 where the user can put it right. */
async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  if (E.isRight(options) && options.right === 'help') return 0;
  const outcome = E.isLeft(options) ? options : await start(options.right as Exclude<typeof options.right, 'help'>);
  if (E.isRight(outcome)) return 0;
  complain(outcome.left.message);
  return 2;
}

// Whoever reads the output may have had enough: `npm run example:alice | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  complain(messageOf(error));
  return 1;
});
