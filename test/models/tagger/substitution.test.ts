import { substituteSlots, type TaggedUtterance } from 'oxbow';
import { from, lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { chunksOf } from '../../../src/models/metrics/chunks.js';

const examples: readonly TaggedUtterance[] = [
  { words: ['arrive', 'Taipei', 'today'], tags: ['O', 'B-toloc.city', 'B-date'], intent: 'arrival' },
  { words: ['leave', 'New', 'York'], tags: ['O', 'B-fromloc.city', 'I-fromloc.city'], intent: 'departure' },
  { words: ['leave', 'Rome', 'at', 'noon'], tags: ['O', 'B-fromloc.city', 'O', 'B-time'], intent: 'departure' },
  { words: [], tags: [], intent: 'nothing' },
  { words: ['thank', 'you'], tags: ['O', 'O'], intent: 'nothing' },
];

/** So many utterances, the examples over and over. */
const many = (count: number) =>
  Array.from({ length: count }, (_, k) => examples[k % examples.length] as TaggedUtterance);

const substituted = (share: number, seed = 1, count = 500, typeOf?: (slot: string) => string) =>
  lastValueFrom(
    from(many(count)).pipe(substituteSlots(examples, { share, seed, ...(typeOf && { typeOf }) }), toArray()),
  );

const slotsOf = ({ words, tags }: TaggedUtterance) =>
  chunksOf(tags).map(({ type, start, end }) => `${type} ${words.slice(start, end).join(' ')}`);

const outside = ({ words, tags }: TaggedUtterance) => words.filter((_, k) => tags[k] === 'O');

describe('substituteSlots', () => {
  it('leaves the slots, their order, the words outside of them and the intent', async () => {
    const given = many(500);
    const found = await substituted(1);
    expect(found.length).toBe(500);
    found.forEach((utterance, k) => {
      const before = given[k] as TaggedUtterance;
      expect(utterance.tags.length).toBe(utterance.words.length);
      expect(chunksOf(utterance.tags).map(({ type }) => type)).toEqual(chunksOf(before.tags).map(({ type }) => type));
      expect(outside(utterance)).toEqual(outside(before));
      expect(utterance.intent).toBe(before.intent);
    });
  });

  it('takes words of the same type from any slot, and no other', async () => {
    const found = new Set((await substituted(1)).flatMap(slotsOf));
    expect([...found].sort()).toEqual([
      'date today',
      'fromloc.city New York',
      'fromloc.city Rome',
      'fromloc.city Taipei',
      'time noon',
      'toloc.city Rome',
      'toloc.city Taipei',
    ]);
  });

  it('does not need a tag that the examples do not have', async () => {
    // Of toloc.city there is no I-, so New York cannot be one.
    const tags = new Set((await substituted(1)).flatMap((utterance) => utterance.tags));
    expect(tags.has('I-toloc.city')).toBe(false);
    expect(tags.has('I-fromloc.city')).toBe(true);
  });

  it('keeps within each slot where a type is a slot', async () => {
    const found = new Set((await substituted(1, 1, 500, (slot) => slot)).flatMap(slotsOf));
    expect([...found].sort()).toEqual([
      'date today',
      'fromloc.city New York',
      'fromloc.city Rome',
      'time noon',
      'toloc.city Taipei',
    ]);
  });

  it('substitutes the share of slots that it is told to', async () => {
    expect(await substituted(0)).toEqual(many(500));
    const own = (await substituted(0.5, 1, 5000)).filter((_, k) => k % 5 === 2).flatMap(slotsOf);
    const cities = own.filter((slot) => slot.startsWith('fromloc'));
    // One half stay; a third of the others draw their own words again.
    const rome = cities.filter((slot) => slot.endsWith('Rome')).length / cities.length;
    expect(cities.length).toBe(1000);
    expect(rome).toBeGreaterThan(2 / 3 - 0.06);
    expect(rome).toBeLessThan(2 / 3 + 0.06);
  });

  it('draws the same for each subscription, and something else for another seed', async () => {
    expect(await substituted(0.5)).toEqual(await substituted(0.5));
    expect(await substituted(0.5, 2)).not.toEqual(await substituted(0.5));
  });

  it('leaves what it is given as it was', async () => {
    const before = structuredClone(examples);
    await substituted(1);
    expect(examples).toEqual(before);
  });

  it('keeps a slot that begins with I- as it begins', async () => {
    const odd: TaggedUtterance = { words: ['Oslo', 'today'], tags: ['I-fromloc.city', 'B-date'] };
    const [found] = await lastValueFrom(from([odd]).pipe(substituteSlots(examples, { share: 1, seed: 3 }), toArray()));
    expect(found?.tags[0]).toBe('I-fromloc.city');
  });

  it('leaves slots alone that are not in BIO', async () => {
    const odd: TaggedUtterance = { words: ['New', 'York', 'today'], tags: ['B-toloc.city', 'E-toloc.city', 'S-date'] };
    const found = await lastValueFrom(from([odd]).pipe(substituteSlots(examples, { share: 1, seed: 3 }), toArray()));
    expect(found).toEqual([odd]);
  });

  it('says where an utterance has not one tag a word, whatever is drawn', async () => {
    const odd: TaggedUtterance = { words: ['to', 'Rome'], tags: ['O', 'B-date', 'I-date'] };
    expect(() => substituteSlots([odd], { share: 0 })).toThrow('2 words and 3 tags');
    for (const share of [0, 1]) {
      await expect(lastValueFrom(from([odd]).pipe(substituteSlots(examples, { share })))).rejects.toThrow('3 tags');
    }
  });

  it('says what is no share', () => {
    for (const share of [-0.1, 1.1, Number.NaN]) {
      expect(() => substituteSlots(examples, { share })).toThrow(
        `substituteSlots: a share of slots is a number from 0 to 1, not ${share}`,
      );
    }
  });
});
