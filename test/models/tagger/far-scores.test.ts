/** Decoding where scores are so far apart that exponentials of their differences vanish or overflow. */
import { describe, expect, it } from 'vitest';
import { bioGrammar, type ChainScores, chainDecoder, chainTable } from '../../../src/models/tagger/decoding.js';
import { growingPath } from '../../../src/models/tagger/path.js';
import { tagger } from '../../../src/models/tagger/tagger.js';
import { generator } from '../../../src/random.js';
import { tensor } from '../../../src/tensor.js';

const TAGS = ['O', 'B-city', 'I-city', 'I-date'];
const COUNT = TAGS.length;
const STEPS = 4;
const never = Number.NEGATIVE_INFINITY;

/** Whether one may follow another (−1: come first), as BIO has it. */
const may = (from: number, to: number) => to !== 2 || from === 1 || from === 2;

const paths = (length: number): readonly (readonly number[])[] =>
  length === 0 ? [[]] : paths(length - 1).flatMap((path) => TAGS.map((_, tag) => [...path, tag]));

interface Scores {
  readonly local: Float64Array;
  readonly chain: ChainScores;
}

function logOf({ local, chain }: Scores, path: readonly number[], constrained: boolean, ends: boolean): number {
  // What all paths have in common is taken out: beside 1e30 the rest would be lost.
  const top = (scores: Iterable<number>) => Math.max(...scores);
  const starts = (chain.start as Float64Array).filter((_, tag) => !constrained || may(-1, tag));
  let score = (chain.start[path[0] as number] as number) - top(starts);
  if (ends) score += (chain.end[path.at(-1) as number] as number) - top(chain.end as Float64Array);
  path.forEach((tag, t) => {
    const from = t === 0 ? -1 : (path[t - 1] as number);
    score += (local[t * COUNT + tag] as number) - top(local.subarray(t * COUNT, (t + 1) * COUNT));
    score += t === 0 ? 0 : (chain.transitions[from * COUNT + tag] as number);
    if (constrained && !may(from, tag)) score = never;
  });
  return score;
}

/** All paths of a length written out: how far a path is from the best one, and the share that each of its tags has. */
function exactly(of: Scores, path: readonly number[], constrained: boolean, ends: boolean) {
  const all = paths(path.length).map((each) => ({ path: each, score: logOf(of, each, constrained, ends) }));
  const top = all.reduce((best, { score }) => Math.max(best, score), never);
  const shareOf = (which: typeof all) => which.reduce((sum, { score }) => sum + Math.exp(score - top), 0);
  const shares = path.map((tag, t) => shareOf(all.filter((each) => each.path[t] === tag)) / shareOf(all));
  return { below: top - logOf(of, path, constrained, ends), shares };
}

type Kind = (random: { uniform(): number; normal(): number }) => number;

const wide =
  (size: number): Kind =>
  (random) =>
    size * (2 * random.uniform() - 1);
const kinds: Readonly<Record<string, Kind>> = {
  '±1': wide(1),
  '±300': wide(300),
  '±1e4': wide(1e4),
  '±1e30': wide(1e30),
  '0 or −1e4': (random) => (random.uniform() < 0.5 ? -1e4 : 0),
  '1e4 and a little': (random) => 1e4 + random.normal(),
};

function scoresOf(kind: Kind, parts: readonly string[], seed: number): Scores {
  const draw = (name: string, size: number) => {
    const random = generator(seed, name);
    return Float64Array.from({ length: size }, () => (parts.includes(name) ? kind(random) : random.normal()));
  };
  const [transitions, start, end] = [draw('transitions', COUNT * COUNT), draw('start', COUNT), draw('end', COUNT)];
  return { local: draw('local', STEPS * COUNT), chain: { transitions, start, end } };
}

const all = ['local', 'transitions', 'start', 'end'];
const cases = Object.keys(kinds).flatMap((kind) =>
  [...all.map((part) => [part]), all].map((parts) => [kind, parts] as const),
);

describe('decoding scores however far apart, against all paths written out', () => {
  it.each(cases)('%s in %s', (kind, parts) => {
    for (let seed = 0; seed < 4; seed += 1) {
      const of = scoresOf(kinds[kind] as Kind, parts, seed);
      for (const constrained of [true, false]) {
        const table = chainTable(COUNT, of.chain, constrained ? bioGrammar(TAGS) : undefined);
        const { tags, probabilities } = chainDecoder(table)((t, tag) => of.local[t * COUNT + tag] as number, STEPS);
        const { below, shares } = exactly(of, [...tags], constrained, true);
        expect(below).toBeLessThan(1e-9);
        shares.forEach((share, t) => {
          expect(probabilities[t]).toBeCloseTo(share, 9);
        });
      }
    }
  });

  it.each(cases)('%s in %s, word by word', (kind, parts) => {
    const of = scoresOf(kinds[kind] as Kind, parts, 9);
    const table = chainTable(COUNT, of.chain, bioGrammar(TAGS));
    const growing = growingPath();
    const known: number[] = [];
    for (let length = 1; length <= STEPS; length += 1) {
      const steps = growing.add(of.local.subarray((length - 1) * COUNT, length * COUNT), table);
      for (const { position, tag } of steps) known[position] = tag;
      const { below, shares } = exactly(of, known, true, false);
      expect(below).toBeLessThan(1e-9);
      for (const { position, probability } of steps) expect(probability).toBeCloseTo(shares[position] as number, 9);
    }
  });

  it('takes what the grammar leaves where it forbids what scores prefer by thousands', () => {
    const table = chainTable(COUNT, undefined, bioGrammar(TAGS));
    const prefersInside = (_: number, tag: number) => (tag === 2 ? 5000 : tag === 0 ? -5000 : -4000 * tag);
    const { tags, probabilities } = chainDecoder(table)(prefersInside, 3);
    expect([...tags]).toEqual([1, 2, 2]);
    for (const probability of probabilities) expect(probability).toBe(1);
    const only = chainDecoder(table)((t, tag) => (tag === 2 ? (t === 0 ? 9000 : -9000) : tag === 3 ? -9000 : 0), 2);
    expect([...only.tags]).toEqual([0, 0]);
    for (const probability of only.probabilities) expect(probability).toBeCloseTo(0.5, 9);
  });
});

describe('what a model that has diverged says', () => {
  const model = tagger({ words: ['to', 'rome'], tags: TAGS, intents: ['go', 'stay'], units: 2, seed: 1 });
  const output = (tags: number, intents: number) => ({
    tags: tensor([1, 1, COUNT], [tags, 0, 0, 0]),
    intents: tensor([1, 2], [intents, 0]),
  });

  it.each([
    ['scores of tags', Number.NaN, 0, /tagger: the greatest of a word's 4 scores is NaN; the model has diverged/],
    ['infinite scores', Number.POSITIVE_INFINITY, 0, /scores is Infinity/],
    ['logits of intents', 0, Number.NaN, /tagger: .*2 logits.* NaN; the model has diverged/],
  ])('is refused by name: %s', (_, tags, intents, message) => {
    expect(() => model.decode(output(tags, intents), [['rome']])).toThrow(RangeError);
    expect(() => model.decode(output(tags, intents), [['rome']])).toThrow(message);
  });

  it.each(['transitions', 'start', 'end'] as const)('is refused by name: chain.%s', (part) => {
    const { chain } = scoresOf(wide(1), [], 0);
    (chain[part] as Float64Array)[2] = Number.NaN;
    expect(() => chainTable(COUNT, chain, undefined)).toThrow(`tagger: number 2 of chain.${part} is NaN`);
  });
});
