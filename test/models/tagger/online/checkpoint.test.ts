import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as E from 'fp-ts/lib/Either.js';
import {
  adam,
  decodeCheckpoint,
  encodeCheckpoint,
  type LearnTagsState,
  learnTags,
  loadTagger,
  pending,
  restoreTagger,
  restoreTaggerEither,
  saveTagger,
  type Tagger,
  type TagLesson,
  type TagOutcome,
  taggerCheckpoint,
  tensor,
} from 'oxbow';
import { from, lastValueFrom, map, take, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { bitsOf, empty, journeys } from './small.js';

const lessons: readonly TagLesson[] = [
  { words: ['odd', '🦬', '\ud83e', '__proto__'], tags: ['O', 'B-🦬', 'B-"', 'O'], intent: '\n' },
  ...journeys(40),
];
const options = () => ({
  optimizer: adam(1e-2),
  replay: { size: 8, per: 3, seed: 2 },
  pending: pending({ capacity: 5 }),
});

const stateOf = (outcome: TagOutcome): LearnTagsState => {
  if (outcome.outcome !== 'learned') throw new Error(outcome.outcome);
  return outcome.state();
};

/** Learns a while, and goes on with what was saved by then; or goes on without a break. */
async function run(cut: number, reload: (model: Tagger, state: LearnTagsState) => Promise<[Tagger, LearnTagsState]>) {
  let model = empty();
  const started = from(lessons).pipe(learnTags(model, options()), take(cut), map(stateOf));
  let state = await lastValueFrom(started);
  [model, state] = await reload(model, state);
  await lastValueFrom(from(lessons.slice(cut)).pipe(learnTags(model, { ...options(), state }), toArray()));
  return bitsOf(model);
}

describe('a tagger that learns, as a checkpoint', () => {
  it('goes on in a fresh model as if it had never been killed, bit for bit', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'oxbow-tagger-'));
    const path = join(folder, 'tagger.safetensors');
    const uninterrupted = empty();
    await lastValueFrom(from(lessons).pipe(learnTags(uninterrupted, options()), toArray()));
    for (const cut of [1, 17]) {
      const resumed = await run(cut, async (model, state) => {
        await saveTagger(model, path, state);
        const fresh = empty();
        const loaded = await loadTagger(fresh, path);
        expect(bitsOf(fresh)).toEqual(bitsOf(model));
        return [fresh, loaded as LearnTagsState];
      });
      expect(resumed).toEqual(bitsOf(uninterrupted));
    }
    await rm(folder, { recursive: true });
  });

  it('is a model alone where no state is given', async () => {
    const model = empty();
    await lastValueFrom(from(lessons).pipe(learnTags(model, options()), toArray()));
    const fresh = empty();
    expect(restoreTagger(fresh, taggerCheckpoint(model))).toBeUndefined();
    expect(bitsOf(fresh)).toEqual(bitsOf(model));
    const texts = lessons.flatMap((lesson) => ('words' in lesson ? [lesson.words] : []));
    expect(fresh.tag(texts)).toEqual(model.tag(texts));
  });

  it('says what does not fit, and changes nothing', async () => {
    const model = empty();
    model.grow(journeys(10));
    const checkpoint = decodeCheckpoint(encodeCheckpoint(taggerCheckpoint(model)));
    const message = (into: Tagger, what = checkpoint) => {
      const before = bitsOf(into);
      const restored = restoreTaggerEither(into, what);
      expect(bitsOf(into)).toEqual(before);
      return E.isLeft(restored) ? restored.left.message : 'it fits';
    };
    expect(message(empty({ words: ['atlantis'] }))).toContain("the checkpoint's words do not begin with the model's 2");
    expect(message(empty({ tags: ['B-x', 'O'] }))).toContain("the checkpoint's tags do not begin");
    expect(message(empty({ units: 11 }))).toContain('misshapen: ');
    expect(message(empty({ intents: undefined }))).toContain('the model has no intents; make the two alike');
    const larger = empty();
    larger.grow([...journeys(10), { words: ['more'], tags: ['B-more'] }]);
    expect(message(larger)).toContain("words do not begin with the model's");
    const { lexicons, ...metadata } = checkpoint.metadata;
    expect(message(empty(), { ...checkpoint, metadata })).toContain('no lexicons of a tagger');
    expect(message(empty(), { ...checkpoint, metadata: { ...metadata, lexicons: '{"words":{}}' } })).toContain('words');
    const tensors = { ...checkpoint.tensors, 'tags.b': tensor([1], [0]) };
    expect(message(empty(), { ...checkpoint, tensors })).toContain('tags, but weights for 1');
    expect(message(empty(), { ...checkpoint, metadata: { ...checkpoint.metadata, learning: '{' } })).toContain(
      'learning',
    );
    for (const learning of [
      'null',
      '3',
      '{}',
      '{"step":-1}',
      '{"step":1,"replay":{"items":3}}',
      '{"step":1,"pending":{}}',
    ]) {
      const changed = { ...checkpoint, metadata: { ...checkpoint.metadata, learning } };
      expect(message(empty(), changed)).toContain('learning');
    }
    for (const other of ['null', '[]', '{"words":null}']) {
      const changed = { ...checkpoint, metadata: { ...metadata, lexicons: other } };
      expect(message(empty(), changed)).toContain('checkpoint has no');
    }
    expect(lexicons).toContain('toloc');
  });

  it('is written to a file whose name is in every message', async () => {
    await expect(loadTagger(empty(), '/nowhere/tagger.safetensors')).rejects.toThrow('/nowhere/tagger.safetensors');
  });
});
