/** One form for all trainings that are written down; what earlier versions wrote in it (saved.json) is read as it was. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  adam,
  type Checkpoint,
  crossEntropy,
  decodeCheckpoint,
  dense,
  encodeCheckpoint,
  type GptOptions,
  gpt,
  loadCheckpoint,
  loadTagger,
  loadWeights,
  sequential,
  stack,
  type TrainerState,
  tagger,
  taggerCheckpoint,
  tensor,
  trainingCheckpoint,
  trainingOf,
  type VocabularyData,
  vocabularyFrom,
  weightsOf,
} from 'oxbow';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import saved from './saved.json' with { type: 'json' };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'oxbow-training-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** The metadata are JSON, whose members may come in any order; names of examples are no JSON. */
function read({ tensors, metadata }: Checkpoint) {
  const said = Object.entries(metadata).map(([name, text]) => [name, text.startsWith('{') ? JSON.parse(text) : text]);
  return { tensors, metadata: Object.fromEntries(said) };
}

/** A file with bytes that were written before, and what it says. */
async function file(name: keyof typeof saved) {
  const path = join(folder, `${name}.safetensors`);
  const bytes = Buffer.from(saved[name], 'base64');
  await writeFile(path, bytes);
  return { path, checkpoint: decodeCheckpoint(bytes) };
}

describe('what was written before is read, and written again as it was:', () => {
  it('a sequential model', async () => {
    const { path, checkpoint } = await file('sequential');
    const options = { loss: crossEntropy(), optimizer: adam(0.1) };
    const model = sequential([dense(2, 3)], { seed: 7 }).compile(options);
    await model.load(path);
    const again = join(folder, 'again.safetensors');
    await model.save(again);
    expect(read(await loadCheckpoint(again))).toEqual(read(checkpoint));
    expect(trainingOf(checkpoint, 'training')).toMatchObject({ state: { step: 2 }, about: { epochs: 2 } });
  });

  it('a tagger that learns', async () => {
    const { path, checkpoint } = await file('tagger');
    const net = { features: 2, units: 2, characters: { features: 1, maps: 1 }, bidirectional: false };
    const model = tagger({ words: [], tags: ['O'], intents: ['go'], ...net, seed: 7 });
    const state = await loadTagger(model, path);
    expect(state).toMatchObject({ trainer: { step: 2 }, replay: { seen: 2 }, pending: { given: 0 } });
    // Its predictions that waited stood under another name, which is read and not written any more.
    const before = read(checkpoint);
    const { outstanding, ...learning } = before.metadata.learning;
    expect(outstanding).toMatchObject({ given: 0 });
    const now = { ...before, metadata: { ...before.metadata, learning: { ...learning, pending: outstanding } } };
    expect(read(taggerCheckpoint(model, state))).toEqual(now);
  });

  it('an example', async () => {
    const { checkpoint } = await file('gpt');
    const { weights, state, about } = trainingOf(checkpoint, 'about');
    expect(state).toMatchObject({ step: 1, tokens: 2 });
    const { shape, vocabulary } = about as { shape: Omit<GptOptions, 'symbols'>; vocabulary: VocabularyData };
    const model = gpt({ ...shape, symbols: vocabularyFrom(vocabulary).size, tied: true });
    loadWeights(model.params, weights);
    const again = trainingCheckpoint(model.params, 'about', { state, about }, { example: 'gpt' });
    expect(read(again)).toEqual(read(checkpoint));
  });
});

describe('a training', () => {
  const make = () => stack({ head: dense(2, 1) }, { seed: 1 });
  const state: TrainerState = { step: 3, tokens: 12, slots: { 'head.w.mean': tensor([2, 1], [5, 6]) } };

  it('comes back from the bytes as it was', () => {
    const { params } = make();
    const about = { epoch: 2, name: 'mine' };
    const checkpoint = trainingCheckpoint(params, 'run', { state, about }, { by: 'me' });
    expect(Object.keys(checkpoint.tensors)).toEqual(['head.w', 'head.b', 'optimizer.head.w.mean']);
    const { weights, ...rest } = trainingOf(decodeCheckpoint(encodeCheckpoint(checkpoint)), 'run');
    expect(rest).toEqual({ state, about });
    expect(checkpoint.metadata.by).toBe('me');
    const other = stack({ head: dense(2, 1) }, { seed: 2 });
    loadWeights(other.params, weights);
    expect(weightsOf(other.params)).toEqual(weightsOf(params));
  });

  it.each([
    ['nothing', undefined, { state: undefined, about: {} }],
    ['no trainer', { about: { epochs: 0 } }, { state: undefined, about: { epochs: 0 } }],
  ])('may be told with %s', (_, record, wanted) => {
    expect(trainingOf(trainingCheckpoint(make().params, 'run', record), 'run')).toMatchObject(wanted);
  });

  it.each<[string, () => Checkpoint, RegExp]>([
    [
      'a part of the model that is named optimizer',
      () => trainingCheckpoint(stack({ optimizer: dense(1, 1) }, { seed: 1 }).params, 'run', undefined),
      /optimizer\.w would be read as .*; give that part of the model a name other than optimizer\.$/,
    ],
    [
      'a step of its own',
      () => trainingCheckpoint(make().params, 'run', { state, about: { step: 4 } }),
      /about has step, .*; give it another name/,
    ],
    [
      'tokens without a state',
      () => trainingCheckpoint(make().params, 'run', { about: { tokens: 4 } }),
      /about has tokens, .*; give it another name/,
    ],
  ])('is not written with %s, which would not be read as it was', (_, writing, message) => {
    expect(writing).toThrow(RangeError);
    expect(writing).toThrow(message);
    expect(writing).toThrow(/^trainingCheckpoint: /);
  });

  it.each<[string, unknown, RegExp]>([
    ['null', null, /what was given is no checkpoint, .* give what loadCheckpoint gives/],
    ['no metadata', { tensors: {} }, /no checkpoint/],
    [
      'a text that is no JSON',
      { tensors: {}, metadata: { run: '{' } },
      /no run that can be read, a record in JSON; save it/,
    ],
    ['a number', { tensors: {}, metadata: { run: '3' } }, /no run that can be read/],
    [
      'lists within one another that could not be written',
      { tensors: {}, metadata: { run: `{"about":${'['.repeat(20_000)}${']'.repeat(20_000)}}` } },
      /no run that can be read/,
    ],
    [
      'a step that is no text either',
      { tensors: {}, metadata: { run: '{"step":{"toString":1,"valueOf":2}}' } },
      /the state's step is a whole number from 0 up, not \{"toString":1,"valueOf":2\}/,
    ],
    [
      'half a step',
      { tensors: {}, metadata: { run: '{"step":0.5}' } },
      /sound of its run: .*step is a whole number .*not 0\.5/,
    ],
    [
      'tokens below 0',
      { tensors: {}, metadata: { run: '{"step":1,"tokens":-1}' } },
      /sound of its run: .*tokens .*not -1/,
    ],
  ])('is refused where there is %s', (_, checkpoint, message) => {
    const reading = () => trainingOf(checkpoint as Checkpoint, 'run');
    expect(reading).toThrow(expect.objectContaining({ _tag: 'BadMetadata', message: expect.stringMatching(message) }));
    expect(reading).toThrow(/^trainingOf: /);
  });
});
