/**
 * Seeded random numbers. There is no global generator: code that draws holds a generator, and a generator follows from
 * a seed and a path, so that two places that draw never disturb each other.
 */
import { shown } from './checks.js';

/** A stream of random numbers. */
export interface RandomGenerator {
  /** Uniform in [0, 1), 32 random bits. */
  uniform(): number;
  /** Standard normal, N(0, 1). */
  normal(): number;
  /** Fills an array with what `normal` gives from here on, twice as fast. */
  normals(into: Float64Array): void;
  /** A whole number in [0, below). */
  below(limit: number): number;
  /** The generator's state, four 32-bit words and a spare normal; `restoreGenerator` takes it back. */
  state(): GeneratorState;
}

/** The state of a {@link generator}: four 32-bit words, and the second normal of a pair where it was not given yet. */
export interface GeneratorState {
  readonly words: readonly [number, number, number, number];
  readonly spare: number | null;
}

/** Mixes 32 bits so that every input bit reaches every output bit (the finaliser of MurmurHash3, public domain). */
export function mix32(bits: number): number {
  let x = bits | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

/** A 32-bit hash of a text (FNV-1a over UTF-16 units, then mixed). */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mix32(hash);
}

/**
 * A generator that follows from a seed and a path: xoshiro128** (Blackman and Vigna, 2018), its four words filled by
 * hashing both.
 *
 * @param seed a whole number.
 * @param path what the numbers are for, so that places do not share them; `''` by default.
 * @returns the generator, at its beginning.
 * @throws RangeError where the seed is not a safe whole number.
 * @example
 * const g = generator(42, 'rnn.wx');
 * g.uniform(); // the same number in every run
 */
export function generator(seed: number, path = ''): RandomGenerator {
  if (!Number.isSafeInteger(seed)) throw new RangeError(`generator: a seed is a whole number, not ${seed}.`);
  const low = seed >>> 0;
  const high = Math.floor(seed / 0x1_0000_0000) | 0;
  const base = (hashText(path) ^ mix32(low ^ mix32(high ^ 0x9e3779b9))) >>> 0;
  const word = (k: number) => mix32((base + Math.imul(k, 0x9e3779b9)) ^ mix32(low + k));
  return restoreGenerator({ words: [word(1), word(2), word(3), (word(4) | 1) >>> 0], spare: null });
}

/** What is wrong with what should be a generator's state, if anything. */
export function generatorProblem(state: unknown): string | undefined {
  const { words, spare } = (state ?? {}) as Partial<GeneratorState>;
  const isWord = (word: unknown) => typeof word === 'number' && word >>> 0 === word;
  if (!Array.isArray(words) || words.length !== 4 || !words.every(isWord)) return 'its words are not four of 32 bits';
  // From there it never comes back.
  if (words.every((word) => word === 0)) return 'all of its words are 0';
  return spare === null || Number.isFinite(spare) ? undefined : `its spare is ${shown(spare)}, not a number or null`;
}

/**
 * The generator that was in the given state.
 *
 * @param from what `state` of a generator gave; it may have gone through JSON.
 * @returns a generator that goes on from there.
 * @throws TypeError where it is not the state of a generator.
 * @example
 * const before = generator(42);
 * const after = restoreGenerator(before.state());
 * after.uniform() - before.uniform(); // 0
 */
export function restoreGenerator(from: GeneratorState): RandomGenerator {
  const problem = generatorProblem(from);
  if (problem !== undefined) {
    throw new TypeError(`restoreGenerator: ${problem}; give back what state() gave, or make a new generator.`);
  }
  let [a, b, c, d] = from.words;
  let spare = from.spare;

  function next(): number {
    const scaled = Math.imul(b, 5);
    const result = Math.imul((scaled << 7) | (scaled >>> 25), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return result;
  }
  const uniform = () => next() / 0x1_0000_0000;

  /** Marsaglia's polar method: two normals a round. */
  function pair(into: Float64Array, at: number): void {
    for (;;) {
      const x = 2 * uniform() - 1;
      const y = 2 * uniform() - 1;
      const square = x * x + y * y;
      if (square > 0 && square < 1) {
        const factor = Math.sqrt((-2 * Math.log(square)) / square);
        into[at] = x * factor;
        into[at + 1] = y * factor;
        return;
      }
    }
  }

  const two = new Float64Array(2);
  function normal(): number {
    if (spare !== null) {
      const kept = spare;
      spare = null;
      return kept;
    }
    pair(two, 0);
    spare = two[1] as number;
    return two[0] as number;
  }

  function normals(into: Float64Array): void {
    let k = 0;
    if (spare !== null && into.length > 0) {
      into[0] = normal();
      k = 1;
    }
    for (; k + 1 < into.length; k += 2) pair(into, k);
    if (k < into.length) into[k] = normal();
  }

  return {
    uniform,
    normal,
    normals,
    below: (limit) => Math.floor(uniform() * limit),
    state: () => ({ words: [a >>> 0, b >>> 0, c >>> 0, d >>> 0], spare }),
  };
}
