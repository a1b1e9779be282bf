import {
  type BadWindow,
  type BadWindowError,
  fromAsync,
  type LearnTagsOptions,
  learnTags,
  loadWeights,
  OxbowError,
  optimizer,
  parametersOf,
  sgd,
  type Tagger,
  type TagOutcome,
  type Taught,
  weightsOf,
} from 'oxbow';
import { lastValueFrom, map, tap, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { sizesBefore, ungrow } from '../../../../src/models/tagger/ungrow.js';
import { bitsOf, empty, journeys } from './small.js';

const lessons = journeys(9);
/** New words, a new tag and a new intent. */
const strange: Taught = { words: ['sell', 'zürich', 'paris'], tags: ['O', 'B-stock', 'B-stock'], intent: 'selling' };
/** Whether the rule is to give what is no number. */
let broken = false;
const breakable = () =>
  optimizer({
    kind: 'breakable',
    slots: ['velocity'],
    learningRate: 0.1,
    update(ops, { weights, gradient, velocity }, { learningRate }) {
      const next = ops.add(ops.affine(velocity, 0.9, 0), gradient);
      const rate = broken ? Number.NaN : -learningRate;
      return { weights: ops.add(weights, ops.affine(next, rate, 0)), velocity: next };
    },
  });
const options = (): LearnTagsOptions => ({ optimizer: breakable(), replay: { size: 4, per: 2, seed: 1 } });

/** Each lesson comes when the one before is done; `before` is called as it comes. */
function coming(taught: readonly Taught[], before: (lesson: Taught) => void = () => {}) {
  return fromAsync(async function* () {
    yield* taught;
  }).pipe(
    tap((lesson) => {
      broken = lesson === strange;
      before(lesson);
    }),
  );
}

const teach = (model: Tagger, taught: readonly Taught[], more: Partial<LearnTagsOptions> = {}) =>
  lastValueFrom(coming(taught).pipe(learnTags(model, { ...options(), ...more }), toArray()));
const learned = (outcomes: readonly TagOutcome[]) =>
  outcomes.flatMap((each) =>
    each.outcome === 'learned' ? [{ loss: each.loss, step: each.step, f1: each.scores().f1 }] : [],
  );

const ways: readonly (readonly [string, Partial<LearnTagsOptions>])[] = [
  ['at once', {}],
  ['in slices', { slice: 0 }],
  ['by the learner', { thread: 'learner' }],
];

describe('a lesson that cannot be learnt from', () => {
  it.each(ways)('leaves no name, no count, no weight, nothing to replay: %s', async (_, way) => {
    for (const tagger of [{}, { chain: false }] as const) {
      const [with_, without] = [empty(tagger), empty(tagger)];
      const heard: BadWindow[] = [];
      const bad = { next: (window: BadWindow) => void heard.push(window) };
      const stream = [...lessons.slice(0, 4), strange, ...lessons.slice(4, 6), strange, ...lessons.slice(6)];
      const outcomes = await teach(with_, stream, { ...way, badWindow: 'skip', bad });
      expect(learned(outcomes)).toEqual(learned(await teach(without, lessons, way)));
      expect(bitsOf(with_)).toEqual(bitsOf(without));
      expect(heard.map(({ window, reason, step }) => [window, reason, step])).toEqual([
        [5, 'loss', 4],
        [8, 'loss', 6],
      ]);
      expect(outcomes[4]).toMatchObject({
        outcome: 'skipped',
        message: expect.stringMatching(/^learnTags: breakable: /),
      });
      expect(outcomes.at(-1)).toMatchObject({ bad: { skipped: 2, rolledBack: 0 } });
      expect(with_.tag([['zürich']])).toEqual(without.tag([['zürich']]));
    }
  });

  it('has names that come later in its stead right, as if it had not been', async () => {
    const other: Taught = { words: ['buy', 'gold'], tags: ['O', 'B-metal'], intent: 'buying' };
    const [with_, without] = [empty(), empty()];
    with_.tag([['zürich']]);
    await teach(with_, [lessons[0] as Taught, strange, other, ...lessons.slice(1, 4)], {
      badWindow: 'skip',
      bad: { next() {} },
    });
    await teach(without, [lessons[0] as Taught, other, ...lessons.slice(1, 4)]);
    expect(bitsOf(with_)).toEqual(bitsOf(without));
    expect(with_.tags.idOf('B-stock')).toBeUndefined();
    expect(with_.tag([['buy', 'gold']])).toEqual(without.tag([['buy', 'gold']]));
  });

  it('lets utterances go on that have met its names', () => {
    const [model, other] = [empty({ chain: true }), empty({ chain: true })];
    for (const each of [model, other]) each.grow(lessons);
    const [open, fresh] = [model.open(), other.open()];
    const sizes = sizesBefore(model);
    model.grow([strange]);
    open.add('leave');
    ungrow(model, strange, sizes);
    fresh.add('leave');
    expect(open.add('paris').at(-1)).toEqual(fresh.add('paris').at(-1));
    expect(open.end()).toEqual(fresh.end());
  });

  it('ends the stream by an error with the state that it goes on from', async () => {
    const [model, whole] = [empty(), empty()];
    const error = await teach(model, [...lessons.slice(0, 4), strange], { badWindow: 'stop' }).then(
      undefined,
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(OxbowError);
    const { window, reason, snapshot } = error as BadWindowError;
    expect([window, reason]).toEqual([5, 'loss']);
    const rest = await teach(model, lessons.slice(4), { state: snapshot as never });
    const expected = await teach(whole, lessons);
    expect(learned(rest).map(({ loss }) => loss)).toEqual(
      learned(expected)
        .slice(4)
        .map(({ loss }) => loss),
    );
    expect(bitsOf(model)).toEqual(bitsOf(whole));
  });

  it.each(ways)('has the model go back, names and all, by default: %s', async (_, way) => {
    for (const at of [2, 5, 7]) {
      const [model, reference] = [empty(), empty()];
      const start = weightsOf(reference.params);
      const heard: BadWindow[] = [];
      const more = { ...way, rollback: { every: 3 }, bad: { next: (window: BadWindow) => void heard.push(window) } };
      const spoil = (lesson: Taught) => {
        if (lesson !== lessons[at]) return;
        for (const [path, parameter] of parametersOf(model.params)) {
          if (path.startsWith('words')) parameter.assign(parameter.data.map(() => Number.NaN));
        }
      };
      const outcomes = await lastValueFrom(
        coming(lessons, spoil).pipe(learnTags(model, { ...options(), ...more }), toArray()),
      );
      expect(heard).toMatchObject([{ window: at + 1, reason: 'start', done: 'rolledBack' }]);
      expect(outcomes[at]).toMatchObject({ outcome: 'rolledBack' });
      const step = heard[0]?.step as number;
      loadWeights(reference.params, start);
      const kept =
        step > 0 &&
        (await lastValueFrom(
          coming(lessons.slice(0, step)).pipe(
            learnTags(reference, options()),
            map((each) => (each.outcome === 'learned' ? each.state() : undefined)),
          ),
        ));
      await teach(reference, lessons.slice(at + 1), kept ? { state: kept } : {});
      expect(bitsOf(model)).toEqual(bitsOf(reference));
    }
  });

  it('ends it where going back does not help', async () => {
    const model = empty();
    await teach(model, lessons.slice(0, 3));
    const bad = { next() {} };
    const diverging = teach(model, [...lessons, ...lessons, ...lessons], { optimizer: sgd(1e30), bad });
    await expect(diverging).rejects.toMatchObject({ _tag: 'BadWindow' });
    for (const [, { data }] of parametersOf(model.params)) expect(data.every(Number.isFinite)).toBe(true);
  });
});
