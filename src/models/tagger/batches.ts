/** Batches of utterances of like lengths, in random order. */
import type { RandomGenerator } from '../../random.js';
import type { TaggedUtterance } from './encoding.js';

/** Batches within which utterances are put in order of length, so that those of a batch hardly need padding. */
const POOL = 40;

/** All utterances in random order, a few batches' worth at a time put in order of length and cut. */
export function batchesOf(
  utterances: readonly TaggedUtterance[],
  size: number,
  random: RandomGenerator,
): readonly (readonly TaggedUtterance[])[] {
  const order = shuffled(utterances, random);
  const batches: (readonly TaggedUtterance[])[] = [];
  for (let from = 0; from < order.length; from += size * POOL) {
    const pool = order.slice(from, from + size * POOL).sort((a, b) => a.words.length - b.words.length);
    for (let k = 0; k < pool.length; k += size) batches.push(pool.slice(k, k + size));
  }
  return shuffled(batches, random);
}

/** Fisher and Yates. */
function shuffled<T>(items: readonly T[], random: RandomGenerator): T[] {
  const order = [...items];
  for (let k = order.length - 1; k > 0; k -= 1) {
    const other = random.below(k + 1);
    [order[k], order[other]] = [order[other] as T, order[k] as T];
  }
  return order;
}
