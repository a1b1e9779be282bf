/** Every function that the world outside can refuse says so when it is awaited: with one kind of error, a tag and what to do. */
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as oxbow from 'oxbow';
import {
  adam,
  build,
  correctTags,
  crossEntropy,
  decodeCheckpoint,
  dense,
  encodeCheckpoint,
  fromConll,
  fromFile,
  fromJsonLines,
  fromSequenceFiles,
  loadCheckpoint,
  loadTagger,
  loadUtterances,
  loadWeights,
  OxbowError,
  restoreTagger,
  saveCheckpoint,
  saveTagger,
  sequential,
  type Tagger,
  tagger,
  taggerCheckpoint,
  tensor,
  trainingOf,
  weightsOf,
} from 'oxbow';
import { lastValueFrom } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fileError } from '../src/errors.js';

const checkpoint = { tensors: { w: tensor([1], [1]) }, metadata: { training: '{' } };
const model = sequential([dense(2, 2)], { seed: 1 }).compile({ loss: crossEntropy(), optimizer: adam(0.1) });
const net = { features: 2, units: 2, characters: { features: 1, maps: 1 }, tags: ['O'], seed: 1 };

let folder: string;
let words: Tagger;
const at = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'oxbow-errors-'));
  words = tagger({ ...net, words: ['a'] });
  const bytes = encodeCheckpoint(checkpoint);
  await writeFile(at('cut'), bytes.subarray(0, -1));
  await writeFile(at('other'), encodeCheckpoint({ ...checkpoint, metadata: {} }));
  await writeFile(at('text'), 'no checkpoint\n');
  await writeFile(at('tagger'), encodeCheckpoint(taggerCheckpoint(tagger({ ...net, words: ['b'] }))));
  await writeFile(at('kept'), 'mine');
  await chmod(at('kept'), 0o444);
});
afterAll(() => rm(folder, { recursive: true }));

type Case = readonly [
  what: string,
  run: () => unknown,
  tag: OxbowError['_tag'],
  /** Names the operation, what it got, and the remedy. */
  message: RegExp,
];

const missing: readonly Case[] = [
  [
    'loadCheckpoint',
    () => loadCheckpoint(at('none')),
    'FileError',
    /^loadCheckpoint: .*none cannot be read: ENOENT.*; give the path of/,
  ],
  [
    'loadTagger',
    () => loadTagger(words, at('none')),
    'FileError',
    /^loadTagger: .*none cannot be read: ENOENT.*; give the path of/,
  ],
  ['load', () => model.load(at('none')), 'FileError', /^load: .*none cannot be read: ENOENT.*; give the path of/],
  [
    'fromConll',
    () => loadUtterances(fromConll(at('none'))),
    'FileError',
    /^fromConll: .*none cannot be read: .*; give/,
  ],
  [
    'fromJsonLines',
    () => loadUtterances(fromJsonLines(at('none'))),
    'FileError',
    /^fromJsonLines: .*none cannot be .*; give/,
  ],
  [
    'fromSequenceFiles',
    () => loadUtterances(fromSequenceFiles(at('none'))),
    'FileError',
    /^fromSequenceFiles: .*seq\.in cannot .*; give/,
  ],
  [
    'fromFile',
    () => lastValueFrom(fromFile(at('none'))),
    'FileError',
    /^fromFile: .*none cannot be read: ENOENT.*; give/,
  ],
];

const broken: readonly Case[] = [
  [
    'loadCheckpoint',
    () => loadCheckpoint(at('cut')),
    'Truncated',
    /^loadCheckpoint: .*cut: .*4 bytes, but only 3 .*copy the file anew/,
  ],
  [
    'loadCheckpoint, a folder',
    () => loadCheckpoint(folder),
    'FileError',
    /^loadCheckpoint: .*no regular file; give the path of one\.$/,
  ],
  [
    'loadTagger',
    () => loadTagger(words, at('text')),
    'HeaderTooLarge',
    /^loadTagger: .*text: the header would be .*Give what/,
  ],
  [
    'loadTagger, of no tagger',
    () => loadTagger(words, at('other')),
    'TaggerMismatch',
    /^loadTagger: .*other: .*no lexicons of a tagger/,
  ],
  [
    'loadTagger, of another',
    () => loadTagger(words, at('tagger')),
    'TaggerMismatch',
    /^loadTagger: .*tagger: .*"a" where it has "b"; make the/,
  ],
  ['load', () => model.load(at('cut')), 'Truncated', /^load: .*cut: .*but only 3/],
  [
    'load, of another model',
    () => model.load(at('other')),
    'WeightsMismatch',
    /^load: .*other: .*missing: .*unexpected: w; make the model as/,
  ],
  [
    'fromConll',
    () => loadUtterances(fromConll(at('text'), { columns: { tag: 3 } })),
    'BadLine',
    /^fromConll: .*text:1: .*no column 3\. Put the line/,
  ],
  [
    'fromJsonLines',
    () => loadUtterances(fromJsonLines(at('text'))),
    'BadLine',
    /^fromJsonLines: .*text:1: no JSON: .* Put the line right/,
  ],
  [
    'decodeCheckpoint',
    () => decodeCheckpoint(new Uint8Array(3)),
    'Truncated',
    /^decodeCheckpoint: .*there are 3\. Save or copy/,
  ],
  [
    'trainingOf',
    () => trainingOf(checkpoint, 'training'),
    'BadMetadata',
    /^trainingOf: .*no training that can be read.*; save it anew/,
  ],
  [
    'loadWeights',
    () => loadWeights(model.params, checkpoint.tensors),
    'WeightsMismatch',
    /^loadWeights: .*unexpected: w; make the model as/,
  ],
  [
    'build',
    () => build({ $: 'lstn', args: [] }),
    'BadDescription',
    /^build: lstn: .*no factory.*"lstn".*; take the one/,
  ],
  ['restoreTagger', () => restoreTagger(words, checkpoint), 'TaggerMismatch', /^restoreTagger: .*no lexicons/],
  [
    'correctTags',
    () => correctTags(['a'], ['O'], [{ slot: 'x', words: 'b' }]),
    'BadCorrection',
    /^correctTags: "b" is not in .*"a"; name words of it/,
  ],
];

const readOnly: readonly Case[] = [
  [
    'saveCheckpoint',
    () => saveCheckpoint(at('kept'), checkpoint),
    'FileError',
    /^saveCheckpoint: .*kept cannot be written: it is read-only; make it/,
  ],
  [
    'saveTagger',
    () => saveTagger(words, at('kept')),
    'FileError',
    /^saveTagger: .*kept cannot be written: it is read-only; make it/,
  ],
  [
    'save',
    () => model.save(at('kept')),
    'FileError',
    /^save: .*kept cannot be written: it is read-only; make it writable/,
  ],
  [
    'saveCheckpoint, no folder',
    () => saveCheckpoint(at('none/a'), checkpoint),
    'FileError',
    /^saveCheckpoint: .*ENOENT.*; give a path in a folder/,
  ],
];

describe.each([
  ['a file that is missing', missing],
  ['what is broken', broken],
  ['a target that cannot be written', readOnly],
])('%s is an OxbowError of', (_, cases) => {
  it.each(cases)('%s', async (__, run, tag, message) => {
    const weights = weightsOf(model.params);
    // As whoever writes `await` sees it, of functions that throw and of those that reject.
    const error: unknown = await (async () => run())().then(
      () => 'nothing was wrong',
      (thrown) => thrown,
    );
    expect(error).toBeInstanceOf(OxbowError);
    expect(error).toBeInstanceOf(Error);
    const { _tag, name, message: said, stack } = error as OxbowError;
    expect([_tag, name, said]).toEqual([tag, 'OxbowError', expect.stringMatching(message)]);
    expect(stack).toContain('OxbowError: ');
    if (_tag === 'FileError')
      expect(error).toMatchObject({ path: expect.stringContaining(folder), cause: expect.any(Error) });
    expect(weightsOf(model.params)).toEqual(weights);
    expect(await readFile(at('kept'), 'utf8')).toBe('mine');
  });
});

/** Every pair of names that the package has, and a call of each that comes to nothing. */
const pairs = {
  build: [{ $: 'lstn', args: [] }],
  correctTags: [['a'], ['O'], [{ slot: 'x', words: 'b' }]],
  decodeCheckpoint: [new Uint8Array(3)],
  loadCheckpoint: ['none'],
  loadTagger: [undefined, 'none'],
  loadUtterances: [fromJsonLines('none')],
  loadWeights: [model.params, {}],
  restoreTagger: [model, checkpoint],
  saveCheckpoint: ['none/none', checkpoint],
  saveTagger: [tagger({ ...net, words: [] }), 'none/none'],
  trainingOf: [checkpoint, 'training'],
};
const functions = oxbow as unknown as Record<string, (...args: readonly unknown[]) => unknown>;

it('each variant for fp-ts is in the table below', () => {
  const names = Object.keys(oxbow).filter((name) => name.endsWith('Either'));
  expect(names.map((name) => name.replace(/Either$/, '')).sort()).toEqual(Object.keys(pairs).sort());
});

it.each(Object.entries(pairs))('%sEither has on its left what %s ends with', async (name, args) => {
  const given = functions[`${name}Either`]?.(...args);
  const outcome = await (typeof given === 'function' ? given() : given);
  const error: unknown = await (async () => functions[name]?.(...args))().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(OxbowError);
  const { _tag, message } = error as OxbowError;
  expect(outcome).toMatchObject({ _tag: 'Left', left: { _tag, message } });
  expect((outcome as { readonly left: unknown }).left).toBeInstanceOf(OxbowError);
});

it('a save begins when it is called, and has the numbers of then', async () => {
  const path = at('begun');
  const saved = model.save(path);
  const weights = weightsOf(model.params);
  await model.fit([[1, 2]], [1]);
  await saved;
  expect(weightsOf(model.params)).not.toEqual(weights);
  expect(trainingOf(await loadCheckpoint(path), 'training').weights).toEqual(weights);
});

describe('a file that cannot be written says what to do', () => {
  it.each([
    ['ENOSPC', /make room on its disk/],
    ['EDQUOT', /make room on its disk/],
    ['EFBIG', /ulimit -f/],
    ['EMFILE', /ulimit -n/],
    ['ENFILE', /close files/],
    ['EEXIST', /a file is where a folder has to be/],
    ['ENOTDIR', /a file is where a folder has to be/],
    ['EROFS', /give a path in a folder that is there and can be written to/],
    ['EIO', /give a path in a folder that is there and can be written to/],
  ])('about %s', (code, remedy) => {
    const cause = Object.assign(new Error(`${code}: so the system says`), { code });
    expect(fileError('save', 'written', 'model', cause).message).toMatch(remedy);
  });

  it.each(['', '/below'])('about a run whose folder is a file%s', async (below) => {
    const path = join(folder, 'file');
    await writeFile(path, '');
    await expect(oxbow.openRunFolder(path + below)).rejects.toThrow(/a file is where a folder has to be/);
  });
});
