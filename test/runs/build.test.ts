/** Descriptions from outside: refused by a typed error that names the place, with little work; and names of one's own. */
import * as oxbow from 'oxbow';
import { describe, expect, it } from 'vitest';

const { build, buildEither, dense, embedding, gru, lstm, OxbowError, register, stack, tensor } = oxbow;

// biome-ignore lint/suspicious/noExplicitAny: whatever comes from outside.
type Any = any;

const thing = ($: string, ...args: unknown[]) => ({ $, args });
const deep = (levels: number): unknown => (levels === 0 ? thing('dense', 2, 2) : thing('residual', deep(levels - 1)));
const doubled = (levels: number): unknown =>
  levels === 0
    ? { ...thing('dense', 2, 2), id: 1 }
    : {
        ...thing('stack', { a: doubled(levels - 1), b: thing('same', levels) }),
        id: levels + 1,
      };
const tagger = (more: object, names: unknown) =>
  thing('tagger', { words: ['to'], tags: ['O'], units: 2, features: 2, characters: false, ...more }, names);
const counted = (...names: string[]) => ({ names, counts: names.map(() => 1) });

function refusalOf(description: unknown): oxbow.DescriptionError {
  const result = buildEither(description as Any);
  if (result._tag === 'Right') throw new Error('it was built');
  expect(result.left).toBeInstanceOf(OxbowError);
  expect(result.left._tag).toBe('BadDescription');
  expect(result.left.message).toMatch(/^build: .*[.!]$/s);
  return result.left;
}

describe('build refuses', () => {
  it.each<[string, unknown, place: string, message: RegExp]>([
    ['nothing', undefined, 'it', /a description is/],
    ['null', null, 'it', /not null/],
    ['a text', 'dense', 'it', /not dense/],
    ['a list', [], '', /a thing is/],
    ['a record', {}, '', /a thing is/],
    ['no name', { $: 3, args: [] }, '', /a thing is/],
    ['no arguments', { $: 'dense' }, '', /a thing is/],
    ['a name that is none', thing('dens', 2, 2), 'dens', /no factory of the name "dens"/],
    ['an inherited name', thing('constructor'), 'constructor', /no factory of the name/],
    ['a stream operator', thing('tbptt', {}), 'tbptt', /no factory/],
    ['a name not registered here', thing('acme/none'), 'acme/none', /register\('acme\/none', …\) before/],
    ['a wrong size', thing('dense', -1, 2), 'dense', /inputs is a whole number/],
    ['a size as text', thing('dense', '2', 2), 'dense', /inputs is a whole number/],
    ['no size', thing('dense'), 'dense', /inputs is a whole number/],
    ['a size too great', thing('dense', 2 ** 20, 2 ** 20), 'it', /memory has room/],
    ['sizes too great together', thing('stack', { a: thing('lstm', 2 ** 14, 2 ** 14) }), 'it', /memory has room/],
    ['a size beyond all', thing('embedding', 1e300, 1e300), 'embedding', /a shape is|memory has room/],
    ['a group without end', thing('maxout', 2, 2, { group: 1e9 }), 'maxout', /group is/],
    ['positions without end', thing('sinusoidalPositions', 1e9, 1e9), 'sinusoidalPositions', /steps × features/],
    ['neighbours without end', thing('localResponseNorm', 1e9), 'localResponseNorm', /channels is/],
    ['layers without end', thing('encoder', 2, 1, { blocks: 1e9 }), 'encoder', /more to be made/],
    ['recurrent layers without end', tagger({ layers: 1e9 }, {}), 'tagger', /more to be made/],
    ['a seed that is none', thing('dense', 2, 2, { seed: 1e20 }), 'dense', /a seed is a whole number, not 1000/],
    ['a seed as text', thing('dense', 2, 2, { seed: '1' }), 'dense', /a seed is a whole number, not "1"/],
    ['names that are none', tagger({ words: 0 }, {}), 'tagger', /takes words that are a list of texts/],
    ['names of another kind', tagger({ tags: [1] }, {}), 'tagger', /takes tags that are a list of texts/],
    [
      'a part that is nothing',
      thing('sequential', [{ $: 'undefined', args: [] }]),
      'sequential',
      /takes no such arguments/,
    ],
    ['what has no text', thing('dropout', { toString: 1 }), 'dropout', /share to drop, .* not {"toString":1}/],
    [
      'blocks without end',
      thing('convolutionBlocks', { maps: [2], convolutions: 1e9 }),
      'convolutionBlocks',
      /more to/,
    ],
    ['an option that is none', thing('dense', 2, 2, { sead: 1 }), 'dense', /did you mean 'seed'/],
    ['an activation that is none', thing('dense', 2, 2, { activation: 'rely' }), 'dense', /no activation/],
    ['a number for an activation', thing('dense', 2, 2, { activation: 1 }), 'dense.args[2].activation', /not number/],
    [
      'a layer for an activation',
      thing('dense', 2, 2, { activation: thing('flatten') }),
      'dense.args[2].activation',
      /takes activation or string, not layer/,
    ],
    [
      'an optimizer for an initialiser',
      thing('dense', 2, 2, { initializers: { w: thing('sgd', 1) } }),
      'dense.args[2].initializers.w',
      /takes initializer, not optimizer/,
    ],
    ['a layer where none is asked for', thing('dense', thing('flatten'), 2), 'dense.args[0]', /not layer/],
    [
      'a record for a layer',
      thing('stack', { a: { kind: 'a', params: {} } }),
      'stack.args[0].a',
      /takes layer, not object/,
    ],
    ['a cell for a layer', thing('masked', thing('gruCell', 2, 2)), 'masked.args[0]', /takes layer, not cell/],
    ['a layer for a cell', thing('unroll', thing('gru', 2, 2)), 'unroll.args[0]', /takes cell, not layer/],
    [
      'layers that do not fit',
      thing('stack', { a: thing('dense', 2, 3), b: thing('dense', 2, 3) }),
      'stack',
      /gives 3/,
    ],
    ['no layers', thing('stack', {}), 'stack', /one layer at least/],
    ['layers in no list', thing('sequential', 7), 'sequential', /./],
    [
      'a merge of another name',
      thing('bidirectional', thing('gru', 2, 2), thing('gru', 2, 2), { merge: 'together' }),
      'bidirectional',
      /merge/,
    ],
    [
      'a merge that is a number',
      thing('bidirectional', thing('gru', 2, 2), thing('gru', 2, 2), { merge: 1 }),
      'bidirectional.args[2].merge',
      /./,
    ],
    [
      'a metric that is none',
      thing('sequential.compile', thing('sequential', [thing('dense', 2, 2)]), {
        loss: thing('squaredError'),
        optimizer: thing('sgd', 1),
        metrics: ['acuracy'],
      }),
      'sequential.compile',
      /no metric/,
    ],
    [
      'a stack to compile',
      thing('sequential.compile', thing('stack', { a: thing('flatten') }), {}),
      'sequential.compile',
      /made by sequential/,
    ],
    [
      'no loss',
      thing('sequential.compile', thing('sequential', [thing('dense', 2, 2)]), {
        optimizer: thing('sgd', 1),
        loss: 'mse',
      }),
      'sequential.compile.args[1].loss',
      /takes loss/,
    ],
    ['a chain of layers', thing('chain', thing('flatten')), 'chain.args[0]', /takes preparation or optimizer/],
    ['a reference to nothing', thing('stack', { a: thing('same', 1) }), 'stack.args[0].a', /nothing before it/],
    [
      'a reference to what is around',
      { ...thing('stack', { a: thing('same', 1) }), id: 1 },
      'stack.args[0].a',
      /nothing/,
    ],
    [
      'an id twice',
      thing('stack', { a: { ...thing('flatten'), id: 1 }, b: { ...thing('flatten'), id: 1 } }),
      'stack.args[0].b (flatten)',
      /the id 1/,
    ],
    ['a number that is none', thing('sgd', thing('number', '1')), 'sgd.args[0]', /is no number/],
    ['NaN as it is', thing('sgd', Number.NaN), 'sgd.args[0]', /no JSON/],
    ['a function', thing('dense', 2, 2, { activation: () => 1 }), 'dense.args[2].activation', /no JSON/],
    ['too many levels', deep(5000), expect.any(String) as never, /200 levels/],
    ['one layer 2⁶⁰ times', doubled(60), expect.any(String) as never, /more to be made/],
    ['shapes of no parameter', { ...thing('dense', 2, 2), shapes: { v: [2] } }, 'shapes["v"]', /no such parameter/],
    ['shapes of other axes', { ...thing('dense', 2, 2), shapes: { w: [2] } }, 'shapes["w"]', /other axes/],
    ['shapes of what does not grow', { ...thing('dense', 2, 2), shapes: { w: [2, 3] } }, 'it', /grow/],
    [
      'shapes without end',
      { ...thing('dense', 2, 2, { grows: true }), shapes: { w: [2, 2 ** 40] } },
      'it',
      /memory has room/,
    ],
    ['shapes that are none', { ...thing('dense', 2, 2, { grows: true }), shapes: { w: [2, '3'] } }, 'it', /./],
    ['names that are none', tagger({}, {}), 'tagger', /lexicon/],
    ['other names', tagger({}, { words: counted('', 'from'), tags: counted('O') }), 'tagger', /must begin with/],
    [
      'intents of a model of none',
      tagger({}, { words: counted('', 'to'), tags: counted('O'), intents: counted('go') }),
      'tagger',
      /intents/,
    ],
    ['a bare tag', tagger({}, { words: counted('', 'to'), tags: counted('O', 'NOUN') }), 'tagger', /NOUN/],
  ])('%s', (_, description, place, message) => {
    const before = oxbow.machine().memory.used;
    const error = refusalOf(description);
    expect(error.place).toEqual(place);
    expect(error.message).toMatch(message);
    expect(oxbow.machine().memory.used).toBeLessThanOrEqual(before);
  });

  it('whatever becomes of a description, or builds it', () => {
    const model = oxbow
      .sequential([
        embedding(5, 4, { grows: true }),
        oxbow.bidirectional(lstm(4, 3, { initializers: { wh: oxbow.initializers.orthogonal(2) } }), gru(4, 3)),
        oxbow.stacked([
          oxbow.residual(dense(6, 6, { activation: oxbow.activations.elu(0.5) })),
          oxbow.masked(gru(6, 4)),
        ]),
        oxbow.selfAttention(4, 2, { dropout: 0.1 }),
        oxbow.unroll(oxbow.gruCell(4, 2)),
      ])
      .compile({
        loss: oxbow.crossEntropy(),
        optimizer: oxbow.chain(oxbow.clipByValue(1), oxbow.adam(oxbow.warmup(3, oxbow.constant(0.1)))),
        metrics: ['accuracy', oxbow.f1()],
      });
    const text = JSON.stringify(oxbow.describe(model));
    const random = oxbow.generator(1);
    const others = [
      null,
      -1,
      0.5,
      1e9,
      2 ** 31,
      'x',
      '',
      true,
      [],
      {},
      thing('flatten'),
      thing('sgd', 1),
      thing('same', 1),
    ];
    const outcomes = { built: 0, refused: 0 };
    for (let k = 0; k < 400; k += 1) {
      const description = JSON.parse(text);
      const places: [Any, string][] = [];
      JSON.stringify(description, function (this: Any, name, value) {
        if (name !== '') places.push([this, name]);
        return value;
      });
      const [holder, name] = places[random.below(places.length)] as [Any, string];
      if (random.uniform() < 0.2) delete holder[name];
      else holder[name] = others[random.below(others.length)];
      const result = buildEither(description);
      if (result._tag === 'Right') outcomes.built += 1;
      else {
        expect(result.left._tag).toBe('BadDescription');
        outcomes.refused += 1;
      }
    }
    expect(outcomes.built).toBeGreaterThan(10);
    expect(outcomes.refused).toBeGreaterThan(200);
  });

  it('no more after one that was too large', () => {
    refusalOf(thing('encoder', 2, 1, { blocks: 1e9 }));
    expect(build(oxbow.describe(dense(2, 2))).kind).toBe('dense');
    expect(Array.from({ length: 10 }, () => oxbow.encoder(4, 2, { blocks: 20 })).length).toBe(10);
  });
});

describe('a registered factory', () => {
  const scaled = register(
    'test/scaled',
    (features: number, options: { readonly gain?: oxbow.Activation; readonly by?: number } = {}) => {
      const { gain = oxbow.activations.tanh, by = 1 } = options;
      const w = oxbow.parameter([features], oxbow.initializers.normal(by));
      return oxbow.layer({
        kind: 'scaled',
        inputs: features,
        outputs: features,
        params: { w },
        initial: () => oxbow.noCarry,
        apply: (ops, carry: oxbow.NoCarry, x: oxbow.Tensor) => [gain(ops, ops.multiply(x, w)), carry],
      });
    },
  );
  const merge = register('test/sum', () => (ops: oxbow.Ops, f: oxbow.Tensor, b: oxbow.Tensor) => ops.add(f, b));

  it('is built by its name, within models and with what it is given', () => {
    const both = oxbow.bidirectional(gru(3, 3), gru(3, 3), { merge: merge(), outputs: 3 });
    const model = stack({ both, own: scaled(3, { gain: oxbow.activations.leakyRelu(0.2), by: 2 }) }, { seed: 4 });
    const text = JSON.stringify(oxbow.describe(model));
    expect(text).toContain('{"$":"test/scaled","args":[3,{"gain":{"$":"activations.leakyRelu","args":[0.2]},"by":2}]}');
    const built = build<typeof model>(JSON.parse(text));
    const x = tensor([2, 1, 3], [1, 2, 3, 4, 5, 6]);
    expect(oxbow.evaluate(built, built.initial(1), x)).toEqual(oxbow.evaluate(model, model.initial(1), x));
  });

  it('stands for what it is made of', () => {
    const pair = register('test/pair', (units: number) => stack({ a: gru(2, units), b: dense(units, 2) }));
    expect(oxbow.describe(pair(5))).toEqual(thing('test/pair', 5));
  });

  it('can be given numbers, tensors and nothing', () => {
    const given: unknown[] = [];
    const keep = register('test/keep', (...args: unknown[]) => {
      given.push(args);
      return dense(1, 1);
    });
    const args = [
      undefined,
      tensor([2], [1, -0]),
      oxbow.ids([1], [3]),
      Float64Array.of(0.1, Number.NaN),
      { $: 1, '1': -0 },
      null,
    ];
    build(JSON.parse(JSON.stringify(oxbow.describe(keep(...args)))));
    expect(given[1]).toEqual(given[0]);
    expect(Object.is((given[1] as Any)[4]['1'], -0)).toBe(true);
  });

  it.each<[string, unknown, unknown, RegExp]>([
    ['no owner', 'gate', () => dense(1, 1), /a name is owner\/name/],
    ['a name of the package', 'dense', () => dense(1, 1), /names without an owner are the package's/],
    ['no name', undefined, () => dense(1, 1), /a name is owner\/name/],
    ['spaces', 'acme/a b', () => dense(1, 1), /a name is owner\/name/],
    ['a taken name', 'test/scaled', () => dense(1, 1), /test\/scaled is taken/],
    ['no function', 'test/none', {}, /test\/none is a function/],
  ])('is refused for %s', (_, name, factory, message) => {
    expect(() => register(name as Any, factory as Any)).toThrow(message);
    expect(() => register(name as Any, factory as Any)).toThrow(TypeError);
  });

  it('gives a thing, or is refused when called', () => {
    const nothing = register('test/nothing', (() => 3) as Any);
    expect(() => nothing()).toThrow(/test\/nothing gave 3/);
    expect(refusalOf(thing('test/nothing')).place).toBe('test/nothing');
  });
});

describe('describe refuses', () => {
  const dated = register('test/dated', (_: unknown) => dense(1, 1));
  it.each<[string, () => unknown, RegExp]>([
    ['null', () => null, /it is an object that no factory/],
    [
      'a layer of one’s own',
      () => stack({ a: dense(2, 2), b: { ...dense(2, 2), kind: 'mine' } }),
      /stack\.args\[0\]\.b is "mine"/,
    ],
    ['a function', () => dense(2, 2, { activation: (_, z) => z }), /dense\.args\[2\]\.activation is a function/],
    ['a copy', () => ({ ...dense(2, 2) }), /it is "dense" that no factory/],
    ['an instance', () => dated(new Date(0)), /args\[0\] is an object/],
    ['a symbol', () => dated(Symbol('a')), /args\[0\] is a symbol/],
    [
      'what is too deep',
      () => Array.from({ length: 201 }).reduce((inner) => oxbow.residual(inner as Any), dense(2, 2)),
      /200 levels/,
    ],
  ])('%s', (_, make, message) => {
    expect(() => oxbow.describe(make() as object)).toThrow(TypeError);
    expect(() => oxbow.describe(make() as object)).toThrow(message);
  });
});
