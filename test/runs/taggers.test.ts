/** Taggers whose runs are kept, stopped anywhere, and go on: what they tell and leave is, bit for bit, what a run without a break does. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  adam,
  checkpointed,
  type FitTaggerOptions,
  type FitTaggerSnapshot,
  fitTagger,
  type LearnTagsOptions,
  type LearnTagsSnapshot,
  learnTags,
  loadTagger,
  pending,
  positioned,
  resume,
  saveRuns,
  saveTagger,
  scoreTagger,
  type Tagger,
  type TaggerEpoch,
  type TagLesson,
  type TagOutcome,
  tagger,
} from 'oxbow';
import { concat, from, lastValueFrom, of, Subject, take, tap, toArray } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bitsOf, empty, journeys } from '../models/tagger/online/small.js';
import { everyOptimizer } from '../training/every-optimizer.js';

let base: string;
let path: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'oxbow-tags-'));
  path = join(base, 'run');
});
afterEach(() => rmSync(base, { recursive: true }));

async function kept<S>(model?: Tagger) {
  await saveRuns();
  const run = await resume<Tagger, S>(path, { model });
  if (run === undefined) throw new Error('nothing was kept');
  return run;
}

describe('learnTags', () => {
  const plain: LearnTagsOptions = { optimizer: adam(1e-2), clipNorm: 5, replay: { size: 6, per: 3, seed: 5 } };
  const taught = journeys(14);
  /** Utterances to be tagged, with and without ids, corrections of all kinds, further ones, and what is refused. */
  const talk: readonly TagLesson[] = [
    ...taught.slice(0, 4),
    { words: ['leave', 'Oslo'] },
    { id: 'a', words: ['arrive', 'Oslo'] },
    { id: '#0', corrections: [{ slot: 'fromloc', words: 'oslo' }] },
    { id: 'nobody' },
    { id: 'a', tags: ['O', 'B-toloc'], intent: 'landing' },
    { words: ['leave', 'New', 'York'] },
    { id: '#0', corrections: [{ slot: 'toloc', words: 'oslo' }] },
    { id: '#1' },
    { words: [], tags: [] },
    ...taught.slice(4, 8),
  ];
  const plainOf = (outcomes: readonly TagOutcome[]) =>
    outcomes.map(({ snapshot: _, ...outcome }) =>
      outcome.outcome === 'learned' ? { ...outcome, state: undefined, scores: outcome.scores() } : outcome,
    );

  /** Learns from lesson `first` on, with what waits. */
  const learning = (model: Tagger, lessons: readonly TagLesson[], first: number, options: LearnTagsOptions) =>
    from(lessons.slice(first)).pipe(
      positioned((_, index) => first + index + 1),
      learnTags(model, options),
    );

  const cases: Readonly<Record<string, readonly [Partial<LearnTagsOptions>, (readonly TagLesson[])?]>> = {
    'at once': [{}],
    'in slices': [{ slice: 0 }],
    'on a learner': [{ thread: 'learner' }],
    'without replay': [{ replay: undefined }],
    'what is said and corrected': [{}, talk],
    'what is said and corrected, in slices': [{ slice: 0 }, talk],
    ...Object.fromEntries(
      Object.entries(everyOptimizer).map(([name, make]) => [`by ${name}`, [{ optimizer: make() }]] as const),
    ),
  };

  describe.each(Object.entries(cases))('%s', (name, [more, lessons = taught]) => {
    const options = (): LearnTagsOptions => ({
      ...plain,
      ...more,
      ...(lessons === talk && { pending: pending({ capacity: 3 }) }),
    });
    const cuts = name.startsWith('by ') ? [5] : lessons === talk ? [2, 5, 6, 7, 9, 11, 13, 15] : [1, 4, 9];

    it.each(cuts)('goes on after lesson %i as if it had not stopped', async (cut) => {
      const whole = empty();
      // Scores are those of the moment, so they are read as they come.
      const read = async (model: Tagger, first: number, own: LearnTagsOptions, count = Number.POSITIVE_INFINITY) => {
        const outcomes: unknown[] = [];
        await new Promise<void>((resolve, reject) => {
          learning(model, lessons, first, own)
            .pipe(checkpointed(path, { model, everyMs: 1e9 }), take(count))
            .subscribe({
              next: (outcome) => outcomes.push(...plainOf([outcome])),
              complete: resolve,
              error: reject,
            });
        });
        await saveRuns();
        return outcomes;
      };
      const expected: unknown[] = [];
      await new Promise<void>((complete, error) => {
        learning(whole, lessons, 0, options()).subscribe({
          next: (outcome) => expected.push(...plainOf([outcome])),
          complete,
          error,
        });
      });
      const first = empty();
      const before = await read(first, 0, options(), cut);
      const { model, snapshot, position } = await kept<LearnTagsSnapshot>();
      expect(position).toBe(cut);
      expect(model).not.toBe(first);
      expect(bitsOf(model)).toEqual(bitsOf(first));
      const rest = await read(model, position, { ...options(), from: snapshot });
      expect([...before, ...rest]).toEqual(expected);
      expect(bitsOf(model)).toEqual(bitsOf(whole));
      expect((await kept()).position).toBe(lessons.length);
    });
  });

  /** A run that was left so many turns after its second lesson had come; whether that had made the model grow by then. */
  async function leftWithin(turns: number) {
    const model = empty();
    const lesson$ = new Subject<TagLesson>();
    const outcomes: TagOutcome[] = [];
    const subscription = lesson$
      .pipe(
        positioned((_, index) => index + 1),
        learnTags(model, { ...plain, slice: 0 }),
        checkpointed(path, { model, everyMs: 1e9 }),
      )
      .subscribe((outcome) => outcomes.push(outcome));
    lesson$.next(taught[0] as TagLesson);
    while (outcomes.length < 1) await new Promise((resolve) => setImmediate(resolve));
    const names = model.words.size;
    lesson$.next(taught[1] as TagLesson);
    for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    const isBegun = outcomes.length === 1 && model.words.size > names;
    subscription.unsubscribe();
    const run = await kept<LearnTagsSnapshot>();
    expect(run.position).toBe(outcomes.length);
    expect(run.snapshot.begun !== undefined).toBe(isBegun);
    return { ...run, isBegun };
  }

  it('goes on where it was left within a lesson that had made the model grow already', async () => {
    const whole = empty();
    await lastValueFrom(learning(whole, taught, 0, plain));
    let begun = 0;
    for (let turns = 0; turns < 8; turns += 1) {
      const { model, snapshot, position, isBegun } = await leftWithin(turns);
      if (isBegun) begun += 1;
      const options = { ...plain, slice: 0, from: snapshot };
      const last = await lastValueFrom(learning(model, taught, position, options).pipe(checkpointed(path, { model })));
      expect(bitsOf(model)).toEqual(bitsOf(whole));
      expect(last).toMatchObject({ outcome: 'learned', step: taught.length });
      expect(last.outcome === 'learned' && last.scores().utterances).toBe(taught.length);
      await saveRuns();
      // That one is held.
      path += '-next';
    }
    expect(begun).toBeGreaterThan(0);
  });

  it('goes on with another lesson than the one that had begun, where its source does not come back to that', async () => {
    for (let turns = 1; ; turns += 1) {
      expect(turns).toBeLessThan(20);
      const { model, snapshot, isBegun } = await leftWithin(turns);
      if (isBegun) {
        const other = of(taught[5] as TagLesson).pipe(learnTags(model, { ...plain, from: snapshot }));
        expect(await lastValueFrom(other)).toMatchObject({ outcome: 'learned', words: taught[5]?.words, step: 2 });
        break;
      }
      // That one is held.
      path += '-next';
    }
  });

  async function snapshotOf(model: Tagger, lessons: readonly TagLesson[]) {
    await lastValueFrom(learning(model, lessons, 0, plain).pipe(checkpointed(path, { model })));
    return kept<LearnTagsSnapshot>();
  }

  it.each([
    ['a state besides', { state: {} as never }, 'learnTags: from has the state in it'],
    ['no trainer', { from: {} as never }, 'learnTags: of the state, there is no trainer'],
  ])('does not go on from %s', async (_, more, message) => {
    const { snapshot, model } = await snapshotOf(empty(), taught.slice(0, 3));
    const run = async () =>
      lastValueFrom(of(taught[3] as TagLesson).pipe(learnTags(model, { ...plain, from: snapshot, ...more })));
    await expect(run()).rejects.toThrow(message);
  });

  it('refuses a lesson that had begun and is none, and has no snapshot once another lesson has ended', async () => {
    const { snapshot, model } = await snapshotOf(empty(), taught.slice(0, 3));
    const begun = { taught: { words: ['a'], tags: [] } } as never;
    const fails = of(taught[3] as TagLesson).pipe(learnTags(model, { ...plain, from: { ...snapshot, begun } }));
    await expect(lastValueFrom(fails)).rejects.toThrow(
      'of the state, the lesson that had begun is not words with a tag',
    );
    const outcomes = await lastValueFrom(concat(of(...taught.slice(0, 2))).pipe(learnTags(model, plain), toArray()));
    expect(() => outcomes[0]?.snapshot()).toThrow('learnTags: the snapshot is gone');
  });

  it('is a run that saveTagger and loadTagger take as before', async () => {
    const [whole, half, model] = [empty(), empty(), empty()];
    await lastValueFrom(learning(whole, taught, 0, plain));
    const file = join(base, 'tagger.safetensors');
    const saved: Promise<void>[] = [];
    await lastValueFrom(
      learning(half, taught, 0, plain).pipe(
        take(6),
        tap((outcome) => {
          if (outcome.outcome === 'learned' && outcome.step === 6) saved.push(saveTagger(half, file, outcome.state()));
        }),
      ),
    );
    await Promise.all(saved);
    await lastValueFrom(learning(model, taught, 6, { ...plain, state: await loadTagger(model, file) }));
    expect(bitsOf(model)).toEqual(bitsOf(whole));
  });
});

describe('fitTagger', () => {
  const utterances = journeys(26, 4);
  const [train, valid] = [utterances.slice(0, 20), utterances.slice(20)];
  const make = () =>
    tagger({
      words: train.flatMap(({ words }) => words),
      tags: new Set(utterances.flatMap(({ tags }) => tags)),
      intents: ['leaving', 'arriving'],
      features: 6,
      units: 5,
      dropout: 0.2,
      wordDropout: 0.3,
      characters: { features: 3, maps: 4 },
      seed: 1,
    });
  let calls = 0;
  let stop: (() => void) | undefined;
  let stopAt = Number.POSITIVE_INFINITY;
  const substitute = {
    share: 0.5,
    typeOf(slot: string) {
      calls += 1;
      if (calls === stopAt) stop?.();
      return slot;
    },
  };
  beforeEach(() => {
    calls = 0;
    stopAt = Number.POSITIVE_INFINITY;
  });
  const plain: FitTaggerOptions = { train, valid, epochs: 3, batch: 4, learningRate: 0.02, average: 0.9, seed: 2 };
  /** A training without a break, and how often a type was asked for before its first update and until its end. */
  async function counted(model: Tagger, options: FitTaggerOptions) {
    const all$ = fitTagger(model, options).pipe(toArray());
    const all = lastValueFrom(all$);
    const before = calls;
    return { expected: figures(await all), before, after: calls };
  }
  const figures = (epochs: readonly TaggerEpoch[]) => epochs.map(({ seconds: _, snapshot: _too, ...rest }) => rest);

  it.each<readonly [string, Partial<FitTaggerOptions>]>([
    ['at once', {}],
    ['in slices', { slice: 0 }],
    ['on a learner', { thread: 'learner' }],
  ])('%s goes on from any epoch and any update as if it had not stopped', async (_, way) => {
    const options = { ...plain, substitute, ...way };
    const whole = make();
    const { expected, before: made, after } = await counted(whole, options);
    const steps = new Set<number>();
    for (const share of [0.2, 0.4, 0.5, 0.7, 0.95]) {
      calls = 0;
      stopAt = made + Math.floor(share * (after - made));
      const first = make();
      const before: TaggerEpoch[] = [];
      await new Promise<void>((resolve) => {
        const subscription = fitTagger(first, options)
          .pipe(checkpointed(path, { model: first, everyMs: 1e9 }))
          .subscribe((epoch) => before.push(epoch));
        stop = () => {
          subscription.unsubscribe();
          resolve();
        };
      });
      const run = await kept<FitTaggerSnapshot>();
      steps.add(run.step);
      expect(run.snapshot.epochs).toBe(before.length);
      const rest = await lastValueFrom(
        fitTagger(run.model, { ...options, from: run.snapshot }).pipe(
          checkpointed(path, { model: run.model }),
          toArray(),
        ),
      );
      expect([...figures(before), ...figures(rest)]).toEqual(expected);
      expect(bitsOf(run.model)).toEqual(bitsOf(whole));
      // The end has the best weights, and nothing more to do.
      const end = await kept<FitTaggerSnapshot>();
      expect(bitsOf(end.model)).toEqual(bitsOf(whole));
      expect(scoreTagger(end.model, valid)).toEqual(scoreTagger(whole, valid));
      const nothing = await lastValueFrom(fitTagger(end.model, { ...options, from: end.snapshot }).pipe(toArray()));
      expect(nothing).toEqual([]);
      expect(bitsOf(end.model)).toEqual(bitsOf(whole));
      // That one is held.
      path += '-next';
    }
    expect(steps.size).toBe(5);
  });

  it('goes on from the end of an epoch', async () => {
    const whole = make();
    const expected = figures(await lastValueFrom(fitTagger(whole, plain).pipe(toArray())));
    const first = make();
    const before = await lastValueFrom(
      fitTagger(first, plain).pipe(checkpointed(path, { model: first }), take(1), toArray()),
    );
    const { model, snapshot, step } = await kept<FitTaggerSnapshot>();
    expect(step).toBe(5);
    const rest = await lastValueFrom(fitTagger(model, { ...plain, from: snapshot }).pipe(toArray()));
    expect([...figures(before), ...figures(rest)]).toEqual(expected);
    expect(bitsOf(model)).toEqual(bitsOf(whole));
  });

  it('has the last sound update where the next one fails', async () => {
    const whole = make();
    const { expected, before, after } = await counted(whole, { ...plain, substitute });
    stopAt = Math.floor((before + after) / 2);
    calls = 0;
    stop = () => {
      throw new Error('no type any more');
    };
    const first = make();
    const fails = fitTagger(first, { ...plain, substitute }).pipe(checkpointed(path, { model: first, everyMs: 1e9 }));
    await expect(lastValueFrom(fails)).rejects.toThrow('no type any more');
    const { model, snapshot, step } = await kept<FitTaggerSnapshot>();
    expect(step).toBeGreaterThan(5);
    const rest = await lastValueFrom(fitTagger(model, { ...plain, substitute, from: snapshot }).pipe(toArray()));
    expect(figures(rest)).toEqual(expected.slice(1));
    expect(bitsOf(model)).toEqual(bitsOf(whole));
  });

  it.each<readonly [string, Partial<FitTaggerOptions>]>([
    ['utterances 20, but this one has 19', { train: train.slice(1) }],
    ['utterances to look at 6, but this one has 5', { valid: valid.slice(1) }],
    ['epochs 3, but this one has 4', { epochs: 4 }],
    ['batch 4, but this one has 5', { batch: 5 }],
    ['seed 2, but this one has 3', { seed: 3 }],
  ])('goes on with the same utterances and options alone: %s', async (message, more) => {
    const model = make();
    await lastValueFrom(fitTagger(model, plain).pipe(checkpointed(path, { model }), take(1)));
    const run = await kept<FitTaggerSnapshot>();
    const before = bitsOf(run.model);
    const fails = fitTagger(run.model, { ...plain, ...more, from: run.snapshot });
    await expect(lastValueFrom(fails)).rejects.toThrow(`fitTagger: from is of a run with ${message}`);
    expect(bitsOf(run.model)).toEqual(before);
  });

  it.each([
    ['no record', 7],
    ['nothing of a run', {}],
    ['nothing to go on with', { open: undefined }],
    ['epochs that are none', { epochs: -1 }],
  ])('does not go on from %s', async (_, changed) => {
    const model = make();
    await lastValueFrom(fitTagger(model, plain).pipe(checkpointed(path, { model }), take(1)));
    const run = await kept<FitTaggerSnapshot>();
    const isChange = typeof changed === 'object' && Object.keys(changed).length > 0;
    const wrong = (isChange ? { ...run.snapshot, ...changed } : changed) as FitTaggerSnapshot;
    await expect(lastValueFrom(fitTagger(run.model, { ...plain, from: wrong }))).rejects.toThrow(/^fitTagger: .*from/);
  });

  it('has no snapshot of an epoch that is past', async () => {
    const [first] = await lastValueFrom(fitTagger(make(), plain).pipe(toArray()));
    expect(() => first?.snapshot()).toThrow('fitTagger: the snapshot after update 5 is gone');
  });
});
