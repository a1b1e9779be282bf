/** `npm run example:lenet`: LeNet-5 learns handwritten digits. */
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import { onInterrupt } from '../shared/interrupt.js';
import { chooseMachine } from '../shared/machine.js';
import { runProgram } from '../shared/program.js';
import { screen } from '../shared/screen.js';
import { readMnist } from './data.js';
import { type Options, parseOptions } from './options.js';
import { train } from './train.js';

function run(options: Options) {
  return pipe(
    E.Do,
    E.apS('machine', chooseMachine(options)),
    E.bind('mnist', () => readMnist(options.data)),
    E.map((parts) => ({ ...parts, options, screen: screen(options.json), interrupt: onInterrupt() })),
    TE.fromEither,
    TE.chainTaskK((session) => () => train(session)),
  )();
}

await runProgram('lenet', parseOptions(process.argv.slice(2)), run);
