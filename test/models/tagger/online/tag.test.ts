import {
  adam,
  endOfUtterance,
  evaluate,
  learnTags,
  parametersOf,
  type Spoken,
  type Tagger,
  type TaggerOptions,
  type Taught,
  tag,
  taggerTrainer,
  type UtteranceTagged,
  type WordTagged,
} from 'oxbow';
import { from, lastValueFrom, Subject, throwError, toArray } from 'rxjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { empty, journeys, tagsOf } from './small.js';

const lessons = journeys(40);

/** A tagger that has learnt a little, so that its tags are neither all the same nor all sure. */
function trained(options: Partial<TaggerOptions> = {}): Tagger {
  const model = empty({ dropout: 0, ...options });
  model.grow(lessons);
  const { learn, release } = taggerTrainer(model, { optimizer: adam(1e-2) });
  for (let step = 0; step < 25; step += 1) learn(lessons.slice(0, 20));
  release();
  return model;
}

const run = (model: Tagger, spoken: readonly Spoken[], options = {}) =>
  lastValueFrom(from(spoken).pipe(tag(model, options), toArray()));

const isFinal = (event: WordTagged | UtteranceTagged): event is UtteranceTagged => event.final;
const finals = (events: readonly (WordTagged | UtteranceTagged)[]) => events.filter(isFinal);
const words = (events: readonly (WordTagged | UtteranceTagged)[]) =>
  events.flatMap((event) => (event.final ? [] : [event]));

describe.each([
  ['a chain', {}],
  ['a chain without grammar', { constrained: false }],
  ['softmax and grammar', { chain: false }],
  ['softmax alone', { chain: false, constrained: false }],
] as const)('words one by one, %s', (_, options) => {
  let model: Tagger;
  beforeAll(() => {
    model = trained(options);
  });

  it('end with the tags, probabilities and intent of the utterance at once', async () => {
    const events = await run(
      model,
      lessons.slice(0, 10).flatMap((lesson) => [...lesson.words, endOfUtterance]),
    );
    const expected = model.tag(lessons.slice(0, 10).map((lesson) => lesson.words));
    expect(finals(events).map(({ words: said, intent }) => ({ words: said, intent }))).toEqual(expected);
    expect(finals(events).map(({ utterance }) => utterance)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('have the best tags of what was said so far, and how probable those are, worked out over all paths', () => {
    const text = ['leave', 'New', 'York', 'on', 'monday'];
    const open = model.open();
    const told: string[] = [];
    for (let length = 1; length <= text.length; length += 1) {
      const changed = open.add(text[length - 1] as string);
      for (const { position, tag: name } of changed) told[position] = name;
      const paths = allPaths(model, text.slice(0, length), (options as TaggerOptions).constrained !== false);
      const best = paths.reduce((a, b) => (b.score > a.score ? b : a));
      expect(told).toEqual(best.tags);
      const total = paths.reduce((sum, { score }) => sum + Math.exp(score), 0);
      for (const { position, tag: name, probability } of changed) {
        const through = paths.filter(({ tags }) => tags[position] === name);
        const expected = through.reduce((sum, { score }) => sum + Math.exp(score), 0) / total;
        expect(probability).toBeCloseTo(expected, 10);
      }
      expect(changed.at(-1)?.position).toBe(length - 1);
      expect(changed.at(-1)?.word).toBe(text[length - 1]);
    }
  });
});

/** Every path of tags that the grammar allows, with its score; no word being the last. */
function allPaths(model: Tagger, text: readonly string[], constrained: boolean) {
  const [{ tags: scores }] = evaluate(model, model.initial(1), model.encode([text]));
  const { names } = model.tags;
  const parameters = new Map(parametersOf(model.params));
  const numbers = (name: string) => parameters.get(`chain.${name}`)?.data;
  const grammatical = (before: string | undefined, name: string) =>
    !constrained || !name.startsWith('I-') || [`B-${name.slice(2)}`, name].includes(before ?? '');
  let paths: { tags: string[]; ids: number[]; score: number }[] = [{ tags: [], ids: [], score: 0 }];
  text.forEach((_, step) => {
    paths = paths.flatMap(({ tags, ids, score }) =>
      names.flatMap((name, id) => {
        if (!grammatical(tags.at(-1), name)) return [];
        const last = ids.at(-1);
        const linked = last === undefined ? numbers('start')?.[id] : numbers('transitions')?.[last * names.length + id];
        const own = scores.data[step * names.length + id] as number;
        return [{ tags: [...tags, name], ids: [...ids, id], score: score + own + (linked ?? 0) }];
      }),
    );
  });
  return paths;
}

describe('tag', () => {
  let model: Tagger;
  beforeAll(() => {
    model = trained();
  });

  it('sends each word at once, and flags what it revises', () => {
    const spoken$ = new Subject<Spoken>();
    const events: (WordTagged | UtteranceTagged)[] = [];
    spoken$.pipe(tag(model)).subscribe((event) => events.push(event));
    let revisions = 0;
    for (const { words: text } of lessons) {
      const told: string[] = [];
      text.forEach((word, position) => {
        events.length = 0;
        spoken$.next(word);
        const now = words(events);
        expect(now.at(-1)).toMatchObject({ word, position, revised: false, final: false });
        for (const event of now.slice(0, -1)) {
          expect(event.revised).toBe(true);
          expect(event.tag).not.toBe(told[event.position]);
          expect(event.word).toBe(text[event.position]);
          revisions += 1;
        }
        for (const event of now) told[event.position] = event.tag;
      });
      events.length = 0;
      spoken$.next(endOfUtterance);
      const [last] = finals(events) as [UtteranceTagged];
      expect(events).toHaveLength(1);
      expect(last.revised).toEqual(tagsOf(last).flatMap((name, k) => (name === told[k] ? [] : [k])));
    }
    // Cities of two words and dates are told by what follows: otherwise this test would hold nothing.
    expect(revisions).toBeGreaterThan(0);
  });

  it('takes whole utterances, and ends an unfinished one at the end of the stream and before a whole one', async () => {
    const [a, b] = lessons as unknown as readonly [Taught, Taught];
    const events = await run(model, [...a.words, b.words, ...a.words]);
    expect(finals(events).map(({ words: said }) => said.map(({ word }) => word))).toEqual([a.words, b.words, a.words]);
    expect(finals(await run(model, a.words))).toHaveLength(1);
    expect(await run(model, [])).toEqual([]);
  });

  it('starts afresh with each subscription and each utterance', async () => {
    const text = (lessons[0] as Taught).words;
    const operator = tag(model);
    const once = () => lastValueFrom(from([...text, endOfUtterance, ...text]).pipe(operator, toArray()));
    const [first, second] = [await once(), await once()];
    expect(second).toEqual(first);
    const [one, two] = finals(first) as [UtteranceTagged, UtteranceTagged];
    expect(two).toEqual({ ...one, utterance: 1 });
  });

  it('reads both ways once the utterance is whole', async () => {
    const both = trained({ bidirectional: true });
    const text = (lessons[1] as Taught).words;
    const spoken$ = new Subject<Spoken>();
    const events: (WordTagged | UtteranceTagged)[] = [];
    spoken$.pipe(tag(both)).subscribe((event) => events.push(event));
    for (const word of text) spoken$.next(word);
    expect(events).toEqual([]);
    spoken$.next(endOfUtterance);
    const [expected] = both.tag([text]);
    expect(words(events).map(({ word, tag: name, probability }) => ({ word, tag: name, probability }))).toEqual(
      expected?.words,
    );
    expect(finals(events)).toEqual([{ ...expected, utterance: 0, revised: [], final: true }]);
    expect(() => both.open()).toThrow('a model that reads both ways needs the whole utterance');
  });

  it('tags with what the model has learnt by then, also where it gains words and tags within an utterance', async () => {
    const growing = trained();
    const spoken$ = new Subject<Spoken>();
    const events: (WordTagged | UtteranceTagged)[] = [];
    spoken$.pipe(tag(growing)).subscribe((event) => events.push(event));
    spoken$.next('leave');
    spoken$.next('Taipei');
    const before = growing.tags.size;
    await lastValueFrom(
      from([{ words: ['buy', 'milk'], tags: ['O', 'B-thing'] }]).pipe(learnTags(growing, { optimizer: adam(1e-2) })),
    );
    expect(growing.tags.size).toBe(before + 1);
    spoken$.next('on');
    spoken$.next('monday');
    spoken$.next(endOfUtterance);
    const [last] = finals(events) as [UtteranceTagged];
    expect(last.words.map(({ word }) => word)).toEqual(['leave', 'Taipei', 'on', 'monday']);
    for (const { tag: name, probability } of last.words) {
      expect(growing.tags.idOf(name)).toBeDefined();
      expect(probability).toBeGreaterThan(0);
      expect(probability).toBeLessThanOrEqual(1 + 1e-12);
    }
    expect(last.words.slice(0, 2).map(({ tag: name }) => name)).not.toContain('B-thing');
  });

  it('ends as the words were read where tags come after the last word', async () => {
    const growing = trained();
    const [expected] = growing.tag([['leave', 'New', 'York', 'on', 'monday']]);
    const spoken$ = new Subject<Spoken>();
    const events: (WordTagged | UtteranceTagged)[] = [];
    spoken$.pipe(tag(growing)).subscribe((event) => events.push(event));
    for (const word of ['leave', 'New', 'York', 'on', 'monday']) spoken$.next(word);
    growing.grow([{ words: ['milk'], tags: ['B-thing'] }]);
    growing.grow([{ words: ['bread'], tags: ['B-other'] }]);
    spoken$.next(endOfUtterance);
    const [last] = finals(events) as [UtteranceTagged];
    expect(last.words.map(({ tag: name }) => name)).toEqual(expected?.words.map(({ tag: name }) => name));
    last.words.forEach(({ probability }, k) => {
      expect(probability).toBeCloseTo(expected?.words[k]?.probability as number, 6);
    });
  });

  it('passes on errors, and refuses what is no word', async () => {
    await expect(lastValueFrom(throwError(() => new Error('lost')).pipe(tag(model)))).rejects.toThrow('lost');
    await expect(run(model, [3 as never])).rejects.toThrow(
      'tag: takes words, lists of words and endOfUtterance, not 3',
    );
    await expect(run(model, [['a', undefined] as never])).rejects.toThrow('not undefined');
    expect(() => tag(model, { longest: 0 })).toThrow('tag: longest is a whole number of at least 1');
  });

  it('ends an utterance that has no end', async () => {
    const events = await run(model, ['a', 'b', 'c', ['d', 'e', 'f', 'g'], 'h'], { longest: 2 });
    expect(finals(events).map(({ words: said }) => said.map(({ word }) => word).join(''))).toEqual([
      'ab',
      'c',
      'de',
      'fg',
      'h',
    ]);
  });
});

describe('odd utterances', () => {
  const odd: Readonly<Record<string, readonly string[]>> = {
    'of no word': [],
    'of one word': ['Taipei'],
    'of 5,000 words': Array.from({ length: 5000 }, (_, k) => ['leave', 'Taipei', 'on', 'monday'][k % 4] as string),
    'with words of 1,000 characters': ['x'.repeat(1000), '🦬'.repeat(500), 'é'.repeat(1000)],
    'of emoji': ['🛫', '👩‍👩‍👧‍👦', '🇹🇼', '🛬'],
    'from right to left': ['أريد', 'السفر', 'إلى', 'תל', 'אביב'],
    'with halves of surrogate pairs, blanks and nothing': ['\ud83e', ' ', '', '\u0000'],
  };

  describe.each([false, true])('where the model reads both ways: %s', (bidirectional) => {
    let model: Tagger;
    beforeAll(() => {
      model = trained({ bidirectional });
    });

    it.each(Object.keys(odd))('%s have a tag a word', async (name) => {
      const text = odd[name] as readonly string[];
      const events = await run(model, [...text, endOfUtterance]);
      const [last] = finals(events) as [UtteranceTagged];
      expect(finals(events)).toHaveLength(1);
      expect(last.words.map(({ word }) => word)).toEqual(text);
      for (const { tag: tagged, probability } of last.words) {
        expect(model.tags.idOf(tagged)).toBeDefined();
        expect(probability).toBeGreaterThan(0);
      }
      expect(model.intents?.names).toContain(last.intent?.name);
      const { words: said, intent } = last;
      expect([{ words: said, intent }]).toEqual(model.tag([text]));
    });
  });
});
