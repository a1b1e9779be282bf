import { requireCount, requireKind } from '../checks.js';
import { type Params, parametersOf } from '../parameters/parameter.js';
import type { Metric } from './metrics/metric.js';
import type { Evaluation, WatchState } from './progress.js';
import { areWeightsOf } from './weight-average.js';

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
  /** What was seen so far: a value, which stays as it is. */
  readonly seen: WatchState;
  /** The weights of the best epoch come back, if that was wanted; once, however often it is called. Whether they did. */
  end(): boolean;
}

/** @throws TypeError, RangeError where an option is impossible, or what was seen before is not of these parameters. */
export function watch(options: EarlyStopping, metrics: readonly Metric[], params: Params, from?: WatchState): Watch {
  const { monitor = 'loss', patience = 1, minDelta = 0, restoreBest = false } = options;
  requireCount('fit', 'earlyStopping.patience', patience);
  if (!(minDelta >= 0)) throw new RangeError(`fit: earlyStopping.minDelta is a number from 0 up, not ${minDelta}.`);
  const metric = metrics.find(({ name }) => name === monitor);
  if (monitor !== 'loss' && metric === undefined) {
    const names = ['loss', ...metrics.map(({ name }) => name)].join(', ');
    throw new TypeError(`fit: earlyStopping.monitor is one of ${names}, not ${JSON.stringify(monitor)}.`);
  }
  const sign = metric?.better === 'higher' ? -1 : 1;
  const parameters = parametersOf(params).map(([, parameter]) => parameter);
  let seen: WatchState = from ?? { best: Number.POSITIVE_INFINITY };
  requireKind(
    'fit',
    typeof seen.best === 'number' && (seen.weights === undefined || areWeightsOf(parameters, seen.weights)),
    'from as snapshot() gave it',
    from,
    'leave it out to start afresh',
  );
  return {
    see(epoch, { loss, metrics: figures }) {
      const value = sign * (monitor === 'loss' ? loss : (figures[monitor] as number));
      if (value < seen.best - minDelta || (seen.bestEpoch === undefined && !Number.isNaN(value))) {
        const weights = restoreBest ? parameters.map(({ data }) => data.slice()) : undefined;
        seen = { best: value, bestEpoch: epoch, weights };
      }
      return epoch - (seen.bestEpoch ?? 0) >= patience;
    },
    get seen() {
      return seen;
    },
    end() {
      const { weights, ...figures } = seen;
      if (weights === undefined) return false;
      parameters.forEach((parameter, k) => {
        parameter.assign(weights[k] as Float32Array);
      });
      seen = figures;
      return true;
    },
  };
}
