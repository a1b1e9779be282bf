import { requireCount, requireKind, requireNumber, shown } from '../checks.js';
import { checkedOptions, type Names } from '../options.js';
import { generator, type RandomGenerator } from '../random.js';
import { largestLogit, placeOfLargest } from './logits.js';

/** How a symbol is chosen from what a model predicts. */
export interface SamplingOptions {
  /** Divides the logits: below 1 bolder than the model, above 1 more varied. Default 1. */
  readonly temperature?: number;
  /** Only the k most probable symbols. Default all. */
  readonly topK?: number;
  /** Only the fewest most probable symbols that have this probability together. Default 1, all. */
  readonly topP?: number;
  /** Only symbols at least so probable as this share of the most probable one's probability. Default 0, all. */
  readonly minP?: number;
  /** Always the most probable symbol; the other options then have no effect. Default false. */
  readonly greedy?: boolean;
  /** Seed of the draws. Default 0. */
  readonly seed?: number;
}

/** Those of whatever samples. */
export const samplingNames: Names<SamplingOptions> = {
  temperature: true,
  topK: true,
  topP: true,
  minP: true,
  greedy: 'boolean',
  seed: true,
};

/** Chooses a symbol's id from logits over all of them. */
export type Sampler = (logits: ArrayLike<number>) => number;

/** @throws RangeError where an option is impossible. */
export function checkSampling(
  operation: string,
  { temperature = 1, topK = 1, topP = 1, minP = 0 }: SamplingOptions,
): void {
  if (!(typeof temperature === 'number' && temperature > 0 && temperature < Number.POSITIVE_INFINITY)) {
    throw new RangeError(
      `${operation}: temperature is a number above 0, not ${shown(temperature)}; for the most probable symbol choose ` +
        '{ greedy: true }.',
    );
  }
  if (topK !== Number.POSITIVE_INFINITY) requireCount(operation, 'topK', topK);
  requireNumber(operation, 'topP', topP, 'a probability above 0 and at most 1', (p) => p > 0 && p <= 1);
  requireNumber(operation, 'minP', minP, 'a share from 0 to 1 of the largest probability', (p) => p >= 0 && p <= 1);
}

/** `softmax(logits / temperature)` in float64. */
function softmax(operation: string, logits: ArrayLike<number>, temperature: number): Float64Array {
  const scaled = Float64Array.from(logits);
  const max = largestLogit(operation, scaled);
  for (let v = 0; v < scaled.length; v += 1) scaled[v] = Math.exp(((scaled[v] as number) - max) / temperature);
  return normalise(scaled);
}

function normalise(weights: Float64Array): Float64Array {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

/** Keeps the given symbols only, and scales their probabilities to a sum of 1. */
function keepOnly(probabilities: Float64Array, kept: ArrayLike<number>): Float64Array {
  const chosen = new Float64Array(probabilities.length);
  for (let k = 0; k < kept.length; k += 1) chosen[kept[k] as number] = probabilities[kept[k] as number] as number;
  return normalise(chosen);
}

/** Ids from the most to the least probable; of equal ones the lower id comes first. */
function ranked(probabilities: Float64Array): Int32Array {
  return Int32Array.from(probabilities.keys()).sort(
    (a, b) => (probabilities[b] as number) - (probabilities[a] as number) || a - b,
  );
}

/**
 * The distribution that is drawn from: softmax at a temperature, cut to the k most probable symbols, of these to the
 * nucleus, and of these to those that are not far less probable than the first.
 *
 * `p = softmax(logits / temperature)`; top-k: Fan, Lewis and Dauphin (2018), §3.1; nucleus: Holtzman et al. (2020), §3.1,
 * the smallest set of the most probable symbols whose probabilities add up to at least `topP`; min-p: Nguyen et al. (2024), §3,
 * the symbols with `p ≥ minP · max p`.
 *
 * @param logits one for each of V symbols.
 * @param options temperature, top-k, nucleus, or greedy.
 * @returns V probabilities, whose sum is 1.
 * @throws TypeError where an option is not known.
 * @throws RangeError where an option is impossible, or the largest logit is no finite number.
 * @example
 * distribution([2, 1, 0], { topK: 2 }); // [0.73, 0.27, 0]
 */
export function distribution(logits: ArrayLike<number>, options: SamplingOptions = {}): Float64Array {
  const checked = checkedOptions('distribution', options, samplingNames);
  const fits = Array.isArray(logits) || ArrayBuffer.isView(logits);
  requireKind('distribution', fits, 'a row of logits', logits, 'give an array of numbers');
  checkSampling('distribution', checked);
  return distributionOf('distribution', logits, checked);
}

/** What {@link distribution} gives, of options that are known to be right. */
function distributionOf(operation: string, logits: ArrayLike<number>, options: SamplingOptions): Float64Array {
  const { temperature = 1, topK = Number.POSITIVE_INFINITY, topP = 1, minP = 0, greedy = false } = options;
  const all = softmax(operation, logits, temperature);
  if (greedy) return keepOnly(all, [placeOfLargest(operation, logits)]);
  const few = topK < all.length ? keepOnly(all, ranked(all).subarray(0, topK)) : all;
  const nucleus = topP < 1 ? keepOnly(few, nucleusOf(few, topP)) : few;
  if (minP === 0) return nucleus;
  const least = minP * nucleus.reduce((most, probability) => Math.max(most, probability), 0);
  return keepOnly(
    nucleus,
    Int32Array.from(nucleus.keys()).filter((id) => (nucleus[id] as number) >= least),
  );
}

/** The fewest most probable ids that have a probability together. */
function nucleusOf(probabilities: Float64Array, topP: number): Int32Array {
  const order = ranked(probabilities);
  let sum = 0;
  let size = 0;
  while (size < order.length && sum < topP) {
    sum += probabilities[order[size] as number] as number;
    size += 1;
  }
  return order.subarray(0, size);
}

/** The first id at which the probabilities of 0 … id add up to more than u; u is uniform in [0, 1). */
function drawAt(probabilities: Float64Array, u: number): number {
  let sum = 0;
  let last = 0;
  for (let id = 0; id < probabilities.length; id += 1) {
    const probability = probabilities[id] as number;
    if (probability === 0) continue;
    sum += probability;
    if (u < sum) return id;
    last = id;
  }
  // The sum may have been rounded to a little less than 1.
  return last;
}

/** The uniform numbers that a subscription's symbols are drawn by. */
export const drawsOf = ({ seed = 0 }: SamplingOptions): RandomGenerator => generator(seed, 'sampler');

/**
 * Chooses symbols by the given options, each call one draw of the generator (none where greedy).
 *
 * @param options temperature, top-k, nucleus, or greedy, and the seed.
 * @param random draws from there instead of from the seed.
 * @returns a function: the id that is drawn from logits.
 * @throws TypeError where an option is not known.
 * @throws RangeError where an option is impossible; when it is called, where the largest logit is no finite number.
 * @example
 * const choose = sampler({ temperature: 0.8, topK: 20, seed: 7 });
 * choose(Float32Array.of(2, 1, 0));
 */
export function sampler(options: SamplingOptions = {}, random?: RandomGenerator): Sampler {
  const checked = checkedOptions('sampler', options, samplingNames);
  checkSampling('sampler', checked);
  const draws = random ?? drawsOf(checked);
  if (checked.greedy) {
    return (logits) => {
      largestLogit('sampler', logits);
      return placeOfLargest('sampler', logits);
    };
  }
  return (logits) => drawAt(distributionOf('sampler', logits, checked), draws.uniform());
}
