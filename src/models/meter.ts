import type { Tensor } from '../tensor.js';
import type { Loss } from '../training/losses/loss.js';
import { type Metric, startedAgain } from './metrics/metric.js';
import type { Evaluation, MeterState } from './progress.js';

/** Puts the losses and metrics of batches together. */
export interface Meter {
  /** A batch, and what the loss says of it. */
  see(loss: number, prediction: Tensor, target: Tensor): void;
  evaluation(): Evaluation;
  state(): MeterState;
}

/**
 * A meter of a data set. Means over batches are weighted by what each of them is a mean over, so that the figures are
 * those of all examples at once, whatever the batch.
 *
 * @param from what an earlier one had counted.
 */
export function meter(loss: Loss, metrics: readonly Metric[], from?: MeterState): Meter {
  const counting = metrics.map((metric) => ({
    name: metric.name,
    ...(from ? startedAgain('fit', metric, from.metrics[metric.name]) : metric.start()),
  }));
  let { sum, weight } = from ?? { sum: 0, weight: 0 };
  return {
    see(value, prediction, target) {
      const count = loss.count?.(target) ?? (target.shape[1] as number);
      sum += loss.reduction === 'sum' ? value : value * count;
      weight += count;
      for (const { update } of counting) update(prediction, target);
    },
    evaluation: () => ({
      loss: loss.reduction === 'sum' ? sum : sum / weight,
      metrics: Object.fromEntries(counting.map(({ name, result }) => [name, result()])),
    }),
    state: () => ({
      sum,
      weight,
      metrics: Object.fromEntries(counting.flatMap(({ name, state }) => (state ? [[name, state()]] : []))),
    }),
  };
}
