import { isListOf, requireKind } from '../../checks.js';
import { described } from '../../description.js';
import { evaluate, type Layer, layer } from '../../layer.js';
import type { Ops } from '../../ops/ops.js';
import { checkedOptions, type Names } from '../../options.js';
import { versionOf } from '../../parameters/parameter.js';
import { natsOf, placeOfLargest } from '../../streams/logits.js';
import type { Ids, Tensor } from '../../tensor.js';
import { linearChain } from '../../training/losses/linear-chain.js';
import type { Loss } from '../../training/losses/loss.js';
import type { ChainTable } from './chain-sums.js';
import { bioGrammar, type ChainScores, chainDecoder, chainTable, type Grammar } from './decoding.js';
import {
  bareLabelIn,
  type Encoding,
  encodeTargets,
  encodeUtterances,
  lexiconName,
  type TaggedUtterance,
  type TaggerInput,
  type TaggerTarget,
  type Words,
} from './encoding.js';
import { type Grown, growTagger } from './growth.js';
import { type Lexicon, lexicon } from './lexicon.js';
import {
  type ChainParameters,
  type NetOptions,
  netNames,
  type TaggerCarry,
  type TaggerOutput,
  taggerNet,
} from './net.js';
import { type OpenUtterance, openUtterance } from './streaming.js';
import type { Tagging } from './tagging.js';

/** The options of {@link tagger}. */
export interface TaggerOptions extends NetOptions {
  /** The words of the training text, each as often as it occurs: how seldom a word is decides how often it is hidden. */
  readonly words: Iterable<string>;
  /** All tags, in BIO notation: `O`, `B-toloc`, `I-toloc`; other prefixes are learnt too, and counted as conlleval does. */
  readonly tags: Iterable<string>;
  /** All intents, where the model is to tell them too. */
  readonly intents?: Iterable<string> | undefined;
  /** What is made of words before they are looked up; default `{ lowerCase: true, digits: true }`, digits read as 0. */
  readonly form?: { readonly lowerCase?: boolean; readonly digits?: boolean };
  /** Whether the best path must be proper BIO; default true. Tags that are classes of words, as `NOUN`, are so without it. */
  readonly constrained?: boolean;
  /**
   * How much an utterance's intent counts next to the mean over the words; default 0.3: an intent is one of a few and soon
   * known by heart, and slots suffer where it counts as much as they do.
   */
  readonly intentWeight?: number;
  /** Of weights and masks; default 0. */
  readonly seed?: number;
}

const names: Names<TaggerOptions> = {
  words: true,
  tags: true,
  intents: true,
  form: { lowerCase: 'boolean', digits: 'boolean' },
  constrained: 'boolean',
  intentWeight: true,
  seed: true,
  ...netNames,
};

/** A tagger: a layer that knows its words and tags. */
export interface Tagger extends Layer<TaggerCarry, TaggerInput, TaggerOutput> {
  /** Words by the rows of their embedding; row 0 is that of all others, whose name is empty. */
  readonly words: Lexicon;
  readonly tags: Lexicon;
  readonly intents: Lexicon | undefined;
  /** Whether words can come one by one. */
  readonly streams: boolean;
  /** Whether tags are of BIO notation and paths proper; otherwise tags may be classes of words. */
  readonly constrained: boolean;
  /** The name under which a word is found in `words`. */
  nameOf(word: string): string;
  /** Utterances as one window. */
  encode(utterances: readonly Words[]): TaggerInput;
  /** What the model should say about them. @throws RangeError where a tag or an intent is not in the model. */
  target(examples: readonly TaggedUtterance[]): TaggerTarget;
  /** Loss of the tags per word, plus `intentWeight` times that of the intents per utterance. */
  readonly loss: Loss<TaggerOutput, TaggerTarget>;
  /** What an output says about the utterances that it is of. */
  decode(output: TaggerOutput, utterances: readonly Words[]): readonly Tagging[];
  /**
   * Counts the words of examples and grows by what it does not know: a row for each new word, a column for each new tag
   * and each new intent (where it predicts intents). Weights that are there stay as they are. Words beyond `mostWords` are not
   * added.
   *
   * @throws RangeError where an example has not one tag a word, or a tag is a bare label as {@link tagger} refuses it; then
   * nothing grows.
   */
  grow(examples: readonly TaggedUtterance[], mostWords?: number): Grown;
  /** An utterance that is tagged word by word, from a model that {@link streams}. @throws TypeError where it does not. */
  open(): OpenUtterance;
  /** Utterances in, tags and intents out: encode, evaluate, decode. */
  tag(utterances: readonly Words[]): readonly Tagging[];
}

/**
 * A tagger of words, for slot filling: embedding and spelling, recurrent layers, a score for each tag at each word, and
 * where there are intents their logits from the largest of each state over the utterance.
 *
 * Equation: `x_t = [table[w_t]; spelling(w_t); hashed(w_t)]`, `h = rnn(drop(x))`, `tags_t = drop(h_t)·w + b`,
 * `intents = drop(max_t h_t)·v + c`; the loss is `Σ −log p(tags) / Σ T + intentWeight · mean(−log p(intent))`, p(tags) that of a
 * linear chain or of each word by itself.
 * Source: the lecture's slot filling; Mesnil et al. (2015); Liu and Lane, Attention-based recurrent neural network models
 * for joint intent detection and slot filling (2016); words hidden by frequency: Kiperwasser and Goldberg (2016).
 *
 * Shapes: {@link TaggerInput}, ids `[T, B]` with lengths → {@link TaggerOutput}, `tags [T, B, N]` and `intents [B, K]`.
 * Parameters `words.table [V, E]`, `spelling.…`, `hashed.table`, `rnn.layer1.…`, `tags.w [D, N]`, `tags.b [N]`, `intents.w [D, K]`,
 * `intents.b [K]`, `chain.transitions [N, N]`, `chain.start [N]`, `chain.end [N]`: a word is a row of `words.table`, a tag a
 * column of `tags.w`. The carry: the recurrent layers', the largest states so far, and how many windows masks were drawn for.
 *
 * Law: without `bidirectional`, T windows of one word are bit for bit one window of T words, and a padded utterance is
 * that utterance alone.
 *
 * @param given words, tags and intents to begin with, and sizes.
 * @returns a layer that also encodes utterances, decodes outputs and grows.
 * @throws TypeError where an option is not known.
 * @throws RangeError where a size is impossible, there is no tag, intents are an empty list, or a tag is a bare label (`city`),
 * of which no slot is made, unless the model is `constrained: false`.
 * @example
 * const model = tagger({ words: ['to', 'taipei'], tags: ['O', 'B-toloc'], units: 32, seed: 1 });
 * const { learn } = trainer(model, { loss: model.loss, optimizer: adam(2e-3) });
 * const examples = [{ words: ['to', 'taipei'], tags: ['O', 'B-toloc'] }];
 * learn({ carry: model.initial(1), input: model.encode(examples.map(({ words }) => words)), target: model.target(examples) });
 * model.tag([['to', 'taipei']])[0].words; // [{ word: 'to', tag: 'O', probability: … }, …]
 */
export function tagger(given: TaggerOptions): Tagger {
  const options = checkedOptions('tagger', given, names);
  const {
    characters = {},
    hashed = false,
    bidirectional: bothWays = true,
    constrained = true,
    intentWeight = 0.3,
  } = options;
  if (characters !== false) {
    checkedOptions('tagger', characters, { limit: true, features: true, maps: true, width: true }, 'characters.');
  }
  if (hashed !== false) checkedOptions('tagger', hashed, { buckets: true, features: true }, 'hashed.');
  const form = { lowerCase: true, digits: true, ...options.form };
  const words = lexicon(['']);
  for (const word of namesOf('words', options.words)) words.add(lexiconName(word, form));
  const tags = lexicon(namesOf('tags', options.tags));
  const intents = options.intents === undefined ? undefined : lexicon(namesOf('intents', options.intents));
  for (const [name, value] of Object.entries({ intentWeight, wordDropout: options.wordDropout ?? 0 })) {
    if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) {
      throw new RangeError(`tagger: ${name} is a number of at least 0, not ${value}.`);
    }
  }
  if (tags.size === 0) throw new RangeError('tagger: there is no tag; give one at least, such as O.');
  const bare = constrained ? bareLabelIn(tags.names) : undefined;
  if (bare !== undefined) throw new RangeError(`tagger: ${bare}`);
  if (intents?.size === 0) {
    throw new RangeError(
      'tagger: intents is an empty list; give one at least, or leave intents out for a model of none.',
    );
  }
  const encoding: Encoding = {
    words,
    tags,
    intents,
    form,
    spelled: characters === false ? undefined : (characters.limit ?? 24),
    buckets: hashed === false ? undefined : (hashed.buckets ?? 1024),
    constrained,
  };

  const { core, chain } = taggerNet({ words, tags, intents }, options);
  const first = { words: words.names.slice(1), tags: [...tags.names], ...(intents && { intents: [...intents.names] }) };

  const loss: Loss<TaggerOutput, TaggerTarget> = (ops, prediction, target) => {
    const improbable = chain
      ? linearChain(ops, prediction.tags, chain, target.tags)
      : ops.crossEntropy(prediction.tags, target.tags);
    const slots = meanOf(ops, improbable, target.tags);
    if (prediction.intents === undefined || target.intents === undefined) return slots;
    const intents = meanOf(ops, ops.crossEntropy(prediction.intents, target.intents), target.intents);
    return ops.add(slots, ops.affine(intents, intentWeight, 0));
  };

  let grammar: Grammar | undefined;
  let known: { readonly table: ChainTable; readonly version: number } | undefined;
  let cuts = 0;

  /** What decoding needs, for the first so many tags; computed again where weights have changed or tags have come. */
  function tableOf(count: number): ChainTable {
    if (cuts !== tags.cuts) [grammar, known, cuts] = [undefined, undefined, tags.cuts];
    const version = versionOf(chain ? Object.values(chain) : []);
    if (known?.table.count === count && known.version === version) return known.table;
    if (constrained && grammar?.starts.length !== count) grammar = bioGrammar(tags.names.slice(0, count));
    known = { table: chainTable(count, chain && scoresOf(chain), grammar), version };
    return known.table;
  }

  function decode(output: TaggerOutput, utterances: readonly Words[]): readonly Tagging[] {
    const [, lanes = 0, count = 0] = output.tags.shape;
    const { names } = tags;
    const { data } = output.tags;
    const decoder = chainDecoder(tableOf(count));
    return utterances.map((utterance, lane) => {
      const found = decoder((step, tag) => data[(step * lanes + lane) * count + tag] as number, utterance.length);
      const tagged = utterance.map((word, step) => ({
        word,
        tag: names[found.tags[step] as number] as string,
        probability: found.probabilities[step] as number,
      }));
      const intent = intents && output.intents && mostProbable(output.intents, lane, intents);
      return { words: tagged, ...(intent && { intent }) };
    });
  }

  const model = layer(core, options.seed, '');
  const encode = (utterances: readonly Words[]) => encodeUtterances(encoding, utterances);
  const whole = Object.assign(model, {
    words,
    tags,
    intents,
    streams: !bothWays,
    constrained,
    nameOf: (word: string) => lexiconName(word, form),
    encode,
    target: (examples: readonly TaggedUtterance[]) => encodeTargets(encoding, examples),
    grow: (examples: readonly TaggedUtterance[], mostWords = Number.POSITIVE_INFINITY) =>
      growTagger(encoding, core.params, examples, mostWords),
    loss,
    decode,
    open() {
      if (bothWays) {
        throw new TypeError(
          'tagger: a model that reads both ways needs the whole utterance; make it { bidirectional: false }.',
        );
      }
      return openUtterance({ core, encode, decode, table: tableOf, tags });
    },
    tag(utterances: readonly Words[]) {
      if (utterances.length === 0) return [];
      return decode(evaluate(core, core.initial(utterances.length), encode(utterances))[0], utterances);
    },
  });
  // Made of the first names, as its first weights are, and grown to those that it has by then.
  return described(whole, 'tagger', () => [
    { ...options, ...first },
    { words: words.toJSON(), tags: tags.toJSON(), ...(intents && { intents: intents.toJSON() }) },
  ]);
}

const scoresOf = ({ transitions, start, end }: ChainParameters): ChainScores => ({
  transitions: transitions.data,
  start: start.data,
  end: end.data,
});

/** The mean over targets that are not −1; 0 where all are. */
function meanOf(ops: Ops, nats: Tensor, targets: Ids): Tensor {
  const count = targets.data.reduce((sum, id) => sum + (id < 0 ? 0 : 1), 0);
  return ops.affine(ops.sumTo(nats, []), 1 / Math.max(1, count), 0);
}

function mostProbable(logits: Tensor, lane: number, { names }: Lexicon): { name: string; probability: number } {
  const count = logits.shape[1] as number;
  const row = logits.data.subarray(lane * count, (lane + 1) * count);
  const top = placeOfLargest('tagger', row);
  return { name: names[top] as string, probability: Math.exp(-natsOf('tagger', row, top)) };
}

/** Names as a list. @throws TypeError where they are none. */
function namesOf(what: string, given: Iterable<string>): readonly string[] {
  const names: unknown =
    typeof Object(given)[Symbol.iterator] === 'function' && typeof given !== 'string' ? [...given] : given;
  requireKind(
    'tagger',
    isListOf('string', names),
    `${what} that are a list of texts`,
    given,
    `give [] for no ${what} yet`,
  );
  return names as readonly string[];
}
