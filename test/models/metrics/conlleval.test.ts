import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { conlleval, type Labelled, scoreSlots } from '../../../src/models/metrics/conlleval.js';

interface GoldenReport {
  readonly tokens: number;
  readonly wanted: number;
  readonly predicted: number;
  readonly right: number;
  readonly percent: readonly [accuracy: number, precision: number, recall: number, f1: number];
  readonly bySlot: readonly {
    readonly slot: string;
    readonly percent: readonly number[];
    readonly predicted: number;
  }[];
}
interface GoldenCase {
  readonly name: string;
  readonly wanted: readonly string[];
  readonly predicted: readonly string[];
  readonly report: GoldenReport;
}

const golden = JSON.parse(
  readFileSync(new URL('../../golden/conlleval.json', import.meta.url), 'utf8'),
) as readonly GoldenCase[];

const labelled = (tags: string, intent?: string): Labelled => ({
  tags: tags === '' ? [] : tags.split(' '),
  ...(intent === undefined ? {} : { intent }),
});

/** Utterance by utterance, predicted and wanted. */
const scoresOf = (...pairs: readonly (readonly [predicted: string, wanted: string])[]) =>
  scoreSlots(
    pairs.map(([predicted]) => labelled(predicted)),
    pairs.map(([, wanted]) => labelled(wanted)),
  );

describe('conlleval’s counts', () => {
  it.each(golden.map(({ name, ...rest }, k) => [`${name} ${k}`, rest] as const))(
    'are those of conlleval.pl: %s',
    (_, { predicted, wanted, report }) => {
      const { bySlot, ...scores } = scoresOf(...wanted.map((tags, k) => [predicted[k] as string, tags] as const));
      const { percent, bySlot: slots, ...counts } = report;
      expect(scores).toMatchObject(counts);
      // The script prints two digits of a per cent.
      const agree = (ours: readonly number[], theirs: readonly number[]) =>
        ours.forEach((value, k) => {
          expect(Math.abs(100 * value - (theirs[k] as number))).toBeLessThan(0.00501);
        });
      agree([scores.tokenAccuracy, scores.precision, scores.recall, scores.f1], percent);
      expect(bySlot.map(({ slot, predicted: n }) => [slot, n])).toEqual(slots.map((s) => [s.slot, s.predicted]));
      bySlot.forEach((slot, k) => {
        agree([slot.precision, slot.recall, slot.f1], slots[k]?.percent ?? []);
      });
    },
  );

  it('are of whole slots: name, first word and last word', () => {
    const { right, predicted, wanted, precision, recall, f1 } = scoresOf(
      ['O B-to I-to O B-on', 'O B-to I-to O B-on'], // 2 of 2
      ['O B-to O', 'O B-to I-to'], // too short
      ['B-from', 'B-to'], // the other name
      ['O B-on', 'O O'], // of nothing
      ['O O', 'B-to O'], // missed
    );
    expect([right, predicted, wanted]).toEqual([2, 5, 5]);
    expect([precision, recall, f1]).toEqual([2 / 5, 2 / 5, 2 / 5]);
  });

  it('take I- after O, or after another slot, as a beginning', () => {
    expect(scoresOf(['O I-to I-to', 'O B-to I-to'])).toMatchObject({ right: 1, f1: 1, tokenAccuracy: 2 / 3 });
    expect(scoresOf(['B-from I-to', 'B-from B-to'])).toMatchObject({ right: 2, f1: 1, tokenAccuracy: 1 / 2 });
    expect(scoresOf(['I-to B-to', 'I-to I-to'])).toMatchObject({ right: 0, predicted: 2, wanted: 1 });
  });

  it('end with the utterance', () => {
    expect(scoresOf(['O B-to', 'O B-to'], ['I-to O', 'I-to O'])).toMatchObject({ right: 2, predicted: 2, wanted: 2 });
  });

  it('are 0 where there is no slot', () => {
    const none = { right: 0, precision: 0, recall: 0, f1: 0 };
    expect(scoresOf(['O O', 'O O'])).toMatchObject({ ...none, tokenAccuracy: 1, sentenceAccuracy: 1, bySlot: [] });
    expect(scoresOf(['O O', 'O B-to'])).toMatchObject({ ...none, predicted: 0, wanted: 1 });
    expect(scoresOf(['O B-to', 'O O'])).toMatchObject({ ...none, predicted: 1, wanted: 0 });
    expect(scoresOf(['', ''])).toMatchObject({ ...none, utterances: 1, tokens: 0, sentenceAccuracy: 1 });
  });

  it('of nothing at all have no accuracy', () => {
    const { tokenAccuracy, sentenceAccuracy, intentAccuracy, frameAccuracy, f1 } = scoreSlots([], []);
    expect([tokenAccuracy, sentenceAccuracy, intentAccuracy, frameAccuracy, f1]).toEqual([NaN, NaN, NaN, NaN, 0]);
  });

  it('are the same utterance after utterance', () => {
    const { update, result } = conlleval().start();
    for (const { predicted, wanted } of golden) {
      wanted.forEach((tags, k) => {
        update(labelled(predicted[k] as string), labelled(tags));
      });
    }
    const pairs = golden.flatMap(({ predicted, wanted }) =>
      wanted.map((tags, k) => [predicted[k] as string, tags] as const),
    );
    expect(result()).toEqual(scoresOf(...pairs));
    expect(result()).toEqual(result());
  });
});

describe('the table of slots', () => {
  it('has each slot that was wanted or predicted, by name', () => {
    const { bySlot } = scoresOf(['B-to B-on', 'B-to O'], ['B-to O', 'B-from O']);
    expect(bySlot).toEqual([
      { slot: 'from', right: 0, predicted: 0, wanted: 1, precision: 0, recall: 0, f1: 0 },
      { slot: 'on', right: 0, predicted: 1, wanted: 0, precision: 0, recall: 0, f1: 0 },
      { slot: 'to', right: 1, predicted: 2, wanted: 1, precision: 1 / 2, recall: 1, f1: 2 / 3 },
    ]);
  });
});

describe('the confusion of slots', () => {
  it('is of what stands in a slot’s place', () => {
    const { confusion } = scoresOf(
      ['B-to I-to O', 'B-from I-from O'],
      ['B-to O O', 'B-from I-from O'],
      ['B-to O', 'O O'],
      ['O O', 'B-on O'],
    );
    expect(confusion).toEqual([
      { wanted: 'from', predicted: 'to', count: 2 },
      { wanted: 'O', predicted: 'to', count: 1 },
      { wanted: 'on', predicted: 'O', count: 1 },
    ]);
  });

  it('has a slot whose ends are wrong beside itself, and no right one', () => {
    expect(scoresOf(['B-to I-to B-on', 'B-to O B-on']).confusion).toEqual([
      { wanted: 'to', predicted: 'to', count: 1 },
    ]);
  });

  it('takes the one that shares most words', () => {
    expect(scoresOf(['B-a B-b I-b', 'B-c I-c I-c']).confusion).toEqual([{ wanted: 'c', predicted: 'b', count: 1 }]);
  });
});

describe('accuracies', () => {
  it('are of words, of utterances, of intents, and of all together', () => {
    const predictions = [
      labelled('B-to O', 'flight'),
      labelled('B-to O', 'fare'),
      labelled('O O', 'flight'),
      labelled('B-to O'),
    ];
    const targets = [
      labelled('B-to O', 'flight'),
      labelled('B-to O', 'flight'),
      labelled('B-to O', 'flight'),
      labelled('B-to O'),
    ];
    expect(scoreSlots(predictions, targets)).toMatchObject({
      utterances: 4,
      tokens: 8,
      tokenAccuracy: 7 / 8,
      sentenceAccuracy: 3 / 4,
      intentAccuracy: 2 / 3,
      frameAccuracy: 2 / 4,
    });
  });
});

describe('what does not belong together', () => {
  it('is refused', () => {
    expect(() => scoresOf(['O', 'O O'])).toThrow('conlleval: got 1 predicted tags and 2 right ones');
    expect(() => scoreSlots([], [labelled('O')])).toThrow('scoreSlots: got 0 predictions and 1 targets');
  });
});
