import { requireKind, requireTensor } from '../checks.js';
import { isList, sameShape, showShape, type Tensor } from '../tensor.js';
import { rule as kind } from './operands.js';
import type { CustomVjp, Ops } from './ops.js';

/**
 * A function of tensors with a derivative of one's own, to be used in the `apply` of a layer or the `step` of a cell, in
 * place of the derivative that follows from what it is composed of: where that is unstable, costs too much, or should be
 * another (a straight-through estimator, a gradient that is reversed).
 *
 * Equation: forwards `y = f(x₁ … xₙ)`, backwards `x̄ᵢ = ȳᵀ · ∂y/∂xᵢ` as `backward` gives it.
 * Source: the reverse mode of automatic differentiation; JAX's `custom_vjp` does the same.
 *
 * Both run in the Ops of the window, so they work on the kernels, in float64 as the oracle and in steps of a stream. They
 * see neither masks nor whether something is learnt: hand in what they need.
 *
 * @param rule what it computes, and how its gradient goes back.
 * @returns the function, which takes the Ops at hand and the operands.
 * @throws TypeError where the rule is none.
 * @throws RangeError (as gradients are taken) where a gradient has not the shape of its operand.
 * @example
 * // Rounds, and lets the gradient through as if it had not.
 * const rounded = customVjp({
 *   kind: 'rounded',
 *   forward: (ops, x) => ops.add(ops.relu(ops.affine(x, 1, 0.5)), ops.fill(x.shape, 0)),
 *   backward: (_, gradient) => [gradient],
 * });
 * layer({ kind: 'rounded', params: {}, initial: () => noCarry, apply: (ops, carry, x: Tensor) => [rounded(ops, x), carry] });
 */
export function customVjp(rule: CustomVjp): (ops: Ops, ...operands: readonly Tensor[]) => Tensor {
  requireKind('customVjp', kind.fits(rule), kind.takes, rule, kind.remedy);
  return (ops, ...operands) => ops.custom(operands, rule);
}

/** The gradients of a rule. @throws RangeError where one has not the shape of its operand. */
export function customGradients(
  ops: Ops,
  rule: CustomVjp,
  gradient: Tensor,
  operands: readonly Tensor[],
  y: Tensor,
  needs: readonly boolean[],
): readonly (Tensor | undefined)[] {
  const gradients = rule.backward(ops, gradient, operands, y, needs);
  requireKind(
    rule.kind,
    isList(gradients),
    'a list of gradients from backward',
    gradients,
    'return one for each operand',
  );
  operands.forEach((operand, k) => {
    const given = gradients[k];
    if (!needs[k] || given === undefined) return;
    requireTensor(rule.kind, given, 'a tensor or undefined for each operand from backward', 'return its gradient');
    if (sameShape(given.shape, operand.shape)) return;
    throw new RangeError(
      `${rule.kind}: backward gave a gradient ${showShape(given.shape)} for operand ${k}, which is ` +
        `${showShape(operand.shape)}; a gradient has its operand's shape.`,
    );
  });
  return gradients;
}
