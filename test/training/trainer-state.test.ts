import {
  adadelta,
  adagrad,
  adam,
  adamw,
  adasecant,
  averaged,
  chain,
  classicalMomentum,
  clipByGlobalNorm,
  clipByValue,
  crossEntropy,
  dense,
  dropout,
  finish,
  ids,
  loadWeights,
  lstm,
  momentum,
  nadam,
  nesterov,
  type Ops,
  type Optimizer,
  optimizer as optimizerOf,
  outerNesterov,
  rmsprop,
  sgd,
  squaredError,
  stack,
  type Tensor,
  type TrainerState,
  taggerTrainer,
  tbptt,
  tensor,
  trainer,
  vsgd,
  weightDecay,
  weightsOf,
} from 'oxbow';
import { lastValueFrom, of, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { empty } from '../models/tagger/online/small.js';
import { lion, type Pair, pairs } from './rules-in-ops.js';

const any = (value: unknown) => value as never;
const make = () => stack({ one: dense(2, 3), two: dense(3, 2) }, { seed: 1 });
const loss = crossEntropy();
const input = tensor([1, 2, 2], [1, 2, -3, 4]);
const window = (model: ReturnType<typeof make>) => ({ carry: model.initial(2), input, target: ids([1, 2], [1, 0]) });

const optimizers: Readonly<Record<string, Optimizer>> = {
  sgd: sgd(0.1),
  momentum: momentum(0.1),
  classicalMomentum: classicalMomentum(0.1),
  nesterov: nesterov(0.1),
  'nesterov, simplified': nesterov(0.1, { simplified: true }),
  adagrad: adagrad(0.1),
  rmsprop: rmsprop(0.1),
  adadelta: adadelta(),
  adam: adam(0.1),
  'adam, lazy': adam(0.1, { lazy: true }),
  adamw: adamw(0.1),
  nadam: nadam(0.1),
  adasecant: adasecant(),
  averaged: averaged(rmsprop(0.1)),
  outerNesterov: outerNesterov(adam(0.1), { every: 2 }),
  vsgd: vsgd({ samples: 2 }),
  chained: chain(weightDecay(0.1), clipByValue(1), rmsprop(0.1)),
  'adam, in Ops': optimizerOf((pairs.adam as Pair).written),
  'lion, in Ops': chain(clipByGlobalNorm(0.1), optimizerOf(lion())),
};

/** Slots whose numbers are squares, or sums of them, or how many windows count: what cannot be below 0. */
const counts = /square|curvature|numerator|denominator|memory/i;

/** A model that has learnt a little, and what its optimizer keeps. */
function run(optimizer: Optimizer, updates = 3) {
  const model = make();
  const { learn, state } = trainer(model, { loss, optimizer });
  for (let k = 0; k < updates; k += 1) learn(window(model));
  return { model, state: state() };
}

/** What a trainer says of a state, having left the weights alone. */
function refusalOf(model: ReturnType<typeof make>, optimizer: Optimizer, state: unknown): string {
  const before = weightsOf(model.params);
  let message = 'nothing';
  try {
    trainer(model, { loss, optimizer, state: any(state) });
  } catch (error) {
    message = String(error);
  }
  expect(weightsOf(model.params)).toEqual(before);
  return message;
}

const changed = ({ slots, ...rest }: TrainerState, name: string, change: (slot: Tensor) => unknown) => ({
  ...rest,
  slots: { ...slots, [name]: change(slots[name] as Tensor) },
});
const putting = (value: number) => (slot: Tensor) => ({
  ...slot,
  data: slot.data.map((v, k) => (k === 1 ? value : v)),
});

describe.each(Object.entries(optimizers))('a state of %s', (_, optimizer) => {
  it.each([Number.NaN, -1, 1.5, Number.POSITIVE_INFINITY, 2 ** 53, null, undefined, '3', {}])(
    'whose step is %j is refused',
    (step) => {
      const { model, state } = run(optimizer);
      expect(refusalOf(model, optimizer, { ...state, step })).toMatch(
        /RangeError: trainer: the state's step is a whole/,
      );
    },
  );

  it('whose numbers no training can have left is refused, naming the slot', () => {
    const { model, state } = run(optimizer);
    for (const name of Object.keys(state.slots)) {
      for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
        expect(refusalOf(model, optimizer, changed(state, name, putting(value)))).toMatch(
          `RangeError: trainer: the state's ${name} has ${value} at 1`,
        );
      }
      const negative = refusalOf(model, optimizer, changed(state, name, putting(-1e-3)));
      if (counts.test(name)) expect(negative).toMatch(/has -0.001.* at 1, but is finite and at least/);
      else expect(negative).toBe('nothing');
      if (name.endsWith('.memory')) {
        expect(refusalOf(model, optimizer, changed(state, name, putting(0)))).toMatch(/has 0 at 1/);
      }
    }
  });

  it.each<[string, (slot: Tensor) => unknown]>([
    ['left out', () => undefined],
    ['null', () => null],
    ['too short', (slot) => ({ ...slot, data: slot.data.slice(1) })],
    ['too long', (slot) => ({ ...slot, data: new Float32Array(slot.data.length + 1) })],
    ['of another shape', (slot) => ({ ...slot, shape: [slot.data.length, 1] })],
    ['larger altogether', (slot) => tensor([slot.data.length + 1], new Float32Array(slot.data.length + 1))],
    ['ids', (slot) => ids(slot.shape, new Int32Array(slot.data.length))],
    ['of 64 bits', (slot) => tensor(slot.shape, new Float64Array(slot.data.length))],
    ['bytes', (slot) => ({ ...slot, data: new Uint8Array(slot.data.length) })],
    ['a list with null', (slot) => ({ ...slot, data: [...slot.data].map((v, k) => (k === 0 ? null : v)) })],
    ['a record that is too short', (slot) => ({ ...slot, data: { ...slot.data.slice(1) } })],
    ['without a shape', ({ type, data }) => ({ type, data })],
  ])('with a slot that is %s is refused, naming it', (_, change) => {
    const { model, state } = run(optimizer);
    for (const name of Object.keys(state.slots)) {
      expect(refusalOf(model, optimizer, changed(state, name, change))).toContain(name);
    }
  });

  it('goes on as if there had been no break, through JSON too, before the first update and after it', () => {
    for (const updates of [0, 1, 3]) {
      const [once, twice, thrice] = [run(optimizer, updates), run(optimizer, updates), run(optimizer, updates)];
      const told = JSON.parse(JSON.stringify(once.state)) as TrainerState;
      const [a, b] = [once, twice].map(({ model, state }, k) => {
        const { learn } = trainer(model, { loss, optimizer, state: k === 0 ? told : state });
        for (let more = 0; more < 3; more += 1) learn(window(model));
        return weightsOf(model.params);
      });
      expect(a).toEqual(b);
      expect(thrice.state).toEqual(once.state);
      expect(a).toEqual(weightsOf(run(optimizer, updates + 3).model.params));
    }
  });
});

it.each([
  ['nesterov', nesterov(0.1), ['weights']],
  ['vsgd', vsgd({ samples: 2 }), ['weights', 'gradient']],
] as const)('a state of %s goes on also where it has copies that were once kept with it', (_, optimizer, copies) => {
  const model = make();
  const first = trainer(model, { loss, optimizer });
  for (let k = 0; k < 3; k += 1) first.learn(window(model));
  const state = first.state();
  const other = make();
  loadWeights(other.params, weightsOf(model.params));
  const more = Object.fromEntries(
    Object.entries(weightsOf(model.params)).flatMap(([path, tensor]) =>
      copies.map((copy) => [`${path}.${copy}`, tensor] as const),
    ),
  );
  expect(Object.keys(state.slots).filter((name) => name in more)).toEqual([]);
  const again = trainer(other, { loss, optimizer, state: { ...state, slots: { ...state.slots, ...more } } });
  expect(again.learn(window(other))).toEqual(first.learn(window(model)));
  expect(weightsOf(other.params)).toEqual(weightsOf(model.params));
});

it.each([null, 3, 'state', [], { step: 1 }, { slots: {} }, { step: 1, slots: null }])(
  'what is no state is refused: %j',
  async (state) => {
    const model = make();
    expect(refusalOf(model, adam(1), state)).toMatch(/Error: trainer: /);
    const windows = of({ ...window(model) }).pipe(
      tbptt(model, { loss, optimizer: adam(1), state: any(state) }),
      toArray(),
    );
    await expect(lastValueFrom(windows)).rejects.toThrow(/^trainer: /);
    expect(() => taggerTrainer(empty(), { optimizer: adam(1), state: any(state) })).toThrow(/^trainer: /);
  },
);

describe('numbers that were wrong before an update are not blamed on its learning rate', () => {
  const said = (model: ReturnType<typeof make>): string => {
    const { learn } = trainer(model, { loss, optimizer: adam(0.1) });
    const before = weightsOf(model.params);
    let message = 'nothing';
    try {
      learn(window(model));
    } catch (error) {
      message = String(error);
    }
    expect(weightsOf(model.params)).toEqual(before);
    return message;
  };

  it.each(['one.w', 'one.b', 'two.w', 'two.b'])('NaN and infinities in %s', (name) => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const model = make();
      const weights = weightsOf(model.params);
      loadWeights(model.params, { ...weights, [name]: putting(value)(weights[name] as Tensor) });
      expect(said(model)).toMatch(`trainer: the parameter ${name} of stack had ${value} at element 1 of`);
      expect(said(model)).toMatch(/Load sound weights/);
    }
  });

  it('NaN in the carry', () => {
    const { kind, params, apply } = make();
    const carrying: ReturnType<typeof make> = any({
      kind,
      params,
      initial: () => tensor([1, 2, 1], [0, Number.NaN]),
      apply: (ops: Ops, carry: Tensor, x: Tensor) => [
        ops.add(apply(ops, any({ one: {}, two: {} }), x)[0], carry),
        carry,
      ],
    });
    expect(said(carrying)).toMatch('trainer: the carry of stack had NaN at element 1 of [1, 2, 1] before this update');
  });
});

describe('a trainer that goes back', () => {
  it.each(['at once', 'in pieces'])('is one that began with the state of then: %s', async (how) => {
    const make = () => stack({ rnn: lstm(2, 3), drop: dropout(0.3), head: dense(3, 2) }, { seed: 1 });
    const [model, other] = [make(), make()];
    const options = () => ({ loss: squaredError(), optimizer: adam(0.05) });
    const windowOf = (seed: number) => ({
      carry: model.initial(1),
      input: tensor([2, 1, 2], [seed, 1, 2, 3]),
      target: tensor([2, 1, 2], [1, seed, 0, 1]),
    });
    const own = trainer(model, options());
    const learn = (seed: number, each = own) =>
      how === 'at once' ? each.learn(windowOf(seed)) : finish(each.learnInPieces(windowOf(seed)));
    learn(1);
    const [state, weights] = [own.state(), weightsOf(model.params)];
    learn(2);
    learn(3);
    loadWeights(model.params, weights);
    own.restore(state);
    loadWeights(other.params, weights);
    const fresh = trainer(other, { ...options(), state });
    expect(own.steps).toBe(1);
    expect(learn(4).loss).toBe(learn(4, fresh).loss);
    expect(weightsOf(model.params)).toEqual(weightsOf(other.params));
    expect(own.state()).toEqual(fresh.state());
    expect(() => own.restore({ step: 1, slots: {} })).toThrow(RangeError);
    const task = own.learnInPieces(windowOf(5));
    task.next();
    expect(() => own.restore(state)).toThrow('an update in pieces is under way');
    task.return(undefined as never);
    own.release();
    expect(() => own.restore(state)).toThrow('it was released');
  });
});
