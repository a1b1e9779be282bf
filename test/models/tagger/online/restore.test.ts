/** What a file or a caller may say of a tagger that learns: all of it is looked at before any of it is put in place. */
import * as E from 'fp-ts/lib/Either.js';
import {
  adam,
  type Checkpoint,
  type LearnTagsState,
  learnTags,
  lexicon,
  parametersOf,
  pending,
  reservoir,
  restoreGenerator,
  restoreTaggerEither,
  type Tagger,
  type TagOutcome,
  type Tensor,
  taggerCheckpoint,
  tensor,
} from 'oxbow';
import { from, lastValueFrom, of, toArray } from 'rxjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { bitsOf, empty, journeys } from './small.js';

const any = (value: unknown) => value as never;
const options = () => ({
  optimizer: adam(1e-2),
  replay: { size: 8, per: 3, seed: 2 },
  pending: pending({ capacity: 5 }),
});

let learnt: Tagger;
let state: LearnTagsState;
let checkpoint: Checkpoint;

beforeAll(async () => {
  learnt = empty();
  const run = options();
  await lastValueFrom(
    from([{ id: 'a', words: ['to', 'rome'] }, { words: ['from', 'oslo'] }, ...journeys(10)]).pipe(
      learnTags(learnt, run),
      toArray(),
    ),
  );
  // The last lesson's outcome tells the state, so it is learnt by itself.
  const last = (await lastValueFrom(
    from([{ id: 'a', words: ['to', 'rome'] }, ...journeys(6)]).pipe(learnTags(learnt, run)),
  )) as TagOutcome;
  expect(last.outcome).toBe('learned');
  const stated = await new Promise<LearnTagsState>((resolve, reject) => {
    from([{ id: 'b', words: ['to', 'rome'] }, ...journeys(4)])
      .pipe(learnTags(learnt, run))
      .subscribe({
        next: (event) => event.outcome === 'learned' && event.step === 4 && resolve(event.state()),
        error: reject,
      });
  });
  state = stated;
  checkpoint = taggerCheckpoint(learnt, state);
});

/** JSON with one place put to another value; `undefined` leaves it out. */
function put(text: string, path: readonly (string | number)[], value: unknown): string {
  const whole = JSON.parse(text) as Record<string, unknown>;
  const inner = path.slice(0, -1).reduce((at, name) => at[name] as Record<string, unknown>, whole);
  inner[path.at(-1) as string] = value;
  return JSON.stringify(whole, (_, each) => (Number.isNaN(each) ? 'NaN' : each));
}

/** What a live model says of a checkpoint that it refuses, being as it was. */
function refusalOf(wrong: unknown): string {
  const model = empty();
  model.tag([['to', 'rome']]);
  const before = bitsOf(model);
  const shapes = parametersOf(model.params).map(([, { shape }]) => shape);
  const result = restoreTaggerEither(model, any(wrong));
  expect(bitsOf(model)).toEqual(before);
  expect(parametersOf(model.params).map(([, { shape }]) => shape)).toEqual(shapes);
  model.tag([['to', 'rome', 'and', 'oslo']]);
  if (E.isRight(result)) return 'it was taken';
  expect(result.left.message).not.toMatch(/Cannot|not iterable|not a function/);
  return result.left.message;
}

const withMetadata = (name: string, text: unknown) => ({
  ...checkpoint,
  metadata: { ...checkpoint.metadata, [name]: text },
});

/** Lists within one another, so many of them. */
const nested = (depth: number): unknown => JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`);
const strange = { toString: 1, valueOf: 2 };

describe('a checkpoint of a tagger is refused as a whole where it has', () => {
  it.each<[readonly (string | number)[], unknown, RegExp]>([
    [['words', 'names', 1], 3, /lexicon of words has 3 for name 1, which is no text/],
    [['words', 'names', 1], null, /lexicon of words has null for name 1/],
    [['words', 'names', 1], ['to'], /which is no text/],
    [['tags', 'names', 1], {}, /lexicon of tags has \{\} for name 1/],
    [['intents', 'names', 1], false, /lexicon of intents has false for name 1/],
    [['words', 'names', 2], 'arrive', /lexicon of words has "arrive" twice/],
    [['tags', 'names', 1], 'O', /lexicon of tags has "O" twice/],
    [['words', 'counts', 1], -1, /lexicon of words counts "arrive" -1 times/],
    [['words', 'counts', 1], 1.5, /counts "arrive" 1.5 times/],
    [['words', 'counts', 1], null, /counts "arrive" null times/],
    [['tags', 'counts', 0], '3', /lexicon of tags counts "O" "3" times/],
    [['words', 'counts'], [], /lexicon of words has no names with a count each/],
    [['words', 'names'], 'to', /lexicon of words has no names/],
    [['words', 'names', 1], strange, /has \{"toString":1,"valueOf":2\} for name 1/],
    [['words', 'names', 1], nested(5), /has \[\[…\]\] for name 1/],
    [['words', 'counts', 1], nested(5), /counts "arrive" \[\[…\]\] times/],
    [['words', 'counts', 1], strange, /counts "arrive" \{"toString":1,"valueOf":2\} times/],
    [['words'], null, /the checkpoint has no words/],
    [['words'], [], /lexicon of words has no names/],
    [['tags'], 3, /lexicon of tags has no names/],
    [['intents'], null, /the checkpoint has no intents/],
  ])('lexicons with %j put to %j', (path, value, message) => {
    expect(refusalOf(withMetadata('lexicons', put(checkpoint.metadata.lexicons as string, path, value)))).toMatch(
      message,
    );
  });

  it.each<[string, (t: Tensor) => readonly [shape: readonly number[], size: number]]>([
    ['words.table', ({ shape: [v = 0, e = 0] }) => [[v + 1, e], (v + 1) * e]],
    ['tags.w', ({ shape: [d = 0, n = 0] }) => [[d, n + 1], d * (n + 1)]],
    ['tags.b', ({ shape: [n = 0] }) => [[n + 1], n + 1]],
    ['chain.transitions', ({ shape: [n = 0] }) => [[n + 1, n + 1], (n + 1) ** 2]],
    ['chain.transitions', ({ shape: [n = 0] }) => [[n, n + 1], n * (n + 1)]],
    ['chain.start', ({ shape: [n = 0] }) => [[n + 1], n + 1]],
    ['chain.end', ({ shape: [n = 0] }) => [[n - 1], n - 1]],
    ['intents.w', ({ shape: [d = 0, n = 0] }) => [[d, n + 1], d * (n + 1)]],
    ['intents.b', ({ shape: [n = 0] }) => [[n - 1], n - 1]],
    ['rnn.layer1.wx', ({ shape: [a = 0, b = 0] }) => [[a + 1, b], (a + 1) * b]],
  ])('a table that does not fit the others: %s', (name, change) => {
    const [shape, size] = change(checkpoint.tensors[name] as Tensor);
    const tensors = { ...checkpoint.tensors, [name]: tensor(shape, new Float32Array(size)) };
    expect(refusalOf({ ...checkpoint, tensors })).toContain(name);
  });

  it.each<[string, unknown]>([
    ['null', null],
    ['a number', 3],
    ['no data', { shape: [1], type: 'float32' }],
    ['too few numbers', { shape: [400], type: 'float32', data: new Float32Array(3) }],
    ['a shape that is none', { shape: null, type: 'float32', data: new Float32Array(3) }],
  ])('a table or a slot that is %s', (_, wrong) => {
    for (const name of Object.keys(checkpoint.tensors)) {
      const tensors = { ...checkpoint.tensors, [name]: any(wrong) };
      expect(refusalOf({ ...checkpoint, tensors })).toContain(name.replace('optimizer.', ''));
    }
  });

  it.each<[string, (t: Tensor) => Tensor]>([
    ['NaN', (t) => ({ ...t, data: t.data.map((v, k) => (k === 0 ? Number.NaN : v)) })],
    ['an infinity', (t) => ({ ...t, data: t.data.map((v, k) => (k === 0 ? Number.POSITIVE_INFINITY : v)) })],
    ['another shape', (t) => ({ ...t, shape: [1, ...t.shape] })],
  ])('a slot with %s', (_, change) => {
    const name = 'optimizer.tags.b.meanSquare';
    const tensors = { ...checkpoint.tensors, [name]: change(checkpoint.tensors[name] as Tensor) };
    expect(refusalOf({ ...checkpoint, tensors })).toMatch(/of its learning: tags\.b\.meanSquare/);
  });

  it('a slot of no parameter', () => {
    const tensors = { ...checkpoint.tensors, 'optimizer.other.mean': tensor([1], [1]) };
    expect(refusalOf({ ...checkpoint, tensors })).toMatch(/other\.mean belongs to no parameter/);
  });

  const learning: readonly (readonly [path: readonly (string | number)[], value: unknown])[] = [
    ...[null, -1, 1.5, '3', undefined, strange].map((step) => [['step'], step] as const),
    ...[null, 3, [], 'x'].map((replay) => [['replay'], replay] as const),
    ...[null, {}, 3].map((items) => [['replay', 'items'], items] as const),
    ...[
      null,
      3,
      'to',
      {},
      { words: ['to'] },
      { words: ['to'], tags: [] },
      { words: [], tags: [] },
      { words: ['to', 3], tags: ['O', 'O'] },
      { words: 'to', tags: 'OO' },
      { words: ['to'], tags: [null] },
      { words: ['to'], tags: ['B-never'] },
      { words: ['to'], tags: ['O'], intent: 3 },
      { words: ['to'], tags: ['O'], intent: 'never' },
      { words: ['to'], tags: ['O'], id: 3 },
      { words: ['to'], tags: ['O'], id: strange },
    ].map((item) => [['replay', 'items', 0], item] as const),
    ...[null, -1, 1.5, 0, '9', strange].map((seen) => [['replay', 'seen'], seen] as const),
    ...[null, {}, { words: [1, 2, 3, 4] }, 3].map((random) => [['replay', 'random'], random] as const),
    ...[[0, 0, 0, 0], [1, 2, 3], [1, 2, 3, -4], [1, 2, 3, 0.5], [1, 2, 3, 2 ** 32], [1, 2, 3, null], 'abcd'].map(
      (words) => [['replay', 'random', 'words'], words] as const,
    ),
    ...['x', undefined, strange].map((spare) => [['replay', 'random', 'spare'], spare] as const),
    ...[null, 3, [], {}].map((open) => [['pending'], open] as const),
    ...[null, -1, 0.5, strange].flatMap((count) => [
      [['pending', 'given'], count] as const,
      [['pending', 'dropped'], count] as const,
    ]),
    ...[null, {}, [3], [[]], [['a']], [['a', null]], [['a', {}]], [[3, { words: [], prediction: { words: [] } }]]].map(
      (entries) => [['pending', 'entries'], entries] as const,
    ),
    ...[null, 3, { words: null }, { words: [] }, { words: [{}, {}] }, { words: [null, null] }].map(
      (prediction) => [['pending', 'entries', 0, 1, 'prediction'], prediction] as const,
    ),
    ...[null, 3, {}, { tags: ['O'] }, { tags: [1, 2] }, { tags: ['O', 'O'], intent: 3 }].map(
      (taught) => [['pending', 'entries', 0, 1, 'taught'], taught] as const,
    ),
    ...[null, {}, [3]].map((expired) => [['pending', 'expired'], expired] as const),
  ];

  it.each(learning)('learning with %j put to %j', (path, value) => {
    const text = put(checkpoint.metadata.learning as string, path, value);
    expect(refusalOf(withMetadata('learning', text))).toMatch(/nothing sound of its learning: /);
  });

  it.each<[string, () => unknown]>([
    ['null', () => null],
    ['nothing', () => undefined],
    ['a number', () => 3],
    ['no parts', () => ({})],
    ['null for tensors', () => ({ ...checkpoint, tensors: null })],
    ['null for metadata', () => ({ ...checkpoint, metadata: null })],
    ['null for lexicons', () => withMetadata('lexicons', null)],
    ['a record for lexicons', () => withMetadata('lexicons', {})],
    ['null for learning', () => withMetadata('learning', null)],
    ['JSON of null for learning', () => withMetadata('learning', 'null')],
    ['half of a text for learning', () => withMetadata('learning', '{"step":')],
  ])('%s', (_, wrong) => {
    expect(refusalOf(wrong())).toMatch(/no checkpoint|that can be read/);
  });

  it('nothing wrong with it: then it is taken', () => {
    const model = empty();
    const restored = restoreTaggerEither(model, checkpoint);
    expect(E.isRight(restored) && restored.right).toEqual(state);
    expect(bitsOf(model)).toEqual(bitsOf(learnt));
    // What stands beside the state in its JSON is not taken for a part of it.
    const more = put(checkpoint.metadata.learning as string, ['trainer'], { optimizer: null });
    const again = restoreTaggerEither(empty(), any(withMetadata('learning', more)));
    expect(E.isRight(again) && again.right).toEqual(state);
  });
});

describe('a state of learnTags is refused before anything changes where', () => {
  it.each<[string, () => unknown]>([
    ['it is null', () => null],
    ['it is a number', () => 3],
    ['it has no trainer', () => ({ ...state, trainer: undefined })],
    ['its trainer is null', () => ({ ...state, trainer: null })],
    ['its trainer has no slots', () => ({ ...state, trainer: { step: 1 } })],
    ['its step is none', () => ({ ...state, trainer: { ...state.trainer, step: -1 } })],
    ['its items are none', () => ({ ...state, replay: { ...state.replay, items: [null] } })],
    [
      'an item has a tag that the model has not',
      () => ({ ...state, replay: { ...state.replay, items: [{ words: ['to'], tags: ['B-never'] }] } }),
    ],
    ['what is pending is null', () => ({ ...state, pending: null })],
    [
      'more is pending than may',
      () => ({
        ...state,
        pending: {
          ...state.pending,
          entries: Array.from({ length: 6 }, (_, k) => [`${k}`, { words: [], prediction: { words: [] } }]),
        },
      }),
    ],
  ])('%s', async (_, wrong) => {
    const before = bitsOf(learnt);
    const run = options();
    run.pending.add({ words: ['x'], prediction: { words: [{ word: 'x', tag: 'O', probability: 1 }] } }, 'mine');
    const stream = of(...journeys(1)).pipe(learnTags(learnt, { ...run, state: any(wrong()) }));
    await expect(lastValueFrom(stream)).rejects.toThrow(/^(learnTags|taggerTrainer|trainer|pending): /);
    expect(bitsOf(learnt)).toEqual(before);
    expect(run.pending.get('mine')).toMatchObject({ words: ['x'] });
  });
});

describe('by itself', () => {
  it.each([null, {}, { names: ['a'], counts: [] }, { names: [3], counts: [1] }, { names: ['a', 'a'], counts: [1, 1] }])(
    'a lexicon refuses %j and is as it was',
    (data) => {
      const words = lexicon(['a']);
      expect(() => words.restore(any(data))).toThrow(/^lexicon: what was written down /);
      expect(words.toJSON()).toEqual({ names: ['a'], counts: [1] });
    },
  );

  it.each([null, {}, { words: [0, 0, 0, 0], spare: null }, { words: [1, 2, 3, 4], spare: Number.NaN }])(
    'a generator refuses %j',
    (words) => {
      expect(() => restoreGenerator(any(words))).toThrow(/^restoreGenerator: /);
      expect(() => reservoir({ size: 2, state: any({ items: [], seen: 0, random: words }) })).toThrow(/^reservoir: /);
    },
  );
});
