/**
 * The words of a span, in bytes from its start: the numbers of one parameter, what an optimizer keeps for them and
 * their gradient in a window. Spans lie one after another, two cache lines each. Read by both sides, as `jobs.ts` is.
 */

export const WEIGHTS = 0;
export const GRADIENT = 4;
/** How many numbers. */
export const SIZE = 8;
/** Numbers in a row. */
export const COLUMNS = 12;
/** The first of the items that are its blocks; the next span's is the end of them. */
export const FIRST = 16;
/** Which blocks the items are, in ascending order; 0 where they are all of them. */
export const BLOCKS = 20;
/** Which rows the gradient stores, one after another, in ascending order; 0 where it stores all of them. */
export const ROWS = 24;
export const STORED = 28;
/** What the rule multiplies the gradient by (f32). */
export const SCALE = 32;
/** 4 for a bias, else 0; next to `SCALE`, as rules read both. */
export const BIAS = 36;
/** The weights that the gradient was taken at, which weight decay adds to it: those that are moved, or a copy of them. */
export const TAKEN_AT = 40;
/** Addresses of what the optimizer keeps, then of the window's own arrays that the rule takes. */
export const SLOTS = 44;
export const MOST_SLOTS = 12;
export const SPAN_BYTES = 128;

/** A stage, in bytes: which, and its number for weights and for biases (f32). */
export const STAGE_BYTES = 12;
