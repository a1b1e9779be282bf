import { described } from '../description.js';
import { type Layer, layer, type NoCarry, noCarry } from '../layer.js';
import { type ActivationChoice, activationOf } from '../ops/activation-names.js';

/**
 * An activation as a layer of its own.
 *
 * Equation: `y = f(x)`.
 * Source: the lecture's activation functions.
 *
 * Shapes: `x: [T, B, F] → y: [T, B, F]`. No parameters, no carry.
 *
 * @param choice f, or its name.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws TypeError where there is no activation of that name.
 * @example
 * stack({ sums: dense(8, 16), bend: activation(activations.elu()), head: dense(16, 4) })
 */
export function activation(choice: ActivationChoice): Layer<NoCarry> {
  const f = activationOf('activation', choice);
  return described(
    layer({
      kind: 'activation',
      outputs: 'inputs',
      params: {},
      initial: () => noCarry,
      apply: (ops, carry: NoCarry, x) => [f(ops, x), carry],
    }),
    'activation',
    [choice],
  );
}
