/** The gated delta rule, and its derivative: all T steps at once, shared out by groups of columns, there, and by heads, back. */
import { fork } from './fork.js';
import type { Machine } from './machine-type.js';

interface Sizes {
  readonly steps: number;
  /** Of all lanes. */
  readonly heads: number;
  readonly keys: number;
  readonly values: number;
}

/** Where the operands lie. */
export interface DeltaRule extends Sizes {
  readonly state: number;
  readonly q: number;
  readonly k: number;
  readonly v: number;
  readonly decay: number;
  readonly rate: number;
}

/** Where gradients lie, of y and of the last state, and go. */
export interface DeltaRuleGradients {
  readonly dy: number;
  readonly dLast: number;
  readonly dState: number;
  readonly dq: number;
  readonly dk: number;
  readonly dv: number;
  readonly dDecay: number;
  readonly dRate: number;
}

/** Columns of a memory that a thread takes at a time. */
const COLUMNS = 16;

/** Multiply-adds that a thread takes at a time, at least. */
const GRAIN = 50_000;

const groupsOf = ({ values }: Sizes) => Math.ceil(values / COLUMNS);

/** Steps between memories that the way back keeps: it works out those in between again, as many at once as are kept. */
const spacingOf = ({ steps }: Sizes) => Math.ceil(Math.sqrt(steps));

/** Numbers of working memory that a member needs: a group of columns, and what is found, written, taken and given of it. */
const scratchOf = ({ keys }: Sizes) => COLUMNS * (keys + 4);

/**
 * The same for the derivative: memories that are kept and those between two of them, one more for their gradient; of each step
 * between what was found and written; of one group a value, a gradient, two slopes and sums; and
 * sums of eight a key, for two gradients.
 */
function adjointScratchOf(sizes: Sizes): number {
  const [memory, spacing] = [COLUMNS * groupsOf(sizes) * sizes.keys, spacingOf(sizes)];
  const kept = Math.ceil(sizes.steps / spacing);
  return (kept + spacing + 2) * memory + 2 * spacing * COLUMNS * groupsOf(sizes) + COLUMNS * (5 + sizes.keys);
}

/** Numbers of working memory for all members. */
export const deltaRuleScratch = (machine: Machine, sizes: Sizes): number => machine.threads * scratchOf(sizes);

/** The same for the derivative. */
export const deltaRuleAdjointScratch = (machine: Machine, sizes: Sizes): number =>
  machine.threads * adjointScratchOf(sizes);

/** y_t = S_tᵀ q_t and the last S. */
export function deltaRule(
  machine: Machine,
  of: DeltaRule,
  results: { readonly y: number; readonly last: number },
  scratch: number,
): void {
  const work = 3 * of.steps * of.keys * COLUMNS;
  const values = { ...of, ...results, scratch, scratchBytes: 4 * scratchOf(of) };
  fork(machine, 'deltaRule', values, of.heads * groupsOf(of), Math.ceil(GRAIN / work));
}

/** Gradients of all operands. */
export function deltaRuleAdjoint(
  machine: Machine,
  of: DeltaRule,
  gradients: DeltaRuleGradients,
  scratch: number,
): void {
  const work = 13 * of.steps * of.keys * of.values;
  const values = { ...of, ...gradients, spacing: spacingOf(of), scratch, scratchBytes: 4 * adjointScratchOf(of) };
  fork(machine, 'deltaRuleAdjoint', values, of.heads, Math.ceil(GRAIN / work));
}
