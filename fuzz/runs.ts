/**
 * Kept runs whose bytes are as they were written, and that say something else than any run does: of the model that is to be built, of what
 * its operator needs, of where its source goes on. `resume` gives the run with the file's weights, or refuses it; what it gives is
 * learnt on from, or is refused by the source or the operator that takes it.
 */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { from, lastValueFrom, type Observable, take, toArray } from 'rxjs';
import { fileLayoutOf, piecesOf } from '../src/formats/checkpoint.js';
import { putChecksum } from '../src/formats/seal.js';
import { crc32 } from '../src/host/crc32.js';
import {
  adam,
  buildEither,
  type Checkpoint,
  type Core,
  checkpointed,
  crossEntropy,
  dense,
  describe,
  dropout,
  embedding,
  fromText,
  gru,
  type Ids,
  keyedTbptt,
  lanes,
  loadNewest,
  lstm,
  machine,
  type Params,
  resume,
  saveRuns,
  sequential,
  stack,
  type Tensor,
  tagger,
  tbptt,
  tokens,
  vocabulary,
  weightsOf,
  windows,
} from '../src/index.js';
import { recordOf } from '../src/runs/record.js';
import { runIn } from '../src/runs/resume.js';
import { fileNameOf, provenanceOf } from '../src/runs/stored.js';
import { holds, outcomeOf, same, settled } from './judging.js';
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
import { allBitsOf, mutatedTensors, type TensorMutation, tensorMutation } from './tensors.js';

// biome-ignore lint/suspicious/noExplicitAny: mutated on purpose into what no type says, and given on.
type Any = any;
type Model = Core<Any, Ids, Tensor>;

const SYMBOLS = 'abcde';
const vocab = vocabulary(SYMBOLS);
const text = Array.from({ length: 40 }, (_, k) => SYMBOLS[(k * k + k) % 5]).join('');
const corpus = vocab.encode(text);
const events = Array.from({ length: 40 }, (_, k) => ({ key: `k${(3 * k) % 4}`, value: corpus[k] as number }));
const training = () => ({ loss: crossEntropy(), optimizer: adam(0.1), clipNorm: 1 });

/** A kind of run: its model, and how it learns from where it was. */
interface Kind {
  make(): Model;
  learn(model: Model, snapshot: Any, position: Any): Observable<{ snapshot(): unknown }>;
}

const net = () => stack({ embed: embedding(5, 3), rnn: lstm(3, 2), head: dense(2, 5) }, { seed: 1 });
const noisy = () =>
  stack({ embed: embedding(5, 3), drop: dropout(0.3), rnn: gru(3, 2), head: dense(2, 5) }, { seed: 2 });
const kinds: readonly Kind[] = [
  {
    make: net,
    learn: (model, snapshot, position) =>
      lanes(corpus, { batch: 2, length: 4, epochs: 2, ...(position && { from: position }) }).pipe(
        tbptt(model, { ...training(), from: snapshot }),
      ),
  },
  {
    make: noisy,
    learn: (model, snapshot, position) =>
      fromText(text, { chunk: 7, from: position?.source }).pipe(
        tokens(vocab),
        windows({ length: 4, from: position }),
        tbptt(model, { ...training(), k2: 7, from: snapshot }),
      ),
  },
  {
    make: net,
    learn: (model, snapshot) =>
      from(events).pipe(keyedTbptt(model, { ...training(), length: 3, batch: 2, from: snapshot })),
  },
];

/** Models of other kinds, whose descriptions say more. */
const models = (): readonly { readonly kind: string; readonly params: Params }[] => [
  sequential([embedding(5, 3), lstm(3, 2), dense(2, 5)]).compile({ loss: crossEntropy(), optimizer: adam(0.1) }),
  tagger({ words: ['a', 'b'], tags: ['O'], features: 3, units: 2, characters: { features: 2, maps: 2 }, seed: 1 }),
];

/** What a file of each kind has, as a run wrote it, and by what one goes on from it. */
async function sound(folder: string): Promise<readonly (readonly [Checkpoint, Kind])[]> {
  const kept: (readonly [Checkpoint, Kind])[] = [];
  for (const [k, kind] of kinds.entries()) {
    const [path, model] = [join(folder, `base-${k}`), kind.make()];
    const learning$ = kind.learn(model, undefined, undefined);
    await lastValueFrom(learning$.pipe(checkpointed(path, { model, about: { vocab, best: Number.NaN } }), take(3)));
    await saveRuns();
    const { found } = await loadNewest(path);
    if (found === undefined) throw new Error('a run wrote no file');
    kept.push([found.checkpoint, kind]);
  }
  const [[{ metadata }], kind] = [kept[0] as (typeof kept)[0], kinds[0] as Kind];
  const { snapshot, position, about } = JSON.parse(metadata.run as string);
  holds(
    'a run keeps all of these',
    [snapshot, position, about].every((each) => typeof each === 'object'),
  );
  return [
    ...kept,
    ...models().map(
      (model) => [recordOf(model.params, { snapshot: null, position, about, model: describe(model) }), kind] as const,
    ),
  ];
}

/** Of what the packed value says: a thing that is made by another factory, or anything that texts can be turned into. */
type RunMutation = TextMutation | { readonly kind: 'factory'; readonly nth: number; readonly by: string };

interface Case {
  readonly base: number;
  readonly run: readonly RunMutation[];
  readonly tensors: readonly TensorMutation[];
  /** What the file says of itself: its step, its tier. */
  readonly step: number;
  readonly tier: 'own' | 'any' | 'other';
  /** Damage that the checksum tells. */
  readonly bytes: readonly ByteMutation[];
  /** Whether it is read from a disk, too. */
  readonly more: boolean;
}

const BASES = 5;
const factories = [
  ...[
    'stack',
    'stacked',
    'sequential',
    'sequential.compile',
    'tagger',
    'gpt',
    'bert',
    'encoderDecoder',
    'leNet5',
    'alexNet',
  ],
  ...[
    'residual',
    'masked',
    'bidirectional',
    'unroll',
    'dense',
    'lstm',
    'gru',
    'simpleRnn',
    'embedding',
    'dropout',
    'flatten',
  ],
  ...[
    'convolution2d',
    'convolutionBlocks',
    'maxout',
    'hashedFeatures',
    'spelling',
    'learnedPositions',
    'sinusoidalPositions',
  ],
  ...[
    'lstmCell',
    'adam',
    'sgd',
    'chain',
    'optimizer',
    'crossEntropy',
    'accuracy',
    'activations.tanh',
    'initializers.constant',
  ],
  ...[
    'same',
    'undefined',
    'number',
    'record',
    'tensor',
    'float32',
    'int32',
    'Float32Array',
    'Float64Array',
    'acme/none',
    'toString',
  ],
];

const cases: fc.Arbitrary<Case> = fc.record({
  base: fc.nat({ max: BASES - 1 }),
  run: upTo<RunMutation>(
    3,
    fc.oneof(
      { weight: 3, arbitrary: textMutation },
      {
        weight: 1,
        arbitrary: fc.record({
          kind: fc.constant('factory' as const),
          nth: fc.nat({ max: 1000 }),
          by: fc.constantFrom(...factories),
        }),
      },
    ),
  ),
  tensors: upTo(2, tensorMutation),
  step: fc.oneof(fc.constant(3), fc.constantFrom(0, 1, 2 ** 31, 999_999_999_999)),
  tier: fc.constantFrom('own', 'own', 'own', 'any', 'other'),
  bytes: upTo(2, byteMutation),
  more: fc.integer({ min: 0, max: 19 }).map((number) => number === 7),
});

function mutatedRun(json: string, mutations: readonly RunMutation[]): string {
  return mutations.reduce((now, mutation) => {
    if (mutation.kind !== 'factory') return mutatedText(now, [mutation]);
    const names = [...now.matchAll(/"\$":"[^"]*"/g)];
    const match = names[mutation.nth % Math.max(1, names.length)];
    if (match === undefined) return now;
    return `${now.slice(0, match.index)}"$":"${mutation.by}"${now.slice(match.index + match[0].length)}`;
  }, json);
}

/** The bytes of a file that says which run it is of, with the checksum of what it says. */
function fileOf(checkpoint: Checkpoint, step: number, tier: string): Uint8Array {
  const provenance = { version: '0', tier, date: '2000-01-01T00:00:00.000Z', parent: undefined };
  const layout = fileLayoutOf('write', checkpoint, provenanceOf(step, provenance));
  const file = Uint8Array.from(Buffer.concat(Array.from(piecesOf(layout, 1 << 16), (piece) => piece.slice())));
  putChecksum(file, crc32(file, 0));
  return file;
}

/** By whom a run that cannot go on is refused. */
const takers = [
  ...[
    'tbptt',
    'keyedTbptt',
    'keyed',
    'trainer',
    'lanes',
    'fromText',
    'windows',
    'vocabulary',
    'tokens',
    'stack',
    'team',
  ],
  ...['"embed" (embedding)', '"rnn" (lstm)', '"rnn" (gru)', '"head" (dense)', '"drop" (dropout)'],
];

export async function runs(): Promise<Target<Case>> {
  const folder = await mkdtemp(join(tmpdir(), 'oxbow-fuzz-'));
  const bases = await sound(folder);
  holds('a base of each number', bases.length === BASES);
  const path = join(folder, 'case');
  const warn = process.emitWarning;
  // Each damaged file is one.
  process.emitWarning = () => undefined;

  /** What is taken is the file's, can be written down again, and is learnt on from. */
  async function judgeRun(
    { model, snapshot, position }: ReturnType<typeof runIn<Model, Any>>,
    kind: Kind,
    given: Checkpoint,
  ) {
    const weights = Object.entries(given.tensors).filter(([name]) => !/^run($|[.[])/.test(name));
    same('the weights of a run', allBitsOf(weightsOf(model.params)), allBitsOf(Object.fromEntries(weights)));
    const description = describe(model);
    const again = buildEither<Model>(JSON.parse(JSON.stringify(description)));
    if (again._tag === 'Left') throw new Error('what was built cannot be built again', { cause: again.left });
    same('the description of what was built', describe(again.right), description);
    const learning = async () => lastValueFrom(kind.learn(model, snapshot, position).pipe(take(1), toArray()));
    // Another model is learnt on in bounded time; whether it fits the run is its user's to know.
    if (isDeepStrictEqual(description, describe(kind.make()))) await settled(takers, learning);
    else await learning().catch(() => undefined);
  }

  /** From a disk: the newest file that is as it was written, however many are not. */
  async function judgeFolder(file: Uint8Array, each: Case, isTaken: boolean, before: Uint8Array): Promise<void> {
    for (const name of (await readdir(path).catch((): string[] => [])).filter((one) => one.startsWith('step-'))) {
      await rm(join(path, name));
    }
    await mkdir(path, { recursive: true });
    const damaged = mutatedBytes(file, each.bytes);
    const isSound = Buffer.from(damaged).equals(file);
    await writeFile(join(path, fileNameOf(0)), before);
    await writeFile(join(path, fileNameOf(each.step)), damaged);
    const read = await settled(['resume', 'newest'], () =>
      resume(path, { tier: each.tier === 'any' ? 'any' : 'same' }),
    );
    if (isSound) {
      const fits = isTaken && each.tier !== 'other';
      holds(`a run from a disk is ${'value' in read ? 'taken' : read.refused.message}`, 'value' in read === fits);
      if ('value' in read) holds('it is the newest', read.value?.step === each.step);
    } else {
      holds(`a damaged file is in the way: ${'refused' in read && read.refused.message}`, 'value' in read);
      if ('value' in read) {
        const found = read.value;
        holds('the one before it is taken', each.step === 0 ? found === undefined : found?.step === 0);
        same('files that are skipped', (found?.skipped ?? [0]).length, 1);
      }
    }
  }

  return {
    name: 'runs',
    cases,
    async judge(each) {
      const [base, kind] = bases[each.base] as (typeof bases)[0];
      const checkpoint = {
        tensors: mutatedTensors(base.tensors, each.tensors),
        metadata: { run: mutatedRun(base.metadata.run as string, each.run) },
      };
      const read = outcomeOf('resume', () => runIn<Model, Any>('case', checkpoint));
      if ('value' in read) await judgeRun(read.value, kind, checkpoint);
      const own = machine().tier;
      const file = fileOf(checkpoint, each.step, each.tier === 'own' ? own : 'none');
      if (each.more) await judgeFolder(file, each, 'value' in read, fileOf(base, 0, own));
      return file.length;
    },
    async close() {
      process.emitWarning = warn;
      await rm(folder, { recursive: true });
    },
  };
}
