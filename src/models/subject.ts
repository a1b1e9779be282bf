import type { Core } from '../layer.js';
import { withNumbersOf } from '../training/carry.js';
import type { Layout } from './examples.js';

/** A core whatever its carry, input and output are. */
export type AnyCore = Core<unknown, unknown, unknown>;

/** A model, and its layers one by one: whoever looks for a mistake names the layer. */
export interface Subject {
  readonly core: Core<unknown>;
  readonly layers: readonly (readonly [name: string, layer: AnyCore])[];
  /** How examples are taken, where the user said so. */
  readonly input: Layout | undefined;
  /** The id that fills up shorter sequences, where there is one. */
  readonly padding: number | undefined;
}

/** A layer as messages call it. */
export const labelOf = (name: string, { kind }: AnyCore): string => `layer "${name}" (${kind})`;

/**
 * The carry that a batch starts from: no lane remembers anything, but numbers, which belong to no lane, go on (dropout's
 * count of windows, from which the next mask follows).
 */
export function freshCarry<S>(core: { initial(batch: number): S }, lanes: number, numbers: unknown): S {
  const zero = core.initial(lanes);
  return numbers === undefined ? zero : withNumbersOf(zero, numbers);
}
