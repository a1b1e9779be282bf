/** What of a carry belongs to no lane: numbers, such as dropout's count of windows, from which the next mask follows. */

/** A carry's tensors as they are in one carry, and its numbers as they are in another of the same model. */
export function withNumbersOf<S>(carry: S, other: unknown): S {
  return merged(carry, other) as S;
}

function merged(zero: unknown, kept: unknown): unknown {
  if (typeof zero === 'number') return typeof kept === 'number' ? kept : zero;
  if (typeof zero !== 'object' || zero === null || ArrayBuffer.isView(zero)) return zero;
  const from = (kept ?? {}) as Record<string, unknown>;
  if (Array.isArray(zero)) return zero.map((item, k) => merged(item, from[k]));
  if ('shape' in zero && 'data' in zero) return zero;
  return Object.fromEntries(Object.entries(zero).map(([name, item]) => [name, merged(item, from[name])]));
}

/** The numbers alone: the same records with nothing in the tensors' places. */
export function numbersOf(carry: unknown): unknown {
  if (typeof carry === 'number') return carry;
  if (typeof carry !== 'object' || carry === null || ('shape' in carry && 'data' in carry)) return null;
  if (Array.isArray(carry)) return carry.map(numbersOf);
  return Object.fromEntries(Object.entries(carry).map(([name, item]) => [name, numbersOf(item)]));
}
