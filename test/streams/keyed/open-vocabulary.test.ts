import { concat, from, lastValueFrom, NEVER, type Observable, tap, toArray } from 'rxjs';
import { describe as about, afterEach, expect, it } from 'vitest';
import { lstm } from '../../../src/cells/lstm.js';
import { loadWeights, weightsOf } from '../../../src/formats/weights.js';
import { configure } from '../../../src/kernels/machine.js';
import type { Core } from '../../../src/layer.js';
import { embedding } from '../../../src/layers/embedding.js';
import { tied } from '../../../src/layers/tied.js';
import { languageModel } from '../../../src/models/language-model.js';
import { parametersOf } from '../../../src/parameters/parameter.js';
import { build } from '../../../src/runs/build.js';
import { describe } from '../../../src/runs/describe.js';
import { stack } from '../../../src/stack.js';
import { fromAsync } from '../../../src/streams/from-async.js';
import { fromText } from '../../../src/streams/from-text.js';
import { keyedTbptt } from '../../../src/streams/keyed/keyed-tbptt.js';
import type { KeyedState } from '../../../src/streams/keyed/layout.js';
import type {
  KeyedLearning,
  KeyedTbpttOptions,
  KeyedTraining,
  KeyedTrainingStep,
} from '../../../src/streams/keyed/learning-options.js';
import { type OpenVocabulary, openVocabulary } from '../../../src/streams/open-vocabulary.js';
import { tbptt } from '../../../src/streams/tbptt.js';
import { tokens } from '../../../src/streams/tokens.js';
import { vocabulary, vocabularyFrom } from '../../../src/streams/vocabulary.js';
import { windows } from '../../../src/streams/windows.js';
import { type Ids, ids, type Tensor } from '../../../src/tensor.js';
import { crossEntropy } from '../../../src/training/losses/cross-entropy.js';
import { adam } from '../../../src/training/optimizers/adam.js';
import type { Optimizer } from '../../../src/training/optimizers/optimizer.js';
import { sgd } from '../../../src/training/optimizers/sgd.js';
import { trainer } from '../../../src/training/trainer.js';
import type { TrainerState } from '../../../src/training/trainer-state.js';
import { bitsOf, enlarged, stateFor } from '../enlarged.js';

afterEach(() => void configure({ threads: 2 }));

type Model = Core<unknown, Ids, Tensor>;
type Step = KeyedTrainingStep<unknown, string, Ids>;
type Options = Partial<KeyedTbpttOptions<unknown, string, Event>>;
interface Event {
  readonly key: string;
  readonly value: Ids | number;
}

const LENGTH = 4;

/** What keys say, each with symbols of its own, some of which others say too, and none of which is new in the end. */
const said: Readonly<Record<string, string>> = {
  ada: 'abcab水abcab水火abcabcabcabcabcabcabcabc',
  bob: 'xyxyx🐂xy水yxyxyxyxyxyxyxyxyxyxyxyxyxyxy',
  eve: '火の流れ火の流れ火の流れabab火の流れ火の流れ',
};

/** Their symbols by turns; `eve` says two at a time, and much is said before it is learnt. */
const spoken: readonly (readonly [key: string, text: string])[] = Array.from({ length: 40 }, (_, k) =>
  Object.entries(said).flatMap(([key, text]) => {
    const width = key === 'eve' ? 2 : 1;
    const part = [...text].slice(k * width, (k + 1) * width).join('');
    return part === '' ? [] : [[key, part] as const];
  }),
).flat();

const models: Readonly<Record<string, (symbols: number) => Model>> = {
  'dense head': (symbols) => languageModel({ symbols, units: 8, embed: 4, cell: 'gru', seed: 3, grows: true }),
  'tied head'(symbols) {
    const embed = embedding(symbols, 8, { grows: true });
    return stack({ embed, rnn: lstm(8, 8), head: tied(embed) }, { seed: 3 }) as unknown as Model;
  },
};
const make = models['dense head'] as (symbols: number) => Model;

/** Values as they come: what is new has its id when it is read, which may be long before it is learnt. */
function* eventsIn(vocab: OpenVocabulary, from = 0): Generator<Event> {
  const { push } = vocab.encoder();
  for (const [key, text] of spoken.slice(from)) {
    const data = push(text);
    yield { key, value: data.length === 1 ? (data[0] as number) : ids([data.length, 1], data) };
  }
}

const pulled = (vocab: OpenVocabulary, first = 0): Observable<Event> =>
  fromAsync(async function* () {
    yield* eventsIn(vocab, first);
  });

const learning = (model: Model, vocab: OpenVocabulary | undefined, options: Options = {}) =>
  keyedTbptt<unknown, Ids, Event, string>(model, {
    loss: crossEntropy(),
    optimizer: adam(0.02),
    clipNorm: 1,
    length: LENGTH,
    batch: 2,
    vocab,
    ...options,
  });

async function learnt(
  model: Model,
  vocab: OpenVocabulary,
  options: Options = {},
  each: (step: Step) => void = () => {},
  events: Observable<Event> = from(eventsIn(vocab)),
) {
  let state: TrainerState | undefined;
  const steps = await lastValueFrom(
    events.pipe(
      learning(model, vocab, options),
      tap((step) => {
        state = step.state();
        each(step);
      }),
      toArray(),
    ),
  );
  return {
    steps: steps.map(({ keys, step, loss, named, window }) => ({ keys, step, loss, named, window })),
    symbols: vocab.symbols.join(''),
    bits: bitsOf(model, state as TrainerState),
  };
}

const tableOf = (model: Model) => parametersOf(model.params).find(([path]) => path === 'embed.table')?.[1].shape;

about('a model that grows by what keys say', () => {
  it.each(Object.entries(models))('is, by one key, that of tbptt, bit for bit: %s', async (_, of) => {
    const text = said.eve as string;
    const [own, other] = [openVocabulary('ab'), openVocabulary('ab')];
    const [model, alone] = [of(own.size), of(other.size)];
    let state: TrainerState | undefined;
    const steps = await lastValueFrom(
      fromText(text).pipe(
        tokens(other),
        windows({ length: LENGTH }),
        tbptt<unknown, Ids, { input: Ids; target: Tensor }>(alone, {
          loss: crossEntropy(),
          optimizer: adam(0.02),
          clipNorm: 1,
          vocab: other,
        }),
        tap((step) => (state = step.state())),
        toArray(),
      ),
    );
    const { push } = own.encoder();
    const events = Array.from(text, (symbol) => ({ key: 'eve', value: push(symbol)[0] as number }));
    const got = await learnt(model, own, { batch: 1 }, undefined, from(events));
    expect(got.steps.map(({ loss, named }) => ({ loss, named }))).toEqual(
      steps.map(({ loss, named }) => ({ loss, named })),
    );
    expect(own.toJSON()).toEqual(other.toJSON());
    expect(got.bits).toEqual(bitsOf(alone, state as TrainerState));
  });

  const optimizers: readonly (readonly [string, () => Optimizer])[] = [
    ['sgd', () => sgd(0.5)],
    ['adam', () => adam(0.02)],
  ];
  const cases = Object.keys(models).flatMap((head) => optimizers.map(([name, of]) => [head, name, of] as const));

  it.each(cases)(
    'is, with a %s and by %s, one made for all symbols with the same weights and state',
    async (head, _, of) => {
      const made = models[head] as (symbols: number) => Model;
      const optimizer = of();
      const vocab = openVocabulary();
      const model = made(vocab.size);
      let before = { weights: weightsOf(model.params), state: undefined as TrainerState | undefined, size: 1 };
      const carries = new Map<string, unknown>();
      await learnt(model, vocab, { optimizer, clipNorm: undefined, batch: 1 }, (step) => {
        const { input, target } = step.window;
        const [key] = step.keys as readonly [string];
        const data = (target as Ids).data.slice();
        for (const { place } of step.named ?? []) if (place !== undefined) data[place] = 0;
        const larger = enlarged(made, before, vocab.size);
        const state = before.state && stateFor(before.state, larger, optimizer);
        const oracle = trainer(larger, { loss: crossEntropy(), optimizer, state });
        const carry = carries.get(key) ?? model.initial(1);
        expect(oracle.learn({ carry, input, target: { ...target, data } as Ids }).loss).toBe(step.loss);
        const own = step.state();
        expect(bitsOf(larger, oracle.state())).toEqual(bitsOf(model, own));
        oracle.release();
        before = { weights: weightsOf(model.params), state: own, size: vocab.size };
        carries.set(key, step.carry);
      });
      expect(vocab.size).toBe(1 + new Set(Object.values(said).join('')).size);
    },
  );

  it('names each symbol once: where it is to be predicted, or with one that came after it', async () => {
    const vocab = openVocabulary();
    const sizes: number[] = [];
    const { steps } = await learnt(make(vocab.size), vocab, {}, () => void sizes.push(vocab.size));
    const named = steps.flatMap(({ named = [] }) => named);
    expect(new Set(named.map(({ symbol }) => symbol)).size).toBe(named.length);
    expect(named.some(({ place }) => place === undefined)).toBe(true);
    // A symbol is read before it is asked for where a key begins with it.
    const [known, asked] = [new Set(vocab.symbols.slice(1)), new Set(named.map(({ symbol }) => symbol))];
    expect([...known].filter((symbol) => !asked.has(symbol)).every((symbol) => 'ax火'.includes(symbol))).toBe(true);
    expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
    // Each is one of all code points that are not known by then.
    const bits = named.map((each) => each.bits);
    expect(bits).toEqual(bits.toSorted((a, b) => b - a));
    expect(bits.every((each) => each > Math.log2(1_112_064 - vocab.size) && each <= Math.log2(1_112_064))).toBe(true);
  });

  const ways: readonly (readonly [string, Options, number])[] = [
    ['by the learner', { thread: 'learner' }, 2],
    ['by the learner, with little room to wait', { thread: 'learner', waiting: { capacity: 2, policy: 'block' } }, 2],
    ['in slices', { slice: 0 }, 2],
    ['on one thread', {}, 1],
    ['with copies to go back to', { badWindow: 'rollback', rollback: { every: 1 } }, 2],
  ];
  it.each(ways)('comes to the same bits %s', async (_, options, threads) => {
    const first = openVocabulary('ab');
    const once = await learnt(make(first.size), first);
    configure({ threads });
    const vocab = openVocabulary('ab');
    expect(await learnt(make(vocab.size), vocab, options, undefined, pulled(vocab))).toEqual(once);
  });

  it('comes to the same bits where what is not learnt yet goes to the store and comes back', async () => {
    const first = openVocabulary('ab');
    const once = await learnt(make(first.size), first, { partial: 'drop', batch: 1 });
    const vocab = openVocabulary('ab');
    const texts = new Map<string, string>();
    const store = {
      get: async (key: string): Promise<KeyedState<unknown> | undefined> =>
        JSON.parse(texts.get(key) ?? 'null') ?? undefined,
      put: async (key: string, state: KeyedState<unknown>) => void texts.set(key, JSON.stringify(state)),
    };
    const away = await learnt(make(vocab.size), vocab, { store, maxKeys: 1, batch: 1 }, undefined, pulled(vocab));
    expect(away).toEqual(once);
    expect(texts.size).toBe(3);
  });

  it.each([
    ['dense head', {}],
    ['dense head', { thread: 'learner' }],
    ['tied head', {}],
  ] as const)('goes on bit for bit where it was cut: %s, %o', async (head, options) => {
    const whole = openVocabulary();
    const model = models[head]?.(whole.size) as Model;
    const kept: { weights: ReturnType<typeof weightsOf>; described: string; vocab: string; snapshot: string }[] = [];
    const all = await learnt(
      model,
      whole,
      options,
      (step) => {
        kept.push({
          weights: structuredClone(weightsOf(model.params)),
          described: JSON.stringify(describe(model)),
          vocab: JSON.stringify(whole),
          snapshot: JSON.stringify(step.snapshot()),
        });
      },
      pulled(whole),
    );
    // Some have symbols that were read and not learnt by then.
    expect(kept.some(({ vocab }) => JSON.parse(vocab).ahead !== undefined)).toBe(true);
    for (const [k, { weights, described, vocab, snapshot }] of kept.slice(0, -1).entries()) {
      const again = build<Model>(JSON.parse(described));
      loadWeights(again.params, weights);
      const known = vocabularyFrom(JSON.parse(vocab)) as OpenVocabulary;
      const run = JSON.parse(snapshot) as KeyedTraining<unknown, string>;
      const rest = await learnt(again, known, { ...options, from: run }, undefined, pulled(known, run.values));
      expect(rest.steps).toEqual(all.steps.slice(k + 1));
      expect({ ...rest, steps: all.steps }).toEqual(all);
    }
  });

  /** Pieces of an update that is not done: the model has grown for it. */
  async function amidst() {
    const vocab = openVocabulary('ab');
    const model = make(vocab.size);
    let own: KeyedLearning<unknown, string> | undefined;
    let known = 0;
    let steps = 0;
    const carries = {
      next(given: KeyedLearning<unknown, string>) {
        own = given;
      },
    };
    const running = concat(pulled(vocab), NEVER)
      .pipe(learning(model, vocab, { slice: 0, carries }))
      .subscribe(() => {
        known = vocab.size;
        steps += 1;
      });
    while (steps < 1 || vocab.size === known) await new Promise((resolve) => setImmediate(resolve));
    return { vocab, model, running, known, steps, snapshot: () => own?.snapshot() as KeyedTraining<unknown, string> };
  }

  it('is as before where it is stopped in the midst of an update', async () => {
    const { vocab, model, running, known } = await amidst();
    expect(tableOf(model)).toEqual([vocab.size, 4]);
    running.unsubscribe();
    expect(vocab.size).toBe(known);
    expect(tableOf(model)).toEqual([known, 4]);
  });

  it.each([
    ['before', false],
    ['after', true],
  ])('goes on from the last whole update where weights are kept %s one is stopped in its midst', async (_, stopped) => {
    const first = openVocabulary('ab');
    const once = await learnt(make(first.size), first);
    const { vocab, model, running, steps, snapshot } = await amidst();
    const text = JSON.stringify(snapshot());
    if (stopped) running.unsubscribe();
    const kept = { vocab: JSON.stringify(vocab), weights: structuredClone(weightsOf(model.params)) };
    const again = build<Model>(JSON.parse(JSON.stringify(describe(model))));
    loadWeights(again.params, kept.weights);
    running.unsubscribe();
    const known = vocabularyFrom(JSON.parse(kept.vocab)) as OpenVocabulary;
    const run = JSON.parse(text) as KeyedTraining<unknown, string>;
    const rest = await learnt(again, known, { from: run }, undefined, pulled(known, run.values));
    expect(rest).toEqual({ ...once, steps: once.steps.slice(steps) });
  });

  it('is as before where a window cannot be learnt, and grows by its symbols when they come again', async () => {
    const vocab = openVocabulary('abc');
    const model = make(vocab.size);
    let count = 0;
    const loss = ((ops: never, y: Tensor, target: Tensor) => {
      count += 1;
      const all = crossEntropy()(ops, y, target as Ids);
      return count === 2
        ? (ops as { affine: (...all: unknown[]) => Tensor }).affine(all, Number.POSITIVE_INFINITY, 0)
        : all;
    }) as unknown as ReturnType<typeof crossEntropy>;
    const left: number[] = [];
    const bad = { next: () => void left.push(vocab.size, tableOf(model)?.[0] as number) };
    const { push } = vocab.encoder();
    const events = Array.from('abcab水bcab水abcabc', (symbol) => ({ key: 'one', value: push(symbol)[0] as number }));
    const { symbols } = await learnt(model, vocab, { loss, badWindow: 'skip', bad, batch: 1 }, undefined, from(events));
    expect(left).toEqual([4, 4]);
    expect(symbols).toBe('\uFFFDabc水');
  });

  it.each([
    [
      'a model that does not grow',
      () => [languageModel({ symbols: 1, units: 4, embed: 2 }), openVocabulary()],
      'keyedTbptt: the open vocabulary has 1 symbols, but the model has no parameter that grows',
    ],
    [
      'a model of other symbols',
      () => [make(5), openVocabulary()],
      'keyedTbptt: the open vocabulary has 1 symbols, but embed.table is [5, 4]',
    ],
  ] as const)('refuses %s', async (_, of, message) => {
    const [model, vocab] = of() as unknown as [Model, OpenVocabulary];
    await expect(learnt(model, vocab)).rejects.toThrow(message);
  });

  it('refuses what is no vocabulary, and ids that it has not given, by their key', async () => {
    const vocab = openVocabulary('abc');
    const model = make(vocab.size);
    expect(() => learning(model, 7 as never)).toThrow('keyedTbptt: takes a vocabulary as vocab');
    await expect(learnt(model, vocab, {}, undefined, from([{ key: 'eve', value: 9 }]))).rejects.toThrow(
      /keyedTbptt: .*"?eve.*the open vocabulary has not given the id 9/,
    );
    expect(tableOf(model)).toEqual([4, 4]);
  });

  it('refuses a snapshot without the vocabulary that was kept with it', async () => {
    const vocab = openVocabulary('ab');
    const model = make(vocab.size);
    let snapshot = '';
    await learnt(model, vocab, {}, (step) => {
      if (step.step === 3) snapshot = JSON.stringify(step.snapshot());
    });
    const run = JSON.parse(snapshot) as KeyedTraining<unknown, string>;
    const other = openVocabulary('ab');
    const resumed = (own?: OpenVocabulary) =>
      lastValueFrom(from([] as Event[]).pipe(learning(make(3), own, { from: run })), { defaultValue: 0 });
    expect(run.known).toBeGreaterThan(3);
    await expect(resumed()).rejects.toThrow("keyedTbptt: 'from' is of a model that grew by an open vocabulary");
    await expect(resumed(other)).rejects.toThrow(
      "keyedTbptt: known of 'from', symbols of the open vocabulary that was kept with it",
    );
  });

  it('does not grow by a vocabulary that is not open', async () => {
    const vocab = vocabulary(Object.values(said).join('')) as OpenVocabulary;
    const model = languageModel({ symbols: vocab.size, units: 8, embed: 4 }) as Model;
    const events = Array.from(said.ada as string, (symbol) => ({
      key: 'ada',
      value: vocab.encode(symbol)[0] as number,
    }));
    const steps = await lastValueFrom(from(events).pipe(learning(model, vocab), toArray()));
    expect(steps.every((step) => !('named' in step))).toBe(true);
  });
});
