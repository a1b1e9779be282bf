/** What a tagger is made of: words in, scores of tags and logits of intents out. */

import { bidirectional } from '../../cells/bidirectional.js';
import { gru } from '../../cells/gru.js';
import { lstm } from '../../cells/lstm.js';
import { stacked } from '../../cells/stacked.js';
import { type Core, type Layer, type NoCarry, noCarry } from '../../layer.js';
import { dense } from '../../layers/dense.js';
import { type DropoutForm, dropout } from '../../layers/dropout.js';
import { embedding } from '../../layers/embedding.js';
import { type HashedFeaturesOptions, hashedFeatures } from '../../layers/hashed-features.js';
import { maxPooling1d } from '../../layers/pooling.js';
import { type SpellingOptions, spelling } from '../../layers/spelling.js';
import { checkLengths, realSteps } from '../../ops/lengths.js';
import type { Ops } from '../../ops/ops.js';
import type { Names as OptionNames } from '../../options.js';
import { zeros } from '../../parameters/initializers.js';
import { type Parameter, parameter } from '../../parameters/parameter.js';
import { RandomKey } from '../../parameters/random-key.js';
import { mix32 } from '../../random.js';
import { type Ids, ids, type Tensor, tensor } from '../../tensor.js';
import type { LinearChain } from '../../training/losses/linear-chain.js';
import type { TaggerInput } from './encoding.js';
import type { Lexicon } from './lexicon.js';

/** The options of what a {@link tagger} is made of. */
export interface NetOptions {
  /** Features of a word; default 100. */
  readonly features?: number;
  /** Features of words by their spelling, for words never seen; default its own defaults, `false` for none. */
  readonly characters?: (Omit<SpellingOptions, 'seed'> & { readonly limit?: number }) | false;
  /** Features of words by their first and last characters and their shape, hashed; default none. */
  readonly hashed?: Omit<HashedFeaturesOptions, 'seed'> | false;
  /** The recurrent layers' cells; default LSTMs. */
  readonly cell?: 'lstm' | 'gru';
  /** Units of a recurrent layer, in each direction; default 200. */
  readonly units?: number;
  /** Recurrent layers; default 1. */
  readonly layers?: number;
  /** Whether the layers read both ways, an utterance at once, or forwards only, word by word. Default true. */
  readonly bidirectional?: boolean;
  /** Share of features dropped around the recurrent layers while learning; default 0.5. */
  readonly dropout?: number;
  /** Whether each word has a mask of its own (`step`, default), or an utterance one for all of its words (`window`). */
  readonly mask?: DropoutForm['mask'];
  /** While learning, a word seen n times is taken for an unknown one with probability `a / (a + n)`; a, default 0.5. */
  readonly wordDropout?: number;
  /**
   * Whether neighbouring tags have a say: a linear-chain conditional random field over the scores (default), or each
   * word's softmax by itself.
   */
  readonly chain?: boolean;
}

/** Those of taggers too. */
export const netNames: OptionNames<NetOptions> = {
  features: true,
  characters: true,
  hashed: true,
  cell: true,
  units: true,
  layers: true,
  bidirectional: 'boolean',
  dropout: true,
  mask: true,
  wordDropout: true,
  chain: 'boolean',
};

/** What a tagger remembers within an utterance, and how many windows it has drawn masks for. */
export type TaggerCarry = {
  readonly rnn: unknown;
  /** The largest of each state so far, `[B, D]`; −1, which no state reaches, before the first word. */
  readonly pooled: Tensor;
};

/** What a tagger gives: scores of tags, word by word, and logits of intents. */
export interface TaggerOutput {
  /** Scores of each tag at each word, `[T, B, N]`. */
  readonly tags: Tensor;
  /** Logits of the intents after the last word, `[B, K]`. */
  readonly intents?: Tensor;
}

/** What a net gives scores of. */
interface Names {
  readonly words: Lexicon;
  readonly tags: Lexicon;
  readonly intents: Lexicon | undefined;
}

interface Net {
  readonly core: Core<TaggerCarry, TaggerInput, TaggerOutput>;
  readonly chain: ChainParameters | undefined;
}

/** A net whose tables and heads grow with the names. */
export function taggerNet({ words, tags, intents }: Names, options: NetOptions): Net {
  const { features = 100, characters = {}, hashed = false, units = 200, layers = 1, dropout: rate = 0.5 } = options;
  const { mask = 'step', bidirectional: bothWays = true, wordDropout = 0.5 } = options;
  const { limit: _, ...spelled } = characters || {};
  const table = embedding(words.size, features, { grows: true });
  const letters = characters === false ? undefined : spelling(spelled);
  const properties = hashed === false ? undefined : hashedFeatures(hashed);
  const widthOf = (more: Layer<NoCarry, never> | undefined) => (more?.outputs as number | undefined) ?? 0;
  const width = features + widthOf(letters) + widthOf(properties);
  const rnn = recurrent(options.cell ?? 'lstm', width, { units, layers, bothWays, dropout: { rate, mask } });
  const states = bothWays ? 2 * units : units;
  const head = dense(states, tags.size, { grows: true });
  const chain = options.chain === false ? undefined : chainOf(tags.size);
  const intentHead = intents && dense(states, intents.size, { grows: true });
  const drop = () => dropout(rate, { mask });
  const drops = { below: drop(), above: drop(), summary: drop() };
  const hiding = new RandomKey();

  const core: Core<TaggerCarry, TaggerInput, TaggerOutput> = {
    kind: 'tagger',
    params: {
      words: table.params,
      ...(letters && { spelling: letters.params }),
      ...(properties && { hashed: properties.params }),
      rnn: rnn.params,
      hidden: { mask: hiding },
      ...Object.fromEntries(Object.entries(drops).map(([name, each]) => [name, each.params])),
      tags: head.params,
      ...(chain && { chain }),
      ...(intentHead && { intents: intentHead.params }),
    },
    initial: (batch) => ({
      rnn: rnn.initial(batch),
      pooled: tensor([batch, states], new Float32Array(batch * states).fill(-1)),
    }),
    apply(outer, carry, x) {
      const lengths = checkLengths(x.lengths, x.words, 'tagger');
      const ops: Ops = { ...outer, lengths };
      const hides = ops.training && wordDropout > 0;
      const seen = hides ? hidden(x.words, words, wordDropout, ops.draw(hiding)) : x.words;
      const [embedded] = table.apply(ops, noCarry, seen);
      const parts = [embedded];
      if (letters && x.spellings) parts.push(letters.apply(ops, noCarry, x.spellings)[0]);
      if (properties && x.hashes) parts.push(properties.apply(ops, noCarry, x.hashes)[0]);
      const joined = parts.length === 1 ? embedded : ops.concat(parts, 2);
      const [input] = drops.below.apply(ops, noCarry, joined);
      const [h, after] = rnn.apply(ops, carry.rnn, input);
      const [dropped] = drops.above.apply(ops, noCarry, h);
      const [scores] = head.apply(ops, noCarry, dropped);
      if (intentHead === undefined) return [{ tags: scores }, { ...carry, rnn: after }];
      const pooled = largest(ops, h, carry.pooled, lengths);
      const [summary] = drops.summary.apply(ops, noCarry, pooled);
      const [logits] = intentHead.apply(ops, noCarry, summary);
      return [
        { tags: scores, intents: logits },
        { rnn: after, pooled },
      ];
    },
  };

  return { core, chain };
}

export type ChainParameters = Readonly<Record<keyof LinearChain, Parameter>>;

/** A chain in which at first no tag favours another. */
function chainOf(count: number): ChainParameters {
  return {
    transitions: parameter([count, count], zeros(), { grows: [0, 1] }),
    start: parameter([count], zeros(), { grows: [0] }),
    end: parameter([count], zeros(), { grows: [0] }),
  };
}

interface Sizes {
  readonly units: number;
  readonly layers: number;
  readonly bothWays: boolean;
  readonly dropout: { readonly rate: number; readonly mask: 'step' | 'window' };
}

function recurrent(
  kind: 'lstm' | 'gru',
  inputs: number,
  { units, layers, bothWays, dropout: between }: Sizes,
): Core<unknown> {
  const cell = (width: number): Core<unknown> =>
    (kind === 'gru' ? gru(width, units) : lstm(width, units)) as Core<unknown>;
  const levels = Array.from({ length: layers }, (_, below) => {
    const width = below === 0 ? inputs : bothWays ? 2 * units : units;
    return bothWays ? (bidirectional(cell(width), cell(width)) as Core<unknown>) : cell(width);
  });
  return stacked(levels, { dropout: between }) as Core<unknown>;
}

/** Word ids of which some are 0 instead, the more probably the seldomer the word is. */
function hidden(x: Ids, words: Lexicon, strength: number, key: number): Ids {
  const dropped = x.data.map((id, k) => {
    const rate = strength / (strength + words.countOf(id));
    return mix32(key + k) / 0x1_0000_0000 < rate ? 0 : id;
  });
  return ids(x.shape, dropped);
}

/** The largest of each state over the real steps, and over those before: `[T, B, D]` and `[B, D]` → `[B, D]`. */
function largest(ops: Ops, h: Tensor, before: Tensor, lengths: readonly number[] | undefined): Tensor {
  const [steps = 0, ...rest] = h.shape;
  // States lie between −1 and 1, and are 0 at padding.
  const real = lengths === undefined ? h : ops.add(h, ops.affine(realSteps(steps, lengths), 1, -1));
  const [most] = maxPooling1d(steps).apply({ ...ops, lengths: undefined }, noCarry, real);
  return ops.maximum(ops.reshape(most, rest), before);
}
