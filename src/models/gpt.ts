import { described } from '../description.js';
import { type Core, type Layer, noCarry } from '../layer.js';
import { dense } from '../layers/dense.js';
import { dropout } from '../layers/dropout.js';
import { type EmbeddingParams, embedding } from '../layers/embedding.js';
import { learnedPositions, type PositionsCarry } from '../layers/positions.js';
import { type BlockCarries, causalBlocks } from '../layers/transformer.js';
import type { ActivationChoice } from '../ops/activation-names.js';
import { checkedOptions, type Names } from '../options.js';
import { normal } from '../parameters/initializers.js';
import { stack } from '../stack.js';
import type { Ids, Tensor } from '../tensor.js';

/** The options of {@link gpt}. */
export interface GptOptions {
  readonly symbols: number;
  /** Steps that a step sees, and positions that there are. */
  readonly context: number;
  readonly features: number;
  readonly heads: number;
  readonly blocks: number;
  /** Features between the two layers of a feed-forward network; default four times the model's. */
  readonly hidden?: number;
  /** The feed-forward networks' f; default ReLU. */
  readonly activation?: ActivationChoice;
  /**
   * The share that is set to 0 at random while learning: of embeddings with their positions, of attention's weights, and
   * of what each part of a block adds. Default 0.
   */
  readonly dropout?: number;
  /** Whether the head is the embedding's table, transposed, instead of weights of its own. Default false. */
  readonly tied?: boolean;
  readonly seed?: number;
}

const names: Names<GptOptions> = {
  symbols: true,
  context: true,
  features: true,
  heads: true,
  blocks: true,
  hidden: true,
  activation: true,
  dropout: true,
  tied: 'boolean',
  seed: true,
};

/** The carry of {@link gpt}: how many steps each lane has had, and the blocks' keys and values. */
export type GptCarry = {
  readonly embed: typeof noCarry;
  readonly positions: PositionsCarry;
  /** Where there is dropout. */
  readonly drop?: typeof noCarry;
  readonly blocks: BlockCarries;
  readonly head: typeof noCarry;
};

/**
 * A language model as GPT is: embedding, learned positions, causal pre-norm blocks, one more normalisation, logits of the
 * next symbol.
 *
 * Weights are normal with deviation 0.02, those that write to the direct way (`output`, `outer`) 0.02/√(2·blocks).
 * Source: the lecture's GPT; Radford et al., Language models are unsupervised multitask learners (2019), §2.3. There f is
 * GELU by tanh, `activation: 'geluTanh'`, and dropout is 0.1; nanoGPT has `'gelu'`, and no dropout where it learns little text.
 *
 * Shapes: ids `[T, B]` → logits `[T, B, V]`, T ≤ context. Parameters `embed.table`, `positions.table`, `blocks.block1.…`, …,
 * `blocks.norm.…`, and where it is not tied `head.w`. The carry: positions, and the blocks' keys and values. A
 * stream that goes on beyond context steps stays at the last position, which training has not prepared it for; `generate`'s
 * `context` starts afresh before that.
 *
 * @param options symbols and sizes.
 * @returns a layer of ids `[T, B]` that gives logits `[T, B, V]`.
 * @throws TypeError where an option is not known.
 * @throws RangeError where sizes are impossible.
 * @example
 * const model = gpt({ symbols: vocab.size, context: 64, features: 128, heads: 4, blocks: 4, seed: 1 });
 * randomWindows(vocab.encode(corpus), { length: 64, batch: 12, count: 2000 }).pipe(tbptt(model, { loss: crossEntropy(), optimizer }))
 */
export function gpt(options: GptOptions): Layer<GptCarry, Ids> {
  const {
    symbols,
    context,
    features,
    heads,
    blocks,
    hidden,
    activation,
    dropout: rate = 0,
    tied = false,
    seed,
  } = checkedOptions('gpt', options, names);
  const w = normal(0.02);
  const onto = normal(0.02 / Math.sqrt(2 * blocks));
  const embed = embedding(symbols, features, { initializers: { table: w } });
  return described(
    stack(
      {
        embed,
        positions: learnedPositions(context, features),
        ...(rate !== 0 && { drop: dropout(rate) }),
        blocks: causalBlocks(features, heads, {
          blocks,
          context,
          ...(hidden !== undefined && { hidden }),
          ...(activation && { activation }),
          dropout: rate,
          attention: { initializers: { w, output: onto } },
          feedForward: { initializers: { w, outer: onto } },
        }),
        head: tied
          ? tiedHead(embed, features, symbols)
          : dense(features, symbols, { bias: false, initializers: { w } }),
      },
      seed === undefined ? {} : { seed },
    ) as unknown as Layer<GptCarry, Ids>,
    'gpt',
    [options],
  );
}

/** Logits by the embedding's own table, whose parameter it is. */
function tiedHead(
  embed: Layer<typeof noCarry, Ids, Tensor, EmbeddingParams>,
  inputs: number,
  outputs: number,
): Core<typeof noCarry> {
  const { table } = embed.params;
  return {
    kind: 'tiedHead',
    inputs,
    outputs,
    params: {},
    initial: () => noCarry,
    apply: (ops, carry, x) => [ops.matmul(x, table, { b: true }), carry],
  };
}
