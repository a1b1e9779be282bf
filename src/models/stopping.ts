import { requireCount } from '../checks.js';
import { type Params, parametersOf } from '../parameters/parameter.js';
import type { Metric } from './metrics/metric.js';
import type { Evaluation } from './progress.js';

/** When `fit` ends before its last epoch. */
export interface EarlyStopping {
  /** What is looked at on the validation data: `loss`, or a metric's name. Default `loss`. */
  readonly monitor?: string;
  /** Epochs without getting better after which it ends. Default 1, the lecture's algorithm 4.1. */
  readonly patience?: number;
  /** By how much a better figure must be better. Default 0. */
  readonly minDelta?: number;
  /**
   * Whether the weights of the best epoch come back at the end, whatever ends it: patience, the last epoch, an error, or
   * that nobody is subscribed any more. Where no epoch has ended there is none, and the weights are those of the last
   * update. Default false.
   */
  readonly restoreBest?: boolean;
}

/** Looks at each epoch's validation. */
export interface Watch {
  /** True where training is over. */
  see(epoch: number, evaluation: Evaluation): boolean;
  readonly bestEpoch: number | undefined;
  /** The weights of the best epoch come back, if that was wanted; once, however often it is called. */
  end(): void;
}

/** @throws TypeError, RangeError where an option is impossible. */
export function watch(options: EarlyStopping, metrics: readonly Metric[], params: Params): Watch {
  const { monitor = 'loss', patience = 1, minDelta = 0, restoreBest = false } = options;
  requireCount('fit', 'earlyStopping.patience', patience);
  if (!(minDelta >= 0)) throw new RangeError(`fit: earlyStopping.minDelta is a number from 0 up, not ${minDelta}.`);
  const metric = metrics.find(({ name }) => name === monitor);
  if (monitor !== 'loss' && metric === undefined) {
    const names = ['loss', ...metrics.map(({ name }) => name)].join(', ');
    throw new TypeError(`fit: earlyStopping.monitor is one of ${names}, not ${JSON.stringify(monitor)}.`);
  }
  const sign = metric?.better === 'higher' ? -1 : 1;
  let best = Number.POSITIVE_INFINITY;
  let bestEpoch: number | undefined;
  let weights: readonly Float32Array[] | undefined;
  const parameters = parametersOf(params).map(([, parameter]) => parameter);
  return {
    see(epoch, { loss, metrics: figures }) {
      const value = sign * (monitor === 'loss' ? loss : (figures[monitor] as number));
      if (value < best - minDelta || (bestEpoch === undefined && !Number.isNaN(value))) {
        best = value;
        bestEpoch = epoch;
        if (restoreBest) weights = parameters.map(({ data }) => data.slice());
      }
      return epoch - (bestEpoch ?? 0) >= patience;
    },
    get bestEpoch() {
      return bestEpoch;
    },
    end() {
      weights?.forEach((values, k) => {
        parameters[k]?.assign(values);
      });
      weights = undefined;
    },
  };
}
