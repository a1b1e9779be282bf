import * as E from 'fp-ts/lib/Either.js';
import { correctTagsEither, generator, type SlotCorrection, slots, slotsOf } from 'oxbow';
import { from, lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';

const words = 'leave New York for new york on May 3rd'.split(' ');
const tags = 'O B-to I-to O B-to I-to O B-date I-date'.split(' ');
const right = (corrections: readonly SlotCorrection[], from = tags) => {
  const corrected = correctTagsEither(words, from, corrections);
  return E.isRight(corrected) ? corrected.right.join(' ') : corrected.left.message;
};

describe('corrections of slots', () => {
  it.each<readonly [string, readonly SlotCorrection[], string]>([
    ['none', [], 'O B-to I-to O B-to I-to O B-date I-date'],
    [
      'by words, the first of them',
      [{ slot: 'from', words: 'new york' }],
      'O B-from I-from O B-to I-to O B-date I-date',
    ],
    [
      'those that are not the slot already',
      [{ slot: 'to', words: 'New  York' }],
      'O B-to I-to O B-to I-to O B-date I-date',
    ],
    ['by place', [{ slot: 'from', start: 4, end: 6 }], 'O B-to I-to O B-from I-from O B-date I-date'],
    ['to none', [{ slot: 'O', words: 'may 3rd' }], 'O B-to I-to O B-to I-to O O O'],
    ['one that cuts another', [{ slot: 'month', words: 'May' }], 'O B-to I-to O B-to I-to O B-month O'],
    ['one that joins two', [{ slot: 'way', start: 1, end: 6 }], 'O B-way I-way I-way I-way I-way O B-date I-date'],
    [
      'one after the other',
      [
        { slot: 'from', words: 'york' },
        { slot: 'from', words: 'new york' },
      ],
      'O B-from I-from O B-to I-to O B-date I-date',
    ],
  ])('%s', (_, corrections, expected) => {
    expect(right(corrections)).toBe(expected);
  });

  it('take the second mention where the first is right already', () => {
    expect(right([{ slot: 'to', words: 'new york' }], 'O B-to I-to O B-from I-from O O O'.split(' '))).toBe(
      'O B-to I-to O B-to I-to O O O',
    );
  });

  it.each<readonly [string, readonly string[], string, string]>([
    ['a word with a blank', ['from', 'New York', 'to'], 'New York', 'O B-x O'],
    ['its words in other cases', ['from', 'New York', 'to'], 'new york', 'O B-x O'],
    ['a word with a no-break space', ['from', 'New\u00A0York', 'to'], 'New\u00A0York', 'O B-x O'],
    ['a no-break space as a blank', ['from', 'New\u00A0York', 'to'], 'new york', 'O B-x O'],
    ['a blank as a no-break space', ['from', 'New', 'York', 'to'], 'new\u00A0york', 'O B-x I-x O'],
    ['a part of a word by no means', ['from', 'New York', 'York'], 'york', 'O O B-x'],
    ['what it is before what it is like', ['a  b', 'a', 'b'], 'a b', 'O B-x I-x'],
    ['words with blanks at their ends', [' New ', 'York\t', 'to'], 'new york', 'B-x I-x O'],
    ['a word that is a blank between two', ['a', ' ', 'b'], 'a b', 'B-x I-x I-x'],
    ['none of the blanks around', [' ', 'a', '\u00A0'], 'a', 'O B-x O'],
    ['a line separator', ['a\u2028b', 'c'], 'a b', 'B-x O'],
    ['a word that is a blank', ['a', ' ', 'b'], ' ', 'O B-x O'],
    ['a word that is empty', ['a', '', 'b'], '', 'O B-x O'],
    ['two of them', ['a', '', '', 'b'], ' ', 'O B-x I-x O'],
    ['half a pair', ['a', '\uD800'], '\uD800', 'O B-x'],
    ['letters that depend on what follows', ['ΟΔΟΣ', 'Σ'], 'οδος σ', 'B-x I-x'],
  ])('find %s', (_, said, text, wanted) => {
    const corrected = correctTagsEither(
      said,
      said.map(() => 'O'),
      [{ slot: 'x', words: text }],
    );
    expect(corrected).toEqual(E.right(wanted.split(' ')));
  });

  it('take every value that slots are given as', async () => {
    const random = generator(5, 'slots');
    const parts = [
      'a',
      'A',
      'b',
      ' ',
      '',
      '\u00A0',
      '\t',
      '\u2028',
      '\uFEFF',
      'İ',
      'Σ',
      '\uD83E',
      '\uDD9C',
      '.',
      '\u0301',
      '\n',
    ];
    const some = <T>(items: readonly T[]): T => items[random.below(items.length)] as T;
    for (let round = 0; round < 500; round += 1) {
      const said = Array.from({ length: 1 + random.below(6) }, () =>
        Array.from({ length: random.below(4) }, () => some(parts)).join(''),
      );
      const names = said.map(() => some(['O', 'B-x', 'I-x', 'B-y', 'I-y', 'U-x', 'E-y']));
      const tagging = { words: said.map((word, k) => ({ word, tag: names[k] as string, probability: 1 })) };
      const found = await lastValueFrom(from([tagging]).pipe(slots()));
      for (const [slot, values] of Object.entries(found)) {
        for (const value of [values].flat()) {
          for (const as of [slot, 'z', 'O']) {
            const corrected = correctTagsEither(said, names, [{ slot: as, words: value }]);
            expect(E.isRight(corrected), JSON.stringify([said, names, value])).toBe(true);
          }
        }
      }
    }
  });

  it('leave all other tags as they are, in whatever notation', () => {
    const odd = 'O B-to E-to O I-way I-way O O S-date'.split(' ');
    expect(right([{ slot: 'from', words: 'leave' }], odd)).toBe('B-from B-to E-to O I-way I-way O O S-date');
    expect(right([{ slot: 'x', words: 'on may' }], odd)).toBe('O B-to E-to O I-way I-way B-x I-x S-date');
  });

  it('keep a slot apart that begins with I- right after', () => {
    const odd = 'O B-to I-to I-via I-via I-via O B-date I-date'.split(' ');
    expect(right([{ slot: 'via', start: 1, end: 3 }], odd)).toBe('O B-via I-via B-via I-via I-via O B-date I-date');
  });

  it('that cannot be are a message', () => {
    expect(right([{ slot: 'to', words: 'Boston' }])).toBe(
      `correctTags: "Boston" is not in the utterance "${words.join(' ')}"; name words of it.`,
    );
    expect(right([{ slot: 'to', words: ' ' }])).toContain('is not in the utterance');
    expect(right([{ slot: 'to' } as never])).toContain('a correction says which words it is about');
    expect(right([{ slot: '', words: 'may' }])).toBe('correctTags: a correction names its slot, or O for none.');
    for (const [start, end] of [
      [0, 0],
      [-1, 2],
      [3, 10],
      [0.5, 2],
    ] as const) {
      expect(right([{ slot: 'to', start, end }])).toContain(`words ${start} to ${end} are not a stretch`);
    }
  });
});

describe('slots', () => {
  const tagged = (text: string, marks: string) => {
    const names = marks.split(' ');
    return text.split(' ').map((word, k) => ({ word, tag: names[k] as string, probability: 1 - k / 10 }));
  };

  it('are the stretches that the tags mark, I- at the start included', () => {
    expect(slotsOf(tagged('to new york and rome now', 'O B-to I-to O I-to I-date'))).toEqual([
      { slot: 'to', value: 'new york', start: 1, end: 3, probability: 0.8 },
      { slot: 'to', value: 'rome', start: 4, end: 5, probability: 0.6 },
      { slot: 'date', value: 'now', start: 5, end: 6, probability: 0.5 },
    ]);
  });

  it('come as a record an utterance, with a list where a slot is there several times', async () => {
    const word = {
      utterance: 0,
      position: 0,
      word: 'to',
      tag: 'O',
      probability: 1,
      revised: false,
      final: false,
    } as const;
    const events = [
      word,
      { words: tagged('to new york and rome by train', 'O B-to I-to O B-to O B-means') },
      { words: [] },
      { words: tagged('a b c', 'B-x B-x B-x') },
      { words: tagged('a', 'B-__proto__') },
    ];
    const records = await lastValueFrom(from(events).pipe(slots(), toArray()));
    expect(records).toEqual([
      { to: ['new york', 'rome'], means: 'train' },
      {},
      { x: ['a', 'b', 'c'] },
      Object.fromEntries([['__proto__', 'a']]),
    ]);
  });
});
