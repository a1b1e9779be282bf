/** Mutated checkpoints through all that reads them: bytes, files, trainings, weights, taggers, whole models, vocabularies. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { EMPTY, from, lastValueFrom, map, of, toArray } from 'rxjs';
import { readCheckpoint } from '../src/formats/checkpoint-file.js';
import {
  adam,
  type Checkpoint,
  crossEntropy,
  decodeCheckpoint,
  dense,
  embedding,
  encodeCheckpoint,
  ids,
  type LearnTagsState,
  type LexiconData,
  learnTags,
  lexicon,
  loadCheckpoint,
  loadWeights,
  lstm,
  type Params,
  pending,
  restoreTagger,
  type SavedTraining,
  sequential,
  stack,
  type Tagger,
  tagger,
  taggerCheckpoint,
  tbptt,
  tensor,
  trainingCheckpoint,
  trainingOf,
  type Utterance,
  vocabulary,
  vocabularyFrom,
  weightsOf,
} from '../src/index.js';
import { holds, type Outcome, outcomeOf, same, settled } from './judging.js';
import {
  type ByteMutation,
  byteMutation,
  mutatedBytes,
  mutatedText,
  type TextMutation,
  textMutation,
  upTo,
} from './mutations.js';
import type { Target } from './run.js';
import { foreign, readSafetensors } from './safetensors.js';
import { allBitsOf, mutatedTensors, type TensorMutation, tensorMutation } from './tensors.js';

const stacked = () => stack({ embed: embedding(5, 3), rnn: lstm(3, 2), head: dense(2, 5) }, { seed: 1 });
const layered = () => sequential([dense(2, 3, { seed: 1 })]).compile({ loss: crossEntropy(), optimizer: adam(0.1) });
const reader = () =>
  tagger({
    words: [],
    tags: ['O'],
    intents: ['none'],
    features: 3,
    units: 2,
    characters: { features: 2, maps: 2 },
    bidirectional: false,
    seed: 1,
  });
const learning = () => ({
  optimizer: adam(1e-2),
  replay: { size: 4, per: 1, seed: 2 },
  pending: pending({ capacity: 3 }),
});
const lessons: readonly Utterance[] = [
  { id: 'a', words: ['leave', 'Taipei'], tags: ['O', 'B-from'], intent: 'leaving' },
  { id: 'b', words: ['to', 'San', 'José', '🐂'], tags: ['O', 'B-to', 'I-to', 'O'], intent: 'arriving' },
  { id: 'c', words: ['to', 'nowhere'] },
];

/** A sound checkpoint of each kind. */
async function sound(folder: string): Promise<readonly Checkpoint[]> {
  const plain: Checkpoint = {
    tensors: {
      scalar: tensor([], [Number.NaN]),
      none: tensor([3, 0, 2], []),
      'ünï.cödé 🐂': ids([2, 2], [1, -1, 2 ** 31 - 1, -(2 ** 31)]),
      ['__proto__']: tensor([1], [-0]),
      wide: tensor([1, 7], [1, 2, 3, 4, 5, 6, Number.POSITIVE_INFINITY]),
    },
    metadata: {
      vocabulary: JSON.stringify(vocabulary('a river\n🐂', { unknown: { replace: '�' } })),
      made: 'by "hand"',
    },
  };
  const model = stacked();
  const window = { input: ids([3, 1], [0, 1, 2]), target: ids([3, 1], [1, 2, 3]) };
  const steps = of(window).pipe(
    tbptt(model, { loss: crossEntropy(), optimizer: adam(0.1) }),
    map((step) => step.state()),
  );
  const training = trainingCheckpoint(model.params, 'training', {
    state: await lastValueFrom(steps),
    about: { epoch: 1, place: [1.5, null] },
  });
  const whole = layered();
  await lastValueFrom(whole.fit(tensor([2, 2], [1, 2, 3, 4]), ids([2], [0, 1]), { epochs: 1 }));
  const path = join(folder, 'whole.safetensors');
  await whole.save(path);
  const learner = reader();
  const outcomes = await lastValueFrom(from(lessons).pipe(learnTags(learner, learning()), toArray()));
  holds('the tagger has learnt', outcomes.map(({ outcome }) => outcome).join() === 'learned,learned,predicted');
  const again = reader();
  const [first, second, third] = lessons;
  const states = from([first, third, second] as Utterance[]).pipe(
    learnTags(again, learning()),
    // Until the next lesson.
    map((last) => last.outcome === 'learned' && last.state()),
  );
  const kept = (await lastValueFrom(states)) as LearnTagsState;
  return [
    { tensors: {}, metadata: {} },
    plain,
    training,
    await loadCheckpoint(path),
    taggerCheckpoint(learner),
    taggerCheckpoint(again, kept),
  ];
}

interface Case {
  /** Which of the sound ones; random bytes where there is none of the number. */
  readonly base: number;
  readonly tensors: readonly TensorMutation[];
  readonly metadata: readonly { readonly nth: number; readonly text: readonly TextMutation[] }[];
  readonly header: readonly TextMutation[];
  readonly bytes: readonly ByteMutation[];
  readonly random: Uint8Array;
  /** What the file says of its header's length; the truth by default. */
  readonly length?: bigint | undefined;
  /** Bytes that are read at once. */
  readonly piece: number;
  /** Whether it is read from a disk, too, and whether a tagger that takes it learns. */
  readonly more: boolean;
}

const BASES = 6;
const place = fc.nat({ max: 1000 });

const cases: fc.Arbitrary<Case> = fc.record({
  // The last has the most to say, and so the most to go wrong.
  base: fc.oneof({ weight: 2, arbitrary: fc.nat({ max: BASES }) }, { weight: 1, arbitrary: fc.constant(BASES - 1) }),
  tensors: upTo(2, tensorMutation),
  metadata: upTo(2, fc.record({ nth: place, text: fc.array(textMutation, { minLength: 1, maxLength: 2 }) })),
  header: upTo(3, textMutation),
  bytes: upTo(3, byteMutation),
  random: fc.uint8Array({ maxLength: 200 }),
  length: fc.oneof(
    { weight: 9, arbitrary: fc.constant(undefined) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        0n,
        1n,
        7n,
        99_999_999n,
        100_000_001n,
        2n ** 32n,
        2n ** 53n,
        2n ** 63n,
        2n ** 64n - 1n,
      ),
    },
  ),
  piece: fc.integer({ min: 1, max: 64 }),
  more: fc.integer({ min: 0, max: 19 }).map((number) => number === 7),
});

function mutatedMetadata(metadata: Checkpoint['metadata'], mutations: Case['metadata']): Checkpoint['metadata'] {
  const entries = Object.entries(metadata);
  for (const { nth, text } of mutations) {
    const entry = entries[nth % Math.max(1, entries.length)];
    if (entry) entry[1] = mutatedText(entry[1], text);
  }
  return Object.fromEntries(entries);
}

/** The file of a case. */
function fileOf(bases: readonly Checkpoint[], each: Case): Uint8Array {
  const base = bases[each.base];
  if (base === undefined) return mutatedBytes(each.random, each.bytes);
  const file = foreign(
    encodeCheckpoint({
      tensors: mutatedTensors(base.tensors, each.tensors),
      metadata: mutatedMetadata(base.metadata, each.metadata),
    }),
  );
  const length = Number(new DataView(file.buffer).getBigUint64(0, true));
  const text = new TextDecoder().decode(file.subarray(8, 8 + length));
  const header = new TextEncoder().encode(mutatedText(text, each.header));
  const made = new Uint8Array(8 + header.length + file.length - 8 - length);
  new DataView(made.buffer).setBigUint64(0, each.length ?? BigInt(header.length), true);
  made.set(header, 8);
  made.set(file.subarray(8 + length), 8 + header.length);
  return mutatedBytes(made, each.bytes);
}

/** What is read is what another reader reads, is there again after it was written, and does not depend on how it came. */
async function judgeBytes(file: Uint8Array, piece: number): Promise<Checkpoint | undefined> {
  const read = outcomeOf('decodeCheckpoint', () => decodeCheckpoint(file));
  const wanted = readSafetensors(file);
  let at = 0;
  const inPieces = await readCheckpoint(
    {
      stat: async () => ({ size: file.length }),
      read: async (target: Uint8Array, from: number, length: number) => {
        const some = file.subarray(at, at + Math.min(length, piece));
        target.set(some, from);
        at += some.length;
        return { bytesRead: some.length };
      },
      close: async () => undefined,
    } as unknown as Parameters<typeof readCheckpoint>[0],
    piece,
  );
  if ('refused' in read) {
    holds(`a sound file is refused: ${read.refused.message}`, wanted === undefined);
    const other = inPieces._tag === 'Left' ? inPieces.left.message : 'it was taken';
    same('read in pieces', `decodeCheckpoint: ${other}`, read.refused.message);
    return undefined;
  }
  const { tensors, metadata } = read.value;
  holds('a file is taken that another reader refuses', wanted !== undefined);
  same(
    'tensors',
    allBitsOf(tensors),
    new Map(
      Array.from(wanted?.tensors ?? [], ([name, { dtype, shape, bytes }]) => [
        name,
        { shape: [...shape], type: dtype === 'F32' ? 'float32' : 'int32', bytes: [...bytes] },
      ]),
    ),
  );
  same('metadata', new Map(Object.entries(metadata)), wanted?.metadata);
  if (inPieces._tag === 'Left') throw new Error('refused in pieces', { cause: inPieces.left });
  same('tensors read in pieces', allBitsOf(inPieces.right.tensors), allBitsOf(tensors));
  const written = encodeCheckpoint(read.value);
  const again = decodeCheckpoint(written);
  same('tensors written and read', allBitsOf(again.tensors), allBitsOf(tensors));
  // Half of a surrogate pair can be escaped in JSON, and so it is written.
  same('metadata written and read', again.metadata, metadata);
  same('the bytes of the second writing', encodeCheckpoint(again), written);
  return read.value;
}

const jsonOf = (text: string | undefined): unknown => {
  try {
    return JSON.parse(text as string);
  } catch {
    return undefined;
  }
};

/** What a record of a checkpoint says is what its JSON says. */
function judgeTraining(checkpoint: Checkpoint, name: string): void {
  const read: Outcome<SavedTraining> = outcomeOf('trainingOf', () => trainingOf(checkpoint, name));
  if ('refused' in read) return;
  const { weights, state, about } = read.value;
  const { step, tokens, ...wanted } = (jsonOf(checkpoint.metadata[name]) ?? {}) as Record<string, unknown>;
  same('about', JSON.stringify(about), JSON.stringify(wanted));
  same('steps', [state?.step, state?.tokens], step === undefined ? [undefined, undefined] : [step, tokens]);
  const slots = Object.entries(state?.slots ?? {}).map(([path, slot]) => [`optimizer.${path}`, slot] as const);
  const all = Object.entries(checkpoint.tensors).filter(([path]) => state || !path.startsWith('optimizer.'));
  same(
    'weights and slots',
    allBitsOf({ ...weights, ...Object.fromEntries(slots) }),
    allBitsOf(Object.fromEntries(all)),
  );
}

/** Vocabularies and lexicons of the metadata: what is taken is what was written. */
function judgeNames({ metadata }: Checkpoint): void {
  const data = jsonOf(metadata.vocabulary);
  if (data !== undefined) {
    const read = outcomeOf(['vocabularyFrom', 'vocabulary'], () => vocabularyFrom(data as never));
    if ('value' in read) {
      const { symbols } = data as { symbols: string };
      same('symbols', read.value.toJSON().symbols, symbols.replace(/\p{Surrogate}/gu, '�'));
      const all = Int32Array.from({ length: read.value.size }, (_, id) => id);
      same('ids', read.value.encode(read.value.decode(all)), all);
    }
  }
  const { words } = (jsonOf(metadata.lexicons) ?? {}) as { words?: unknown };
  if (words === undefined) return;
  const restored = lexicon();
  const read = outcomeOf('lexicon', () => restored.restore(words as never));
  if ('refused' in read) same('names after a refusal', restored.size, 0);
  else
    same(
      'names',
      [restored.toJSON().names, restored.toJSON().counts],
      [(words as LexiconData).names, (words as LexiconData).counts],
    );
}

/** The weights are the checkpoint's, or those from before. */
function judgeWeights(model: { readonly params: Params }, checkpoint: Checkpoint): void {
  const before = allBitsOf(weightsOf(model.params));
  const weights = Object.fromEntries(
    Object.entries(checkpoint.tensors).filter(([path]) => !path.startsWith('optimizer.')),
  );
  const read = outcomeOf('loadWeights', () => loadWeights(model.params, weights));
  same('weights', allBitsOf(weightsOf(model.params)), 'refused' in read ? before : allBitsOf(weights));
}

const namesOf = (model: Tagger) => JSON.stringify([model.words, model.tags, model.intents]);

/** A tagger and its state are the checkpoint's, or the tagger is as it was; what is taken can be learnt on from. */
async function judgeTagger(model: Tagger, checkpoint: Checkpoint, learns: boolean): Promise<boolean> {
  const before = [allBitsOf(weightsOf(model.params)), namesOf(model)];
  const read = outcomeOf('restoreTagger', () => restoreTagger(model, checkpoint));
  if ('refused' in read) {
    same('a tagger after a refusal', [allBitsOf(weightsOf(model.params)), namesOf(model)], before);
    return false;
  }
  const state = read.value;
  const { tensors, metadata } = taggerCheckpoint(model, state);
  const { tensors: given, metadata: said } = checkpoint;
  const kept = Object.entries(given).filter(([path]) => state || !path.startsWith('optimizer.'));
  same('the tensors of a tagger', allBitsOf(tensors), allBitsOf(Object.fromEntries(kept)));
  type Lexicons = Record<string, { names: unknown; counts: unknown }>;
  for (const [name, { names, counts }] of Object.entries(jsonOf(metadata.lexicons) as Lexicons)) {
    const wanted = (jsonOf(said.lexicons) as Lexicons)[name];
    same(`the ${name} of a tagger`, JSON.stringify([names, counts]), JSON.stringify([wanted?.names, wanted?.counts]));
  }
  if (state !== undefined) {
    const { replay, outstanding, pending: waits = outstanding } = jsonOf(said.learning) as Record<string, unknown>;
    same(
      'what is replayed and pending',
      JSON.stringify([state.replay, state.pending]),
      JSON.stringify([replay, waits]),
    );
  }
  const lesson = learns ? from(lessons) : EMPTY;
  await settled(['learnTags', 'trainer', 'taggerTrainer', 'reservoir', 'pending', 'tagger', 'tag'], () =>
    lastValueFrom(lesson.pipe(learnTags(model, { ...learning(), ...(state && { state }) })), {
      defaultValue: undefined,
    }),
  );
  return true;
}

export async function checkpoints(): Promise<Target<Case>> {
  const folder = await mkdtemp(join(tmpdir(), 'oxbow-fuzz-'));
  const bases = await sound(folder);
  holds('a base of each number', bases.length === BASES);
  const path = join(folder, 'case.safetensors');
  const [model, whole] = [stacked(), layered()];
  let fresh = reader();

  /** A whole model reads from a disk alone. */
  async function judgeFile(file: Uint8Array, checkpoint: Checkpoint | undefined): Promise<void> {
    await writeFile(path, file);
    const read = await settled('loadCheckpoint', () => loadCheckpoint(path));
    same('taken from a disk', 'value' in read, checkpoint !== undefined);
    if ('value' in read && checkpoint)
      same('tensors from a disk', allBitsOf(read.value.tensors), allBitsOf(checkpoint.tensors));
    if ('refused' in read) {
      holds('a file is named', read.refused.message.startsWith(`loadCheckpoint: ${path}: `));
    }
    const before = allBitsOf(weightsOf(whole.params));
    const loaded = await settled('load', () => whole.load(path));
    const weights = Object.entries(checkpoint?.tensors ?? {}).filter(([name]) => !name.startsWith('optimizer.'));
    const wanted = 'refused' in loaded ? before : allBitsOf(Object.fromEntries(weights));
    same('the weights of a whole model', allBitsOf(weightsOf(whole.params)), wanted);
  }

  return {
    name: 'checkpoints',
    cases,
    async judge(each) {
      const file = fileOf(bases, each);
      const checkpoint = await judgeBytes(file, each.piece);
      if (each.more) await judgeFile(file, checkpoint);
      if (checkpoint === undefined) return file.length;
      for (const name of ['training', 'learning', 'lexicons']) judgeTraining(checkpoint, name);
      judgeNames(checkpoint);
      judgeWeights(model, checkpoint);
      if (await judgeTagger(fresh, checkpoint, each.more)) fresh = reader();
      return file.length;
    },
    close: () => rm(folder, { recursive: true }),
  };
}
