/** `npm run example:alice`: the lecture's two text models, written as in Keras. */
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import { failure } from '../shared/failure.js';
import { prepare, runProgram } from '../shared/program.js';
import { characterTask, wordTask } from './models.js';
import { type Options, parseOptions } from './options.js';
import { run } from './run.js';
import { readBook } from './text.js';

function start(options: Options) {
  const taskOf = options.model === 'words' ? wordTask : characterTask;
  return pipe(
    prepare(options),
    TE.bind('text', () => readBook(options.file)),
    TE.bind('task', ({ text }) =>
      TE.fromNullable(failure(`${options.file} is too short for one batch of ${options.model}; give a longer text.`))(
        taskOf(text, options.seed),
      ),
    ),
    TE.chain(
      ({ machine, task }) =>
        () =>
          run(options, task, machine),
    ),
  )();
}

await runProgram('alice', parseOptions(process.argv.slice(2)), start);
