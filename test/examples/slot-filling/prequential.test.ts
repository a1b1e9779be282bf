import { type Labelled, scoreSlots, type TaggedUtterance } from 'oxbow';
import { from, lastValueFrom, toArray } from 'rxjs';
import { expect, it } from 'vitest';
import { someUtterances } from '../../../examples/slot-filling/grammar/index.js';
import { beginner, labelledOf, prequential } from '../../../examples/slot-filling/prequential.js';
import { onGrammar } from '../../../examples/slot-filling/recipe.js';

const utterances = someUtterances('dining', 2, 230);
const learnt = (all: readonly TaggedUtterance[], net = {}) => {
  const model = beginner(all[0] as TaggedUtterance, onGrammar, { units: 24, ...net }, 1);
  return lastValueFrom(from(all).pipe(prequential(model, onGrammar, { seed: 1, replay: true }), toArray()));
};

it('the course counts each utterance as it was tagged before it was learnt from', async () => {
  const events = await learnt(utterances);
  expect(events.map(({ event }) => event.words)).toEqual(utterances.map(({ words }) => words));
  expect(events.filter(({ endsBlock }) => endsBlock).map(({ event }) => event.step)).toEqual([100, 200]);
  const scores = (start: number, end: number) =>
    scoreSlots(
      events.slice(start, end).map(({ event }) => labelledOf(event.prediction)),
      utterances.slice(start, end) as readonly Labelled[],
    );
  const { blocks, ...course } = events.at(-1)?.course() ?? { blocks: [] };
  expect(course).toMatchObject({ utterances: 230, scores: scores(0, 230), recent: scores(200, 230) });
  expect(blocks).toEqual([scores(0, 100).f1, scores(100, 200).f1]);
});

it('what has no words is passed over, and nothing need have an intent', async () => {
  const some = utterances.slice(0, 4).map(({ words, tags }) => ({ words, tags }));
  const events = await learnt([...some.slice(0, 2), { words: [], tags: [] }, ...some.slice(2)]);
  expect(events.map(({ event }) => event.words)).toEqual(some.map(({ words }) => words));
  const { scores, revised } = events[3]?.course() ?? {};
  expect(scores?.intentAccuracy).toBeNaN();
  expect(revised).toBeNaN();
});

it('a model that reads forwards tags each word as it comes', async () => {
  const events = await learnt(utterances.slice(0, 60), { bidirectional: false });
  const { revised = -1, word } = events.at(-1)?.course() ?? {};
  expect(revised).toBeGreaterThanOrEqual(0);
  expect(revised).toBeLessThan(1);
  expect(word?.p50).toBeGreaterThan(0);
});
