/** Attention: the shape rules that all Ops share, and the definition in plain float64. */
import { mix32 } from '../random.js';
import { sameShape, showShape, type Tensor } from '../tensor.js';

/** How queries, keys and values meet. */
export interface AttentionForm {
  /** Heads that the features are cut into, side by side. */
  readonly heads: number;
  /** Whether a query sees its own step and earlier ones alone, of a past no more steps than it has room for. */
  readonly causal?: boolean;
  /**
   * Weights that are set to 0 at random, the others divided by the share `keep` (above 0, below 1) that stays. The draw of
   * a weight is that of `bernoulli`, its number ((lane · heads + head) · queries + query) · (M + keys) + place of the key.
   */
  readonly drop?: { readonly keep: number; readonly key: number } | undefined;
}

/** What the loops over an attention's operands count by. */
export interface AttentionSizes {
  readonly queries: number;
  readonly keys: number;
  readonly lanes: number;
  readonly features: number;
  readonly heads: number;
  /** Steps that the past has room for. */
  readonly before: number;
  readonly causal: boolean;
  readonly drop: AttentionForm['drop'];
}

/**
 * Sizes of an attention's operands.
 *
 * @throws RangeError where they do not fit together.
 */
export function attentionSizes(
  parts: readonly Tensor[],
  { heads, causal = false, drop }: AttentionForm,
  mask?: Tensor,
  known?: Tensor,
): AttentionSizes {
  const [q, k, v, pastKeys, pastValues] = parts;
  const [queries = 0, lanes = 0, features = 0] = q?.shape ?? [];
  const [keys = 0] = k?.shape ?? [];
  const [, before = 0] = pastKeys?.shape ?? [];
  const past = [lanes, before, features];
  const fits =
    (parts.length === 3 || parts.length === 5) &&
    q?.shape.length === 3 &&
    sameShape(k?.shape ?? [], [keys, lanes, features]) &&
    sameShape(v?.shape ?? [], [keys, lanes, features]) &&
    (parts.length === 3 || (sameShape(pastKeys?.shape ?? [], past) && sameShape(pastValues?.shape ?? [], past)));
  if (!fits) {
    throw new RangeError(
      `attention: queries, keys and values are [T, B, D], keys and values of as many steps, and those of the past ` +
        `[B, M, D]; but got ${parts.map(({ shape }) => showShape(shape)).join(', ')}.`,
    );
  }
  if (!Number.isInteger(heads) || heads < 1 || features % heads !== 0) {
    throw new RangeError(
      `attention: ${features} features cannot be cut into ${heads} heads of as many; choose others.`,
    );
  }
  if (causal && queries !== keys) {
    throw new RangeError(
      `attention: causal attention has a query a key, but got ${queries} queries and ${keys} keys; ` +
        'attend to another sequence without it.',
    );
  }
  if (mask !== undefined && !sameShape(mask.shape, [keys, lanes])) {
    throw new RangeError(`attention: the mask of ${showShape([keys, lanes])} keys is not ${showShape(mask.shape)}.`);
  }
  if (parts.length === 5 && (!causal || known === undefined || !sameShape(known.shape, [lanes]))) {
    throw new RangeError(
      `attention: a past needs causal attention and the number of its steps in each lane, [${lanes}], ` +
        `but got ${known === undefined ? 'none' : showShape(known.shape)}.`,
    );
  }
  if (drop !== undefined && !(drop.keep > 0 && drop.keep < 1)) {
    throw new RangeError(`attention: the share of weights that stays is above 0 and below 1, not ${drop.keep}.`);
  }
  return { queries, keys, lanes, features, heads, before, causal, drop };
}

type Numbers = ArrayLike<number>;

interface Operands extends AttentionSizes {
  readonly parts: readonly Numbers[];
  readonly mask: Numbers | undefined;
  readonly known: Numbers | undefined;
}

/** Where a key's numbers are: which of the parts (1 or 3 for keys, one more for values), and from which element on. */
interface Seen {
  readonly past: boolean;
  readonly at: number;
  /** What its weight is multiplied by: 1, where none are dropped. */
  readonly kept: number;
}

/** Calls `visit` for each query of each head, with the keys that it sees. */
function eachQuery(o: Operands, visit: (at: number, width: number, seen: readonly Seen[]) => void): void {
  const { queries, keys, lanes, features, heads, before, causal, mask, known, drop } = o;
  const width = features / heads;
  for (let b = 0; b < lanes; b += 1) {
    const from = before - Math.min(before, known?.[b] ?? 0);
    for (let h = 0; h < heads; h += 1) {
      for (let t = 0; t < queries; t += 1) {
        const seen: Seen[] = [];
        const number = ((b * heads + h) * queries + t) * (before + keys);
        const kept = (place: number) =>
          drop === undefined ? 1 : Number(mix32(drop.key + number + place) / 0x1_0000_0000 < drop.keep) / drop.keep;
        for (let place = Math.max(from, before > 0 ? t : 0); place < before; place += 1) {
          seen.push({ past: true, at: (b * before + place) * features + h * width, kept: kept(place) });
        }
        const first = before > 0 ? Math.max(0, t - before) : 0;
        for (let s = first; s <= (causal ? t : keys - 1); s += 1) {
          if (mask === undefined || mask[s * lanes + b] !== 0) {
            seen.push({ past: false, at: (s * lanes + b) * features + h * width, kept: kept(before + s) });
          }
        }
        visit((t * lanes + b) * features + h * width, width, seen);
      }
    }
  }
}

const dot = (a: Numbers, from: number, b: Numbers, other: number, width: number): number => {
  let sum = 0;
  for (let k = 0; k < width; k += 1) sum += (a[from + k] as number) * (b[other + k] as number);
  return sum;
};

/** The weights of the keys that a query sees. */
function weightsOf({ parts }: Operands, at: number, width: number, seen: readonly Seen[]): readonly number[] {
  const scores = seen.map(
    (key) => dot(parts[0] as Numbers, at, parts[key.past ? 3 : 1] as Numbers, key.at, width) / Math.sqrt(width),
  );
  const top = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - top));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

/** `softmax(q·kᵀ/√d)·v` of each head; 0 for a query that sees nothing. */
export function attend(o: Operands): Float64Array {
  const y = new Float64Array((o.parts[0] as Numbers).length);
  eachQuery(o, (at, width, seen) => {
    weightsOf(o, at, width, seen).forEach((weight, s) => {
      const key = seen[s] as Seen;
      const values = o.parts[key.past ? 4 : 2] as Numbers;
      const share = weight * key.kept;
      for (let k = 0; k < width; k += 1) y[at + k] = (y[at + k] as number) + share * (values[key.at + k] as number);
    });
  });
  return y;
}

/** The gradients of the parts from that of the result. */
export function attendAdjoint(o: Operands, gradient: Numbers): readonly Float64Array[] {
  const slopes = o.parts.map((part) => new Float64Array(part.length));
  const add = (part: number, at: number, factor: number, from: Numbers, other: number, width: number) => {
    const into = slopes[part] as Float64Array;
    for (let k = 0; k < width; k += 1) into[at + k] = (into[at + k] as number) + factor * (from[other + k] as number);
  };
  eachQuery(o, (at, width, seen) => {
    const weights = weightsOf(o, at, width, seen);
    const gains = seen.map((key) => key.kept * dot(gradient, at, o.parts[key.past ? 4 : 2] as Numbers, key.at, width));
    const mean = gains.reduce((sum, gain, s) => sum + gain * (weights[s] as number), 0);
    seen.forEach((key, s) => {
      const weight = weights[s] as number;
      const slope = (weight * ((gains[s] as number) - mean)) / Math.sqrt(width);
      const [keys, values] = key.past ? [3, 4] : [1, 2];
      add(0, at, slope, o.parts[keys] as Numbers, key.at, width);
      add(keys, key.at, slope, o.parts[0] as Numbers, at, width);
      add(values, key.at, weight * key.kept, gradient, at, width);
    });
  });
  return slopes;
}
