/** A model with weights of its own, that begin as another's: what learns by them leaves those as they are. */

import type { Ops } from '../ops/ops.js';
import { zeros } from '../parameters/initializers.js';
import { Parameter, type Params } from '../parameters/parameter.js';
import { RandomKey } from '../parameters/random-key.js';
import { isList } from '../tensor.js';
import type { Trainable } from './forward.js';

/**
 * The model over weights of its own, which are copies of the model's at this moment. It runs as it does where it predicts: nothing is
 * dropped. Parameters that stand at two places are one there too.
 */
export function apart<S, X, Y>(model: Trainable<S, X, Y>): Trainable<S, X, Y> {
  const own = new Map<unknown, Parameter>();

  function copyOf(parameter: Parameter): Parameter {
    const known = own.get(parameter);
    if (known !== undefined) return known;
    const copy = new Parameter(parameter.shape, zeros(), { grows: parameter.grows });
    copy.name(parameter.path, undefined);
    copy.assign(parameter.data);
    own.set(parameter, copy);
    return copy;
  }

  const copiesOf = (params: Params): Params =>
    Object.fromEntries(
      Object.entries(params).map(([name, each]) => {
        if (each instanceof RandomKey) return [name, each];
        return [name, each instanceof Parameter ? copyOf(each) : copiesOf(each)];
      }),
    );

  /** Operands of primitives are tensors, or one list of them. */
  const instead = (operand: unknown): unknown =>
    isList(operand) ? operand.map(instead) : (own.get(operand) ?? operand);

  const over = <T extends object>(primitives: T): T =>
    Object.fromEntries(
      Object.entries(primitives).map(([name, each]) => {
        if (name === 'recurrences' && each !== undefined) return [name, over(each as object)];
        if (typeof each !== 'function') return [name, each];
        return [name, (...operands: readonly unknown[]) => each.apply(primitives, operands.map(instead))];
      }),
    ) as T;

  return {
    kind: model.kind,
    params: copiesOf(model.params),
    ...(model.initial && { initial: model.initial.bind(model) }),
    apply: (ops: Ops, carry: S, x: X) => model.apply({ ...over(ops), training: false }, carry, x),
  };
}
