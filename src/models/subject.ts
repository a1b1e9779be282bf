import type { Core } from '../layer.js';
import type { Layout } from './examples.js';

/** A core whatever its carry, input and output are. */
export type AnyCore = Core<unknown, unknown, unknown>;

/** A model, and its layers one by one: whoever looks for a mistake names the layer. */
export interface Subject {
  readonly core: Core<unknown>;
  readonly layers: readonly (readonly [name: string, layer: AnyCore])[];
  /** How examples are taken, where the user said so. */
  readonly input: Layout | undefined;
}

/** A layer as messages call it. */
export const labelOf = (name: string, { kind }: AnyCore): string => `layer "${name}" (${kind})`;

/**
 * The carry that a batch starts from: no lane remembers anything, but numbers, which belong to no lane, go on (dropout's
 * count of windows, from which the next mask follows).
 */
export function freshCarry<S>(core: { initial(batch: number): S }, lanes: number, numbers: unknown): S {
  const zero = core.initial(lanes);
  return numbers === undefined ? zero : (goOn(zero, numbers) as S);
}

function goOn(zero: unknown, kept: unknown): unknown {
  if (typeof zero === 'number') return typeof kept === 'number' ? kept : zero;
  if (typeof zero !== 'object' || zero === null || ArrayBuffer.isView(zero)) return zero;
  const from = (kept ?? {}) as Record<string, unknown>;
  if (Array.isArray(zero)) return zero.map((item, k) => goOn(item, from[k]));
  if ('shape' in zero && 'data' in zero) return zero;
  return Object.fromEntries(Object.entries(zero).map(([name, item]) => [name, goOn(item, from[name])]));
}

/** What of a carry belongs to no lane: the same records with nothing in the tensors' places. */
export function numbersOf(carry: unknown): unknown {
  if (typeof carry === 'number') return carry;
  if (typeof carry !== 'object' || carry === null || ('shape' in carry && 'data' in carry)) return null;
  if (Array.isArray(carry)) return carry.map(numbersOf);
  return Object.fromEntries(Object.entries(carry).map(([name, item]) => [name, numbersOf(item)]));
}
