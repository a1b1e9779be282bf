/** Every way in for tensors from outside: what disagrees with itself is refused by name, what went through JSON works. */
import {
  accuracy,
  argmax,
  type Core,
  crossEntropy,
  dense,
  embedding,
  encodeCheckpoint,
  evaluate,
  finish,
  generate,
  generateFrom,
  gradientNorms,
  type Ids,
  ids,
  inWindow,
  lanes,
  loadWeightsEither,
  lstm,
  type Ops,
  reference,
  resetLanes,
  scanCarry,
  sequential,
  sgd,
  stack,
  stepper,
  surprisal,
  type Tensor,
  tape,
  tbptt,
  tensor,
  text,
  toIds,
  toOneHot,
  trainer,
  vocabulary,
  weightsOf,
  windows,
} from 'oxbow';
import { lastValueFrom, map, type Observable, of, toArray } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';

const [SYMBOLS, UNITS] = [3, 4];
const make = () =>
  stack({ embed: embedding(SYMBOLS, 2), rnn: lstm(2, UNITS), head: dense(UNITS, SYMBOLS) }, { seed: 1 });
type Carry = ReturnType<ReturnType<typeof make>['initial']>;

const x = ids([2, 1], [0, 2]);
const target = ids([2, 1], [2, 1]);
const any = (value: unknown) => value as never;
const all = <T>(stream: Observable<T>) => lastValueFrom(stream.pipe(toArray()));

let model: ReturnType<typeof make>;
let weights: ReturnType<typeof weightsOf>;
beforeEach(() => {
  model = make();
  weights = weightsOf(model.params);
});

/** A carry that an earlier run gave. */
const earlier = () => evaluate(model, model.initial(1), ids([3, 1], [1, 0, 2]))[1];
const withH = (h: unknown): Carry => any({ ...earlier(), rnn: { ...earlier().rnn, h } });

/** What a refusal says, which is no stumble of JavaScript's own, and that no weight has changed. */
async function refusalOf(run: () => unknown): Promise<string> {
  const error = await Promise.resolve()
    .then(run)
    .then(
      () => undefined,
      (thrown) => thrown as Error,
    );
  expect(error, 'it was taken').toBeDefined();
  expect(error?.message).not.toMatch(
    /Cannot|not iterable|not a function|undefined \(|Invalid typed array|of undefined/,
  );
  expect(error instanceof TypeError || error instanceof RangeError, `${error?.stack}`).toBe(true);
  expect(weightsOf(model.params)).toEqual(weights);
  return error?.message ?? '';
}

/** A tensor in each way in which it can disagree with itself. */
const wrongs: Readonly<Record<string, (good: Tensor) => unknown>> = {
  'a shape of more numbers': (t) => ({ ...t, shape: [1, 2 * UNITS] }),
  'a shape of more numbers, times 2': (t) => ({ ...t, shape: [2, ...t.shape] }),
  'too few numbers': (t) => ({ ...t, data: t.data.slice(1) }),
  'one number too many': (t) => ({ ...t, data: new Float32Array(t.data.length + 1) }),
  'a million numbers too many': (t) => ({ ...t, data: new Float32Array(1e6) }),
  'no numbers': (t) => ({ ...t, data: new Float32Array(0) }),
  'no data': (t) => ({ ...t, data: undefined }),
  'data left out': ({ shape, type }) => ({ shape, type }),
  'data that is null': (t) => ({ ...t, data: null }),
  'data that is text': (t) => ({ ...t, data: '0000' }),
  'data that is one number': (t) => ({ ...t, data: 0 }),
  'a list that is too short': (t) => ({ ...t, data: [...t.data].slice(1) }),
  'a list that is too long': (t) => ({ ...t, data: [...t.data, 0] }),
  'a list with null': (t) => ({ ...t, data: [...t.data].map((v, k) => (k === 1 ? null : v)) }),
  'a list with a text': (t) => ({ ...t, data: [...t.data].map((v, k) => (k === 1 ? '0' : v)) }),
  'a list with a hole': (t) => ({ ...t, data: Object.assign(new Array(t.data.length), { 0: 1 }) }),
  'an empty record': (t) => ({ ...t, data: {} }),
  'a record that is too short': (t) => ({ ...t, data: { ...t.data.slice(1) } }),
  'a record that is too long': (t) => ({ ...t, data: { ...t.data, [t.data.length]: 0 } }),
  'a record with another key': (t) => ({ ...t, data: { ...t.data.slice(1), x: 0 } }),
  'a record with null': (t) => ({ ...t, data: { ...t.data, 1: null } }),
  'a list of lists': (t) => ({ ...t, data: [...t.data].map((v) => [v]) }),
  bytes: (t) => ({ ...t, data: new Uint8Array(t.data.length) }),
  'numbers of 64 bits under another type': (t) => ({ ...t, data: new Float64Array(t.data.length) }),
  'ids under another type': (t) => ({ ...t, data: new Int32Array(t.data.length) }),
  'another type over the same numbers': (t) => ({ ...t, type: 'int32' }),
  'a type of 64 bits over the same numbers': (t) => ({ ...t, type: 'float64' }),
  'a type that there is not': (t) => ({ ...t, type: 'float16' }),
  'no type': ({ shape, data }) => ({ shape, data }),
  'a type from every record': (t) => ({ ...t, type: 'constructor' }),
  'a shape with NaN': (t) => ({ ...t, shape: [1, Number.NaN] }),
  'a shape with an infinity': (t) => ({ ...t, shape: [1, Number.POSITIVE_INFINITY] }),
  'a shape with a fraction': (t) => ({ ...t, shape: [1, UNITS + 0.5] }),
  'a shape with negative sizes': (t) => ({ ...t, shape: [-1, -UNITS] }),
  'a shape of texts': (t) => ({ ...t, shape: ['1', `${UNITS}`] }),
  'a shape that is null': (t) => ({ ...t, shape: null }),
  'a shape that is a text': (t) => ({ ...t, shape: '14' }),
  'a shape that is one number': (t) => ({ ...t, shape: UNITS }),
  'only half of it': () => ({ shape: [1, UNITS] }),
  null: () => null,
  'a number': () => 3,
};

const options = { loss: crossEntropy(), optimizer: sgd(0.1) };
const window = { input: x, target };

/** Ways in for a carry, each with what comes out. */
const forCarries: Readonly<Record<string, (carry: Carry) => unknown>> = {
  evaluate: (carry) => evaluate(model, carry, x),
  scanCarry: (carry) => all(of(x, x).pipe(scanCarry(model, carry))),
  stepper: (carry) => {
    const steps = stepper(model, { carry });
    return [0, 1, 2, 0].map((id) => steps.step(ids([1, 1], [id])).data.slice());
  },
  generate: (carry) => all(of(x).pipe(generate(model, { length: 3, from: carry, seed: 4 }))),
  generateFrom: (carry) => all(generateFrom(model, x, { length: 3, from: carry, seed: 4 })),
  tbptt: (carry) => learned(all(of(window, window).pipe(tbptt(model, { ...options, carry })))),
  'tbptt with resets': (carry) =>
    learned(all(of({ ...window, reset: [true] }).pipe(tbptt(model, { ...options, carry })))),
  learn: (carry) => trainer(model, options).learn({ ...window, carry }),
  learnInPieces: (carry) => finish(trainer(model, options).learnInPieces({ ...window, carry })),
  gradientNorms: (carry) => gradientNorms(model, { loss: options.loss, ...window, carry }),
  resetLanes: (carry) => resetLanes(model, { ...carry }, [true]),
};

const learned = async (steps: Promise<readonly { loss: number; carry: unknown }[]>) =>
  (await steps).map(({ loss, carry }) => [loss, carry]);

describe.each(Object.entries(forCarries))('a carry for %s', (name, run) => {
  // These are not told the lanes, so that there is nothing to hold a part against that is no tensor at all.
  const told = !['evaluate', 'learn', 'learnInPieces', 'gradientNorms'].includes(name);

  it('that disagrees with itself is refused by name', async () => {
    for (const [how, wrong] of Object.entries(wrongs)) {
      if (!told && (how === 'null' || how === 'a number')) continue;
      const message = await refusalOf(() => run(withH(wrong(earlier().rnn.h)))).catch((error: Error) => {
        throw new Error(`${name}, ${how}: ${error.message}`);
      });
      expect(message.length, how).toBeGreaterThan(30);
    }
  });

  it('may have gone through JSON, and gives the same bits', async () => {
    const carry = earlier();
    const told = JSON.parse(JSON.stringify(carry)) as Carry;
    const asLists = JSON.parse(
      JSON.stringify(carry, (_, value) => (value instanceof Float32Array ? [...value] : value)),
    ) as Carry;
    const expected = await run(carry);
    for (const same of [told, asLists]) {
      model = make();
      expect(await run(same)).toEqual(expected);
    }
  });
});

describe('a carry of another model or batch', () => {
  const from = { scanCarry: 'scanCarry', stepper: 'stepper', generate: 'generate', tbptt: 'tbptt' } as const;

  it.each(Object.entries(from))('is refused by %s, which tells the lanes', async (name, operation) => {
    const run = forCarries[name] as (carry: Carry) => unknown;
    expect(await refusalOf(() => run(model.initial(2)))).toMatch(
      new RegExp(`^${operation}: the carry.rnn.h \\[2, 4\\] is of 2 lanes, but the stream has 1`),
    );
    expect(await refusalOf(() => run(any({ embed: {}, head: {} })))).toMatch(
      /the carry.rnn of stack is \{ h, c \}, but got undefined/,
    );
    expect(await refusalOf(() => run(any(null)))).toMatch(/the carry of stack is \{ embed, rnn, head \}, but got null/);
    expect(await refusalOf(() => run(withH(tensor([UNITS], new Float32Array(UNITS)))))).toMatch(/the carry.rnn.h of/);
    expect(await refusalOf(() => run(withH(tensor([1, 5], new Float32Array(5)))))).toMatch(/5/);
  });

  it.each<[string, unknown, RegExp]>([
    ['null', null, /: the carry of stack is \{ embed, rnn, head \}, but got null; give one/],
    ['nothing', undefined, /: the carry of stack is \{ embed, rnn, head \}, but got undefined/],
    ['a number', 3, /: the carry of stack is \{ embed, rnn, head \}, but got/],
    ['one that lacks a part', { embed: {}, head: {} }, /: the carry\.rnn of stack is \{ h, c \}, but got undefined/],
    [
      'one of which a part is null',
      { embed: {}, rnn: null, head: {} },
      /: the carry\.rnn of stack is \{ h, c \}, but got null/,
    ],
    [
      'one of which a tensor is null',
      { embed: {}, rnn: { h: null, c: null }, head: {} },
      /rnn\.h of stack is float32 \[1, 4\], but got null/,
    ],
  ])('is refused where a window is given with %s', async (_, carry, message) => {
    const loss = crossEntropy();
    const entrances: Readonly<Record<string, () => unknown>> = {
      evaluate: () => evaluate(model, any(carry), x),
      trainer: () => trainer(model, options).learn({ carry: any(carry), input: x, target }),
      gradientNorms: () => gradientNorms(model, { loss, input: x, target, carry: any(carry) }),
    };
    for (const [name, run] of Object.entries(entrances)) {
      const said = await refusalOf(run);
      expect(said, name).toMatch(message);
      expect(said).toMatch(new RegExp(`^${name}: `));
      expect(weightsOf(model.params)).toEqual(weights);
    }
    expect(await refusalOf(() => resetLanes(model, any(carry), [true]))).toMatch(
      /^resetLanes: .*give a carry of this model/,
    );
  });

  it('is no matter of reset flags', async () => {
    const carry = make().initial(3);
    for (const reset of [undefined, [true], [false]]) {
      const windows = of({ ...window, ...(reset && { reset }) });
      expect(await refusalOf(() => all(windows.pipe(tbptt(model, { ...options, carry }))))).toMatch(
        /^tbptt: the carry.rnn.h \[3, 4\] is of 3 lanes, but the stream has 1/,
      );
    }
  });

  it('has numbers that count', async () => {
    const counting: Core<{ windows: number }, Ids> = {
      kind: 'counting',
      params: {},
      initial: () => ({ windows: 0 }),
      apply: (ops, { windows }, ids) => [ops.affine(ops.oneHot(ids, 3), windows, 0), { windows: windows + 1 }],
    };
    const data = async (carry: unknown) =>
      (await all(of(x).pipe(scanCarry(counting, any(carry))))).map(({ output }) => output.data[0]);
    expect(await data({ windows: 7 })).toEqual([7]);
    for (const windows of [Number.NaN, null, '7', Number.POSITIVE_INFINITY, {}]) {
      expect(await refusalOf(() => data({ windows }))).toMatch(/the carry.windows.* counting/);
    }
  });
});

/** Wrong ids in each way, and what lies outside of a table of three rows. */
const wrongIds: Readonly<Record<string, (good: Tensor) => unknown>> = {
  'a fraction': (t) => ({ ...t, data: Float32Array.of(0.5, 1) }),
  'a fraction in a list': (t) => ({ ...t, data: [0.5, 1] }),
  NaN: (t) => ({ ...t, data: [Number.NaN, 1] }),
  null: (t) => ({ ...t, data: [null, 1] }),
  '2³² + 1': (t) => ({ ...t, data: [2 ** 32 + 1, 1] }),
  'negative zero': (t) => ({ ...t, data: [-0, 1] }),
  'a text': (t) => ({ ...t, data: ['1', 1] }),
  'whole numbers of 64 bits': (t) => ({ ...t, data: Float64Array.of(0, 1) }),
  'whole numbers as float32': (t) => ({ ...t, data: Float32Array.of(0, 1) }),
  'an id that is no row': (t) => ({ ...t, data: Int32Array.of(0, 3) }),
  'an id far beyond': (t) => ({ ...t, data: Int32Array.of(0, 2 ** 31 - 1) }),
  'too few': (t) => ({ ...t, data: Int32Array.of(0) }),
  'too many': (t) => ({ ...t, data: Int32Array.of(0, 1, 2) }),
  'too many, the last no row': (t) => ({ ...t, data: Int32Array.of(0, 1, 9) }),
  'a record that is too short': (t) => ({ ...t, data: { 0: 0 } }),
  'a record with a fraction': (t) => ({ ...t, data: { 0: 0.5, 1: 1 } }),
  'a record with an id that is no row': (t) => ({ ...t, data: { 0: 0, 1: 3 } }),
  'no data': (t) => ({ ...t, data: undefined }),
  'a shape with NaN': (t) => ({ ...t, shape: [Number.NaN, 1] }),
  'negative sizes': (t) => ({ ...t, shape: [-2, -1] }),
};

const table = tensor([SYMBOLS, 2], [1, 2, 3, 4, 5, 6]);
const vocab = vocabulary('abc');
const lookingUp = (ops: Ops) => ops.sumTo(ops.gather(table, x), []);

/** Ways in for ids. */
const forIds: Readonly<Record<string, (wrong: Ids) => unknown>> = {
  evaluate: (wrong) => evaluate(model, model.initial(1), wrong),
  'a layer': (wrong) => all(of(wrong).pipe(model)),
  scanCarry: (wrong) => all(of(x, wrong).pipe(scanCarry(model))),
  stepper: (wrong) => {
    const steps = stepper(model);
    for (const id of [0, 1, 2, 0]) steps.step(ids([1, 2], [id, id]));
    return steps.step({ ...wrong, shape: wrong.shape?.[0] === 2 ? [1, 2] : wrong.shape });
  },
  'the first step': (wrong) => stepper(model).step({ ...wrong, shape: wrong.shape?.[0] === 2 ? [1, 2] : wrong.shape }),
  generate: (wrong) => all(of(wrong).pipe(generate(model, { length: 2 }))),
  generateFrom: async (wrong) => all(generateFrom(model, wrong, { length: 2 })),
  surprisal: (wrong) => all(of(wrong).pipe(surprisal(model))),
  'tbptt, input': (wrong) => all(of({ ...window, input: wrong }).pipe(tbptt(model, options))),
  'tbptt, target': (wrong) => all(of({ ...window, target: wrong }).pipe(tbptt(model, options))),
  'learn, input': (wrong) => trainer(model, options).learn({ ...window, input: wrong, carry: model.initial(1) }),
  'learn, target': (wrong) => trainer(model, options).learn({ ...window, target: wrong, carry: model.initial(1) }),
  'learnInPieces, input': (wrong) => [
    ...trainer(model, options).learnInPieces({ ...window, input: wrong, carry: model.initial(1) }),
  ],
  gather: (wrong) => inWindow((ops) => ops.gather(table, wrong)),
  oneHot: (wrong) => inWindow((ops) => ops.oneHot(wrong, SYMBOLS)),
  crossEntropy: (wrong) => inWindow((ops) => ops.crossEntropy(tensor([2, 1, 3], new Float32Array(6)), wrong)),
  scatterAdd: (wrong) => inWindow((ops) => ops.scatterAdd(tensor([2, 1, 2], [1, 2, 3, 4]), wrong, SYMBOLS)),
  'gather of the reference': (wrong) => reference().gather(table, wrong),
  'oneHot of the reference': (wrong) => reference().oneHot(wrong, SYMBOLS),
  'crossEntropy of the reference': (wrong) => reference().crossEntropy(tensor([2, 1, 3], new Float32Array(6)), wrong),
  'a tape': (wrong) =>
    inWindow((eager) => {
      const ops = tape(eager, [table]);
      return ops.gradients(ops.sumTo(ops.gather(table, wrong), []));
    }),
  toOneHot: (wrong) => toOneHot(wrong, SYMBOLS),
  accuracy: (wrong) =>
    accuracy()
      .start()
      .update(tensor([2, 1, 3], new Float32Array(6)), wrong),
  text: (wrong) => all(of(wrong).pipe(text(vocab))),
};

describe.each(Object.entries(forIds))('ids for %s', (name, run) => {
  // Whatever is beside a record that JSON made has been read before it comes to a model.
  it('that are none, or no rows, are refused by name', async () => {
    for (const [how, wrong] of Object.entries(wrongIds)) {
      await refusalOf(() => run(any(wrong(x)))).catch((error: Error) => {
        throw new Error(`${name}, ${how}: ${error.message}`);
      });
    }
  });
});

describe('ids for operators that know no model', () => {
  it.each<[string, (wrong: Ids) => unknown]>([
    ['windows', (wrong) => all(of(wrong).pipe(windows({ length: 1 })))],
    ['lanes', (wrong) => all(lanes(wrong, { batch: 1, length: 1 }))],
  ])('%s', async (_, run) => {
    for (const [how, wrong] of Object.entries(wrongIds).filter(([name]) => !/^an id/.test(name))) {
      await refusalOf(() => run(any(wrong(x)))).catch((error: Error) => {
        throw new Error(`${how}: ${error.message}`);
      });
    }
  });
});

describe('numbers', () => {
  const good = tensor([2, 1, UNITS], new Float32Array(2 * UNITS));
  const ops: Readonly<Record<string, (wrong: Tensor) => unknown>> = {
    'the kernels': (wrong) => inWindow((o) => o.tanh(wrong).data.slice()),
    'a product of the kernels': (wrong) =>
      inWindow((o) => o.matmul(wrong, tensor([UNITS, 1], new Float32Array(UNITS))).data.slice()),
    'the reference': (wrong) => reference().tanh(wrong),
    'the tape': (wrong) =>
      inWindow((o) => {
        const t = tape(o, [good]);
        return t.gradients(t.multiply(good, wrong), good);
      }),
    'a seed of the tape': (wrong) =>
      inWindow((o) => {
        const t = tape(o, [table]);
        const y = t.reshape(
          t.concat(
            [lookingUp(t)].map((one) => t.reshape(one, [1])),
            0,
          ),
          [1],
        );
        return t.gradients(t.multiply(t.fill(good.shape, 1), y), wrong).map(({ data }) => data.slice());
      }),
    argmax: (wrong) => all(of(wrong).pipe(argmax())),
    toIds: (wrong) => toIds(wrong),
    'a checkpoint': (wrong) => encodeCheckpoint({ tensors: { wrong }, metadata: {} }),
  };
  const own = Object.entries(wrongs).filter(
    ([how]) => !/^(a shape of more|only half|null|a number|a shape that is)/.test(how),
  );
  it.each(Object.entries(ops))('for %s are as many as their shape says, and of its type', async (name, run) => {
    for (const [how, wrong] of own) {
      await refusalOf(() => run(any(wrong(good)))).catch((error: Error) => {
        throw new Error(`${name}, ${how}: ${error.message}`);
      });
    }
    const more = { ...good, shape: [2, 2, UNITS] };
    await refusalOf(() => run(any(more)));
  });

  it('are written to a checkpoint as they are, from JSON too', () => {
    const t = tensor([2, 2], [1, -0, Number.MIN_VALUE, 3e38]);
    const told = JSON.parse(JSON.stringify({ ...t, data: { ...t.data } }).replace('-0', '0')) as Tensor;
    const bytes = (one: Tensor) => encodeCheckpoint({ tensors: { one }, metadata: {} });
    expect(bytes(told)).toEqual(bytes(tensor([2, 2], [1, 0, Number.MIN_VALUE, 3e38])));
  });

  it.each([null, 3, undefined, {}])('of metadata are text, not %j', (wrong) => {
    expect(() => encodeCheckpoint({ tensors: {}, metadata: { wrong: any(wrong) } })).toThrow(/metadata are strings/);
  });

  it('of weights are all looked at before the first one changes', () => {
    for (const [how, wrong] of Object.entries(wrongs)) {
      const tensors = {
        ...weightsOf(model.params),
        'rnn.wh': any(wrong(tensor([UNITS, 4 * UNITS], new Float32Array(64)))),
      };
      const result = loadWeightsEither(model.params, { ...tensors, 'embed.table': tensor([3, 2], [9, 9, 9, 9, 9, 9]) });
      expect(result._tag === 'Left' && result.left.message, how).toMatch(/rnn\.wh/);
      expect(weightsOf(model.params)).toEqual(weights);
    }
  });
});

describe('shapes that come from outside', () => {
  it.each([[[-1, -6]], [[Number.NaN]], [[1.5, 4]], [[Number.POSITIVE_INFINITY]], [null]])('%j is none', (shape) => {
    for (const ops of [(run: (o: Ops) => unknown) => inWindow(run), (run: (o: Ops) => unknown) => run(reference())]) {
      expect(() => ops((o) => o.reshape(table, any(shape)))).toThrow(/reshape: a shape is a list of whole numbers/);
      expect(() => ops((o) => o.fill(any(shape), 1))).toThrow(/fill: a shape is/);
      expect(() => ops((o) => o.bernoulli(any(shape), 0.5, 1))).toThrow(/bernoulli: a shape is/);
    }
  });

  it.each([Number.NaN, -1, 1.5, Number.POSITIVE_INFINITY])('%j classes are none', (classes) => {
    for (const run of [inWindow, (body: (o: Ops) => unknown) => body(reference())]) {
      expect(() => run((o: Ops) => o.oneHot(x, classes))).toThrow(/oneHot: there are .* rows/);
      expect(() => run((o: Ops) => o.scatterAdd(tensor([2, 1, 1], [1, 2]), x, classes))).toThrow(
        /scatterAdd: there are/,
      );
    }
  });

  it.each([4, -1, 2 ** 31 - 1])('a place of %j is outside of its image', (place) => {
    const [gradient, places] = [tensor([1, 1, 1, 1], [1]), ids([1, 1, 1, 1], [place])];
    for (const run of [inWindow, (body: (o: Ops) => unknown) => body(reference())]) {
      expect(() => run((o: Ops) => o.maxPooling2dAdjoint(gradient, places, [1, 2, 2, 1], { size: [2, 2] }))).toThrow(
        /maxPooling2dAdjoint: id .* is outside 0 … 3/,
      );
    }
  });
});

describe('a compiled model', () => {
  const compiled = () => {
    const net = sequential([dense(2, 3)]);
    return net.compile({ loss: crossEntropy(), optimizer: sgd(0.1) });
  };
  const rows = tensor([2, 2], [1, 2, 3, 4]);
  const broken = { ...rows, data: new Float32Array(3) };

  it.each<[string, (net: ReturnType<typeof compiled>) => unknown]>([
    ['fit, x', (net) => lastValueFrom(net.fit(broken, Int32Array.of(0, 1)))],
    ['fit, y', (net) => lastValueFrom(net.fit(rows, { ...ids([2], [0, 1]), data: Int32Array.of(0, 1, 2) }))],
    ['fit, ids that wrap', (net) => lastValueFrom(net.fit(rows, [2 ** 32, 1]))],
    ['fit, ids that wrap, float', (net) => lastValueFrom(net.fit(rows, any([0, 2 ** 32 + 2 ** 12])))],
    ['fit, ids that are null', (net) => lastValueFrom(net.fit(rows, any([0, null])))],
    ['evaluate', (net) => net.evaluate(broken, Int32Array.of(0, 1))],
    ['evaluate, y', (net) => net.evaluate(rows, any({ shape: [2], type: 'int32', data: [0, 1] }))],
    ['predict', (net) => net.predict(broken)],
    ['predict, JSON', (net) => net.predict(any(JSON.parse(JSON.stringify(broken))))],
  ])('refuses data that disagree: %s', async (_, run) => {
    const net = compiled();
    const message = await refusalOf(async () => run(net));
    expect(message).toMatch(/^(fit|evaluate|predict): /);
  });
});

describe('a model or cell that gives no carry', () => {
  const core = (given: (y: Tensor) => unknown): Core<Tensor, Tensor> => ({
    kind: 'forgetful',
    params: make().params,
    initial: (batch) => tensor([batch, 1], new Float32Array(batch)),
    apply: (ops, carry, input) => any(given(ops.add(input, ops.reshape(carry, [1])))),
  });
  const signal = tensor([1, 1, 1], [1]);
  const given: Readonly<Record<string, (y: Tensor) => unknown>> = {
    'a list of one': (y) => [y],
    'a list of three': (y) => [y, y, y],
    'an undefined carry': (y) => [y, undefined],
    'no output': (y) => [undefined, y],
    'the output alone': (y) => y,
    nothing: () => undefined,
  };
  const entrances: Readonly<Record<string, (core: Core<Tensor, Tensor>) => unknown>> = {
    evaluate: (one) => evaluate(one, one.initial(1), signal),
    scanCarry: (one) => all(of(signal).pipe(scanCarry(one))),
    stepper: (one) => stepper(one).step(signal),
    'a stack': (one) => all(of(signal).pipe(stack({ one }), map(String))),
    learn: (one) => trainer(one, options).learn({ carry: one.initial(1), input: signal, target: ids([1, 1], [0]) }),
  };

  it.each(Object.entries(entrances))('is refused at its first step by %s', async (_, run) => {
    for (const [how, wrong] of Object.entries(given)) {
      expect(await refusalOf(() => run(core(wrong))), how).toMatch(
        /forgetful: it gives its output and the carry after it/,
      );
    }
  });
});
