import { hashText } from '../random.js';

/**
 * A place in a model whose random draws follow from the seed and from where it stands, as a parameter's first values do:
 * dropout's masks. It stands among a layer's parameters, and is named with them by the record that holds it, but has no
 * numbers of its own. `ops.draw` makes a key for `ops.bernoulli` of it.
 *
 * @example
 * const mask = new RandomKey();
 * layer({
 *   kind: 'noise',
 *   params: { mask },
 *   initial: () => noCarry,
 *   apply: (ops, carry, x: Tensor) => [ops.multiply(x, ops.bernoulli(x.shape, 0.9, ops.draw(mask))), carry],
 * });
 */
export class RandomKey {
  #seed = 0;
  #hash = hashText('0 ');

  /** Gives it its place, the path of the record that holds it, and a seed; without one the seed it has stays. */
  name(path: string, seed: number | undefined): void {
    this.#seed = seed ?? this.#seed;
    this.#hash = hashText(`${this.#seed} ${path}`);
  }

  /** 32 bits that follow from seed and place. */
  get hash(): number {
    return this.#hash;
  }
}
