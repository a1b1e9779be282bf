import { described } from '../description.js';
import { type Layer, layer, type NoCarry, noCarry } from '../layer.js';
import type { Ops } from '../ops/ops.js';
import { checkedOptions, type Names } from '../options.js';
import { isTensor, type Tensor } from '../tensor.js';
import {
  type AttentionCarry,
  type AttentionOptions,
  attentionInitializers,
  causalAttention,
  crossAttention,
  type MaskedKeys,
  selfAttention,
  type WithMemory,
} from './attention.js';
import { dropper } from './drop.js';
import { type FeedForwardOptions, feedForward, feedForwardInitializers } from './feed-forward.js';
import { layerNorm } from './layer-norm.js';

/** Options of {@link encoderBlock}, and of all other blocks. */
export interface BlockOptions {
  /** Draws the first weights, unless a model around it has a seed. */
  readonly seed?: number;
  /** Features between the two layers of the feed-forward network; default four times the block's. */
  readonly hidden?: number;
  /** Whether a part's input is normalised (`pre`), or its sum with that (`post`, as first published). Default `pre`. */
  readonly norm?: 'pre' | 'post';
  /** ε of the normalisation; default 1e-5. */
  readonly epsilon?: number;
  /** f of the feed-forward network; default ReLU. */
  readonly activation?: FeedForwardOptions['activation'];
  /**
   * The share that is set to 0 at random while learning, of what each part adds to the direct way, and of the attentions'
   * weights (unless `attention` has a `dropout` of its own). Default 0.
   */
  readonly dropout?: number;
  /** Biases, dropout and first weights of the attentions. */
  readonly attention?: Pick<AttentionOptions, 'bias' | 'dropout' | 'initializers'>;
  /** First weights of the feed-forward network. */
  readonly feedForward?: Pick<FeedForwardOptions, 'initializers'>;
}

export const blockNames: Names<BlockOptions> = {
  seed: true,
  hidden: true,
  norm: true,
  epsilon: true,
  activation: true,
  dropout: true,
  attention: { bias: 'boolean', dropout: true, initializers: attentionInitializers },
  feedForward: { initializers: feedForwardInitializers },
};
export const causalBlockNames: Names<CausalBlockOptions> = { context: true, ...blockNames };

/** Options of {@link causalBlock} and {@link decoderBlock}. */
export interface CausalBlockOptions extends BlockOptions {
  /** Steps that a step sees, itself included: at least 2. */
  readonly context: number;
}

/** The carry of a block's causal attention. */
export type BlockCarry = {
  readonly attention: AttentionCarry;
};

/** What a block of so many features and parts has besides its attention, and how its parts are joined. */
function joints(kind: string, features: number, count: number, options: BlockOptions) {
  const { hidden = 4 * features, norm = 'pre', epsilon, activation, dropout = 0 } = options;
  if (norm !== 'pre' && norm !== 'post') {
    throw new RangeError(`transformer: norm is 'pre' or 'post', not '${String(norm)}'.`);
  }
  const feed = feedForward(features, hidden, { ...options.feedForward, ...(activation && { activation }) });
  const places = Array.from({ length: count }, () => ({
    norm: layerNorm(features, epsilon === undefined ? {} : { epsilon }),
    drop: dropper(dropout, kind),
  }));
  return {
    attention: { dropout, ...options.attention },
    params: {
      feed: feed.params,
      ...Object.fromEntries(places.map((place, k) => [`norm${k + 1}`, place.norm.params])),
      ...Object.fromEntries(places.map((place, k) => [`drop${k + 1}`, place.drop.params])),
    },
    /** `x + f(norm x)`, or `norm(x + f x)`; part k's, counted from 0. */
    join(ops: Ops, k: number, x: Tensor, f: (x: Tensor) => Tensor): Tensor {
      const { norm: by, drop } = places[k] as (typeof places)[number];
      const normalise = (z: Tensor) => by.apply(ops, noCarry, z)[0];
      return norm === 'pre'
        ? ops.add(x, drop.apply(ops, f(normalise(x))))
        : normalise(ops.add(x, drop.apply(ops, f(x))));
    },
    feedOn: (ops: Ops) => (x: Tensor) => feed.apply(ops, noCarry, x)[0],
  };
}

export const masksOf = (signal: Tensor | MaskedKeys): MaskedKeys => (isTensor(signal) ? { x: signal } : signal);

/**
 * A Transformer's encoder block: self-attention within the window, then a feed-forward network, each with a direct way past it.
 *
 * Equation: `z = x + attention(norm(x))`, `y = z + ffn(norm(z))` (pre), or `z = norm(x + attention(x))`,
 * `y = norm(z + ffn(z))` (post). With `dropout`, what is added to x and to z is dropped in part, and so are the weights.
 * Source: the lecture's encoder; Vaswani et al. (2017), §3.1 (post) and §5.4 (dropout); Xiong et al., On layer normalization
 * in the Transformer architecture (2020) (pre).
 *
 * Shapes: `x: [T, B, F] → y: [T, B, F]`, or `selfAttention`'s `{ x, mask?, pairs? }`. Parameters `attention.…`, `feed.…`,
 * `norm1.…`, `norm2.…`. No carry, since windows stand alone.
 *
 * @param features features that it takes and gives, F.
 * @param heads parts into which the features are cut; they divide them.
 * @param options its parts, dropout, the first weights and their seed.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws RangeError where a size or a rate is impossible, `norm` is none of its values, or x has other features.
 * @throws TypeError where there is no activation of that name, or an option is not known.
 * @example
 * signal$.pipe(encoderBlock(8, 4, { hidden: 32, activation: 'gelu' }))
 */
export function encoderBlock(
  features: number,
  heads: number,
  options: BlockOptions = {},
): Layer<NoCarry, Tensor | MaskedKeys> {
  const { seed, ...form } = checkedOptions('encoderBlock', options, blockNames);
  const block = joints('encoderBlock', features, 2, form);
  const attention = selfAttention(features, heads, block.attention);
  return described(
    layer<NoCarry, Tensor | MaskedKeys, Tensor>(
      {
        kind: 'encoderBlock',
        inputs: features,
        outputs: features,
        params: { attention: attention.params, ...block.params },
        initial: () => noCarry,
        apply(ops, carry, signal) {
          const { x, ...masks } = masksOf(signal);
          const z = block.join(ops, 0, x, (q) => attention.apply(ops, carry, { x: q, ...masks })[0]);
          return [block.join(ops, 1, z, block.feedOn(ops)), carry];
        },
      },
      seed,
    ),
    'encoderBlock',
    [features, heads, options],
  );
}

/**
 * A Transformer's block over a stream, as GPT is made of: causal self-attention, then a feed-forward network.
 *
 * Equation: that of `encoderBlock`, with causal attention.
 * Source: the lecture's masked self-attention and GPT; Radford et al., Improving language understanding by generative
 * pre-training (2018).
 *
 * Shapes: `x: [T, B, F] → y: [T, B, F]`, parameters as `encoderBlock`'s. The carry: `attention`, that of
 * `causalAttention`. A step sees context steps of the block's input; through n blocks n·(context − 1) + 1 of the first one's.
 *
 * @param features features that it takes and gives, F.
 * @param heads parts into which the features are cut; they divide them.
 * @param options the context, its parts, dropout, the first weights and their seed.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws RangeError where a size or a rate is impossible, `norm` is none of its values, or x has other features.
 * @throws TypeError where there is no activation of that name, or an option is not known.
 * @example
 * stack({ embed: embedding(65, 128), block: causalBlock(128, 4, { context: 64 }), head: dense(128, 65) })
 */
export function causalBlock(features: number, heads: number, options: CausalBlockOptions): Layer<BlockCarry> {
  const { seed, context, ...form } = checkedOptions('causalBlock', options, causalBlockNames);
  const block = joints('causalBlock', features, 2, form);
  const attention = causalAttention(features, heads, { ...block.attention, context });
  return described(
    layer(
      {
        kind: 'causalBlock',
        inputs: features,
        outputs: features,
        params: { attention: attention.params, ...block.params },
        initial: (batch) => ({ attention: attention.initial(batch) }),
        apply(ops, carry: BlockCarry, x: Tensor) {
          let next = carry.attention;
          const z = block.join(ops, 0, x, (q) => {
            const [y, after] = attention.apply(ops, carry.attention, q);
            next = after;
            return y;
          });
          return [block.join(ops, 1, z, block.feedOn(ops)), { attention: next }];
        },
      },
      seed,
    ),
    'causalBlock',
    [features, heads, options],
  );
}

/**
 * A Transformer's decoder block: causal self-attention, attention to the encoder's output, then a feed-forward network.
 *
 * Equation: `a = x + self(norm(x))`, `z = a + cross(norm(a), memory)`, `y = z + ffn(norm(z))` (pre), and with each norm
 * after its sum (post).
 * Source: the lecture's decoder; Vaswani et al. (2017), §3.1.
 *
 * Shapes: `crossAttention`'s `{ x: [T, B, F], memory: [S, B, F], mask?, pairs? } → y: [T, B, F]`, parameters `attention.…`,
 * `cross.…`, `feed.…`, `norm1.…`, `norm2.…`, `norm3.…`. The carry: `attention`, that of `causalAttention`; the memory is the
 * same at every step.
 *
 * @param features features that it takes and gives, F.
 * @param heads parts into which the features are cut; they divide them.
 * @param options the context, its parts, dropout, the first weights and their seed.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws RangeError where a size or a rate is impossible, `norm` is none of its values, or x or the memory has other features.
 * @throws TypeError where there is no activation of that name, or an option is not known.
 * @example
 * pair$.pipe(decoderBlock(8, 4, { context: 64 })) // pairs { x, memory }
 */
export function decoderBlock(
  features: number,
  heads: number,
  options: CausalBlockOptions,
): Layer<BlockCarry, WithMemory> {
  const { seed, context, ...form } = checkedOptions('decoderBlock', options, causalBlockNames);
  const block = joints('decoderBlock', features, 3, form);
  const attention = causalAttention(features, heads, { ...block.attention, context });
  const cross = crossAttention(features, heads, block.attention);
  return described(
    layer<BlockCarry, WithMemory, Tensor>(
      {
        kind: 'decoderBlock',
        outputs: features,
        params: { attention: attention.params, cross: cross.params, ...block.params },
        initial: (batch) => ({ attention: attention.initial(batch) }),
        apply(ops, carry, { x, ...memory }) {
          let next = carry.attention;
          const a = block.join(ops, 0, x, (q) => {
            const [y, after] = attention.apply(ops, carry.attention, q);
            next = after;
            return y;
          });
          const z = block.join(ops, 1, a, (q) => cross.apply(ops, noCarry, { x: q, ...memory })[0]);
          return [block.join(ops, 2, z, block.feedOn(ops)), { attention: next }];
        },
      },
      seed,
    ),
    'decoderBlock',
    [features, heads, options],
  );
}
