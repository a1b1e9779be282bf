import { requireCount } from '../checks.js';
import { described } from '../description.js';
import { type Layer, layer, type NoCarry, noCarry } from '../layer.js';
import { type Lengths, realSteps } from '../ops/lengths.js';
import type { Ops } from '../ops/ops.js';
import { checkedOptions, type Names } from '../options.js';
import { normal } from '../parameters/initializers.js';
import { type Ids, ids, type Tensor } from '../tensor.js';
import { convolution1d } from './convolution-1d.js';
import { embedding } from './embedding.js';
import { maxPooling1d } from './pooling.js';

/** The distinct words of a window, letter by letter, and where each stands. */
export interface Spellings {
  /** Character ids, `[C, W]`: W words, the shorter ones padded at their ends. */
  readonly characters: Ids;
  /** Characters of each word. */
  readonly lengths: Lengths;
  /** Which of the W words stands at each step of each lane, `[T, B]`. */
  readonly at: Ids;
}

/** Options of {@link spelling}. */
export interface SpellingOptions {
  /** Draws the first weights, unless a model around it has a seed. */
  readonly seed?: number;
  /** Features of a character; default 24. */
  readonly features?: number;
  /** Feature maps of the convolution: the features of a word; default 50. */
  readonly maps?: number;
  /** Characters that a map sees at once; default 3. */
  readonly width?: number;
}

/** Ids below this are code points as they are. */
const PLAIN = 128;
/** All others share as many ids again. */
const SYMBOLS = 2 * PLAIN;
const [PADDING, BEGIN, END] = [0, 1, 2] as const;

/** A character's id: no alphabet is kept, so there is none to grow, and rare letters may share an id. */
function characterId(codePoint: number): number {
  if (codePoint < PLAIN) return Math.max(codePoint, END + 1);
  return PLAIN + ((Math.imul(codePoint, 0x9e3779b1) >>> 16) % PLAIN);
}

/**
 * The characters of words as ids, with one before and one after them. A character is a code point. Of a word of more than
 * `limit` characters the first and the last are taken, half each.
 */
function characterIds(word: string, limit: number): readonly number[] {
  // No more is looked at than is taken, however long the word.
  const units = word.length <= 4 * limit ? word : word.slice(0, 2 * limit) + word.slice(-2 * limit);
  const all = [...units];
  const half = limit >> 1;
  const taken = all.length <= limit ? all : [...all.slice(0, limit - half), ...all.slice(-half)];
  return [BEGIN, ...taken.map((character) => characterId(character.codePointAt(0) as number)), END];
}

/**
 * The spellings of words in lanes side by side; steps after a lane's end have any word's.
 *
 * @param lanes words of each lane; of them the longest has no more than `steps`.
 * @param steps of the window, T.
 * @param limit characters of a word that are looked at.
 * @returns what {@link spelling} takes.
 * @example
 * // One character before a word and one after it.
 * spellingsOf([['to', 'taipei']], 2).lengths[1]; // 8
 */
export function spellingsOf(lanes: readonly (readonly string[])[], steps: number, limit = 24): Spellings {
  const places = new Map<string, number>();
  const at = new Int32Array(steps * lanes.length);
  lanes.forEach((words, lane) => {
    words.forEach((word, step) => {
      const place = places.get(word) ?? places.size;
      places.set(word, place);
      at[step * lanes.length + lane] = place;
    });
  });
  const spelled = Array.from(places.size === 0 ? [''] : places.keys(), (word) => characterIds(word, limit));
  const longest = spelled.reduce((most, { length }) => Math.max(most, length), 0);
  const characters = new Int32Array(longest * spelled.length).fill(PADDING);
  spelled.forEach((word, place) => {
    word.forEach((character, k) => {
      characters[k * spelled.length + place] = character;
    });
  });
  return {
    characters: ids([longest, spelled.length], characters),
    lengths: spelled.map(({ length }) => length),
    at: ids([steps, lanes.length], at),
  };
}

/**
 * Features of words from their spelling alone, so that words never seen have some: a convolution over the characters and
 * the largest of each feature map over the word.
 *
 * Equation: `y_w = max_t relu(b + Σ_i e(c_{t+i}) · w_i)` over the characters c_1 … c_n of the word w, e being 0 beyond them.
 * Source: dos Santos and Zadrozny, Learning character-level representations for part-of-speech tagging (2014); Ma and Hovy
 * (2016).
 *
 * Shapes: {@link Spellings} of W words of C characters at most → `[T, B, maps]`. Parameters `embed.table [256, features]`,
 * `convolve.w [width, features, maps]`, `convolve.b [maps]`. Each distinct word is worked out once. No carry.
 *
 * @param options its sizes, and the seed.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws RangeError where a size is not a whole number above 0.
 * @throws TypeError where an option is not known.
 * @example
 * const [features] = evaluate(spelling({ maps: 8, seed: 1 }), noCarry, spellingsOf([['to', 'taipei']], 2)); // [2, 1, 8]
 */
export function spelling(options: SpellingOptions = {}): Layer<NoCarry, Spellings> {
  const names: Names<SpellingOptions> = { seed: true, features: true, maps: true, width: true };
  const { seed, features = 24, maps = 50, width = 3 } = checkedOptions('spelling', options, names);
  requireCount('spelling', 'features', features);
  const embed = embedding(SYMBOLS, features, { initializers: { table: normal(1 / Math.sqrt(features)) } });
  const convolve = convolution1d(features, maps, width, { padding: 'same', activation: 'relu' });
  return described(
    layer<NoCarry, Spellings, Tensor>(
      {
        kind: 'spelling',
        outputs: maps,
        params: { embed: embed.params, convolve: convolve.params },
        initial: () => noCarry,
        apply(outer, carry, { characters, lengths, at }) {
          // Lengths are those of lanes of words, and here a lane is a word.
          const ops: Ops = { ...outer, lengths: undefined };
          const [steps = 0, words = 0] = characters.shape;
          const real = realSteps(steps, lengths);
          const [embedded] = embed.apply(ops, noCarry, characters);
          // Padding is 0 before the convolution, as if the word ended there, and after it, where no map is less than 0.
          const [seen] = convolve.apply(ops, convolve.initial(words), ops.multiply(embedded, real));
          const [largest] = maxPooling1d(steps).apply(ops, noCarry, ops.multiply(seen, real));
          return [ops.gather(ops.reshape(largest, [words, maps]), at), carry];
        },
      },
      seed,
    ),
    'spelling',
    [options],
  );
}
