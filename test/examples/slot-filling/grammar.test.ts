import { chunksOf, generator, type TaggedUtterance } from 'oxbow';
import { describe, expect, it } from 'vitest';
import { dining } from '../../../examples/slot-filling/grammar/dining.js';
import { type Domain, expand } from '../../../examples/slot-filling/grammar/expand.js';
import { flights } from '../../../examples/slot-filling/grammar/flights.js';
import { domainNames, domains, someUtterances } from '../../../examples/slot-filling/grammar/index.js';

const slotsOf = ({ words, tags }: TaggedUtterance) =>
  chunksOf(tags).map(({ type, start, end }) => ({ slot: type, value: words.slice(start, end).join(' ') }));

describe('rules', () => {
  const domain: Domain = {
    intents: {},
    rules: { when: ['(on {date}|now)'], both: ['<when> or <when>'] },
    values: { date: () => 'May  2nd' },
  };

  it('become words with tags', () => {
    expect(expand(generator(1), domain, 'leave {date} (|) please')).toEqual({
      words: ['leave', 'May', '2nd', 'please'],
      tags: ['O', 'B-date', 'I-date', 'O'],
    });
  });

  it('choose, also within what was chosen', () => {
    const random = generator(1);
    const said = new Set(
      Array.from({ length: 200 }, () => expand(random, domain, '(<both>|no (a|b))').words.join(' ')),
    );
    const when = ['on May 2nd', 'now'];
    expect([...said].sort()).toEqual(
      ['no a', 'no b', ...when.flatMap((first) => when.map((second) => `${first} or ${second}`))].sort(),
    );
  });

  it('must be there', () => {
    expect(() => expand(generator(1), domain, '{city}')).toThrow('the grammar has no city; it has date');
    expect(() => expand(generator(1), domain, '<where>')).toThrow('the grammar has no where; it has when, both');
  });
});

describe.each(domainNames)('utterances of %s', (name) => {
  const many = someUtterances(name, 7, 4000);

  it('are the same for the same seed, and others for another', () => {
    expect(someUtterances(name, 7, 50)).toEqual(many.slice(0, 50));
    expect(someUtterances(name, 8, 50)).not.toEqual(many.slice(0, 50));
  });

  it('have a tag for each word, and no tag that does not follow', () => {
    for (const { words, tags } of many) {
      expect(tags).toHaveLength(words.length);
      expect(words.length).toBeGreaterThan(0);
      for (const word of words) expect(word).toMatch(/^[^\s<>(){}|]+$/);
      tags.forEach((tag, k) => {
        if (tag.startsWith('I-')) expect(tags[k - 1]?.slice(2)).toBe(tag.slice(2));
      });
    }
  });

  it('make use of every slot and every intent', () => {
    const domain: Domain = domains[name];
    expect(new Set(many.map(({ intent }) => intent))).toEqual(new Set(Object.keys(domain.intents)));
    expect(new Set(many.flatMap(slotsOf).map(({ slot }) => slot))).toEqual(new Set(Object.keys(domain.values)));
  });

  it('never run out of new words', () => {
    const known = new Set(many.slice(0, 2000).flatMap(({ words }) => words));
    const later = many.slice(2000);
    const withNew = later.filter(({ words }) => words.some((word) => !known.has(word))).length / later.length;
    expect(withNew).toBeGreaterThan(0.05);
    expect(withNew).toBeLessThan(0.5);
  });
});

describe('the domains', () => {
  it('share words, and of slots the price alone', () => {
    expect(Object.keys(flights.values).filter((slot) => slot in dining.values)).toEqual(['price']);
    const [first, second] = domainNames.map(
      (name) => new Set(someUtterances(name, 3, 2000).flatMap(({ words }) => words)),
    ) as [Set<string>, Set<string>];
    const shared = [...second].filter((word) => first.has(word));
    expect(shared.length / second.size).toBeGreaterThan(0.2);
    expect(shared).toEqual(expect.arrayContaining(['Taipei', 'November', '2nd', 'from', 'to', 'at']));
  });

  it('tell departure and destination by the words around', () => {
    const many = someUtterances('flights', 5, 6000);
    const ways = many.filter(({ words }) => words.includes('Taipei')).flatMap(slotsOf);
    for (const slot of ['fromloc', 'toloc', 'stoploc']) {
      expect(ways.filter((way) => way.value === 'Taipei' && way.slot === slot).length).toBeGreaterThan(10);
    }
    /** How Taipei is tagged right after a verb. */
    const tagsAfter = (verb: string) =>
      new Set(
        many.flatMap(({ words, tags }) =>
          words.flatMap((word, k) => (word === 'Taipei' && words[k - 1] === verb ? [tags[k]] : [])),
        ),
      );
    expect(tagsAfter('arrive')).toEqual(new Set(['B-toloc']));
    expect(tagsAfter('leave')).toEqual(new Set(['B-fromloc']));
  });
});
