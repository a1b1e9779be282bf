import { concatMap, lastValueFrom, type Observable, of, Subject, tap, toArray } from 'rxjs';
import { describe as about, afterAll, beforeAll, expect, it } from 'vitest';
import { lstm } from '../../src/cells/lstm.js';
import { loadWeights, weightsOf } from '../../src/formats/weights.js';
import { configure } from '../../src/kernels/machine.js';
import type { Core } from '../../src/layer.js';
import { embedding } from '../../src/layers/embedding.js';
import { tied } from '../../src/layers/tied.js';
import { languageModel } from '../../src/models/language-model.js';
import { parametersOf } from '../../src/parameters/parameter.js';
import { build } from '../../src/runs/build.js';
import { describe } from '../../src/runs/describe.js';
import { stack } from '../../src/stack.js';
import { dynamicEvaluation } from '../../src/streams/dynamic-evaluation.js';
import { fromText } from '../../src/streams/from-text.js';
import { generateFrom } from '../../src/streams/generate.js';
import { keyed } from '../../src/streams/keyed/keyed.js';
import { type OpenVocabulary, openVocabulary } from '../../src/streams/open-vocabulary.js';
import { surprisal } from '../../src/streams/surprisal.js';
import { type TbpttOptions, type TbpttStep, tbptt } from '../../src/streams/tbptt.js';
import { tokens } from '../../src/streams/tokens.js';
import { vocabularyFrom } from '../../src/streams/vocabulary.js';
import type { SymbolWindow } from '../../src/streams/window.js';
import { windows } from '../../src/streams/windows.js';
import { type Ids, ids, type Tensor } from '../../src/tensor.js';
import { crossEntropy } from '../../src/training/losses/cross-entropy.js';
import { adam } from '../../src/training/optimizers/adam.js';
import { adamw } from '../../src/training/optimizers/adamw.js';
import { momentum } from '../../src/training/optimizers/momentum.js';
import type { Optimizer } from '../../src/training/optimizers/optimizer.js';
import { rmsprop } from '../../src/training/optimizers/rmsprop.js';
import { sgd } from '../../src/training/optimizers/sgd.js';
import { trainer } from '../../src/training/trainer.js';
import type { TrainerState } from '../../src/training/trainer-state.js';
import { bitsOf, enlarged, stateFor } from './enlarged.js';

beforeAll(() => void configure({ threads: 2 }));
afterAll(() => void configure({ threads: 2 }));

type Model = Core<unknown, Ids, Tensor>;

const LENGTH = 6;
/** New symbols in most windows, some of them twice, and none in the last ones. */
const text = 'abcabcabdabdee水ba水水cab流れ🐂abcabc水abcabc流abcabcabcabcab';

const models: Readonly<Record<string, (symbols: number) => Model>> = {
  'dense head': (symbols) => languageModel({ symbols, units: 8, embed: 4, cell: 'gru', seed: 3, grows: true }),
  'tied head'(symbols) {
    const embed = embedding(symbols, 8, { grows: true });
    return stack({ embed, rnn: lstm(8, 8), head: tied(embed) }, { seed: 3 }) as unknown as Model;
  },
};

const optimizers: Readonly<Record<string, () => Optimizer>> = {
  sgd: () => sgd(0.5),
  momentum: () => momentum(0.1),
  rmsprop: () => rmsprop(0.01),
  adam: () => adam(0.02),
  adamw: () => adamw(0.02),
};

type Step = TbpttStep<unknown, SymbolWindow>;
type Options = Partial<TbpttOptions<unknown>>;

const learning = (model: Model, vocab: OpenVocabulary, options: Options = {}) =>
  tbptt<unknown, Ids, SymbolWindow>(model, {
    loss: crossEntropy(),
    optimizer: adam(0.02),
    clipNorm: 1,
    vocab,
    ...options,
  });

const windowsIn = (vocab: OpenVocabulary, of: string): Observable<SymbolWindow> =>
  fromText(of, { chunk: 5 }).pipe(tokens(vocab), windows({ length: LENGTH }));

const run = (model: Model, vocab: OpenVocabulary, options: Options = {}, each = (_: Step) => {}, of = text) =>
  lastValueFrom(
    windowsIn(vocab, of).pipe(
      learning(model, vocab, options),
      tap((step) => each(step)),
      toArray(),
    ),
  );

about('an open vocabulary', () => {
  it('begins with the escape, and gives symbols that are new ids in the order in which they come', () => {
    const vocab = openVocabulary('ba');
    expect(vocab.symbols).toEqual(['\uFFFD', 'a', 'b']);
    const { push } = vocab.encoder();
    expect(push('a水b水🐂')).toEqual(Int32Array.of(1, 3, 2, 3, 4));
    // They are known once a model has rows for them.
    expect([vocab.size, ...vocab.encode('a水')]).toEqual([3, 1, 0]);
    vocab.know(4);
    expect([vocab.size, ...vocab.encode('水🐂')]).toEqual([4, 3, 0]);
    expect(vocab.symbols.at(-1)).toBe('水');
    expect(vocab.decode([0, 1, 3, 4])).toBe('\uFFFDa水🐂');
    expect(() => vocab.decode([5])).toThrow('ids run from 0 to 4');
    expect(() => vocab.know(6)).toThrow(RangeError);
  });

  it('is what it was where it was written down', () => {
    const vocab = openVocabulary('ba', { most: 5 });
    vocab.encoder().push('水火木');
    vocab.know(4);
    const again = vocabularyFrom(JSON.parse(JSON.stringify(vocab))) as OpenVocabulary;
    expect(again.toJSON()).toEqual(vocab.toJSON());
    // What has an id and is not known keeps it.
    expect([again.size, ...again.encode('火')]).toEqual([4, 0]);
    expect(again.encoder().push('木水火金')).toEqual(Int32Array.of(0, 3, 4, 0));
  });

  it('takes no more symbols than it may have, and U+FFFD is the escape itself', () => {
    const vocab = openVocabulary('', { most: 3 });
    expect(vocab.encoder().push('\uFFFDabc\uD800')).toEqual(Int32Array.of(0, 1, 2, 0, 0));
  });

  it.each([
    [() => openVocabulary(['ab']), 'one code point'],
    [() => openVocabulary('abc', { most: 3 }), 'openVocabulary: most is a whole number from 4'],
    [() => vocabularyFrom({ symbols: 'ab', unknown: 'error', most: 9 }), 'begins with U+FFFD'],
    [() => vocabularyFrom({ symbols: '\uFFFDaa', unknown: 'error', most: 9 }), 'each symbol once'],
    [() => vocabularyFrom({ symbols: '\uFFFDa', unknown: 'error', most: 9, ahead: 'ba' }), 'each symbol once'],
    [() => vocabularyFrom({ symbols: '\uFFFDa', unknown: 'error', most: 2, ahead: 'b' }), 'vocabularyFrom: most'],
    [() => vocabularyFrom({ symbols: '\uFFFDa', unknown: 'error', most: 9, ahead: 7 as never }), 'a text as ahead'],
    [() => vocabularyFrom({ symbols: '\uFFFDa', unknown: 'error', most: 1 }), 'vocabularyFrom: most'],
  ])('refuses what is none: %s', (make, message) => {
    expect(make).toThrow(message);
  });

  it('is read without new symbols by whole texts, and where it is told so', async () => {
    const vocab = openVocabulary('ab');
    const idsOf = async (given: Parameters<typeof tokens>[1]) =>
      (await lastValueFrom(of('a水').pipe(tokens(vocab, given), toArray()))).flatMap(({ data }) => [...data]);
    expect(await idsOf({ whole: true })).toEqual([1, 0]);
    expect(await idsOf({ grows: false })).toEqual([1, 0]);
    expect(await idsOf({})).toEqual([1, 3]);
  });
});

about('a language model that grows by an open vocabulary', () => {
  it('has a row and a column for each symbol, in the order in which they came', async () => {
    const vocab = openVocabulary();
    const model = languageModel({ symbols: vocab.size, units: 8, embed: 4, grows: true });
    const steps = await run(model, vocab);
    expect(vocab.symbols.join('')).toBe('\uFFFDabcde水流れ🐂');
    const shapes = Object.fromEntries(parametersOf(model.params).map(([path, { shape }]) => [path, shape]));
    expect(shapes).toMatchObject({ 'embed.table': [10, 4], 'head.w': [8, 10], 'head.b': [10] });
    expect(steps.map(({ named }) => named?.map(({ symbol }) => symbol).join(''))).toEqual(
      // The first symbol of all is never asked for.
      ['bc', 'de', '水', '流れ🐂', '', '', '', '', ''],
    );
    expect(steps.every(({ loss }) => Number.isFinite(loss))).toBe(true);
  });

  describeGrowth();

  it('names what it did not know at the price of one of all other code points', async () => {
    const vocab = openVocabulary('abc');
    const model = models['dense head']?.(vocab.size) as Model;
    const [first] = await run(model, vocab, {}, undefined, 'ab水火水a');
    expect(first?.named).toEqual([
      { symbol: '水', place: 1, bits: Math.log2(1_112_064 - 3) },
      { symbol: '火', place: 2, bits: Math.log2(1_112_064 - 4) },
    ]);
  });

  it.each([
    ['with ids ahead of what is known', true],
    ['only read', false],
  ])('scores a symbol that it does not know as the escape and its name: %s', async (_, grows) => {
    const vocab = openVocabulary('ab');
    const model = languageModel({ symbols: vocab.size, units: 4, embed: 4, grows: true });
    const read = () => fromText('abba ðü ab').pipe(tokens(vocab, { grows }));
    const escapes = vocab.encode('abba ðü ab');
    const plain = await lastValueFrom(of(ids([escapes.length, 1], escapes)).pipe(surprisal(model)));
    const expected = [...plain.data].map((bits, k) => Math.fround(bits + (escapes[k] === 0 ? vocab.naming() : 0)));
    const fixed = await lastValueFrom(read().pipe(surprisal(model, { vocab })));
    const adapting = await lastValueFrom(
      read().pipe(dynamicEvaluation(model, { vocab, learningRate: 0, length: 4 }), toArray()),
    );
    fixed.data.forEach((bits, k) => void expect(bits).toBeCloseTo(expected[k] as number, 4));
    expect(adapting.flatMap(({ surprisal: { data } }) => [...data])).toEqual([...fixed.data.subarray(1)]);
    expect([vocab.size, parametersOf(model.params)[0]?.[1].shape[0]]).toEqual([3, 3]);
  });

  it('gives all code points together a probability of 1', async () => {
    const vocab = openVocabulary('abc');
    const model = models['dense head']?.(vocab.size) as Model;
    await run(model, vocab);
    const costOf = async (symbol: string) => {
      const signals = await lastValueFrom(
        of(`ab${symbol}`).pipe(tokens(vocab, { whole: true }), surprisal(model, { vocab }), toArray()),
      );
      return signals[0]?.data[2] as number;
    };
    const known = await Promise.all(vocab.symbols.slice(1).map(costOf));
    const unknown = await costOf('火');
    expect(unknown).toBeGreaterThan(vocab.naming());
    const others = 1_112_064 - known.length;
    expect(known.reduce((sum, bits) => sum + 2 ** -bits, others * 2 ** -unknown)).toBeCloseTo(1, 5);
  });

  it('begins as likely to say a new symbol as the escape', async () => {
    const vocab = openVocabulary('abc');
    const model = models['dense head']?.(vocab.size) as Model;
    await run(model, vocab, {}, undefined, 'abcabcabcabcabc');
    // At a rate of 0 it grows, and stays.
    await run(model, vocab, { optimizer: sgd(0) }, undefined, 'abc水abca');
    const logits = model.apply === undefined ? [] : await firstLogits(model);
    expect(logits[4]).toBe(logits[0]);
  });

  it.each(['caller', 'learner'] as const)('comes to the same bits with any number of threads (%s)', async (thread) => {
    const outcomes = [];
    for (const threads of [1, 2]) {
      configure({ threads });
      const vocab = openVocabulary();
      const model = models['dense head']?.(vocab.size) as Model;
      let state: TrainerState | undefined;
      await run(model, vocab, { thread }, (step) => {
        state = step.state();
      });
      outcomes.push(bitsOf(model, state as TrainerState));
    }
    expect(outcomes[1]).toEqual(outcomes[0]);
  });

  it('speaks, is read and answers by keys while it grows', async () => {
    const vocab = openVocabulary('abc');
    const model = models['dense head']?.(vocab.size) as Model;
    const prompt = ids([1, 1], vocab.encode('a'));
    let said = '';
    const speaking = generateFrom(model, prompt, { length: 400, seed: 1, vocab }).subscribe(({ data }) => {
      said += vocab.decode(data);
    });
    const asked = new Subject<string>();
    const read: number[] = [];
    const answers: number[] = [];
    asked
      .pipe(tokens(vocab, { grows: false }), surprisal(model, { vocab }))
      .subscribe(({ data }) => read.push(...data));
    const keys = new Subject<{ readonly key: string; readonly value: number }>();
    keys.pipe(keyed(model, { maxDelayMs: 0, output: 'argmax' })).subscribe(({ value }) => answers.push(value));
    await lastValueFrom(
      windowsIn(vocab, text).pipe(
        learning(model, vocab),
        concatMap(async () => {
          asked.next('ab水');
          keys.next({ key: 'one', value: 1 });
          await new Promise((resolve) => setTimeout(resolve, 5));
        }),
      ),
    );
    await new Promise<void>((resolve) => speaking.add(() => resolve()));
    expect(said.length).toBeGreaterThanOrEqual(400);
    expect(said).not.toContain('\uFFFD');
    expect(read).toHaveLength(27);
    expect(read.every((bits) => bits > 0 && Number.isFinite(bits))).toBe(true);
    expect(answers).toHaveLength(9);
  });

  it('tells keys that keep what they expect that it has grown', async () => {
    const vocab = openVocabulary('abc');
    const model = models['dense head']?.(vocab.size) as Model;
    const keys = new Subject<{ readonly key: string; readonly value: number }>();
    const failed = new Promise((resolve) => {
      keys.pipe(keyed(model, { maxDelayMs: 0, output: 'surprisal' })).subscribe({ error: resolve });
    });
    keys.next({ key: 'one', value: 1 });
    await new Promise((resolve) => setTimeout(resolve, 20));
    await run(model, vocab);
    keys.next({ key: 'one', value: 1 });
    expect(String(await failed)).toContain('the model gave 4 logits when the keys began, and 10 now');
  });

  it('is as before where a window cannot be learnt, and grows by its symbols when they come again', async () => {
    const vocab = openVocabulary('abc');
    const model = models['dense head']?.(vocab.size) as Model;
    let count = 0;
    const loss = Object.assign(
      (ops: Parameters<ReturnType<typeof crossEntropy>>[0], y: Tensor, target: Tensor) => {
        count += 1;
        const all = crossEntropy()(ops, y, target as Ids);
        return count === 2 ? ops.affine(all, Number.POSITIVE_INFINITY, 0) : all;
      },
      { each: undefined },
    ) as unknown as ReturnType<typeof crossEntropy>;
    const sizes: number[] = [];
    const left: number[] = [];
    const bad = { next: () => void left.push(vocab.size, parametersOf(model.params)[0]?.[1].shape[0] as number) };
    await run(
      model,
      vocab,
      { loss, badWindow: 'skip', bad },
      () => void sizes.push(vocab.size),
      'abcabca水bcab水abcabca',
    );
    expect(left).toEqual([4, 4]);
    expect(sizes).toEqual([4, 5, 5]);
    expect(vocab.symbols.at(-1)).toBe('水');
  });

  it.each([
    [
      'a model that does not grow',
      () => [languageModel({ symbols: 1, units: 4, embed: 2 }), openVocabulary()],
      'no parameter that grows',
    ],
    [
      'a model of other symbols',
      () => [models['dense head']?.(5), openVocabulary()],
      'the open vocabulary has 1 symbols, but embed.table is [5, 4]',
    ],
  ] as const)('refuses %s', async (_, make, message) => {
    const [model, vocab] = make() as unknown as [Model, OpenVocabulary];
    await expect(run(model, vocab)).rejects.toThrow(message);
  });

  it.each([
    ['an input', [9], [1]],
    ['a target', [1], [9]],
  ] as const)('refuses %s that another vocabulary has given, and does not grow', async (_, input, target) => {
    const vocab = openVocabulary('abc');
    const model = models['dense head']?.(vocab.size) as Model;
    const window = { input: ids([1, 1], input), target: ids([1, 1], target) };
    await expect(lastValueFrom(of(window as SymbolWindow).pipe(learning(model, vocab)))).rejects.toThrow(
      'tbptt: the open vocabulary has not given the id 9; give tokens() and tbptt the same one',
    );
    expect(parametersOf(model.params).find(([path]) => path === 'embed.table')?.[1].shape).toEqual([4, 4]);
    expect(vocab.size).toBe(4);
  });

  it('stays an error where nothing lets it grow', async () => {
    const vocab = openVocabulary('abc');
    const model = models['dense head']?.(vocab.size) as Model;
    await expect(run(model, vocab, { vocab: undefined })).rejects.toThrow('window 2 cannot be learnt from');
    expect(() => tbptt(model, { loss: crossEntropy(), optimizer: sgd(1), vocab: 7 as never })).toThrow('tbptt: takes');
    expect(() => languageModel({ symbols: 3, embed: 0, grows: true })).toThrow('one-hot');
  });
});

async function firstLogits(model: Model): Promise<readonly number[]> {
  const { evaluate } = await import('../../src/layer.js');
  return [...evaluate(model, model.initial(1), ids([1, 1], [1]))[0].data];
}

/** The laws, for each head and optimizer. */
function describeGrowth(): void {
  const cases = Object.keys(models).flatMap((head) => Object.keys(optimizers).map((name) => [head, name] as const));

  it.each(cases)(
    'is, with a %s and by %s, one made for all symbols with the same weights and state',
    async (head, name) => {
      const make = models[head] as (symbols: number) => Model;
      const optimizer = (optimizers[name] as () => Optimizer)();
      const vocab = openVocabulary();
      const model = make(vocab.size);
      let before = { weights: weightsOf(model.params), state: undefined as TrainerState | undefined, size: 1 };
      let carry: unknown = model.initial(1);
      await run(model, vocab, { optimizer, clipNorm: undefined }, (step) => {
        const { input, target } = step.window;
        const data = target.data.slice();
        for (const { place } of step.named ?? []) if (place !== undefined) data[place] = 0;
        const larger = enlarged(make, before, vocab.size);
        const state = before.state && stateFor(before.state, larger, optimizer);
        const oracle = trainer(larger, { loss: crossEntropy(), optimizer, state });
        const learnt = oracle.learn({ carry, input, target: { ...target, data } });
        expect(learnt.loss).toBe(step.loss);
        const own = step.state();
        expect(bitsOf(larger, oracle.state())).toEqual(bitsOf(model, own));
        oracle.release();
        before = { weights: weightsOf(model.params), state: own, size: vocab.size };
        carry = step.carry;
      });
      expect(vocab.size).toBe(10);
    },
  );

  it.each(cases)('goes on, with a %s and by %s, bit for bit where it was cut', async (head, name) => {
    const make = models[head] as (symbols: number) => Model;
    const optimizer = (optimizers[name] as () => Optimizer)();
    const kept: { weights: ReturnType<typeof weightsOf>; described: string; vocab: string; snapshot: string }[] = [];
    const whole = openVocabulary();
    const model = make(whole.size);
    let last: TrainerState | undefined;
    await run(model, whole, { optimizer }, (step) => {
      kept.push({
        weights: weightsOf(model.params),
        described: JSON.stringify(describe(model)),
        vocab: JSON.stringify(whole),
        snapshot: JSON.stringify(step.snapshot()),
      });
      last = step.state();
    });
    for (const [k, { weights, described, vocab, snapshot }] of kept.slice(0, -1).entries()) {
      const again = build<Model>(JSON.parse(described));
      loadWeights(again.params, weights);
      const known = vocabularyFrom(JSON.parse(vocab)) as OpenVocabulary;
      let own: TrainerState | undefined;
      const rest = [...text].slice((k + 1) * LENGTH).join('');
      await run(again, known, { optimizer, from: JSON.parse(snapshot) }, (step) => (own = step.state()), rest);
      expect(known.toJSON()).toEqual(whole.toJSON());
      expect(bitsOf(again, own as TrainerState)).toEqual(bitsOf(model, last as TrainerState));
    }
  });
}
