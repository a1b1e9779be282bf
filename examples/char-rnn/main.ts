/** `npm run example:char-rnn`: a character model that learns from a text, or from lines as they arrive, and speaks. */
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import { evaluate } from '../../src/cli/training/evaluation.js';
import { train } from '../../src/cli/training/train.js';
import type { Interrupt } from '../shared/interrupt.js';
import { runProgram } from '../shared/program.js';
import { type Options, parseOptions } from './options.js';
import { openSession, tried } from './session.js';

function run(options: Options, interrupt: Interrupt) {
  return pipe(
    openSession(options, interrupt),
    TE.chain((session) => tried(() => (options.eval ? evaluate : train)(session, options.evaluating))),
  )();
}

await runProgram('char-rnn', parseOptions(process.argv.slice(2)), run);
