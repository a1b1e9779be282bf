/** Every factory of the package: what it makes is described as plain JSON, and built anew from that bit for bit. */
import * as oxbow from 'oxbow';
import { describe, expect, it } from 'vitest';
import { originOf } from '../../src/description.js';
import { toSignal } from '../../src/ops/window.js';
import { entryOf } from '../../src/runs/catalog.js';
import { type Any, type Lawful, table as layers, type Refused } from '../cells/masked-layers.js';
import { table as options } from '../options-table.js';

const { adam, crossEntropy, dense, embedding, gru, initializers, lstm, parametersOf, sequential, sgd, stack, tensor } =
  oxbow;

/** By way of a file. */
const again = <M = Any>(thing: object): M => oxbow.build<M>(JSON.parse(JSON.stringify(oxbow.describe(thing))));

/** What has been noted down of a thing, by a factory that is the user's own. */
let registrations = 0;
function registered<F extends object>(thing: F): F {
  registrations += 1;
  return oxbow.register(`test/${registrations}`, () => thing)();
}

/** Paths, shapes and numbers of all parameters. */
const weightsOf = ({ params }: Pick<Any, 'params'>) =>
  parametersOf(params).map(([path, each]) => [path, each.path, each.shape, each.grows, each.data]);

/** Two windows one after the other, with dropout. */
function outputsOf(core: Any, x: unknown): unknown {
  const lanes = oxbow.batchOf((x as { characters?: unknown }).characters ?? x);
  let carry: unknown = core.initial(lanes);
  return [1, 2].map((step) =>
    oxbow.inWindow((ops) => {
      const learning = { ...ops, training: true, draw: (key: oxbow.RandomKey) => (key.hash + step) >>> 0 };
      const [y, after] = core.apply(step === 1 ? learning : ops, carry, x);
      const kept = toSignal({ y, after });
      carry = kept.after;
      return kept;
    }),
  );
}

function signalOf(variant: Lawful | Refused): unknown {
  if ('signal' in variant) return variant.signal();
  const { symbols, shape, lengths = [6, 6], told } = variant;
  const full = [Math.max(...lengths), lengths.length, ...shape];
  const size = full.reduce((a, b) => a * b, 1);
  const x =
    symbols === undefined
      ? tensor(
          full,
          Float32Array.from({ length: size }, (_, k) => Math.sin(k)),
        )
      : oxbow.ids(
          full,
          Int32Array.from({ length: size }, (_, k) => (k * 7) % symbols),
        );
  return told ? { ...x, lengths } : x;
}

const variants = Object.entries(layers).flatMap(([factory, each]) =>
  Object.entries(each as Record<string, Lawful | Refused>).map(
    ([name, variant]) => [`${factory}, ${name}`, factory, variant] as const,
  ),
);
/** Made of functions that the tests wrote. */
const own = new Set(['layer, own', 'bidirectional, merged', 'bidirectional, last, merged', 'encoderDecoder, writer']);
const isOwn = ([name, , variant]: (typeof variants)[number]) => own.has(name) || variant.make().kind === 'from';

describe('a layer or model', () => {
  it.each(variants.filter((each) => !isOwn(each)))('%s is what it was', (_, factory, variant) => {
    const model = variant.make();
    expect(oxbow.describe(model).$).toBe(factory);
    const built = again(model);
    expect(weightsOf(built)).toEqual(weightsOf(model));
    expect([built.kind, built.inputs, built.outputs]).toEqual([model.kind, model.inputs, model.outputs]);
    const x = signalOf(variant);
    expect(outputsOf(built, x)).toEqual(outputsOf(model, x));
    expect(oxbow.describe(built)).toEqual(oxbow.describe(model));
  });

  it.each(variants.filter(isOwn))('%s, with a function of its own, is refused by its place', (_, __, variant) => {
    expect(() => oxbow.describe(variant.make())).toThrow(
      /^describe: .* no factory of this package made; .* registered/,
    );
  });

  it('is drawn by the seed of the whole', () => {
    const make = (seed: number) =>
      stack({ embed: embedding(5, 4), rnn: oxbow.stacked([lstm(4, 4), gru(4, 3)], { dropout: 0.2 }) }, { seed });
    const model = make(7);
    expect(weightsOf(again(model))).toEqual(weightsOf(model));
    expect(weightsOf(again(model))).not.toEqual(weightsOf(make(8)));
  });

  it('that stands at two places stands at both', () => {
    const shared = dense(4, 4, { activation: oxbow.activations.elu(0.5) });
    const model = stack({ a: shared, b: gru(4, 4), c: shared }, { seed: 1 });
    const built = again<typeof model>(model);
    expect(built.params.a.w).toBe(built.params.c.w);
    expect(weightsOf(built)).toEqual(weightsOf(model));
  });

  it('has the names of its layers, whatever they are', () => {
    const names = { $: dense(2, 2), args: dense(2, 2), id: dense(2, 2), __proto: dense(2, 2), activation: dense(2, 2) };
    const model = stack(names, { seed: 1 });
    expect(weightsOf(again(model))).toEqual(weightsOf(model));
  });

  it('is what it has grown to', () => {
    const model = stack({ embed: embedding(2, 3, { grows: true }), head: dense(3, 2, { grows: true }) }, { seed: 3 });
    model.params.embed.table.grow(0, 5);
    model.params.head.w.grow(1, 4);
    model.params.head.b?.grow(0, 4);
    const built = again<typeof model>(model);
    expect(weightsOf(built)).toEqual(weightsOf(model));
  });

  it('is described as it was made, whatever becomes of its options', () => {
    const given = { activation: 'relu' as const, seed: 1, initializers: { w: initializers.ones() } };
    const layer = dense(2, 2, given);
    const first = oxbow.describe(layer);
    Object.assign(given, { activation: 'tanh' });
    delete (given.initializers as { w?: unknown }).w;
    expect(oxbow.describe(layer)).toEqual(first);
    expect(first).toEqual({
      $: 'dense',
      args: [2, 2, { activation: 'relu', seed: 1, initializers: { w: { $: 'initializers.ones', args: [] } } }],
    });
  });
});

describe('a tagger', () => {
  const make = () =>
    oxbow.tagger({
      words: new Set(['to', 'from', '3 Rome', 'to']),
      tags: ['O', 'B-to'],
      intents: ['fly'],
      units: 2,
      features: 3,
      characters: { features: 2, maps: 2 },
      seed: 5,
    });
  const utterances = [['to', 'Rome', '77']];

  it('has its words, tags and intents, as often as they were counted, and those that it has grown by', () => {
    const model = make();
    model.grow([{ words: ['via', 'to', 'Oslo'], tags: ['B-via', 'O', 'I-via'], intent: 'stop' }]);
    const built = again<oxbow.Tagger>(model);
    for (const names of ['words', 'tags', 'intents'] as const) {
      expect(built[names]?.toJSON()).toEqual(model[names]?.toJSON());
    }
    expect(weightsOf(built)).toEqual(weightsOf(model));
    expect(built.tag(utterances)).toEqual(model.tag(utterances));
    expect(oxbow.describe(built)).toEqual(oxbow.describe(model));
  });

  it('takes what a checkpoint of it has', () => {
    const model = make();
    model.grow([{ words: ['via'], tags: ['B-via'], intent: 'fly' }]);
    for (const [, each] of parametersOf(model.params)) each.assign(each.data.map((_, k) => Math.sin(k)));
    const built = again<oxbow.Tagger>(model);
    oxbow.restoreTagger(built, oxbow.taggerCheckpoint(model));
    expect(built.tag(utterances)).toEqual(model.tag(utterances));
  });
});

describe('a compiled model', () => {
  const data = [tensor([4, 2], [0, 0, 0, 1, 1, 0, 1, 1]), [0, 1, 1, 0]] as const;
  const sometimes = registered(({ shape }: oxbow.Parameter) => (shape[1] as number) > 2);
  const make = () =>
    sequential([dense(2, 6, { activation: 'tanh' }), dense(6, 2)], { seed: 2, input: 'example' }).compile({
      loss: crossEntropy({ reduction: 'sum' }),
      optimizer: oxbow.chain(
        oxbow.clipByGlobalNorm(0.9),
        oxbow.weightDecay(0.01, { biases: true }),
        oxbow.clipByValue(0.5),
        adam(oxbow.warmup(2, oxbow.inTurn([[2, oxbow.constant(0.1)]], oxbow.cosine({ rate: 0.1, steps: 9 }))), {
          beta1: 0.8,
        }),
      ),
      metrics: ['accuracy', oxbow.topKAccuracy(1), oxbow.f1({ average: 'micro' })],
      l2: 0.01,
      penalise: sometimes,
      clipNorm: 3,
    });

  it('learns what it would have learnt', async () => {
    const [model, built] = [make(), again<oxbow.Model>(make())];
    const [a, b] = [await model.fit(...data, { epochs: 5 }), await built.fit(...data, { epochs: 5 })];
    const figures = ({ epochs }: oxbow.History) => epochs.map(({ seconds: _, ...each }) => each);
    expect(figures(b)).toEqual(figures(a));
    expect(weightsOf(built)).toEqual(weightsOf(model));
  });

  it('that is not compiled yet can be', () => {
    const built = again<oxbow.Sequential>(sequential([dense(2, 2)], { seed: 1 }).add(dense(2, 3)));
    expect(built.compile({ loss: oxbow.squaredError(), optimizer: sgd(0.1) }).summary()).toContain('dense2');
  });
});

const draws = (thing: oxbow.Initializer) => [...thing([4, 6], oxbow.generator(1, 'here'))];
const curve = (thing: oxbow.Activation) => {
  const z = tensor([1, 6], [-3, -1, -0.1, 0, 0.5, 2]);
  return [...thing(oxbow.reference(), z).data];
};
const course = (thing: oxbow.Schedule) => [0, 1, 2, 3, 7, 20].map(thing);
const losses = (thing: oxbow.Loss) =>
  thing(oxbow.reference(), tensor([2, 1, 2], [1, 2, 3, 4]), tensor([2, 1, 2], [0, 1, 1, 0])).data[0];
const rule = ({ learningRate, numbers, ...thing }: oxbow.Optimizer) => {
  const plain = JSON.stringify({ ...thing, ahead: thing.lookAhead?.numbers(3) });
  return [plain, ...[0, 1, 5].flatMap((step) => [learningRate(step), ...numbers(step)])];
};
const same = (thing: unknown) => JSON.stringify(thing);

type Sample = readonly [name: string, make: () => object, seen: (thing: never) => unknown];
const rates = () => oxbow.stepDecay({ rate: 0.1, factor: 0.5, every: 2 });
const cell = (thing: Any) => outputsOf(oxbow.unroll(thing as never, 3), signalOf({ make: () => thing, shape: [4] }));
const inits = initializers;

const samples: readonly Sample[] = [
  ['simpleRnnCell', () => oxbow.simpleRnnCell(4, 3, { activation: oxbow.activations.relu }), cell],
  ['lstmCell', () => oxbow.lstmCell(4, 3, { peepholes: true }), cell],
  ['lstmCell', () => oxbow.lstmCell(4, 3, { layerNorm: true, forget: 'coupled' }), cell],
  ['gruCell', () => oxbow.gruCell(4, 3, { reset: 'before' }), cell],
  ['minGruCell', () => oxbow.minGruCell(4, 3, { candidate: 'positive' }), cell],
  ['minLstmCell', () => oxbow.minLstmCell(4, 3, { candidate: 'positive' }), cell],
  ['rgLruCell', () => oxbow.rgLruCell(4, { decays: [0.2, 0.5] }), cell],
  [
    'gatedDeltaRuleCell',
    () => oxbow.gatedDeltaRuleCell(1, 2, 3, { negativeEigenvalues: false }),
    (thing: Any) => outputsOf(oxbow.unroll(thing as never, 3), signalOf({ make: () => thing, shape: [9] })),
  ],
  ['mogrifier', () => oxbow.mogrifier(oxbow.lstmCell(4, 3), { rounds: 3, initializer: inits.normal(0.2) }), cell],
  ['residualRnnCell', () => oxbow.residualRnnCell(4, 4, dense(8, 4)), cell],
  ['initializers.constant', () => inits.constant(-0), draws],
  ['initializers.constant', () => inits.constant(Number.NaN), draws],
  ['initializers.constant', () => inits.constant(Number.NEGATIVE_INFINITY), draws],
  ['initializers.zeros', () => inits.zeros(), draws],
  ['initializers.ones', () => inits.ones(), draws],
  ['initializers.normal', () => inits.normal(0.1), draws],
  ['initializers.uniform', () => inits.uniform(0.1), draws],
  ['initializers.fanUniform', () => inits.fanUniform(9), draws],
  ['initializers.chrono', () => inits.chrono(9, -1), draws],
  ['initializers.glorotUniform', () => inits.glorotUniform(), draws],
  ['initializers.glorotNormal', () => inits.glorotNormal(), draws],
  ['initializers.heUniform', () => inits.heUniform(), draws],
  ['initializers.heNormal', () => inits.heNormal(), draws],
  ['initializers.sumOf', () => inits.sumOf([inits.ones(), inits.normal(1)]), draws],
  ['initializers.orthogonal', () => inits.orthogonal(0.5), draws],
  ['initializers.sideBySide', () => inits.sideBySide([inits.ones(), inits.uniform(1), inits.heNormal()]), draws],
  ['activations.leakyRelu', () => oxbow.activations.leakyRelu(0.3), curve],
  ['activations.elu', () => oxbow.activations.elu(2), curve],
  ...(['logistic', 'tanh', 'relu', 'softplus', 'gelu', 'geluTanh', 'softmax'] as const).map(
    (name): Sample => [`activations.${name}`, () => oxbow.activations[name], curve],
  ),
  ['constant', () => oxbow.constant(0.1), course],
  ['stepDecay', rates, course],
  ['inverseSqrt', () => oxbow.inverseSqrt(0.1), course],
  ['cosine', () => oxbow.cosine({ rate: 0.1, steps: 5, floor: 0.01 }), course],
  ['oneCycle', () => oxbow.oneCycle({ rate: 0.1, steps: 8, rising: 0.4, from: 10, to: 100 }), course],
  ['warmup', () => oxbow.warmup(3, rates()), course],
  [
    'inTurn',
    () =>
      oxbow.inTurn(
        [
          [2, rates()],
          [1, oxbow.constant(1)],
        ],
        oxbow.inverseSqrt(2),
      ),
    course,
  ],
  ['sgd', () => sgd(rates()), rule],
  ['momentum', () => oxbow.momentum(rates(), { decay: 0.8, nesterov: true }), rule],
  ['classicalMomentum', () => oxbow.classicalMomentum(0.1, { decay: rates() }), rule],
  ['nesterov', () => oxbow.nesterov(0.1, { simplified: true, decay: 0.5 }), rule],
  ['nesterov', () => oxbow.nesterov(0.1), rule],
  ['adagrad', () => oxbow.adagrad(0.1, { epsilon: 1e-5 }), rule],
  ['adadelta', () => oxbow.adadelta({ learningRate: rates(), decay: 0.8 }), rule],
  ['rmsprop', () => oxbow.rmsprop(0.1, { decay: 0.8 }), rule],
  ['adam', () => adam(rates(), { beta1: 0.5, beta2: 0.7, epsilon: 1e-4, lazy: true }), rule],
  ['adamw', () => oxbow.adamw(0.1, { decay: 0.2, biases: true }), rule],
  ['nadam', () => oxbow.nadam(0.1, { momentumDecay: 0.1 }), rule],
  ['adasecant', () => oxbow.adasecant({ mostCorrection: 1.5, decay: 0.9 }), rule],
  ['vsgd', () => oxbow.vsgd({ samples: 3 }), rule],
  ['averaged', () => oxbow.averaged(oxbow.adamw(rates()), { decay: 0.9, from: Number.POSITIVE_INFINITY }), rule],
  ['outerNesterov', () => oxbow.outerNesterov(oxbow.averaged(sgd(1)), { every: 5, momentum: 0.5 }), rule],
  ['chain', () => oxbow.chain(oxbow.clipByValue(1), oxbow.chain(oxbow.weightDecay(0.1), sgd(1))), rule],
  [
    'optimizer',
    () =>
      oxbow.optimizer({
        kind: 'mine',
        slots: ['mean'],
        learningRate: rates(),
        update: registered((_: oxbow.Ops, { weights, mean }: Record<'weights' | 'mean', oxbow.Tensor>) => ({
          weights,
          mean,
        })),
      }),
    rule,
  ],
  ['clipByGlobalNorm', () => oxbow.clipByGlobalNorm(2), same],
  ['clipByValue', () => oxbow.clipByValue(2), same],
  ['weightDecay', () => oxbow.weightDecay(0.1, { biases: true }), same],
  ['crossEntropy', () => crossEntropy({ reduction: 'sum' }), ({ reduction }: oxbow.Loss) => reduction],
  [
    'crossEntropy',
    () => crossEntropy({ smoothing: 0.1 }),
    (thing: oxbow.Loss) => thing(oxbow.reference(), tensor([1, 1, 2], [1, 2]), oxbow.ids([1, 1], [0])).data[0],
  ],
  ['categoricalCrossEntropy', () => oxbow.categoricalCrossEntropy({ reduction: 'sum' }), losses],
  ['squaredError', () => oxbow.squaredError(), losses],
  ['accuracy', () => oxbow.accuracy(), same],
  ['categoricalAccuracy', () => oxbow.categoricalAccuracy(), same],
  ['topKAccuracy', () => oxbow.topKAccuracy(3), same],
  ['precision', () => oxbow.precision({ average: 'micro' }), same],
  ['recall', () => oxbow.recall({ average: 'micro' }), same],
  ['f1', () => oxbow.f1({ average: 'micro' }), same],
  ['perplexity', () => oxbow.perplexity(), same],
  ['bitsPerCharacter', () => oxbow.bitsPerCharacter(), same],
  ['confusionMatrix', () => oxbow.confusionMatrix(), same],
  ['conlleval', () => oxbow.conlleval(), same],
];

describe('what else a model is made of', () => {
  it.each(samples)('%s is what it was', (name, make, seen) => {
    const thing = make();
    expect(oxbow.describe(thing).$).toBe(name);
    const built = again<never>(thing);
    expect(seen(built)).toEqual(seen(thing as never));
    expect(oxbow.describe(built)).toEqual(oxbow.describe(thing));
  });
});

/** Functions of the package that make no part of a model, or, as `layer`, none but the user's own. */
const makesNone = `tape gradientFlow register OxbowError decodeCheckpoint decodeCheckpointEither encodeCheckpoint
  trainingCheckpoint trainingOf trainingOfEither loadWeights loadWeightsEither weightsOf configure machine ready batchOf
  evaluate layer scanCarry hashesOf spellingsOf customVjp reference inWindow toSignal parameter parametersOf RandomKey finish
  inTurns logPlot generator restoreGenerator build buildEither describe stepper argmax principalColours randomColour randomCrop
  randomFlip randomShift bounded paced holdSource timeSlice fromAsync fromReadable fromSocket fromText fromWebStream generate
  generateFrom generateIterable keyed lanes maskSymbols padded randomWindows resetLanes resettable distribution sampler stopAt
  surprisal dynamicEvaluation gradientSquares bytes tokenizerFrom loadTokenizer tbptt text toSocket toWebStream tokens openVocabulary vocabulary vocabularyFrom wellFormed windows ids isTensor tensor zeros
  gradientNorms averagedWeights nonMonotonic withAveraged l2Penalty withL2 linearChain trainer decodeBeam decodeGreedy toIds toOneHot loadCheckpoint loadCheckpointEither
  saveCheckpoint saveCheckpointEither loadUtterances loadUtterancesEither fromSequenceFiles loadTagger loadTaggerEither
  saveTagger saveTaggerEither fromFile fromConll toConll fromJsonLines toJsonLine chunksOf scoreSlots fitTagger scoreTagger
  lexicon restoreTagger restoreTaggerEither taggerCheckpoint correctTags correctTagsEither learnTags pending predictTags
  reservoir slots slotsOf tag substituteSlots taggerTrainer checkpointed saveRuns resume positionNow positioned keyedTbptt
  liveLanes loadNewest loadRun openRunFolder`.split(/\s+/);

describe('every public function', () => {
  const functions = (all: object, space = '') =>
    Object.entries(all).flatMap(([name, each]) => (typeof each === 'function' ? [space + name] : []));
  const all = [
    ...functions(oxbow),
    ...functions(oxbow.initializers, 'initializers.'),
    ...functions(oxbow.activations, 'activations.'),
  ];
  const tested = new Set([...Object.keys(layers), ...samples.map(([name]) => name)]);

  it('makes what can be described and is tested so, or is known to make nothing of the kind', () => {
    const others = new Set(makesNone);
    expect(all.filter((name) => !others.has(name) && !(tested.has(name) && entryOf(name)))).toEqual([]);
    expect(makesNone.filter((name) => !all.includes(name) || entryOf(name))).toEqual([]);
  });
});

describe('every option', () => {
  /** Functions within options are described where they were registered. */
  function registerAll(value: unknown): void {
    if (typeof value === 'function' && !originOf(value)) registered(value);
    else if (typeof value === 'object' && value !== null) Object.values(value).forEach(registerAll);
  }
  const rows = Object.entries(options).filter(([name]) => entryOf(name) || name === 'sequential(…).compile');

  it.each(rows)('of %s comes back', (_, { call, options: given }) => {
    registerAll(given);
    const thing = call(given) as object;
    const description = oxbow.describe(thing);
    const read = description.args.find(
      (each) => typeof each === 'object' && each !== null && Object.hasOwn(each, Object.keys(given)[0] as string),
    );
    expect(Object.keys(read as object)).toEqual(expect.arrayContaining(Object.keys(given)));
    const built = again<object>(thing);
    expect(oxbow.describe(built)).toEqual(description);
    if ('params' in thing) expect(weightsOf(built as Any)).toEqual(weightsOf(thing as Any));
  });

  it('is known of many', () => expect(rows.length).toBeGreaterThan(60));
});
