import { described } from '../../description.js';
import type { Optimizer, Preparation } from './optimizer.js';

/**
 * An optimizer that sees the gradient as the parts before it leave it, first to last.
 *
 * w ← optimizer(pₙ(… p₂(p₁(g))))
 *
 * All of it stays within the update of all parameters at once: clipping by the global norm alone adds no cost,
 * each further norm a fork, and the rest a pass over each block while it lies in the first-level cache.
 *
 * Source: the composition of gradient transformations, as Optax has it (DeepMind, 2020).
 *
 * @param parts what is done to the gradient, first to last, and the optimizer at the end.
 * @returns the optimizer, with these parts before its own.
 * @throws TypeError where the last part is no optimizer, or an earlier one is.
 * @example
 * chain(clipByGlobalNorm(5), adam(1e-3))
 * chain(weightDecay(1e-4), clipByValue(1), momentum(0.1)) // clips what decay and loss come to
 */
export function chain(...parts: readonly [...Preparation[], Optimizer]): Optimizer {
  const last = parts.at(-1);
  if (last === undefined || !('rule' in last)) {
    throw new TypeError('chain: the last part moves the weights, as adam(1e-3) does; put an optimizer there.');
  }
  const preparations = parts.slice(0, -1).map((part) => {
    if ('rule' in part)
      throw new TypeError(`chain: ${part.kind} moves the weights, so it comes last and there is one.`);
    return part;
  });
  return described({ ...last, preparations: [...preparations, ...(last.preparations ?? [])] }, 'chain', [...parts]);
}
