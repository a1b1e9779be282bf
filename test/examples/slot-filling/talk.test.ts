import type { TaggedUtterance } from 'oxbow';
import { from, lastValueFrom, map } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { someUtterances } from '../../../examples/slot-filling/grammar/index.js';
import { parseOptions } from '../../../examples/slot-filling/options.js';
import { beginner, prequential } from '../../../examples/slot-filling/prequential.js';
import { onGrammar } from '../../../examples/slot-filling/recipe.js';
import type { Learner } from '../../../examples/slot-filling/saved.js';
import { painter } from '../../../examples/slot-filling/show.js';
import { parseCorrection, type Room, talk } from '../../../examples/slot-filling/talk.js';

/** A tagger that has learnt the grammar somewhat. */
async function learner(): Promise<Learner> {
  const utterances = someUtterances('flights', 1, 300);
  const model = beginner(utterances[0] as TaggedUtterance, onGrammar, { units: 48 }, 1);
  const learnt$ = from(utterances).pipe(
    prequential(model, onGrammar, { seed: 1, replay: true }),
    map(({ event }) => (event.step === utterances.length ? event.state() : undefined)),
  );
  return { model, state: await lastValueFrom(learnt$) };
}

async function* typed(lines: readonly string[]): AsyncGenerator<string> {
  yield* lines;
}

/** What is said to lines that are typed, without the words at the beginning. */
async function said(...lines: readonly string[]): Promise<readonly string[]> {
  const answers: string[] = [];
  const nothing = () => undefined;
  const screen = { live: nothing, note: nothing, record: nothing, write: nothing, dim: (text: string) => text };
  const options = parseOptions([]);
  const room: Room = {
    screen: { ...screen, say: (text) => void answers.push(text) },
    paint: painter(false),
    options: (options as { right: Room['options'] }).right,
  };
  await talk(room, await learner(), typed(lines));
  expect(answers[0]).toMatch(/Taipei=toloc[\s\S]*\nslots: [\w, ]*fromloc/);
  return answers.slice(1);
}

describe('talking', { timeout: 30_000 }, () => {
  it('tells what was understood', async () => {
    const [arrive, leave] = await said('arrive Taipei', '', 'leave  Taipei');
    expect(arrive).toMatch(/^ {2}arrive \[Taipei toloc\] {2}flight$/);
    expect(leave).toMatch(/^ {2}leave \[Taipei fromloc\] {2}flight$/);
  });

  it('learns from a correction at once, a new slot and a new intent among it', async () => {
    const answers = await said('my cat is in Zwrblx', 'Zwrblx=cat_place, =cat', 'my cat is in Zwrblx');
    expect(answers.slice(1)).toEqual([
      '  cat_place is a new slot',
      expect.stringMatching(/^ {2}learnt with \d+ updates?$/),
      expect.stringMatching(/ is in \[Zwrblx cat_place\] {2}cat$/),
      expect.stringMatching(/ is in \[Zwrblx cat_place\] {2}cat$/),
    ]);
  });

  it('takes a slot away, and takes what it said for right', async () => {
    const answers = await said('leave Berlin', 'Berlin=O', 'ok');
    expect(answers).toEqual([
      '  leave [Berlin fromloc]  flight',
      expect.stringMatching(/learnt with/),
      '  leave Berlin  flight',
      '  learnt with 1 update',
      '  leave Berlin  flight',
    ]);
  });

  it('says what it cannot do, and goes on', async () => {
    const answers = await said('Rome=toloc', 'to Rome', 'Paris=toloc', 'Rome=', 'help', 'quit', 'to Rome');
    expect(answers).toEqual([
      '  there is nothing to correct yet; say something first',
      expect.stringContaining('to [Rome toloc]'),
      '  "Paris" is not in the utterance "to Rome"; name words of it.',
      '  a correction is words=slot, the slot without spaces, or =intent',
      expect.stringContaining('Say something'),
    ]);
  });
});

describe('a correction', () => {
  it.each([
    ['Taipei=toloc', [{ words: 'Taipei', slot: 'toloc' }], undefined],
    [
      'New York = toloc, May 2nd=date',
      [
        { words: 'New York', slot: 'toloc' },
        { words: 'May 2nd', slot: 'date' },
      ],
      undefined,
    ],
    ['=airfare', [], 'airfare'],
    ['a=b=c', [{ words: 'a=b', slot: 'c' }], undefined],
  ])('%s', (line, corrections, intent) => {
    expect(parseCorrection(line)).toEqual({ corrections, intent });
  });

  it.each(['to Taipei', 'Taipei=', 'Taipei=to loc', 'a=b, c'])('is not %s', (line) => {
    expect(parseCorrection(line)).toBeUndefined();
  });
});
