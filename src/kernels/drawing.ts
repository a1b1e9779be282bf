/** How ids are drawn from rows of logits, as the kernel `sample` reads it: a row of words for each of them. */
import type { Machine } from './machine-type.js';

/** How an id is drawn; all have an effect, unless the most probable one is taken. */
export interface Drawing {
  readonly temperature: number;
  /** 0 for all. */
  readonly topK: number;
  readonly topP: number;
  /** 0 for all. */
  readonly minP: number;
  readonly greedy: boolean;
  /** Of what was said lately, see `writeRecent`; 1 for none. */
  readonly penalty: number;
  /** An id that is never drawn unless there is no other; −1 for none. */
  readonly never: number;
}

/** Bytes of a row's drawing. */
export const DRAWING_BYTES = 56;

/** Writes a row's drawing, with no recent ids, all ids allowed and a uniform number of 0. */
export function writeDrawing(
  { doubles, floats, ints }: Machine,
  address: number,
  { temperature, topK, topP, minP, greedy, penalty, never }: Drawing,
): void {
  doubles[address / 8] = 0;
  const word = address / 4;
  // Held within normal numbers: neither 0 · ∞ nor ∞ · 0 may arise.
  floats[word + 2] = Math.min(Math.max(1 / temperature, 2 ** -126), 2 ** 127);
  ints[word + 3] = topK;
  floats[word + 4] = Math.max(topP, 2 ** -126);
  floats[word + 5] = minP;
  ints[word + 6] = Number(greedy);
  floats[word + 7] = penalty;
  ints[word + 8] = 0;
  ints[word + 9] = 0;
  ints[word + 10] = never;
  ints[word + 11] = 0;
  ints[word + 12] = 0;
}

/** Writes the number in [0, 1) that a row's id is drawn by. */
export function writeUniform({ doubles }: Machine, address: number, uniform: number): void {
  doubles[address / 8] = uniform;
}

/** Writes where the ids lie that the penalty is for, and how many there are. */
export function writeRecent({ ints }: Machine, address: number, recent: number, count: number): void {
  ints[address / 4 + 8] = recent;
  ints[address / 4 + 9] = count;
}

/** Writes where the only ranges of ids lie that may be drawn, `[first, last]` in their order, and how many there are. */
export function writeAllowed({ ints }: Machine, address: number, ranges: number, count: number): void {
  ints[address / 4 + 11] = ranges;
  ints[address / 4 + 12] = count;
}
