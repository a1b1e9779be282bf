import { requireCount } from '../checks.js';
import { described } from '../description.js';
import { type Layer, layer, type NoCarry, noCarry } from '../layer.js';
import { checkedOptions } from '../options.js';
import { normal } from '../parameters/initializers.js';
import { type Initializer, type Parameter, parameter } from '../parameters/parameter.js';
import type { Ids, Tensor } from '../tensor.js';
import { rowDropper } from './drop.js';

/** The table of vectors, `[V, E]`. */
export type EmbeddingParams = { readonly table: Parameter };

/** Options of {@link embedding}. */
export interface EmbeddingOptions {
  /** Draws the first weights, unless a model around it has a seed. */
  readonly seed?: number;
  /** Whether the table may grow by rows, `params.table.grow(0, symbols)`; default false. */
  readonly grows?: boolean;
  /**
   * The share of the symbols that is dropped in each window that is learnt from, each wherever it stands: its vector is 0 there, and the others are
   * divided by 1 − rate (Gal and Ghahramani, A theoretically grounded application of dropout in recurrent neural networks,
   * 2016). Default 0.
   */
  readonly dropout?: number;
  /** Default: `table` normal with deviation 1. */
  readonly initializers?: { readonly table?: Initializer };
}

/**
 * A vector for each symbol.
 *
 * Equation: `y_t = table[x_t]`, row x_t of the table.
 * Source: the lecture's embedding layer; Bengio et al., A neural probabilistic language model (2003).
 *
 * Shapes: `x: [T, B]` (ids) `→ y: [T, B, E]`, parameter `table [V, E]`. No carry.
 *
 * @param symbols ids that there are, V.
 * @param features features of each symbol, E.
 * @param options whether it grows, the first vectors and their seed.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws TypeError where x holds no ids, or an option is not known.
 * @throws RangeError where a size is not a whole number above 0, or an id is outside 0 … V−1.
 * @example
 * ids$.pipe(embedding(65, 64, { seed: 1 }), lstm(64, 128))
 */
export function embedding(
  symbols: number,
  features: number,
  options: EmbeddingOptions = {},
): Layer<NoCarry, Ids, Tensor, EmbeddingParams> {
  requireCount('embedding', 'symbols', symbols);
  requireCount('embedding', 'features', features);
  const {
    seed,
    grows,
    dropout = 0,
    initializers,
  } = checkedOptions('embedding', options, {
    seed: true,
    grows: 'boolean',
    dropout: true,
    initializers: { table: true },
  });
  const table = parameter([symbols, features], initializers?.table ?? normal(1), { grows: grows ? [0] : [] });
  const drop = rowDropper(dropout, 'embedding');
  return described(
    layer<NoCarry, Ids, Tensor, EmbeddingParams>(
      {
        kind: 'embedding',
        outputs: features,
        params: { table, ...drop.params },
        initial: () => noCarry,
        apply: (ops, carry, x) => [drop.apply(ops, ops.gather(table, x), x, table.shape[0] as number), carry],
      },
      seed,
    ),
    'embedding',
    [symbols, features, options],
  );
}
