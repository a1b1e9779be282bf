import { type Ids, type Layer, layer, type NoCarry, noCarry, tensor } from 'oxbow';

/**
 * Symbols as unit vectors: the rows of an identity matrix, which is no parameter and does not learn.
 *
 * Shapes: ids `[T, B]` → `[T, B, V]`.
 */
export function oneHot(symbols: number): Layer<NoCarry, Ids> {
  const identity = tensor(
    [symbols, symbols],
    Float32Array.from({ length: symbols * symbols }, (_, k) => (k % (symbols + 1) === 0 ? 1 : 0)),
  );
  return layer({
    kind: 'oneHot',
    outputs: symbols,
    params: {},
    initial: () => noCarry,
    apply: (ops, carry, x: Ids) => [ops.gather(identity, x), carry] as const,
  });
}
