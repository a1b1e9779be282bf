/** `npm run example:seq2seq`: a Transformer that learns to reverse sequences, and another that learns to sort them. */
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import { checkSavePath, readCheckpoint, writeCheckpoint } from '../shared/checkpoint.js';
import type { Failure } from '../shared/failure.js';
import type { Interrupt } from '../shared/interrupt.js';
import { count } from '../shared/numbers.js';
import { prepare, runProgram } from '../shared/program.js';
import { screen } from '../shared/screen.js';
import { weightsIn } from '../shared/weights.js';
import { examine } from './exam.js';
import { freshPupil, type Pupil, savedPupil, toCheckpoint } from './model.js';
import { type Options, parseOptions } from './options.js';
import { recipe, taskNames } from './recipe.js';
import { train } from './train.js';

function pupilsOf(options: Options): TE.TaskEither<Failure, readonly Pupil[]> {
  const { load, task } = options;
  if (load === undefined) return TE.right((task ? [task] : taskNames).map((name) => freshPupil(name, options)));
  return pipe(
    readCheckpoint(load),
    TE.chainEitherK((checkpoint) => savedPupil(options, load, checkpoint)),
    TE.map((pupil) => [pupil]),
  );
}

async function run(
  { save, json }: Options,
  interrupt: Interrupt,
  machine: string,
  pupils: readonly Pupil[],
): Promise<E.Either<Failure, void>> {
  const out = screen(json);
  const { blocks, features, heads } = recipe.model;
  const weights = weightsIn((pupils[0] as Pupil).model.params);
  out.say(
    `${blocks} + ${blocks} blocks of ${features} features, ${heads} heads, ${count(weights)} weights; ${machine}`,
  );
  out.record({ tasks: pupils.map(({ task }) => task), weights, machine });
  for (const pupil of pupils) {
    const { task } = pupil;
    const state = await train(pupil, out, interrupt);
    if (save !== undefined && state !== undefined) {
      const saved = await writeCheckpoint(save, toCheckpoint(pupil, state))();
      if (E.isLeft(saved)) return saved;
      out.note(`saved ${save}`);
    }
    if (interrupt.requested()) {
      out.record({ task, step: state?.step, saved: save, interrupted: true });
      break;
    }
    const { right, asked, shown } = examine(pupil);
    const share = `${((100 * right) / asked).toFixed(2)} %`;
    out.say(`${task}: ${count(right)} of ${count(asked)} unseen sequences right to the last symbol (${share})`);
    for (const example of shown) out.say(out.dim(`  ${example}`));
    out.record({ task, step: state?.step, right, asked, saved: save, interrupted: false });
  }
  return E.right(undefined);
}

function start(options: Options, interrupt: Interrupt) {
  return pipe(
    prepare(options),
    TE.chainFirst(() => checkSavePath(options.save)),
    TE.bind('pupils', () => pupilsOf(options)),
    TE.chain(
      ({ machine, pupils }) =>
        () =>
          run(options, interrupt, machine, pupils),
    ),
  )();
}

await runProgram('seq2seq', parseOptions(process.argv.slice(2)), start);
