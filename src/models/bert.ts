import { described } from '../description.js';
import { type Layer, layer, noCarry } from '../layer.js';
import { dense } from '../layers/dense.js';
import { dropout } from '../layers/dropout.js';
import { embedding } from '../layers/embedding.js';
import { learnedPositions, type PositionsCarry } from '../layers/positions.js';
import { encoder, type StackedBlocksOptions } from '../layers/transformer.js';
import { checkedOptions, type Names } from '../options.js';
import { normal } from '../parameters/initializers.js';
import type { Ids, Tensor } from '../tensor.js';
import { visible } from './visible.js';

/** The carry of {@link bert}, that of its positions; each window starts at position 0, so it stays as it is. */
export type BertCarry = PositionsCarry;

/** The options of {@link bert}. */
export interface BertOptions extends Pick<StackedBlocksOptions, 'hidden' | 'activation' | 'norm' | 'blocks'> {
  /**
   * The share that is set to 0 at random while learning: of embeddings with their positions, of attention's weights, and
   * of what each part of a block adds. Default 0.
   */
  readonly dropout?: number;
  /** Symbols, the mask among them. */
  readonly symbols: number;
  /** Steps of a window at most. */
  readonly length: number;
  readonly features: number;
  readonly heads: number;
  /** The id that fills up lanes that are shorter than the window: it is seen by none. Default: there is none. */
  readonly padding?: number;
  readonly seed?: number;
}

const names: Names<BertOptions> = {
  symbols: true,
  length: true,
  features: true,
  heads: true,
  blocks: true,
  hidden: true,
  activation: true,
  norm: true,
  dropout: true,
  padding: true,
  seed: true,
};

/**
 * A masked language model as BERT is: embedding, learned positions, blocks that see the whole window, logits of what stands
 * at each step. `maskSymbols` hides what it is to tell.
 *
 * Source: the lecture's BERT; Devlin et al., BERT: pre-training of deep bidirectional Transformers (2019). Its own form is
 * `norm: 'post'`, `activation: 'gelu'` (its code had `'geluTanh'` later) and a dropout of 0.1.
 *
 * Shapes: ids `[T, B]` → logits `[T, B, V]`, T ≤ length. Parameters `embed.table`, `positions.table`, `encoder.block1.…`, …,
 * `head.w`, `head.b`. Windows stand alone: the carry stays as it is.
 *
 * @param options symbols and sizes.
 * @returns a layer of ids `[T, B]` that gives logits `[T, B, V]`.
 * @throws TypeError where an option is not known.
 * @throws RangeError where sizes are impossible.
 * @example
 * const model = bert({ symbols: vocab.size + 1, length: 64, features: 128, heads: 4, blocks: 4, seed: 1 });
 * ids$.pipe(maskSymbols({ symbols: vocab.size }), tbptt(model, { loss: crossEntropy(), optimizer: adam(1e-3) }))
 */
export function bert(options: BertOptions): Layer<BertCarry, Ids> {
  const checked = checkedOptions('bert', options, names);
  const { symbols, length, features, heads, padding, dropout: rate = 0, seed } = checked;
  const embed = embedding(symbols, features, { initializers: { table: normal(0.02) } });
  const positions = learnedPositions(length, features, { restart: true });
  const { hidden, activation, norm, blocks } = checked;
  const blocksAbove = encoder(features, heads, {
    blocks,
    ...(hidden !== undefined && { hidden }),
    ...(activation && { activation }),
    ...(norm && { norm }),
    dropout: rate,
  });
  const drop = dropout(rate);
  const head = dense(features, symbols);
  const seen = visible(symbols, padding);
  return described(
    layer<BertCarry, Ids, Tensor>(
      {
        kind: 'bert',
        outputs: symbols,
        params: {
          embed: embed.params,
          positions: positions.params,
          drop: drop.params,
          encoder: blocksAbove.params,
          head: head.params,
        },
        initial: positions.initial,
        apply(ops, carry, symbolsIn) {
          const [embedded] = embed.apply(ops, noCarry, symbolsIn);
          const [placed, at] = positions.apply(ops, carry, embedded);
          const mask = seen?.(ops, symbolsIn);
          const [x] = drop.apply(ops, noCarry, placed);
          const [y] = blocksAbove.apply(ops, blocksAbove.initial(1), { x, mask });
          return [head.apply(ops, noCarry, y)[0], at];
        },
      },
      seed,
      '',
    ),
    'bert',
    [options],
  );
}
