import { requireCount } from '../checks.js';
import { described } from '../description.js';
import { type Layer, layer, type NoCarry, noCarry } from '../layer.js';
import { checkedOptions, type Names } from '../options.js';
import { normal } from '../parameters/initializers.js';
import { parameter } from '../parameters/parameter.js';
import { hashText } from '../random.js';
import { type Ids, ids, type Tensor } from '../tensor.js';

/** Options of {@link hashedFeatures}. */
export interface HashedFeaturesOptions {
  /** Draws the first weights, unless a model around it has a seed. */
  readonly seed?: number;
  /** Rows that all properties share; default 1024. */
  readonly buckets?: number;
  /** Features of a property; default 12. */
  readonly features?: number;
}

/** Properties of a word: its first and last three characters, its last two, and its shape. */
const PROPERTIES = 4;

/** `Boeing-747` is `Aa-0`: a run of capitals, small letters or digits is one of them. */
function shapeOf(word: string): string {
  return word
    .replace(/\p{Lu}+/gu, 'A')
    .replace(/\p{Ll}+|\p{Lo}+/gu, 'a')
    .replace(/\p{Nd}+/gu, '0');
}

/**
 * Which rows the properties of words name, `[T, B, 4]`; steps after a lane's end name the first row.
 *
 * @param lanes words of each lane; of them the longest has no more than `steps`.
 * @param steps of the window, T.
 * @param buckets rows to choose from, as many as the layer has.
 * @returns row ids for {@link hashedFeatures}.
 * @example
 * hashesOf([['to', 'taipei'], ['osaka']], 2).shape.join(' '); // '2 2 4'
 */
export function hashesOf(lanes: readonly (readonly string[])[], steps: number, buckets = 1024): Ids {
  const data = new Int32Array(steps * lanes.length * PROPERTIES);
  lanes.forEach((words, lane) => {
    words.forEach((word, step) => {
      // Only the ends of a word count, so of a long one no more is looked at; a character has two units at most.
      const [first, last] = [[...word.slice(0, 6)], [...word.slice(-6)]];
      const properties = [first.slice(0, 3), last.slice(-3), last.slice(-2), [shapeOf(word.slice(0, 64))]];
      properties.forEach((characters, property) => {
        const row = hashText(`${property} ${characters.join('')}`) % buckets;
        data[(step * lanes.length + lane) * PROPERTIES + property] = row;
      });
    });
  });
  return ids([steps, lanes.length, PROPERTIES], data);
}

/**
 * Features of words by properties of theirs, hashed: no list of properties is kept, so there is none to grow, and some share
 * a row.
 *
 * Equation: `y_w = [table[hash(p_1(w))]; …; table[hash(p_4(w))]]`.
 * Source: Weinberger et al., Feature hashing for large scale multitask learning (2009).
 *
 * Shapes: ids `[T, B, 4]` of {@link hashesOf} → `[T, B, 4·features]`, parameter `table [buckets, features]`. No carry.
 *
 * @param options rows, features of a property, and the seed.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws RangeError where a size is not a whole number above 0.
 * @throws TypeError where an option is not known.
 * @example
 * const [y] = evaluate(hashedFeatures({ seed: 1 }), noCarry, hashesOf([['to', 'taipei']], 2)); // [2, 1, 48]
 */
export function hashedFeatures(options: HashedFeaturesOptions = {}): Layer<NoCarry, Ids> {
  const names: Names<HashedFeaturesOptions> = { seed: true, buckets: true, features: true };
  const { seed, buckets = 1024, features = 12 } = checkedOptions('hashedFeatures', options, names);
  requireCount('hashedFeatures', 'buckets', buckets);
  requireCount('hashedFeatures', 'features', features);
  const table = parameter([buckets, features], normal(1 / Math.sqrt(features)));
  const width = PROPERTIES * features;
  return described(
    layer<NoCarry, Ids, Tensor>(
      {
        kind: 'hashedFeatures',
        outputs: width,
        params: { table },
        initial: () => noCarry,
        apply: (ops, carry, x) => [ops.reshape(ops.gather(table, x), [...x.shape.slice(0, -1), width]), carry],
      },
      seed,
    ),
    'hashedFeatures',
    [options],
  );
}
