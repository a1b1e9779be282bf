import { crossEntropy, fromAsync, leNet5, randomShift, tbptt } from 'oxbow';
import { identity, lastValueFrom, takeUntil, tap } from 'rxjs';
import type { Interrupt } from '../shared/interrupt.js';
import { count } from '../shared/numbers.js';
import type { Screen } from '../shared/screen.js';
import { weightsIn } from '../shared/weights.js';
import { type Batch, batches, firstOf, type Mnist } from './data.js';
import { type Evaluation, evaluation, showConfusion } from './evaluation.js';
import type { Options } from './options.js';
import { type Recipe, recipes } from './recipe.js';

export interface Session {
  readonly options: Options;
  readonly mnist: Mnist;
  readonly screen: Screen;
  readonly interrupt: Interrupt;
  /** The machine in a few words. */
  readonly machine: string;
}

/** Counts the time in which something learns, and nothing else. */
function stopwatch() {
  let total = 0;
  let since = performance.now();
  return {
    seconds: () => (total + performance.now() - since) / 1000,
    /** Leaves out what `run` takes. */
    apart<T>(run: () => T): T {
      total += performance.now() - since;
      const result = run();
      since = performance.now();
      return result;
    },
  };
}

/** Learns for the recipe's epochs or until Ctrl-C; reports each epoch and, at the end, what is taken for what. */
export async function train(session: Session): Promise<void> {
  const { options, mnist, screen, interrupt, machine } = session;
  const { seed } = options;
  const recipe: Recipe = recipes[options.recipe];
  const digits = firstOf(mnist.training, options.images ?? mnist.training.labels.length);
  const epochs = options.epochs ?? recipe.epochs;
  const batch = Math.min(recipe.batch, digits.labels.length);
  const perEpoch = Math.floor(digits.labels.length / batch);
  const model = leNet5({ ...recipe.net, seed });
  const weights = weightsIn(model.params);
  screen.say(`${count(digits.labels.length)} digits, ${count(weights)} weights; ${machine}\n${recipe.about}`);
  screen.record({ recipe: options.recipe, digits: digits.labels.length, weights, epochs, machine });

  /** What the model makes of the digits that it learnt from, and of those that it did not. */
  const assess = (): Assessment => ({ training: evaluation(model, digits), test: evaluation(model, mnist.test) });
  const watch = stopwatch();
  let [loss, steps] = [0, 0];
  let latest: Assessment | undefined;
  const learning$ = fromAsync(batches(digits, batch, epochs, seed)).pipe(
    takeUntil(interrupt.requested$),
    recipe.shift > 0 ? randomShift<Batch>(recipe.shift, { seed }) : identity,
    tbptt(model, { loss: crossEntropy(), optimizer: recipe.optimizer(epochs * perEpoch) }),
    tap((step) => {
      const { epoch, last } = step.window;
      loss += step.loss;
      steps += 1;
      const line = () => {
        const left = (watch.seconds() / step.step) * (epochs * perEpoch - step.step);
        const parts = [
          `epoch ${(step.step / perEpoch).toFixed(2)} of ${epochs}`,
          `loss ${(loss / steps).toFixed(4)}`,
          `${count(step.tokensPerSecond)} images/s`,
          `${count(left)} s left`,
        ];
        return parts.join(' · ');
      };
      screen.live(line);
      if (!last) return;
      const seconds = watch.seconds();
      const mean = loss / steps;
      latest = watch.apart(assess);
      screen.say(`epoch ${epoch}: loss ${mean.toFixed(4)}, ${accuracies(latest)}, ${seconds.toFixed(1)} s of training`);
      screen.record({ epoch, loss: mean, ...recordOf(latest), seconds });
      [loss, steps] = [0, 0];
    }),
  );
  await lastValueFrom(learning$, { defaultValue: undefined });

  const seconds = watch.seconds();
  const interrupted = interrupt.requested();
  const final = interrupted || latest === undefined ? assess() : latest;
  const { confusion } = final.test;
  const tested = mnist.test.labels.length;
  const errors = tested - Math.round(final.test.accuracy * tested);
  screen.say(['', 'rows: what it is; columns: what it was taken for', ...showConfusion(final.test), ''].join('\n'));
  screen.say(
    `${interrupted ? 'stopped; ' : ''}${accuracies(final)} (${count(errors)} of ${count(tested)} wrong) ` +
      `after ${seconds.toFixed(1)} s of training`,
  );
  screen.record({ ...recordOf(final), errors, confusion, seconds, interrupted });
}

interface Assessment {
  readonly training: Evaluation;
  readonly test: Evaluation;
}

const accuracies = ({ training, test }: Assessment): string =>
  `training accuracy ${training.accuracy.toFixed(4)}, test accuracy ${test.accuracy.toFixed(4)}`;

const recordOf = ({ training, test }: Assessment) => ({
  trainingAccuracy: training.accuracy,
  testAccuracy: test.accuracy,
});
