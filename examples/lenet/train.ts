import { crossEntropy, fromAsync, randomShift, tbptt } from 'oxbow';
import { identity, lastValueFrom, skip, takeUntil, tap } from 'rxjs';
import { stopwatch, timed } from '../shared/course.js';
import type { Interrupt } from '../shared/interrupt.js';
import { count } from '../shared/numbers.js';
import { keeping, sayWhere } from '../shared/run.js';
import type { Screen } from '../shared/screen.js';
import { weightsIn } from '../shared/weights.js';
import { type Batch, batches, firstOf, type Mnist } from './data.js';
import { type Assessment, evaluation, showConfusion } from './evaluation.js';
import { EXAMPLE, type KeptLeNet, type LeNetAbout, type Reader, recipeOf } from './model.js';
import type { Options } from './options.js';

export interface Session {
  readonly options: Options;
  readonly reader: Reader;
  /** The run to go on with. */
  readonly kept: KeptLeNet | undefined;
  /** Where the digits are; undefined for the package. */
  readonly data: string | undefined;
  readonly mnist: Mnist;
  readonly screen: Screen;
  readonly interrupt: Interrupt;
  /** The machine in a few words. */
  readonly machine: string;
}

/** Learns for the recipe's epochs or until it is interrupted; reports each epoch and, at the end, what is taken for what. */
export async function train(session: Session): Promise<void> {
  const { options, reader, kept, data, mnist, screen, interrupt, machine } = session;
  const { course, model, epochs } = reader;
  const { seed } = course;
  const recipe = recipeOf(reader);
  const digits = firstOf(mnist.training, course.images);
  const batch = Math.min(recipe.batch, digits.labels.length);
  const perEpoch = Math.floor(digits.labels.length / batch);
  const weights = weightsIn(model.params);
  screen.say(`${count(digits.labels.length)} digits, ${count(weights)} weights; ${machine}\n${recipe.about}`);
  const goesOn = kept && { step: kept.step, saved: kept.from.date };
  screen.record({ recipe: course.recipe, digits: digits.labels.length, weights, epochs, machine, goesOn });

  const done = kept?.step ?? 0;
  const part = done / perEpoch / epochs;
  if (kept)
    sayWhere(screen, kept, `epoch ${Math.floor(done / perEpoch) + 1}`, `${(100 * part).toFixed(0)} % of training`);
  if (part >= 1) screen.note(`it has learnt for ${count(done / perEpoch)} epochs already; give more --epochs to go on`);
  const [training, assessing] = [stopwatch(kept?.about.reached.seconds), stopwatch()];
  const before = training.seconds();
  let { loss = 0, steps = 0, latest = null } = kept?.about.reached ?? {};
  let assessed = 0;

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

  async function endEpoch(epoch: number): Promise<void> {
    const now = await assess();
    if (now === undefined) return;
    const mean = loss / steps;
    [loss, steps] = [0, 0];
    latest = now;
    const seconds = training.seconds();
    screen.say(`epoch ${epoch}: loss ${mean.toFixed(4)}, ${accuracies(now)}, ${seconds.toFixed(1)} s of training`);
    screen.record({ epoch, loss: mean, ...recordOf(now), seconds });
  }

  /** Between two epochs nothing is pulled, so that the weights are those of the epoch's end. */
  async function* lessons(): AsyncGenerator<Batch> {
    let step = 0;
    for await (const lesson of batches(digits, batch, epochs, seed)) {
      yield lesson;
      step += 1;
      // A run may have ended between an epoch's last step and a look at what that came to.
      if (lesson.last && step >= done && steps > 0 && !interrupt.requested()) await endEpoch(lesson.epoch);
    }
  }

  const about = (): LeNetAbout => ({
    example: EXAMPLE,
    task: 'images',
    recipe: course,
    epochs,
    data: data ?? null,
    reached: { loss, steps, seconds: training.seconds(), latest },
  });

  const learning$ = fromAsync(lessons()).pipe(
    recipe.shift > 0 ? randomShift<Batch>(recipe.shift, { seed }) : identity,
    skip(done),
    takeUntil(interrupt.requested$),
    timed(
      training,
      tbptt(model, {
        loss: crossEntropy(),
        optimizer: recipe.optimizer(epochs * perEpoch),
        from: kept?.snapshot,
      }),
    ),
    tap((step) => {
      loss += step.loss;
      steps += 1;
      screen.live(() => {
        const [now, all] = [step.step - done, epochs * perEpoch - done];
        const left =
          ((training.seconds() - before) / now) * (all - now) +
          (assessed && (assessing.seconds() / assessed) * (epochs - step.window.epoch + 1));
        return [
          `epoch ${(step.step / perEpoch).toFixed(2)} of ${epochs}`,
          `loss ${(loss / steps).toFixed(4)}`,
          `${count(step.tokens / training.seconds())} images/s`,
          `${count(left)} s left`,
        ].join(' · ');
      });
    }),
    keeping(options, screen, model, about),
  );
  await lastValueFrom(learning$, { defaultValue: undefined });

  const seconds = training.seconds();
  const final = latest ?? (interrupt.requested() ? undefined : await assess());
  const interrupted = interrupt.requested();
  if (interrupted) screen.note(`stopped after ${seconds.toFixed(1)} s of training`);
  const { save } = options;
  if (final === undefined) {
    screen.record({ seconds, saved: save, interrupted });
    return;
  }
  const { confusion } = final.test;
  const tested = mnist.test.labels.length;
  const errors = tested - Math.round(final.test.accuracy * tested);
  screen.say(['', 'rows: what it is; columns: what it was taken for', ...showConfusion(final.test), ''].join('\n'));
  const when = interrupted ? 'at the end of the last whole epoch' : `after ${seconds.toFixed(1)} s of training`;
  screen.say(`${accuracies(final)} (${count(errors)} of ${count(tested)} wrong) ${when}`);
  screen.record({ ...recordOf(final), errors, confusion, seconds, saved: save, interrupted });
}

const accuracies = ({ training, test }: Assessment): string =>
  `training accuracy ${training.accuracy.toFixed(4)}, test accuracy ${test.accuracy.toFixed(4)}`;

const recordOf = ({ training, test }: Assessment) => ({
  trainingAccuracy: training.accuracy,
  testAccuracy: test.accuracy,
});
