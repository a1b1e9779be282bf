/** `npm run example:lenet`: LeNet-5 learns handwritten digits. */
import { resolve } from 'node:path';
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import type { Interrupt } from '../shared/interrupt.js';
import { prepare, runProgram } from '../shared/program.js';
import { takeFolder } from '../shared/run.js';
import { screen } from '../shared/screen.js';
import { readMnist } from './data.js';
import { openLeNet, readerOf } from './model.js';
import { type Options, parseOptions } from './options.js';
import { train } from './train.js';

function run(options: Options, interrupt: Interrupt) {
  return pipe(
    prepare(options),
    TE.bind('kept', () => openLeNet(options)),
    TE.let('data', ({ kept }) => (options.data === undefined ? kept?.about.data : resolve(options.data)) ?? undefined),
    TE.bind('mnist', ({ data }) => TE.fromEither(readMnist(data))),
    TE.bind('reader', ({ kept, mnist }) => readerOf(options, kept, mnist.training.labels.length)),
    TE.chainFirst(() => takeFolder(options)),
    TE.chainTaskK((parts) => () => train({ ...parts, options, screen: screen(options.json), interrupt })),
  )();
}

await runProgram('lenet', parseOptions(process.argv.slice(2)), run);
