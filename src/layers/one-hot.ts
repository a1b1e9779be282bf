import { requireCount } from '../checks.js';
import { described } from '../description.js';
import { type Layer, layer, type NoCarry, noCarry } from '../layer.js';
import type { Ids, Tensor } from '../tensor.js';

/**
 * A unit vector for each symbol.
 *
 * Equation: `y_t[v] = 1` where v = x_t, else 0.
 * Source: the lecture's one-hot input ("1-of-N encoding").
 *
 * Shapes: `x: [T, B]` (ids) `→ y: [T, B, V]`. No parameters, no carry. A layer that multiplies it by its weights only
 * looks up their rows.
 *
 * @param symbols ids that there are, V.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws TypeError where x holds no ids.
 * @throws RangeError where the number of symbols is not a whole number above 0, or an id is outside 0 … V−1.
 * @example
 * ids$.pipe(oneHot(65), simpleRnn(65, 128), dense(128, 65))
 */
export function oneHot(symbols: number): Layer<NoCarry, Ids> {
  requireCount('oneHot', 'symbols', symbols);
  return described(
    layer<NoCarry, Ids, Tensor>({
      kind: 'oneHot',
      outputs: symbols,
      params: {},
      initial: () => noCarry,
      apply: (ops, carry, x) => [ops.oneHot(x, symbols), carry],
    }),
    'oneHot',
    [symbols],
  );
}
