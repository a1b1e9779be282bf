/** `npm run example:alice`: the lecture's two text models, written as in Keras. */

import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import { checkSavePath } from '../shared/checkpoint.js';
import { type Failure, failure } from '../shared/failure.js';
import type { Interrupt } from '../shared/interrupt.js';
import { count } from '../shared/numbers.js';
import { prepare, runProgram } from '../shared/program.js';
import { characterTask, leastCharacters, leastWords, wordTask } from './models.js';
import { type Options, parseOptions } from './options.js';
import { run } from './run.js';
import { type Book, readBook, wordsOf } from './text.js';

/** What there was, what is left of it, and what is needed. */
function tooShort({ file, model }: Options, { text, before }: Book): Failure {
  const [left, least, unit] =
    model === 'words'
      ? [wordsOf(text).length, leastWords, 'words and marks']
      : [text.length, leastCharacters, 'characters'];
  const has = `${file} has ${count(before)} characters; the lecture's preparation, which keeps ASCII alone, leaves`;
  return failure(
    `${has} ${count(left)} ${unit}, and one batch of ${model} takes ${count(least)}. Give a longer text in English by --file.`,
  );
}

function start(options: Options, interrupt: Interrupt) {
  const taskOf = options.model === 'words' ? wordTask : characterTask;
  return pipe(
    prepare(options),
    TE.chainFirst(() => checkSavePath(options.save)),
    TE.bind('book', () => readBook(options.file)),
    TE.bind('task', ({ book }) => TE.fromNullable(tooShort(options, book))(taskOf(book.text, options.seed))),
    TE.chain(
      ({ machine, task }) =>
        () =>
          run(options, interrupt, task, machine),
    ),
  )();
}

await runProgram('alice', parseOptions(process.argv.slice(2)), start);
