/** A model that never says the escape of an open vocabulary. */
import type { Core } from '../../layer.js';
import { type Ids, type Tensor, tensor } from '../../tensor.js';
import { ESCAPE } from '../open-vocabulary.js';

/** A logit of nothing that could be said, and a number still. */
const NEVER = -1e30;

const made = new WeakMap<object, Core<never, Ids, Tensor>>();

/**
 * The model over the same weights, but that the escape has no probability and the others have its share. The same one each time, so that
 * generations keep company.
 */
export function withoutEscape<S>(model: Core<S, Ids, Tensor>): Core<S, Ids, Tensor> {
  const before = made.get(model);
  if (before !== undefined) return before as unknown as Core<S, Ids, Tensor>;
  const own: Core<S, Ids, Tensor> = {
    kind: model.kind,
    params: model.params,
    initial: (batch) => model.initial(batch),
    apply(ops, carry, x) {
      const [logits, next] = model.apply(ops, carry, x);
      const symbols = logits.shape.at(-1) as number;
      const never = new Float32Array(symbols);
      never[ESCAPE] = NEVER;
      return [ops.add(logits, tensor([symbols], never)), next];
    },
  };
  made.set(model, own as unknown as Core<never, Ids, Tensor>);
  return own;
}
