import { requireKind, requireNumber } from '../../checks.js';
import { described } from '../../description.js';
import { Rule } from '../../kernels/jobs.js';
import { checkedOptions, type Names } from '../../options.js';
import { type Optimizer, withPasses } from './optimizer.js';

/** What the mean is kept as. */
export const AVERAGE = 'average';

/** Options of {@link averaged}. */
export interface AveragedOptions {
  /** d, in (0, 1]: how much of the mean stays at each step, and at 1 the plain mean of all weights. Default 0.999. */
  readonly decay?: number;
  /** The step whose weights are the first that count; the mean is the weights themselves up to then. Default 0; Infinity for never. */
  readonly from?: number;
}

const names: Names<AveragedOptions> = { decay: true, from: true };

/**
 * An optimizer that keeps the mean of the weights besides: a better model than the weights of any one step, while training
 * goes on with those.
 *
 * Equation: `a ← a + s (w − a)` after each step's update, with `s = (1 − d) / (1 − dⁿ)` for the n-th weights that
 * count, so that no start is to be forgotten (the mean is that of n weights, weighted by powers of d), and `s = 1 / n` at d = 1.
 * Source: Polyak and Juditsky, Acceleration of stochastic approximation by averaging (1992); for language models, with a
 * start that follows from the losses ({@link nonMonotonic}), Merity, Keskar and Socher, Regularizing and optimizing LSTM
 * language models (2018); the correction is that of Kingma and Ba, Adam (2015), section 3.
 *
 * The mean is one array more for each parameter, in what the trainer keeps (`average`): checkpoints have it, and a run that is
 * resumed goes on with it, bit for bit. {@link averagedWeights} gives it, {@link withAveraged} has a model use it for a
 * moment. A step costs a pass over all weights more, also of rows without a gradient. Weights that a parameter gains begin
 * as their own mean.
 *
 * @param optimizer what moves the weights.
 * @param options d, and the step from which weights count.
 * @returns the optimizer, for `trainer`, `tbptt`, `learnTags`, `compile`, or the end of a `chain`.
 * @throws RangeError where d is not in (0, 1], or `from` is not a whole number from 0 up or Infinity.
 * @throws TypeError where the first argument is no optimizer, or one that is averaged already, or an option is not known.
 * @example
 * const learning = trainer(model, { loss: crossEntropy(), optimizer: averaged(adam(2e-3), { decay: 0.99 }) });
 * learning.learn({ carry: model.initial(2), input, target });
 * withAveraged(model, learning.state(), () => evaluate(model, model.initial(2), input));
 */
export function averaged(optimizer: Optimizer, options: AveragedOptions = {}): Optimizer {
  const { decay = 0.999, from = 0 } = checkedOptions('averaged', options, names);
  const isDecay = (value: number) => value > 0 && value <= 1;
  requireNumber('averaged', 'decay', decay, 'a number above 0, at most 1 (the plain mean)', isDecay);
  if (!(from === Number.POSITIVE_INFINITY || (Number.isSafeInteger(from) && from >= 0))) {
    throw new RangeError(`averaged: from is the number of a step, from 0 up, or Infinity, not ${from}.`);
  }
  const share = (count: number) => (decay === 1 ? 1 / count : (1 - decay) / (1 - decay ** count));
  const mean = withPasses('averaged', optimizer, [AVERAGE], { [AVERAGE]: 'weights' }, [
    {
      when: 'after',
      rule: Rule.average,
      slots: [AVERAGE],
      numbers(step) {
        const s = share(Math.max(1, step - from + 1));
        return [1 - s, s];
      },
    },
  ]);
  return described(mean, 'averaged', [optimizer, options]);
}

/** Options of {@link nonMonotonic}. */
export interface NonMonotonicOptions {
  /** n, how many of the latest losses before the last one are left out; default 5. */
  readonly patience?: number;
}

/**
 * Whether losses, measured every so often on text that is not trained on, have stopped falling, so that averaging should begin.
 *
 * Equation: of losses v₀ … v_k, `v_k > min(v₀, …, v_{k−n−1})`.
 * Source: the trigger of NT-ASGD, Merity, Keskar and Socher, Regularizing and optimizing LSTM language models (2018), algorithm 1.
 *
 * Where it says so for the first time, go on with a trainer (or `tbptt`) whose optimizer is averaged from there, and with the state
 * as it is: `averaged(sgd(1), { decay: 1, from: state.step })` after `averaged(sgd(1), { decay: 1, from: Infinity })`.
 *
 * @param losses all of them so far, first to last.
 * @param options n.
 * @returns whether the last one is above the least of those more than n before it.
 * @throws RangeError where n is not a whole number from 0 up.
 * @throws TypeError where an option is not known.
 * @example
 * nonMonotonic([3, 2, 1.9, 2.1], { patience: 1 }); // true: 2.1 is above 2
 */
export function nonMonotonic(losses: readonly number[], options: NonMonotonicOptions = {}): boolean {
  const { patience = 5 } = checkedOptions('nonMonotonic', options, { patience: true });
  requireKind('nonMonotonic', Array.isArray(losses), 'a list of losses', losses, 'give all of them so far');
  if (!(Number.isSafeInteger(patience) && patience >= 0)) {
    throw new RangeError(`nonMonotonic: patience is a whole number from 0 up, not ${patience}.`);
  }
  const last = losses.at(-1) ?? Number.NEGATIVE_INFINITY;
  return losses.slice(0, Math.max(0, losses.length - 1 - patience)).some((loss) => last > loss);
}
