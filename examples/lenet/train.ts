import * as E from 'fp-ts/lib/Either.js';
import { crossEntropy, fromAsync, randomShift, type TrainerState, tbptt } from 'oxbow';
import { identity, lastValueFrom, skip, takeWhile, tap } from 'rxjs';
import { writeCheckpoint } from '../shared/checkpoint.js';
import { stopwatch, timed } from '../shared/course.js';
import type { Failure } from '../shared/failure.js';
import type { Interrupt } from '../shared/interrupt.js';
import { count } from '../shared/numbers.js';
import type { Screen } from '../shared/screen.js';
import { weightsIn } from '../shared/weights.js';
import { type Batch, batches, firstOf, type Mnist } from './data.js';
import { type Evaluation, evaluation, showConfusion } from './evaluation.js';
import { type Reader, recipeOf, toCheckpoint } from './model.js';

export interface Session {
  readonly reader: Reader;
  readonly save: string | undefined;
  readonly mnist: Mnist;
  readonly screen: Screen;
  readonly interrupt: Interrupt;
  /** The machine in a few words. */
  readonly machine: string;
}

/** What the model makes of the digits that it learnt from, and of those that it did not. */
interface Assessment {
  readonly training: Evaluation;
  readonly test: Evaluation;
}

/** Learns for the recipe's epochs or until it is interrupted; reports each epoch and, at the end, what is taken for what. */
export async function train(session: Session): Promise<E.Either<Failure, void>> {
  const { reader, save, mnist, screen, interrupt, machine } = session;
  const { course, model, state } = reader;
  const { seed, epochs } = course;
  const recipe = recipeOf(reader);
  const digits = firstOf(mnist.training, course.images);
  const batch = Math.min(recipe.batch, digits.labels.length);
  const perEpoch = Math.floor(digits.labels.length / batch);
  const weights = weightsIn(model.params);
  screen.say(`${count(digits.labels.length)} digits, ${count(weights)} weights; ${machine}\n${recipe.about}`);
  screen.record({ recipe: course.recipe, digits: digits.labels.length, weights, epochs, machine });

  const done = state?.step ?? 0;
  if (done >= epochs * perEpoch) {
    screen.note(`it has learnt for ${count(done / perEpoch)} epochs already; give more --epochs to go on`);
  }
  const [training, assessing] = [stopwatch(), stopwatch()];
  let [loss, steps, assessed] = [0, 0, 0];
  let reached: TrainerState | undefined;
  let latest: Assessment | undefined;
  let failed: Failure | undefined;

  /** Undefined where it was interrupted. */
  async function assess(): Promise<Assessment | undefined> {
    assessing.start();
    const of = (set: typeof digits, name: string) =>
      evaluation(model, set, interrupt, (part) =>
        screen.live(() => `recognizing the ${name} digits: ${(100 * part).toFixed(0)} %`),
      );
    const own = await of(digits, 'training');
    const test = own && (await of(mnist.test, 'test'));
    assessing.stop();
    assessed += 1;
    return own && test && { training: own, test };
  }

  async function keep(): Promise<void> {
    if (save === undefined || reached === undefined) return;
    const saved = await writeCheckpoint(save, toCheckpoint(reader, reached))();
    if (E.isLeft(saved)) failed = saved.left;
  }

  async function endEpoch(epoch: number): Promise<void> {
    const mean = loss / steps;
    [loss, steps] = [0, 0];
    await keep();
    const now = await assess();
    if (now === undefined) return;
    latest = now;
    const seconds = training.seconds();
    screen.say(`epoch ${epoch}: loss ${mean.toFixed(4)}, ${accuracies(latest)}, ${seconds.toFixed(1)} s of training`);
    screen.record({ epoch, loss: mean, ...recordOf(latest), seconds });
  }

  /** Between two epochs nothing is pulled, so that the weights are those of the epoch's end. */
  async function* lessons(): AsyncGenerator<Batch> {
    let step = 0;
    for await (const lesson of batches(digits, batch, epochs, seed)) {
      yield lesson;
      step += 1;
      if (lesson.last && step > done && !interrupt.requested()) await endEpoch(lesson.epoch);
      // Within an epoch one step more tells the optimizer's state, and then ends it.
      if (failed !== undefined || (interrupt.requested() && (lesson.last || step <= done))) return;
    }
  }

  const learning$ = fromAsync(lessons()).pipe(
    recipe.shift > 0 ? randomShift<Batch>(recipe.shift, { seed }) : identity,
    skip(done),
    timed(
      training,
      tbptt(model, {
        loss: crossEntropy(),
        optimizer: recipe.optimizer(epochs * perEpoch),
        state,
      }),
    ),
    tap((step) => {
      loss += step.loss;
      steps += 1;
      // Only now: by the next step the optimizer has gone on.
      if (step.window.last || interrupt.requested()) reached = step.state();
      screen.live(() => {
        const [now, all] = [step.step - done, epochs * perEpoch - done];
        const left =
          (training.seconds() / now) * (all - now) +
          (assessed && (assessing.seconds() / assessed) * (epochs - step.window.epoch + 1));
        return [
          `epoch ${(step.step / perEpoch).toFixed(2)} of ${epochs}`,
          `loss ${(loss / steps).toFixed(4)}`,
          `${count(step.tokens / training.seconds())} images/s`,
          `${count(left)} s left`,
        ].join(' · ');
      });
    }),
    takeWhile(() => !interrupt.requested()),
  );
  await lastValueFrom(learning$, { defaultValue: undefined });

  await keep();
  if (failed !== undefined) return E.left(failed);
  if (save !== undefined) screen.note(reached === undefined ? 'nothing learnt, nothing saved' : `saved ${save}`);
  const seconds = training.seconds();
  const final = interrupt.requested() ? latest : (latest ?? (await assess()));
  const interrupted = interrupt.requested();
  if (interrupted) screen.note(`stopped after ${seconds.toFixed(1)} s of training`);
  if (final === undefined) {
    screen.record({ seconds, saved: save, interrupted });
    return E.right(undefined);
  }
  const { confusion } = final.test;
  const tested = mnist.test.labels.length;
  const errors = tested - Math.round(final.test.accuracy * tested);
  screen.say(['', 'rows: what it is; columns: what it was taken for', ...showConfusion(final.test), ''].join('\n'));
  const when = interrupted ? 'at the end of the last whole epoch' : `after ${seconds.toFixed(1)} s of training`;
  screen.say(`${accuracies(final)} (${count(errors)} of ${count(tested)} wrong) ${when}`);
  screen.record({ ...recordOf(final), errors, confusion, seconds, saved: save, interrupted });
  return E.right(undefined);
}

const accuracies = ({ training, test }: Assessment): string =>
  `training accuracy ${training.accuracy.toFixed(4)}, test accuracy ${test.accuracy.toFixed(4)}`;

const recordOf = ({ training, test }: Assessment) => ({
  trainingAccuracy: training.accuracy,
  testAccuracy: test.accuracy,
});
