/** How surprising lines were lately, so that the next one can be held against them. */
import { isRecord } from '../../checks.js';
import { isTensor, type Tensor, tensor } from '../../tensor.js';
import { recipe } from './recipe.js';

/** As it is kept with a run. */
export interface DistributionData {
  /** Scores of the latest lines, in their order, `[n]`. */
  readonly scores: Tensor;
  /** Lines that were scored so far. */
  readonly lines: number;
}

/** Where a score stands. */
export interface Standing {
  /** The share of remembered lines that were less surprising, 0 to 1; undefined before there were enough of them. */
  readonly rank: number | undefined;
  /** Deviations above the median: (x − median) / (1.4826 · MAD), as far as that is known. */
  readonly deviations: number | undefined;
}

export interface Distribution {
  readonly lines: number;
  /** Where a score stands among those before it; then it is one of them. */
  add(score: number): Standing;
  data(): DistributionData;
}

/** Of a normal distribution the median of deviations is so much of its standard deviation. */
const NORMAL = 1.4826;
/** Bits a symbol: lines that are all alike are no reason to find strange what differs by less. */
const LEAST_DEVIATION = 0.02;

/** Of sorted values, how many are below a value. */
function below(sorted: readonly number[], value: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

const medianOf = (sorted: readonly number[]): number => sorted[sorted.length >> 1] as number;

function deviationOf(sorted: readonly number[]): number {
  const median = medianOf(sorted);
  return Math.max(
    LEAST_DEVIATION,
    NORMAL * medianOf(sorted.map((each) => Math.abs(each - median)).sort((a, b) => a - b)),
  );
}

/**
 * Scores of the latter half of all lines, and at most of the last `recipe.remembered`: the model learns quickly at first, and what was
 * surprising then says nothing of now.
 */
export function distribution(from?: DistributionData): Distribution {
  const latest: number[] = [...(from?.scores.data ?? [])];
  const sorted = [...latest].sort((a, b) => a - b);
  let lines = from?.lines ?? 0;
  let deviation: { readonly at: number; readonly value: number } | undefined;

  function standing(score: number): Standing {
    if (lines < recipe.grace || sorted.length === 0) return { rank: undefined, deviations: undefined };
    // The spread of some thousand lines is hardly another one after a few more.
    if (deviation === undefined || lines - deviation.at >= 32) deviation = { at: lines, value: deviationOf(sorted) };
    return { rank: below(sorted, score) / sorted.length, deviations: (score - medianOf(sorted)) / deviation.value };
  }

  return {
    get lines() {
      return lines;
    },
    add(given) {
      // As it is kept.
      const score = Math.fround(given);
      const found = standing(score);
      lines += 1;
      latest.push(score);
      sorted.splice(below(sorted, score), 0, score);
      const most = Math.min(recipe.remembered, Math.max(recipe.grace, lines >> 1));
      while (latest.length > most) sorted.splice(below(sorted, latest.shift() as number), 1);
      return found;
    },
    data: () => ({ scores: tensor([latest.length], latest), lines }),
  };
}

/** What a run has kept, where it is sound. */
export function distributionFrom(data: unknown): Distribution {
  const { scores, lines } = (isRecord(data) ? data : {}) as Partial<DistributionData>;
  const isSound =
    isTensor(scores) &&
    scores.data.length <= recipe.remembered &&
    scores.data.every((score) => Number.isFinite(score)) &&
    Number.isSafeInteger(lines) &&
    (lines as number) >= scores.data.length;
  return distribution(isSound ? { scores, lines: lines as number } : undefined);
}
