import { outcome } from '../carry.js';
import { requireKind } from '../checks.js';
import { described } from '../description.js';
import { type Core, type Layer, layer, noCarry } from '../layer.js';
import { type DropoutForm, dropout as dropoutLayer } from '../layers/dropout.js';
import type { Ops } from '../ops/ops.js';
import { checkedOptions, type Names } from '../options.js';
import { type CarryOf, type Children, opsAfter, stackCore } from '../stack.js';
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

/** Options of {@link stacked}. */
export interface StackedOptions {
  /** Draws the first weights, unless a model around it has a seed. */
  readonly seed?: number;
  /** Dropout between the layers, not before the first nor after the last: its rate, or that and its form. Default none. */
  readonly dropout?: number | (DropoutForm & { readonly rate: number });
  /** Whether what enters a layer is added to what it gives, around each layer that gives as many features as it takes. */
  readonly residual?: boolean;
}

/**
 * Layers of one kind on top of each other, by position: a `stack` whose names are `layer1`, `layer2` and so on.
 *
 * Equation: `y = layer_n(… layer_1(x))`; with dropout `layer_2(drop_1(layer_1(x)))`; with residual links
 * `a_l = a_{l−1} + layer_l(drop_{l−1}(a_{l−1}))`, the link passing dropout by.
 * Source: the lecture's stacked recurrent network; dropout between layers as in Zaremba, Sutskever and Vinyals (2014) and
 * PyTorch; residual links as in Wu et al., Google's neural machine translation system (2016), §3.1.
 *
 * Shapes: `x: [T, B, I] → y: [T, B, H]`, H being the last layer's units. The carry: `{ layer1, layer2, … }`, each the
 * carry of its layer; the parameters likewise.
 *
 * @param layers from the lowest to the highest.
 * @param options the seed, dropout between the layers, and residual links.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws RangeError where a layer gives another number of features than the next one takes, the rate is not in [0, 1), or
 * residual links are wanted and no layer gives as many features as it takes.
 * @throws TypeError where there is no layer, or an option is not known or none of its values.
 * @example
 * const rnn = stacked([lstm(64, 128), lstm(128, 128)], { seed: 1, dropout: 0.5, residual: true });
 * rnn.initial(1).layer2.c; // [1, 128]
 */
export function stacked<const L extends readonly Core<unknown>[]>(
  layers: L,
  options: StackedOptions = {},
): Layer<StackedCarry<L>> {
  type Carry = StackedCarry<L>;
  const names: Names<StackedOptions> = { seed: true, dropout: true, residual: 'boolean' };
  const { seed, dropout, residual = false } = checkedOptions('stacked', options, names);
  requireKind('stacked', Array.isArray(layers), 'a list of layers', layers, 'give the lowest one first');
  const children: Children = Object.fromEntries(layers.map((child, below) => [`layer${below + 1}`, child]));
  const whole = stackCore('stacked', children) as Core<unknown> as Core<Carry>;
  if (dropout === undefined && !residual) return described(layer(whole, seed, ''), 'stacked', [layers, options]);

  const { rate, ...form } =
    typeof dropout === 'object'
      ? checkedOptions('stacked', dropout, { rate: true, mask: true, scaling: true }, 'dropout.')
      : { rate: dropout ?? 0 };
  const drops = dropout === undefined ? [] : layers.slice(1).map(() => dropoutLayer(rate, form));
  const linked = layers.map(({ inputs, outputs }) => residual && inputs !== undefined && inputs === outputs);
  if (residual && !linked.includes(true)) {
    throw new RangeError(
      'stacked: residual links go around layers that give as many features as they take, and here there is none; ' +
        'make two layers equally wide, or leave residual out.',
    );
  }

  function level(
    ops: Ops,
    at: number,
    carry: Record<string, unknown>,
    next: Record<string, unknown>,
    x: Tensor,
  ): Tensor {
    const drop = drops[at - 1];
    let inner = x;
    if (drop !== undefined) [inner] = drop.apply(ops, noCarry, x);
    const [layer, before] = [layers[at] as Core<unknown>, carry[`layer${at + 1}`]];
    const [y, after] = outcome(layer.kind, before, layer.apply(ops, before, inner));
    next[`layer${at + 1}`] = after;
    return linked[at] ? ops.add(y, x) : y;
  }

  const core: Core<Carry> = {
    ...whole,
    params: {
      ...whole.params,
      ...Object.fromEntries(drops.map((drop, below) => [`drop${below + 1}`, drop.params])),
    },
    apply(ops, carry, x) {
      const next: Record<string, unknown> = {};
      let inner = ops;
      const y = layers.reduce((signal, child, at) => {
        const above = level(inner, at, carry as Record<string, unknown>, next, signal);
        inner = opsAfter(inner, child, signal, above);
        return above;
      }, x);
      return [y, next as Carry];
    },
  };
  return described(layer(core, seed, ''), 'stacked', [layers, options]);
}
