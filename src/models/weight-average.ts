/** The mean of a model's weights over the updates of late: a better model than any one of them, at no cost to training. */
import { requireKind } from '../checks.js';
import { type Parameter, type Params, parametersOf } from '../parameters/parameter.js';

/** A model's numbers, parameter by parameter. */
export type Weights = readonly Float32Array[];

/** A model's parameters, each once. */
export const distinctOf = (params: Params): readonly Parameter[] => [
  ...new Set(parametersOf(params).map(([, parameter]) => parameter)),
];

/** Whether something is numbers of these parameters. */
export const areWeightsOf = (parameters: readonly Parameter[], weights: unknown): weights is Weights =>
  Array.isArray(weights) &&
  weights.length === parameters.length &&
  weights.every((each, k) => each instanceof Float32Array && each.length === parameters[k]?.data.length);

/** A mean so far. */
export interface WeightAverageState {
  readonly updates: number;
  readonly means: readonly Float32Array[];
}

export interface WeightAverage {
  /** Counts the weights as they are now. */
  update(): void;
  /** The mean so far. */
  weights(): Weights;
  /** A copy of what the mean needs to go on. */
  state(): WeightAverageState;
  /** Makes weights the model's. */
  put(weights: Weights): void;
  /** Runs with the mean as the model's weights, and puts the weights back. */
  within<R>(body: () => R): R;
}

/**
 * An exponential moving average of weights.
 *
 * Equation: `m_k = d_k m_{k−1} + (1 − d_k) w_k` with `d_k = min(decay, k / (k + 10))`, so that the first weights, which are
 * far off, are soon forgotten.
 * Source: Polyak and Juditsky, Acceleration of stochastic approximation by averaging (1992).
 *
 * @throws RangeError where the decay is not in [0, 1).
 * @throws TypeError where the mean so far is none of these parameters.
 */
export function weightAverage(params: Params, decay: number, from?: WeightAverageState): WeightAverage {
  if (!(decay >= 0 && decay < 1)) {
    throw new RangeError(`weightAverage: the decay is a number from 0 to below 1, not ${decay}.`);
  }
  const parameters = distinctOf(params);
  if (from !== undefined) {
    const fits = Number.isSafeInteger(from?.updates) && areWeightsOf(parameters, from.means);
    requireKind(
      'weightAverage',
      fits,
      "the state of a mean of this model's weights",
      from,
      'leave it out to begin anew',
    );
  }
  const means = from?.means.map((mean) => mean.slice()) ?? parameters.map(({ data }) => data.slice());
  let updates = from?.updates ?? 0;
  const put = (weights: Weights) => {
    parameters.forEach((parameter, k) => {
      parameter.assign(weights[k] as Float32Array);
    });
  };
  return {
    update() {
      updates += 1;
      const share = 1 - Math.min(decay, updates / (updates + 10));
      parameters.forEach(({ data }, at) => {
        const mean = means[at] as Float32Array;
        for (let k = 0; k < mean.length; k += 1) {
          mean[k] = (mean[k] as number) + share * ((data[k] as number) - (mean[k] as number));
        }
      });
    },
    weights: () => means.map((mean) => mean.slice()),
    state: () => ({ updates, means: means.map((mean) => mean.slice()) }),
    put,
    within(body) {
      const weights = parameters.map(({ data }) => data);
      try {
        put(means);
        return body();
      } finally {
        put(weights);
      }
    },
  };
}
