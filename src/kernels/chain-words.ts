/**
 * The arguments of a chain's jobs, in bytes from the first. Rows within are those of steps, lane by lane, as wide as there are
 * tags; S stands for N made up to whole groups of eight. Read by both sides, as `jobs.ts` is.
 */

export const STEPS = 0;
export const BATCH = 4;
/** How many tags, N. */
export const COUNT = 8;
/** Scores `[T, B, N]`. */
export const X = 12;
export const TRANSITIONS = 16;
export const START = 20;
export const END = 24;
/** `[T, B]`; −1 after a lane's last. */
export const TAGS = 28;
/** Forwards the result, backwards its gradient, `[B]`. */
export const NATS = 32;
/** Of `chainPowers`: powers `[N, N]`, and the tops of their columns. */
export const POWERS = 36;
export const TOPS = 40;
/** The powers as a right operand, in panels; and transposed. */
export const INTO = 44;
export const OUT_OF = 48;
/** Kept of steps: f64 `[…, B, N]`, `[…, B, S]`, `[…, B, S]`, f64 `[…, B, N]`, `[…, B, N]`. */
export const LOGS = 52;
export const SHARES = 56;
export const SUMS = 60;
export const REACHED = 64;
export const BASES = 68;
/** Of each lane, `[B, S]`: how probable its tags are at the step that is looked at; and over their sums. */
export const LAST = 72;
export const SLOPES = 76;
/** f64 `[B]`. */
export const TOTALS = 80;
/** `[T, B, S]`, `[T, B, N]`, int32 `[T, B]`. */
export const WEIGHTS = 84;
export const RARE = 88;
export const FAR = 92;
/** Gradients of scores, transitions and, lane by lane, of the end. */
export const DX = 96;
export const D_TRANSITIONS = 100;
export const D_END = 104;
