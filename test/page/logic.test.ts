import { describe, expect, it } from 'vitest';
import { nextPrompt, nothingSaid, saidMore } from '../../page/logic/said.js';
import { curveInWords, emptySeries, fewOf, type Series, withValue } from '../../page/logic/series.js';
import { shownCount, shownFixed, shownMs, shownRate, shownWhole, typedNumber } from '../../page/logic/show.js';
import {
  activationLevel,
  around,
  rangeOf,
  runsOf,
  spoken,
  surpriseLevel,
  surpriseSummary,
} from '../../page/logic/surprise.js';
import { colourOf, marked, restOf, retagged, selected, slotOf, slotsOf, wordsOf } from '../../page/logic/utterance.js';

describe('surprise', () => {
  it.each([
    [0, 0],
    [0.49, 0],
    [0.5, 1],
    [1, 2],
    [5, 5],
    [8, 7],
    [40, 7],
  ])('%d bits are of level %d', (bits, level) => {
    expect(surpriseLevel(bits)).toBe(level);
  });

  it.each([
    [
      [0, 0, 0],
      [0, 0, 0],
    ],
    [
      [-2, 2, 0, 0.1],
      [-4, 4, 0, 0],
    ],
    // Far from 0 all the time; a unit is what it does, not where it is.
    [
      [15, 16, 17, 16],
      [-4, 0, 4, 0],
    ],
    [
      [5, null, 6],
      [-4, undefined, 4],
    ],
  ])('a unit that is %j over a text is of levels %j', (values, levels) => {
    const range = rangeOf(values);
    expect(values.map((value) => (value === null ? undefined : activationLevel(value, range)))).toEqual(levels);
  });

  it('joins neighbours of one level, and keeps every symbol', () => {
    const symbols = Array.from('aa🐂b c');
    expect(runsOf(symbols, [0, 0.1, 9, 9, null, 0], surpriseLevel)).toEqual([
      { text: 'aa', level: 0 },
      { text: '🐂b', level: 7 },
      { text: ' ', level: undefined },
      { text: 'c', level: 0 },
    ]);
  });

  it('says in words what the colours show', () => {
    const found = surpriseSummary(Array.from('a\nbc'), [1, 6, null, 2], 2);
    expect(found).toEqual({
      total: 9,
      mean: 3,
      passedOver: 1,
      highest: [
        { symbol: '\n', at: 1, bits: 6 },
        { symbol: 'c', at: 3, bits: 2 },
      ],
    });
    expect(surpriseSummary([], []).mean).toBeUndefined();
    expect([' ', '\n', '\t', 'x'].map(spoken)).toEqual(['space', 'line end', 'tab', '“x”']);
    expect(around(Array.from('the river\nbends'), 9, 4)).toBe('iver bend');
  });
});

describe('a series', () => {
  const of = (values: readonly number[], most: number) =>
    values.reduce((series, y, x) => withValue(series, x, [y, null], most), emptySeries(2));

  it('keeps each value while there is room', () => {
    expect(of([3, 2, 1], 4)).toEqual({
      xs: [0, 1, 2],
      ys: [
        [3, 2, 1],
        [null, null, null],
      ],
      each: 1,
      pending: [],
    });
  });

  it('never has more points than it may, and each is the mean of equally many', () => {
    let series: Series = emptySeries(1);
    for (let x = 0; x < 1000; x += 1) {
      series = withValue(series, x, [x], 8);
      expect(series.xs.length).toBeLessThan(8);
    }
    const first = series.ys[0] as number[];
    expect(first[0]).toBe((series.each - 1) / 2);
    expect((first[1] as number) - (first[0] as number)).toBe(series.each);
    expect(series.xs[0]).toBe(series.each - 1);
  });

  it('takes back what lies beyond a step that comes again', () => {
    const series = withValue(of([5, 4, 3, 2], 8), 2, [9, null], 8);
    expect(series.xs).toEqual([0, 1, 2]);
    expect(series.ys[0]).toEqual([5, 4, 9]);
    expect(withValue(series, 2, [1, null], 8)).toBe(series);
  });

  it('has few points for a table, and a sentence', () => {
    const series = of([5, 4, 3, 2, 6], 8);
    expect(fewOf(series, 3).map(({ x, y }) => [x, y[0]])).toEqual([
      [0, 5],
      [2, 3],
      [4, 6],
    ]);
    expect(fewOf(series, 1).map(({ x }) => x)).toEqual([4]);
    expect(fewOf(emptySeries(1), 3)).toEqual([]);
    const words = curveInWords(series, 0, (value) => value.toFixed(1));
    expect(words).toBe('From 5.0 at update 0 to 6.0 at update 4; the least was 2.0 at update 3.');
    expect(curveInWords(series, 1, String)).toBe('Nothing has been learnt yet.');
  });
});

describe('what was said', () => {
  it('has its last symbols only, and goes on from them', () => {
    const said = saidMore(saidMore(nothingSaid, 'ab🐂', [1, 2, 3], 4), 'cd', undefined, 4);
    expect(said).toEqual({ symbols: ['b', '🐂', 'c', 'd'], bits: [2, 3, null, null] });
    expect(nextPrompt(said, 'abcd', 2)).toBe('cd');
  });

  it.each([
    ['xy\nz', '\n'],
    ['xy', 'x'],
    ['', ' '],
    [undefined, ' '],
  ])('begins, of the symbols %j, with %j', (known, prompt) => {
    expect(nextPrompt(nothingSaid, known)).toBe(prompt);
  });
});

describe('an utterance', () => {
  it.each<[string, boolean, string[]]>([
    ['from bost', false, ['from']],
    ['from boston ', false, ['from', 'boston']],
    ['  from boston', true, ['from', 'boston']],
    ['', true, []],
  ])('has the words of %j', (text, isWhole, words) => {
    expect(wordsOf(text, isWhole)).toEqual(words);
  });

  it.each<[string[], string[], string[] | undefined]>([
    [['a'], ['a', 'b', 'c'], ['b', 'c']],
    [['a'], ['a'], []],
    [['a', 'b'], ['a'], undefined],
    [['a', 'b'], ['a', 'x', 'c'], undefined],
  ])('goes on from %j to %j by %j', (sent, words, rest) => {
    expect(restOf(sent, words)).toEqual(rest);
  });

  it('takes tags that are new or revised', () => {
    const news = [
      { position: 1, word: 'boston', tag: 'B-from', probability: 0.5 },
      { position: 0, word: 'from', tag: 'O', probability: 0.9 },
    ];
    const once = retagged([], news);
    expect(once.map(({ tag }) => tag)).toEqual(['O', 'B-from']);
    expect(retagged(once, [{ position: 1, word: 'boston', tag: 'B-to', probability: 0.7 }])[1]?.tag).toBe('B-to');
    expect(once[1]?.tag).toBe('B-from');
  });

  it('knows slots by their tags', () => {
    expect(slotsOf(['O', 'I-to', 'B-to', 'B-from', 'plain'])).toEqual(['from', 'plain', 'to']);
    expect([slotOf(undefined), slotOf('O'), slotOf('B-a-b')]).toEqual([undefined, undefined, 'a-b']);
    expect(colourOf('from', 6)).toBe(colourOf('from', 6));
    expect([0, 1, 2, 3, 4, 5]).toContain(colourOf('étoile 🐂', 6));
  });

  it.each<[string, [number, number] | undefined, number, [number, number] | undefined]>([
    ['begins', undefined, 3, [3, 4]],
    ['grows to the right', [3, 4], 4, [3, 5]],
    ['grows to the left', [3, 4], 2, [2, 4]],
    ['loses its first', [3, 5], 3, [4, 5]],
    ['loses its last', [3, 6], 5, [3, 5]],
    ['ends', [3, 4], 3, undefined],
    ['begins elsewhere', [3, 5], 0, [0, 1]],
  ])('its selection %s', (_, before, at, after) => {
    const of = (range: [number, number] | undefined) => range && { start: range[0], end: range[1] };
    expect(selected(of(before), at)).toEqual(of(after));
  });
});

describe('marks', () => {
  it('are in their order, and a new one takes the place of those it overlaps', () => {
    const first = [
      { start: 0, end: 2, slot: 'a' },
      { start: 4, end: 5, slot: 'b' },
    ];
    expect(marked(first, { start: 2, end: 4, slot: 'c' }).map(({ slot }) => slot)).toEqual(['a', 'c', 'b']);
    expect(marked(first, { start: 1, end: 3, slot: 'c' }).map(({ slot }) => slot)).toEqual(['c', 'b']);
    expect(marked(first, { start: 0, end: 5, slot: 'O' })).toEqual([{ start: 0, end: 5, slot: 'O' }]);
  });
});

describe('numbers', () => {
  it('are shown briefly', () => {
    expect(shownWhole(1_250_000)).toBe('1,250,000');
    expect([shownCount(1234.4), shownCount(1_250_000)]).toEqual(['1,234', '1.3M']);
    expect([shownFixed(null, 2), shownFixed(undefined, 2), shownFixed(1.005, 1)]).toEqual(['–', '–', '1.0']);
    expect([shownMs(undefined), shownMs(1.26), shownMs(15.7)]).toEqual(['–', '1.3 ms', '16 ms']);
    expect([shownRate(0.002), shownRate(0.00123456)]).toEqual(['0.002', '0.00123']);
  });

  it.each<[string, number | undefined]>([
    ['0.5', 0.5],
    [' 2 ', 2],
    ['', undefined],
    ['x', undefined],
    ['-1', undefined],
    ['11', undefined],
  ])('are taken where they are some: %j', (text, value) => {
    expect(typedNumber(text, 0, 10)).toBe(value);
  });
});
