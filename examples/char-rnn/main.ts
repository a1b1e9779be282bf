/** `npm run example:char-rnn`: a character model that learns from a text, or from lines as they arrive, and speaks. */
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import type { Interrupt } from '../shared/interrupt.js';
import { runProgram } from '../shared/program.js';
import { listen } from './listen.js';
import { type Options, parseOptions } from './options.js';
import { openSession } from './session.js';
import { train } from './train.js';

function run(options: Options, interrupt: Interrupt) {
  return pipe(
    openSession(options, interrupt),
    TE.chain((session) => () => (session.split ? train(session, session.split) : listen(session))),
  )();
}

await runProgram('char-rnn', parseOptions(process.argv.slice(2)), run);
