import { type Core, type Layer, layer } from '../layer.js';
import { type CarryOf, type Children, chain } from '../stack.js';
import type { Tensor } from '../tensor.js';

/** The carry of stacked layers: `layer1`, `layer2` and so on. */
export type StackedCarry<L extends readonly unknown[], Below extends readonly unknown[] = []> = L extends readonly [
  infer First,
  ...infer Rest,
]
  ? { readonly [K in `layer${[...Below, First]['length'] & number}`]: CarryOf<First> } & StackedCarry<
      Rest,
      [...Below, First]
    >
  : L extends readonly []
    ? unknown
    : { readonly [K in `layer${number}`]: CarryOf<L[number]> };

/**
 * Layers of one kind on top of each other, by position: a `stack` whose names are `layer1`, `layer2` and so on.
 *
 * Equation: `y = layer_n(… layer_1(x))`.
 * Source: the lecture's stacked recurrent network.
 *
 * Shapes: `x: [T, B, I] → y: [T, B, H]`, H being the last layer's units. The carry: `{ layer1, layer2, … }`, each the
 * carry of its layer; the parameters likewise.
 *
 * @throws RangeError where a layer gives another number of features than the next one takes.
 * @example
 * const rnn = stacked([lstm(64, 128), lstm(128, 128)], { seed: 1 });
 * rnn.initial(1).layer2.c; // [1, 128]
 */
export function stacked<const L extends readonly Core<unknown>[]>(
  layers: L,
  { seed }: { readonly seed?: number } = {},
): Layer<StackedCarry<L>> {
  const children: Children = Object.fromEntries(layers.map((child, below) => [`layer${below + 1}`, child]));
  return layer(chain('stacked', children) as Core<StackedCarry<L>, Tensor, Tensor>, seed, '');
}
