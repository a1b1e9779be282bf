import {
  type Asked,
  adam,
  type BufferState,
  conlleval,
  correctTags,
  fromAsync,
  type LearnedTags,
  type LearnTagsOptions,
  type LearnTagsState,
  learnTags,
  machine,
  type Predicted,
  paced,
  parametersOf,
  pending,
  predictTags,
  type RefusedTags,
  type Spoken,
  scoreTagger,
  sgd,
  type Tagger,
  type TagLesson,
  type TagOutcome,
  tag,
  taggerTrainer,
} from 'oxbow';
import { from, lastValueFrom, map, Subject, take, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { bitsOf, empty, journeys, tagsOf } from './small.js';

const options: LearnTagsOptions = { optimizer: adam(1e-2), clipNorm: 5, replay: { size: 20, per: 4, seed: 5 } };
const lessons = journeys(60);

const teach = (model: Tagger, what: readonly TagLesson[], more: Partial<LearnTagsOptions> = {}) =>
  lastValueFrom(from(what).pipe(learnTags(model, { ...options, ...more }), toArray()));

const learned = (outcome: TagOutcome | undefined): LearnedTags => {
  if (outcome?.outcome !== 'learned') throw new Error(`expected something learnt, got ${JSON.stringify(outcome)}`);
  return outcome;
};

/** A stream of lessons whose outcomes can be looked at one by one. */
function classroom(model: Tagger, more: Partial<LearnTagsOptions> = {}) {
  const lesson$ = new Subject<TagLesson>();
  const outcomes: TagOutcome[] = [];
  const subscription = lesson$
    .pipe(learnTags(model, { ...options, ...more }))
    .subscribe((event) => outcomes.push(event));
  return {
    tell(lesson: TagLesson): TagOutcome {
      lesson$.next(lesson);
      return outcomes.at(-1) as TagOutcome;
    },
    close: () => subscription.unsubscribe(),
  };
}

describe('learnTags', () => {
  it('tests before it trains, and counts what it foretold', async () => {
    const model = empty();
    const expected = conlleval().start();
    const { tell, close } = classroom(model);
    for (const lesson of lessons) {
      const [prediction] = model.tag([lesson.words]);
      const outcome = learned(tell(lesson));
      expect(outcome.prediction).toEqual(prediction);
      expect(outcome.tags).toEqual(lesson.tags);
      expected.update({ tags: tagsOf(outcome.prediction), intent: prediction?.intent?.name as string }, lesson);
      expect(outcome.scores()).toEqual(expected.result());
    }
    close();
    expect(expected.result().utterances).toBe(60);
  });

  it('starts from no word and no slot, and gets to know both', async () => {
    const model = empty({ units: 20 });
    const outcomes = await teach(model, journeys(300, 2), { replay: { size: 100, per: 8 } });
    const [first] = outcomes;
    expect(learned(first).grown.tags.length).toBeGreaterThan(0);
    expect(learned(outcomes.at(-1)).grown).toEqual({ words: [], tags: [], intents: [] });
    expect(model.words.names.slice(0, 3)).toEqual(['', learned(first).grown.words[0], learned(first).grown.words[1]]);
    const fresh = journeys(50, 99);
    const found = model.tag(fresh.map(({ words }) => words));
    expect(found.map(tagsOf)).toEqual(fresh.map(({ tags }) => tags));
    expect(found.map(({ intent }) => intent?.name)).toEqual(fresh.map(({ intent }) => intent));
  });

  it('is one update of the utterance and what is drawn from the reservoir', async () => {
    const [model, other] = [empty(), empty()];
    await teach(model, lessons.slice(0, 3), { replay: { size: 20, per: 4, seed: 5 } });
    const { learn } = taggerTrainer(other, { optimizer: adam(1e-2), clipNorm: 5 });
    // While the reservoir has no more than are drawn, all of them are, in order.
    for (let k = 0; k < 3; k += 1) {
      other.grow(lessons.slice(k, k + 1));
      learn([...lessons.slice(k, k + 1), ...lessons.slice(0, k)]);
    }
    expect(bitsOf(model)).toEqual(bitsOf(other));
  });

  it('replays no more than it is told, from no more than it may keep', async () => {
    const outcomes = await teach(empty(), lessons, { replay: { size: 3, per: 2 } });
    expect(outcomes.slice(0, 4).map((outcome) => learned(outcome).replayed)).toEqual([0, 1, 2, 2]);
    const none = await teach(empty(), lessons.slice(0, 3), { replay: undefined });
    expect(none.map((outcome) => learned(outcome).replayed)).toEqual([0, 0, 0]);
  });

  it('keeps what it learnt first where it replays, and forgets it where it does not', () => {
    const cities = ['Taipei', 'Osaka', 'Paris', 'Rome'];
    // The same cities, which are something else in the second domain.
    const tables = Array.from({ length: 200 }, (_, k) => ({
      words: ['dine', cities[k % 4] as string, 'for', 'two'],
      tags: ['O', 'B-restaurant', 'O', 'B-guests'],
      intent: 'dining',
    }));
    const heldOut = journeys(60, 77);
    const falls = (replay: LearnTagsOptions['replay']) => {
      const model = empty({ units: 20 });
      const { tell, close } = classroom(model, { replay });
      for (const lesson of journeys(200, 2)) tell(lesson);
      const before = scoreTagger(model, heldOut).f1;
      for (const lesson of tables) tell(lesson);
      close();
      return before - scoreTagger(model, heldOut).f1;
    };
    expect(falls({ size: 200, per: 8 })).toBeLessThan(0.03);
    expect(falls(undefined)).toBeGreaterThan(0.5);
  });

  it('gives the same for the same seed, and begins anew with each subscription', async () => {
    const run = async (seed: number) => {
      const model = empty();
      await teach(model, lessons, { replay: { size: 10, per: 3, seed } });
      return bitsOf(model);
    };
    expect(await run(1)).toEqual(await run(1));
    expect(await run(2)).not.toEqual(await run(1));
  });

  it('goes on from any state as if it had never stopped, bit for bit', async () => {
    const whole = empty();
    const expected = await teach(whole, lessons.slice(0, 30));
    for (const cut of [1, 7, 29]) {
      const model = empty();
      const state = await lastValueFrom(
        from(lessons).pipe(
          learnTags(model, options),
          take(cut),
          map((outcome) => learned(outcome).state()),
        ),
      );
      const rest = await teach(model, lessons.slice(cut, 30), { state });
      expect(rest.map((outcome) => learned(outcome).loss)).toEqual(
        expected.slice(cut).map((outcome) => learned(outcome).loss),
      );
      expect(learned(rest.at(-1)).step).toBe(30);
      expect(bitsOf(model)).toEqual(bitsOf(whole));
    }
  });

  it('has no state of a step that is past', async () => {
    const [first] = await teach(empty(), lessons.slice(0, 2));
    expect(() => learned(first).state()).toThrow('the state is gone, since the next lesson has begun');
  });

  it('lets the stream fail where a model has diverged, with weights that are numbers', async () => {
    const model = empty();
    await teach(model, lessons.slice(0, 5));
    const broken = from(lessons.slice(0, 5)).pipe(learnTags(model, { optimizer: sgd(1e30), badWindow: 'stop' }));
    await expect(lastValueFrom(broken)).rejects.toThrow(
      /tagger: the greatest of a word's \d+ scores is .*; the model has diverged/,
    );
    for (const [, { data }] of parametersOf(model.params)) expect(data.every(Number.isFinite)).toBe(true);
  });

  it('takes no more memory the longer it runs', async () => {
    const model = empty();
    const { tell, close } = classroom(model, { replay: { size: 10, per: 4 } });
    const held: number[] = [];
    for (const lesson of journeys(400, 3)) {
      tell(lesson);
      held.push(machine().heap.used());
    }
    close();
    expect(new Set(held.slice(200)).size).toBe(1);
  });

  it('says what is impossible', () => {
    const model = empty();
    expect(() => learnTags(model, { ...options, longest: 0 })).toThrow('learnTags: longest is a whole number');
    expect(() => learnTags(model, { ...options, replay: { size: 0, per: 1 } })).toThrow('learnTags: replay.size');
    expect(() => learnTags(model, { ...options, replay: { size: 1, per: -1 } })).toThrow('learnTags: replay.per');
  });
});

describe('updates in slices', () => {
  it('are those that are done at once, bit for bit, while words are tagged in between', async () => {
    const [whole, sliced] = [empty(), empty()];
    const expected = await teach(whole, lessons);
    const spoken$ = new Subject<Spoken>();
    const tags: string[] = [];
    spoken$.pipe(tag(sliced)).subscribe((event) => event.final || tags.push(event.tag));
    const speaking = setInterval(() => spoken$.next('Taipei'), 0);
    const outcomes = await teach(sliced, lessons, { slice: 0 });
    clearInterval(speaking);
    const plain = (outcome: TagOutcome) => ({
      ...learned(outcome),
      scores: undefined,
      state: undefined,
      snapshot: undefined,
    });
    expect(outcomes.map(plain)).toEqual(expected.map(plain));
    expect(learned(outcomes.at(-1)).scores()).toEqual(learned(expected.at(-1)).scores());
    expect(bitsOf(sliced)).toEqual(bitsOf(whole));
    expect(tags.length).toBeGreaterThan(lessons.length);
  });

  it('go on from any state as if they had never stopped, bit for bit', async () => {
    const whole = empty();
    await teach(whole, lessons.slice(0, 20));
    const model = empty();
    const state = await lastValueFrom(
      from(lessons).pipe(
        learnTags(model, { ...options, slice: 0 }),
        take(7),
        map((outcome) => learned(outcome).state()),
      ),
    );
    await teach(model, lessons.slice(7, 20), { state, slice: 0 });
    expect(bitsOf(model)).toEqual(bitsOf(whole));
  });

  it.each([
    ['at once', undefined],
    ['in slices too', 0],
    ['in long slices', 4],
  ])('come to an end though another learner of the model learns %s without a pause', async (_, slice) => {
    const model = empty();
    const lesson$ = new Subject<TagLesson>();
    const others: TagOutcome[] = [];
    const other = lesson$
      .pipe(learnTags(model, { ...options, slice, waiting: { capacity: 1, policy: 'drop-newest' } }))
      .subscribe((outcome) => others.push(outcome));
    let given = 0;
    let pausing: NodeJS.Immediate | undefined;
    const give = () => {
      lesson$.next(lessons[given % lessons.length] as TagLesson);
      given += 1;
      // Not for ever, so that a learner that starts over for ever is seen to have learnt nothing by then.
      if (given < 8000) pausing = setImmediate(give);
    };
    give();
    const outcomes = await teach(model, lessons.slice(0, 5), { slice: 0 });
    clearImmediate(pausing);
    other.unsubscribe();
    expect(outcomes.map((outcome) => learned(outcome).step)).toEqual([1, 2, 3, 4, 5]);
    expect(given).toBeLessThan(8000);
    expect(others.length).toBeGreaterThan(1);
    expect(others.every(({ outcome }) => outcome === 'learned')).toBe(true);
  });

  it('leave the model as it was where one is cut short', async () => {
    const model = empty();
    await teach(model, lessons.slice(0, 5));
    const before = bitsOf(model);
    const told: TagOutcome[] = [];
    const known = lessons.slice(0, 5);
    const subscription = from(known)
      .pipe(learnTags(model, { ...options, slice: 0 }))
      .subscribe((outcome) => told.push(outcome));
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    subscription.unsubscribe();
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(told).toEqual([]);
    expect(bitsOf(model).weights).toEqual(before.weights);
    await teach(model, known);
    expect(bitsOf(model).weights).not.toEqual(before.weights);
  });

  it('have a state no longer once the next lesson has begun', async () => {
    const model = empty();
    const states: unknown[] = [];
    const outcomes: LearnedTags[] = [];
    const learning = from(lessons.slice(0, 2)).pipe(learnTags(model, { ...options, slice: 0 }));
    await new Promise<void>((resolve, reject) => {
      learning.subscribe({
        next(outcome) {
          outcomes.push(learned(outcome));
          if (outcomes.length > 1) return;
          states.push(learned(outcome).state());
          setImmediate(() => expect(() => learned(outcome).state()).toThrow('the state is gone'));
        },
        error: reject,
        complete: resolve,
      });
    });
    expect(states.length).toBe(1);
    expect(outcomes.length).toBe(2);
  });

  it('do not bring back a prediction that was dropped meanwhile, nor write over a later one of its id', async () => {
    const model = empty();
    model.grow(lessons);
    const open = pending({ capacity: 2 });
    const [asked$, lesson$] = [new Subject<Asked>(), new Subject<TagLesson>()];
    const [answers, outcomes]: [Predicted[], TagOutcome[]] = [[], []];
    asked$.pipe(predictTags(model, open)).subscribe((answer) => answers.push(answer));
    const subscription = lesson$
      .pipe(learnTags(model, { ...options, pending: open, slice: 0 }))
      .subscribe((outcome) => outcomes.push(outcome));
    const turns = async (until: () => boolean) => {
      for (let turn = 0; turn < 10_000 && !until(); turn += 1) await new Promise((resolve) => setImmediate(resolve));
      expect(until()).toBe(true);
    };
    const words = ['leave', 'Taipei'];
    asked$.next({ words, id: 'a' });
    lesson$.next({ id: 'a' });
    await new Promise((resolve) => setImmediate(resolve));
    for (const id of ['b', 'c']) asked$.next({ words, id });
    await turns(() => outcomes.length === 1);
    expect(open.depth).toBe(2);
    expect(open.get('a')).toBe('expired');
    lesson$.next({ id: 'c' });
    await new Promise((resolve) => setImmediate(resolve));
    asked$.next({ words: ['arrive', 'Rome'], id: 'c' });
    await turns(() => outcomes.length === 2);
    expect(open.get('c')).toMatchObject({ words: ['arrive', 'Rome'] });
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['learned', 'learned']);
    subscription.unsubscribe();
  });

  it('take no more memory the longer they go on', async () => {
    const model = empty({ cell: 'gru' });
    const held: { readonly used: number; readonly mark: unknown }[] = [];
    const { heap, arena } = machine();
    await lastValueFrom(
      from(journeys(300, 3)).pipe(
        learnTags(model, { ...options, replay: { size: 10, per: 4 }, slice: 50 }),
        map(() => held.push({ used: heap.used(), mark: arena.mark() })),
      ),
    );
    expect(held.length).toBe(300);
    const [then, now] = [held[200], held[299]] as const;
    expect(now?.mark).toEqual(then?.mark);
    // Models that nobody holds any more may have given theirs back meanwhile.
    expect(now?.used).toBeLessThanOrEqual(then?.used as number);
  });

  it('let the stream fail where a model has diverged', async () => {
    const model = empty();
    await teach(model, lessons.slice(0, 5));
    const broken = from(lessons.slice(0, 5)).pipe(
      learnTags(model, { optimizer: sgd(1e30), badWindow: 'stop', slice: 0 }),
    );
    await expect(lastValueFrom(broken)).rejects.toThrow(
      /tagger: the greatest of a word's \d+ scores is .*; the model has diverged/,
    );
    for (const [, { data }] of parametersOf(model.params)) expect(data.every(Number.isFinite)).toBe(true);
  });

  it('let lessons wait in a buffer that is bounded', async () => {
    const gauge: BufferState[] = [];
    const waiting = {
      capacity: 2,
      policy: 'drop-newest',
      gauge: { next: (state: BufferState) => gauge.push(state) },
    } as const;
    const outcomes = await teach(empty(), lessons.slice(0, 10), { slice: 0, waiting });
    expect(outcomes.map((outcome) => learned(outcome).words)).toEqual(lessons.slice(0, 3).map(({ words }) => words));
    expect(gauge.at(-1)).toEqual({ depth: 0, dropped: 7 });
    const full = teach(empty(), lessons.slice(0, 10), { slice: 0, waiting: { capacity: 2, policy: 'error' } });
    await expect(full).rejects.toThrow('learnTags: ');
    expect(() => learnTags(empty(), { ...options, slice: 0, waiting: { capacity: 0, policy: 'error' } })).toThrow(
      'learnTags: capacity',
    );
  });

  it('let a source that is pulled wait for them', async () => {
    let [pulled, handled, ahead] = [0, 0, 0];
    const pull = function* () {
      for (const lesson of lessons.slice(0, 5)) {
        pulled += 1;
        yield lesson;
      }
    };
    const saved$ = fromAsync(pull).pipe(
      learnTags(empty(), { ...options, slice: 0 }),
      paced(async (outcome) => {
        await new Promise((resolve) => setImmediate(resolve));
        // The next lesson has not begun, so this is still the state.
        const { state } = learned(outcome);
        ahead = Math.max(ahead, pulled - handled);
        handled += 1;
        return state();
      }),
      toArray(),
    );
    expect(await lastValueFrom(saved$)).toHaveLength(5);
    expect(ahead).toBe(1);
  });

  it('want a time that is one', () => {
    expect(() => learnTags(empty(), { ...options, slice: -1 })).toThrow('learnTags: slice is a number of milliseconds');
    expect(() => learnTags(empty(), { ...options, slice: Number.NaN })).toThrow('learnTags: slice');
  });
});

describe('lessons that are none', () => {
  it.each<readonly [string, unknown, string]>([
    ['words that are no list', { words: 'leave', tags: ['O'] }, 'words are a list of texts'],
    ['words that are no texts', { words: ['a', 5], tags: ['O', 'O'] }, 'words are a list of texts'],
    ['tags that are no list', { words: ['a'], tags: null }, 'tags are a list, not null'],
    ['an intent that is no name', { words: ['a'], tags: ['O'], intent: 7 }, 'an intent is a name, not 7'],
    ['corrections that are no list', { id: '#0', corrections: null }, 'corrections a list of records'],
    ['a correction that is none', { id: '#0', corrections: [null] }, 'corrections a list of records'],
    ['a tag that is no name', { id: '#0', tags: ['O', 5], corrections: [] }, 'tags are a list of names'],
    ['no lesson', null, 'a lesson is an utterance or a correction, not null'],
    ['a text', 'leave Taipei', 'a lesson is an utterance or a correction, not "leave Taipei"'],
    ['a record that is no text', { words: ['a'], tags: { toString: 1, valueOf: 2 } }, 'a list, not {"toString":1'],
    ['a correction without words', { id: '#0', corrections: [{ slot: 'toloc' }] }, 'says which words it is about'],
  ])('%s', async (_, lesson, message) => {
    const model = empty();
    const open = pending({ capacity: 2 });
    const asked = { words: ['leave', 'Taipei'] };
    const outcomes = await teach(model, [asked, lesson as TagLesson, ...lessons.slice(0, 1)], { pending: open });
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['predicted', 'rejected', 'learned']);
    expect((outcomes[1] as RefusedTags).message).toContain(`learnTags: `);
    expect((outcomes[1] as RefusedTags).message).toContain(message);
  });

  it('an utterance that may not wait', async () => {
    const open = pending({ capacity: 1, policy: 'error' });
    const outcomes = await teach(empty(), [{ words: ['a'] }, { words: ['b'] }, ...lessons.slice(0, 1)], {
      pending: open,
    });
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['predicted', 'rejected', 'learned']);
    expect((outcomes[1] as RefusedTags).message).toContain('raise the capacity');
  });
});

describe('labels that come later', () => {
  function asking(capacity = 10) {
    const model = empty();
    model.grow(lessons);
    const open = pending({ capacity });
    const { tell, close } = classroom(model, { pending: open });
    const asked$ = new Subject<{ readonly id?: string; readonly words: readonly string[] }>();
    const answers: Predicted[] = [];
    asked$.pipe(predictTags(model, open)).subscribe((answer) => answers.push(answer));
    const ask = (words: readonly string[], id?: string) => {
      asked$.next(id === undefined ? { words } : { id, words });
      return answers.at(-1) as Predicted;
    };
    return { model, open, tell, ask, close };
  }

  it('are learnt in any order, and scored by what was said when it was asked', () => {
    const { tell, ask, close } = asking();
    const asked = lessons.slice(0, 4).map(({ words }) => ask(words));
    const expected = conlleval().start();
    for (const k of [2, 0, 3, 1]) {
      const { tags, intent, words } = lessons[k] as (typeof lessons)[number];
      const outcome = learned(tell({ id: asked[k]?.id as string, tags, intent }));
      expect(tagsOf(outcome.prediction)).toEqual(tagsOf(asked[k] as Predicted));
      expect(outcome).toMatchObject({ words, tags, intent });
      expected.update(
        { tags: tagsOf(outcome.prediction), intent: outcome.prediction.intent?.name as string },
        { tags, intent },
      );
      expect(outcome.scores()).toEqual(expected.result());
    }
    close();
  });

  it('may come as the utterance with its id', () => {
    const { tell, ask, close } = asking();
    const [lesson] = lessons as [(typeof lessons)[number]];
    const before = ask(lesson.words, 'mine');
    tell(lessons[1] as TagLesson);
    expect(tagsOf(learned(tell({ ...lesson, id: 'mine' })).prediction)).toEqual(tagsOf(before));
    // Other words under an old id are another utterance.
    const other = learned(tell({ ...(lessons[2] as (typeof lessons)[number]), id: 'mine' }));
    expect(other.prediction.words.map(({ word }) => word)).toEqual(lessons[2]?.words);
    close();
  });

  it('may name single slots; what they do not mention was right', () => {
    const { tell, ask, close } = asking();
    const { id, words } = ask(['arrive', 'Taipei', 'on', 'monday'], 'u1');
    const said = tagsOf({ words });
    const first = learned(tell({ id, corrections: [{ slot: 'toloc', words: 'taipei' }] }));
    expect(first.tags[1]).toBe('B-toloc');
    const expected = correctTags(first.words, said, [{ slot: 'toloc', start: 1, end: 2 }]);
    expect(expected).toEqual(first.tags);
    const second = learned(tell({ id, corrections: [{ slot: 'date', words: 'monday' }], intent: 'arriving' }));
    // The second correction goes on from the first.
    expect(second.tags[1]).toBe('B-toloc');
    expect(second.tags[3]).toBe('B-date');
    expect(second.intent).toBe('arriving');
    expect(second.scores().utterances).toBe(1);
    const confirmed = learned(tell({ id }));
    expect([confirmed.tags, confirmed.intent]).toEqual([second.tags, 'arriving']);
    close();
  });

  it('replace what is kept of the utterance, and are kept once', () => {
    const { tell, ask, close } = asking();
    const { id } = ask(['arrive', 'Taipei']);
    tell({ id, tags: ['O', 'B-fromloc'] });
    const { replay } = learned(tell({ id, corrections: [{ slot: 'toloc', words: 'taipei' }] })).state();
    expect(replay?.items.map(({ tags }) => tags)).toEqual([['O', 'B-toloc']]);
    expect(replay?.seen).toBe(1);
    close();
  });

  it('of which nothing waits are an outcome, and so are impossible ones; the stream goes on', () => {
    const { model, tell, ask, close } = asking(2);
    const ids = [0, 1, 2].map((k) => ask(lessons[k]?.words as string[]).id);
    const before = bitsOf(model);
    expect(tell({ id: 'nobody' })).toMatchObject({ outcome: 'unknown', id: 'nobody' });
    expect(tell({ id: ids[0] as string })).toMatchObject({ outcome: 'expired', id: '#0' });
    expect(tell({ id: ids[2] as string, tags: ['O'] })).toMatchObject({ outcome: 'rejected' });
    expect(tell({ id: ids[2] as string, corrections: [{ slot: 'toloc', words: 'Atlantis' }] })).toMatchObject({
      outcome: 'rejected',
      message: expect.stringContaining('"Atlantis" is not in the utterance'),
    });
    expect(bitsOf(model)).toEqual(before);
    expect(tell({ id: ids[2] as string })).toMatchObject({ outcome: 'learned' });
    close();
  });

  it('are waited for where utterances come without tags', () => {
    const { tell, close } = asking();
    const asked = tell({ words: ['leave', 'Rome'] });
    expect(asked).toMatchObject({ outcome: 'predicted', id: '#0', words: [{ word: 'leave' }, { word: 'Rome' }] });
    expect(tell({ id: '#0', corrections: [{ slot: 'fromloc', words: 'rome' }] })).toMatchObject({ outcome: 'learned' });
    close();
    const alone = classroom(empty());
    expect(alone.tell({ words: ['leave', 'Rome'] })).toMatchObject({ outcome: 'rejected' });
    expect(alone.tell({ id: '#0' })).toMatchObject({ outcome: 'unknown' });
    alone.close();
  });

  it('go on from a state with what waits', async () => {
    const { model, open, tell, ask, close } = asking();
    const { id } = ask(['arrive', 'Taipei']);
    const state: LearnTagsState = learned(tell(lessons[0] as TagLesson)).state();
    close();
    const later = pending({ capacity: 10 });
    const resumed = classroom(model, { pending: later, state });
    expect(later.state()).toEqual(open.state());
    expect(resumed.tell({ id, tags: ['O', 'B-toloc'] })).toMatchObject({ outcome: 'learned', step: 2 });
    resumed.close();
  });
});

describe('odd lessons', () => {
  const outside = (words: readonly string[]) => words.map(() => 'O');

  it('without words, or without a tag a word, are rejected', () => {
    const model = empty();
    const before = bitsOf(model);
    const { tell, close } = classroom(model);
    expect(tell({ words: [], tags: [] })).toMatchObject({ outcome: 'rejected' });
    expect(tell({ words: ['a', 'b'], tags: ['O'] })).toMatchObject({
      outcome: 'rejected',
      message: 'learnTags: an utterance has 2 words and 1 tags; give one tag a word.',
    });
    expect(tell({ words: ['a'], tags: [''] })).toMatchObject({ outcome: 'rejected' });
    expect(bitsOf(model)).toEqual(before);
    close();
  });

  it.each<[string, object, RegExp | undefined]>([
    ['an id that is a number', { id: 7, words: ['a'] }, /the id of an utterance is a text, not 7/],
    ['an id that is a number, with tags', { id: 7, words: ['a'], tags: ['O'] }, /is a text, not 7/],
    ['an id that is null', { id: null, words: ['a'] }, /is a text, not null/],
    ['an id that is a record', { id: { a: 1 }, words: ['a'] }, /is a text, not \{"a":1\}/],
    ['a correction by a number', { id: 0, tags: ['O'] }, /is a text, not 0/],
    ['neither words nor an id', { tags: ['O'] }, /has words, or the id of what was tagged/],
    ['nothing', {}, /has words, or the id of what was tagged/],
    ['an id of no characters', { id: '', words: ['a'] }, undefined],
    ['names of every object', { id: '__proto__', words: ['__proto__'], tags: ['B-__proto__'] }, undefined],
    ['no words', { id: 'a', words: [] }, undefined],
    ['a word of no characters', { words: [''], tags: ['O'] }, undefined],
    ['an intent that is null', { words: ['a'], tags: ['O'], intent: null }, /an intent is a name/],
  ])('with %s leave a state that can be read again', (_, lesson, message) => {
    const model = empty();
    const open = () => pending({ capacity: 5 });
    const first = classroom(model, { pending: open() });
    const outcome = first.tell(lesson as TagLesson);
    if (message === undefined) expect(outcome.outcome).toMatch(/predicted|learned/);
    else expect(outcome).toMatchObject({ outcome: 'rejected', message: expect.stringMatching(message) });
    const from = outcome.snapshot();
    first.close();
    const again = classroom(model, { pending: open(), from });
    expect(again.tell({ id: 'next', words: ['b'] })).toMatchObject({ outcome: 'predicted', id: 'next' });
    expect(again.tell({ id: 'next', tags: ['O'] })).toMatchObject({ outcome: 'learned' });
    again.close();
  });

  it('of one word, of emoji, from right to left, and of 1,000 characters are learnt', () => {
    const model = empty({ units: 16, dropout: 0 });
    const { tell, close } = classroom(model, { optimizer: adam(2e-2) });
    const odd = [
      { words: ['Taipei'], tags: ['B-toloc'] },
      { words: ['🛫', '🇹🇼'], tags: ['O', 'B-toloc'] },
      { words: ['السفر', 'إلى', 'תל', 'אביב'], tags: ['O', 'O', 'B-toloc', 'I-toloc'] },
      { words: ['to', 'x'.repeat(1000)], tags: ['O', 'B-long'] },
    ];
    for (let round = 0; round < 60; round += 1) for (const lesson of odd) tell(lesson);
    expect(model.tag(odd.map(({ words }) => words)).map(tagsOf)).toEqual(odd.map(({ tags }) => tags));
    close();
  });

  it('of 5,000 words are learnt in pieces', () => {
    const model = empty();
    const words = Array.from({ length: 5000 }, (_, k) => ['leave', 'New', 'York', 'now'][k % 4] as string);
    const tags = words.map((_, k) => ['O', 'B-fromloc', 'I-fromloc', 'O'][k % 4] as string);
    const { tell, close } = classroom(model, { longest: 90 });
    const first = learned(tell({ words, tags, intent: 'leaving' }));
    expect(first.prediction.words).toHaveLength(5000);
    expect(first.grown.tags).toEqual(['B-fromloc', 'I-fromloc']);
    let last = first;
    for (const lesson of lessons.slice(0, 3)) last = learned(tell(lesson));
    expect(last.replayed).toBe(3);
    expect(last.loss).toBeGreaterThan(0);
    close();
  });

  it('with tags that start with I-, or that the model does not know, are learnt as they are', async () => {
    const model = empty({ units: 16, dropout: 0 });
    const lesson = { words: ['to', 'Taipei', 'or', 'New', 'York'], tags: ['O', 'I-toloc', 'O', 'I-toloc', 'I-toloc'] };
    const outcomes = await teach(model, new Array<TagLesson>(60).fill(lesson));
    expect(learned(outcomes[0]).grown.tags).toEqual(['I-toloc']);
    expect(tagsOf(learned(outcomes.at(-1)).prediction)).toEqual(lesson.tags);
    expect(
      learned(outcomes.at(-1))
        .scores()
        .bySlot.map(({ slot }) => slot),
    ).toEqual(['toloc']);
  });

  it('stop growing where the model may not grow further', () => {
    const model = empty();
    const { tell, close } = classroom(model, { most: { words: 4, tags: 2, intents: 2 } });
    const first = learned(tell({ words: ['to', 'Taipei', 'and', 'Osaka', 'to'], tags: outside(['', '', '', '', '']) }));
    expect(first.grown.words).toEqual(['to', 'taipei', 'and']);
    expect(model.words.countOf(model.words.idOf('to') as number)).toBe(2);
    expect(tell({ words: ['to', 'Rome'], tags: ['O', 'B-a'], intent: 'going' })).toMatchObject({ outcome: 'learned' });
    expect(tell({ words: ['to', 'Rome'], tags: ['O', 'B-b'] })).toMatchObject({
      outcome: 'rejected',
      message: 'learnTags: the model has 2 tags and may have 2, so "B-b" is not learnt; raise `most`.',
    });
    expect(tell({ words: ['to'], tags: ['O'], intent: 'other' })).toMatchObject({ outcome: 'rejected' });
    expect([model.words.size, model.tags.size, model.intents?.size]).toEqual([4, 2, 2]);
    close();
  });
});
