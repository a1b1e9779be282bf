/** `npm run example:lenet`: LeNet-5 learns handwritten digits. */
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import { readCheckpoint } from '../shared/checkpoint.js';
import type { Failure } from '../shared/failure.js';
import type { Interrupt } from '../shared/interrupt.js';
import { prepare, runProgram } from '../shared/program.js';
import { screen } from '../shared/screen.js';
import { type Mnist, readMnist } from './data.js';
import { freshReader, type Reader, savedReader } from './model.js';
import { type Options, parseOptions } from './options.js';
import { train } from './train.js';

function readerOf(options: Options, { training }: Mnist): TE.TaskEither<Failure, Reader> {
  const { load } = options;
  if (load === undefined) return TE.right(freshReader(options, training.labels.length));
  return pipe(
    readCheckpoint(load),
    TE.chainEitherK((checkpoint) => savedReader(options, load, checkpoint, training.labels.length)),
  );
}

function run(options: Options, interrupt: Interrupt) {
  return pipe(
    prepare(options),
    TE.bind('mnist', () => TE.fromEither(readMnist(options.data))),
    TE.bind('reader', ({ mnist }) => readerOf(options, mnist)),
    TE.chain((parts) => () => train({ ...parts, save: options.save, screen: screen(options.json), interrupt })),
  )();
}

await runProgram('lenet', parseOptions(process.argv.slice(2)), run);
