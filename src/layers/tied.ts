import { requireModel } from '../checks.js';
import { described } from '../description.js';
import { type Core, type Layer, layer, type NoCarry, noCarry } from '../layer.js';
import { checkedOptions } from '../options.js';
import { zeros } from '../parameters/initializers.js';
import { type Initializer, type Parameter, parameter } from '../parameters/parameter.js';
import { type Features, type Ids, showShape, type Tensor } from '../tensor.js';
import type { EmbeddingParams } from './embedding.js';

/** `b` unless it was left out; the table is the embedding's. */
export type TiedParams = { readonly b?: Parameter };

/** Options of {@link tied}. */
export interface TiedOptions {
  /** Draws the first bias, unless a model around it has a seed. */
  readonly seed?: number;
  /** Whether there is a bias; default true. */
  readonly bias?: boolean;
  /** Default: `b` zeros. */
  readonly initializers?: { readonly b?: Initializer };
}

/**
 * A head whose weights are the vectors of an embedding: the logit of a symbol is the product of what comes in and the symbol's vector.
 *
 * Equation: `y_t = x_t·tableᵀ + b`, table being the embedding's.
 * Source: Press and Wolf, Using the output embedding to improve language models (2017); Inan, Khosravi and Socher, Tying word
 * vectors and word classifiers (2017).
 *
 * Shapes: `x: [T, B, E] → y: [T, B, V]`, parameter `b [V]`. No carry. The table stands among the embedding's parameters alone, so the embedding
 * has to be part of the same model; it learns from both of its uses.
 *
 * @param embedding made by `embedding`, with as many features as come in. A deviation of `1 / √E` of its first vectors
 *   (`initializers: { table: initializers.normal(E ** -0.5) }`) begins with logits of about 1.
 * @param options the bias, its first numbers and their seed.
 * @returns the layer, for a `stack`.
 * @throws TypeError where the first argument is no embedding, or an option is not known.
 * @throws RangeError where x has other features.
 * @example
 * const embed = embedding(65, 128, { initializers: { table: initializers.normal(128 ** -0.5) } });
 * stack({ embed, rnn: lstm(128, 128), head: tied(embed) }, { seed: 42 })
 */
export function tied(
  embedding: Core<NoCarry, Ids, Tensor, EmbeddingParams>,
  options: TiedOptions = {},
): Layer<NoCarry, Features, Tensor, TiedParams> {
  requireModel('tied', embedding);
  const { table } = embedding.params;
  if (embedding.kind !== 'embedding' || table === undefined) {
    throw new TypeError(
      `tied: takes the weights of an embedding, but got ${embedding.kind}; give what embedding() has made.`,
    );
  }
  const names = { seed: true, bias: 'boolean', initializers: { b: true } } as const;
  const { seed, bias = true, initializers = {} } = checkedOptions('tied', options, names);
  const [symbols, features] = table.shape as readonly [number, number];
  const grows = table.grows.includes(0);
  const b = bias ? parameter([symbols], initializers.b ?? zeros(), { grows: grows ? [0] : [] }) : undefined;
  return described(
    layer(
      {
        kind: 'tied',
        inputs: features,
        // What follows cannot rely on a width that grows.
        outputs: grows ? undefined : symbols,
        params: b === undefined ? {} : { b },
        initial: () => noCarry,
        apply(ops, carry: NoCarry, x: Tensor) {
          if (x.shape.at(-1) !== features) {
            throw new RangeError(
              `tied: takes ${features} features, as the embedding gives, but got ${showShape(x.shape)}; ` +
                'make the signal as wide as the embedding.',
            );
          }
          const logits = ops.matmul(x, table, { b: true });
          return [b === undefined ? logits : ops.add(logits, b), carry];
        },
      },
      seed,
    ),
    'tied',
    [embedding, options],
  );
}
