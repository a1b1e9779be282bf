import { requireCount } from '../checks.js';
import { described } from '../description.js';
import { type Core, type Layer, layer, type NoCarry, noCarry } from '../layer.js';
import { checkedOptions, type Names } from '../options.js';
import { isTensor, type Tensor } from '../tensor.js';
import type { MaskedKeys, WithMemory } from './attention.js';
import { layerNorm } from './layer-norm.js';
import {
  type BlockCarry,
  type BlockOptions,
  blockNames,
  type CausalBlockOptions,
  causalBlock,
  causalBlockNames,
  decoderBlock,
  encoderBlock,
  masksOf,
} from './transformer-blocks.js';

/** Options of {@link encoder}; those of {@link causalBlocks} and {@link decoder} have a context too. */
export interface StackedBlocksOptions extends BlockOptions {
  /** How many blocks. */
  readonly blocks: number;
  /** Whether the output is normalised once more; default with `pre` alone, which leaves it unnormalised. */
  readonly finalNorm?: boolean;
}

const manyNames: Names<Pick<StackedBlocksOptions, 'blocks' | 'finalNorm'>> = { blocks: true, finalNorm: 'boolean' };

/** The carries of blocks, by their names: `block1`, `block2`, … */
export type BlockCarries = Readonly<Record<string, BlockCarry>>;

/** Blocks one after another, as a core: what goes along with the signal is the same for each. */
function blocksOf<S, X>(
  kind: string,
  features: number,
  options: StackedBlocksOptions,
  block: (form: BlockOptions) => Layer<S, X>,
  signalOf: (input: X, x: Tensor) => X,
  first: (input: X) => Tensor,
): Core<Readonly<Record<string, S>>, X> {
  const { blocks, finalNorm, ...form } = options;
  const { norm = 'pre', epsilon } = form;
  requireCount(kind, 'blocks', blocks);
  const named = Array.from({ length: blocks }, (_, k) => [`block${k + 1}`, block(form)] as const);
  const last =
    (finalNorm ?? norm === 'pre') ? layerNorm(features, epsilon === undefined ? {} : { epsilon }) : undefined;
  return {
    kind,
    outputs: features,
    params: {
      ...Object.fromEntries(named.map(([name, { params }]) => [name, params])),
      ...(last && { norm: last.params }),
    },
    initial: (batch) => Object.fromEntries(named.map(([name, { initial }]) => [name, initial(batch)])),
    apply(ops, carry, input) {
      const next: Record<string, S> = {};
      let x = first(input);
      for (const [name, { apply }] of named) {
        const [y, after] = apply(ops, carry[name] as S, signalOf(input, x));
        x = y;
        next[name] = after;
      }
      return [last === undefined ? x : last.apply(ops, noCarry, x)[0], next];
    },
  };
}

/**
 * A Transformer's encoder: blocks one after another, then (pre) one more normalisation.
 *
 * Source: the lecture's encoder stack; Vaswani et al. (2017), §3.1.
 *
 * Shapes: those of `encoderBlock`. Parameters `block1.…`, …, `norm.…`. The carry: that of each block, `block1`, …
 *
 * @param features features that it takes and gives, F.
 * @param heads parts into which the features are cut; they divide them.
 * @param options how many blocks, their parts, dropout, the first weights and their seed.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws RangeError where a size or a rate is impossible, `norm` is none of its values, or x has other features.
 * @throws TypeError where there is no activation of that name, or an option is not known.
 * @example
 * stack({ embed: embedding(65, 128), positions: sinusoidalPositions(64, 128), encoder: encoder(128, 4, { blocks: 2 }) })
 */
export function encoder(
  features: number,
  heads: number,
  options: StackedBlocksOptions,
): Layer<Readonly<Record<string, NoCarry>>, Tensor | MaskedKeys> {
  const { seed, ...form } = checkedOptions('encoder', options, { ...manyNames, ...blockNames });
  return described(
    layer(
      blocksOf<NoCarry, Tensor | MaskedKeys>(
        'encoder',
        features,
        form,
        (block) => encoderBlock(features, heads, block),
        (input, x) => (isTensor(input) ? x : { ...input, x }),
        (input) => masksOf(input).x,
      ),
      seed,
    ),
    'encoder',
    [features, heads, options],
  );
}

/**
 * Causal blocks one after another, then (pre) one more normalisation: what GPT has between embedding and head.
 *
 * Source: the lecture's GPT; Radford et al. (2018).
 *
 * Shapes: `x: [T, B, F] → y: [T, B, F]`, parameters as `encoder`'s. The carry: `block1.attention`, …
 *
 * @param features features that it takes and gives, F.
 * @param heads parts into which the features are cut; they divide them.
 * @param options how many blocks, their context, parts, dropout, the first weights and their seed.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws RangeError where a size or a rate is impossible, `norm` is none of its values, or x has other features.
 * @throws TypeError where there is no activation of that name, or an option is not known.
 * @example
 * stack({ embed: embedding(65, 128), blocks: causalBlocks(128, 4, { blocks: 4, context: 64 }), head: dense(128, 65) })
 */
export function causalBlocks(
  features: number,
  heads: number,
  options: StackedBlocksOptions & CausalBlockOptions,
): Layer<BlockCarries> {
  const { seed, context, ...form } = checkedOptions('causalBlocks', options, { ...manyNames, ...causalBlockNames });
  return described(
    layer(
      blocksOf<BlockCarry, Tensor>(
        'causalBlocks',
        features,
        form,
        (block) => causalBlock(features, heads, { ...block, context }),
        (_, x) => x,
        (x) => x,
      ),
      seed,
    ),
    'causalBlocks',
    [features, heads, options],
  );
}

/**
 * A Transformer's decoder: blocks that see their own past and the encoder's output, then (pre) one more normalisation.
 *
 * Source: the lecture's decoder stack; Vaswani et al. (2017), §3.1.
 *
 * Shapes: those of `decoderBlock`, parameters `block1.…`, …, `norm.…`. The carry: `block1.attention`, …
 *
 * @param features features that it takes and gives, F.
 * @param heads parts into which the features are cut; they divide them.
 * @param options how many blocks, their context, parts, dropout, the first weights and their seed.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws RangeError where a size or a rate is impossible, `norm` is none of its values, or x or the memory has other features.
 * @throws TypeError where there is no activation of that name, or an option is not known.
 * @example
 * pair$.pipe(decoder(8, 4, { blocks: 2, context: 64 })) // pairs { x, memory }
 */
export function decoder(
  features: number,
  heads: number,
  options: StackedBlocksOptions & CausalBlockOptions,
): Layer<BlockCarries, WithMemory> {
  const { seed, context, ...form } = checkedOptions('decoder', options, { ...manyNames, ...causalBlockNames });
  return described(
    layer(
      blocksOf<BlockCarry, WithMemory>(
        'decoder',
        features,
        form,
        (block) => decoderBlock(features, heads, { ...block, context }),
        (input, x) => ({ ...input, x }),
        ({ x }) => x,
      ),
      seed,
    ),
    'decoder',
    [features, heads, options],
  );
}
