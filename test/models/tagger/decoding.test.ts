import { describe, expect, it } from 'vitest';
import { bioGrammar, chainDecoder, chainTable } from '../../../src/models/tagger/decoding.js';
import { draw } from '../../backprop/differences.js';

const TAGS = ['O', 'B-city', 'I-city', 'I-date'];
const COUNT = TAGS.length;
const STEPS = 4;

const chain = {
  transitions: draw([COUNT, COUNT], 'transitions').data,
  start: draw([COUNT], 'start').data,
  end: draw([COUNT], 'end').data,
};
const scores = draw([STEPS, COUNT], 'scores').data;
const scoreAt = (step: number, tag: number) => scores[step * COUNT + tag] as number;

const paths = (length: number): readonly (readonly number[])[] =>
  length === 0 ? [[]] : paths(length - 1).flatMap((path) => TAGS.map((_, tag) => [...path, tag]));

function scoreOf(path: readonly number[], withChain: boolean): number {
  const local = path.reduce((sum, tag, step) => sum + scoreAt(step, tag), 0);
  if (!withChain) return local;
  const between = path.slice(1).reduce((sum, tag, k) => sum + chain.transitions[(path[k] as number) * COUNT + tag], 0);
  return local + between + chain.start[path[0] as number] + chain.end[path.at(-1) as number];
}

/** Whether a path is proper: I-city after B-city or I-city alone; I-date has no B-date, so it may begin. */
const proper = (path: readonly number[]) =>
  path.every((tag, step) => tag !== 2 || (step > 0 && [1, 2].includes(path[step - 1] as number)));

describe('chainDecoder', () => {
  for (const withChain of [true, false]) {
    for (const constrained of [true, false]) {
      it(`finds the best of all paths and the share of each of its tags (${withChain}, ${constrained})`, () => {
        const decode = chainDecoder(
          chainTable(COUNT, withChain ? chain : undefined, constrained ? bioGrammar(TAGS) : undefined),
        );
        const { tags, probabilities } = decode(scoreAt, STEPS);
        const allowed = paths(STEPS).filter((path) => !constrained || proper(path));
        const weights = allowed.map((path) => Math.exp(scoreOf(path, withChain)));
        const best = allowed[weights.indexOf(Math.max(...weights))] as readonly number[];
        expect([...tags]).toEqual(best);
        const total = weights.reduce((a, b) => a + b, 0);
        best.forEach((tag, step) => {
          const share = weights.reduce((sum, weight, k) => sum + (allowed[k]?.[step] === tag ? weight : 0), 0) / total;
          expect(probabilities[step]).toBeCloseTo(share, 12);
        });
      });
    }
  }

  it('forbids what the scores favour where it is no proper BIO', () => {
    // I-city is by far the best at every step, but may not begin, nor follow O.
    const favoured = (step: number, tag: number) => (tag === 2 ? 9 : tag === 0 ? 5 : step === 0 ? 4 : 0);
    const decode = (grammar: boolean) => [
      ...chainDecoder(chainTable(COUNT, undefined, grammar ? bioGrammar(TAGS) : undefined))(favoured, 2).tags,
    ];
    expect(decode(false)).toEqual([2, 2]);
    expect(decode(true)).toEqual([1, 2]);
  });

  it('decodes nothing, and one word by its start and end', () => {
    const decode = chainDecoder(chainTable(COUNT, chain, undefined));
    expect(decode(scoreAt, 0).tags).toHaveLength(0);
    const alone = TAGS.map((_, tag) => scoreOf([tag], true));
    expect([...decode(scoreAt, 1).tags]).toEqual([alone.indexOf(Math.max(...alone))]);
  });

  it('is sure, and no NaN, where scores are hundreds apart', () => {
    const decode = chainDecoder(chainTable(COUNT, chain, bioGrammar(TAGS)));
    const { tags, probabilities } = decode((step, tag) => (tag === step % 2 ? 900 : -900), 50);
    expect([...tags]).toEqual(Array.from({ length: 50 }, (_, k) => k % 2));
    for (const probability of probabilities) expect(probability).toBeCloseTo(1, 12);
  });
});
