import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  chain,
  clipByGlobalNorm,
  configure,
  crossEntropy,
  dense,
  embedding,
  finish,
  fromText,
  gru,
  ids,
  type LearnTagsState,
  learnTags,
  machine,
  type Ops,
  optimizer,
  type Params,
  parametersOf,
  sequential,
  stack,
  type Tensor,
  tbptt,
  tensor,
  tokens,
  trainer,
  vocabulary,
  weightDecay,
  weightsOf,
  windows,
} from 'oxbow';
import { from, lastValueFrom, map, skip, take } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { empty, journeys, bitsOf as tagged } from '../models/tagger/online/small.js';
import { lion, loss, make, signal, windowOf } from './rules-in-ops.js';
import { bytesOf } from './training-run.js';

beforeAll(() => void configure({ threads: 2 }));
afterAll(() => void configure({ threads: 2 }));

const bitsOf = ({ params }: { readonly params: Params }) =>
  parametersOf(params).map(([path, { data }]) => [path, bytesOf(data)]);

describe('a rule in Ops', () => {
  const lionOf = () => chain(clipByGlobalNorm(0.05), weightDecay(0.1), optimizer(lion()));

  it('gives the same bits on any number of threads', () => {
    const runs = [1, 3].map((threads) => {
      configure({ threads });
      // Several blocks of 4096, and some of a group left over.
      const model = dense(150, 61, { seed: 3 });
      const { learn } = trainer(model, { loss, optimizer: lionOf() });
      for (let k = 0; k < 5; k += 1) learn({ carry: {}, input: signal(150, k), target: signal(61, k) });
      return bitsOf(model);
    });
    configure({ threads: 2 });
    expect(runs[1]).toEqual(runs[0]);
  });

  it('is in pieces what it is at once, while others learn in between', () => {
    const [plain, pieced, other] = [make(), make(), make()];
    const [once, inPieces, others] = [plain, pieced, other].map((model) =>
      trainer(model, { loss, optimizer: lionOf() }),
    );
    for (let k = 0; k < 3; k += 1) {
      const expected = once?.learn(windowOf(plain, k));
      const task = inPieces?.learnInPieces(windowOf(pieced, k));
      let piece = task?.next();
      for (; !piece?.done; piece = task?.next()) others?.learn(windowOf(other, k));
      expect(piece.value).toEqual(expected);
      expect(bitsOf(pieced)).toEqual(bitsOf(plain));
    }
    expect(inPieces?.state()).toEqual(once?.state());
    expect(finish(others?.learnInPieces(windowOf(other, 1)) as never)).toMatchObject({ learningRate: 0.01 });
  });

  it('takes no more memory the longer it goes on, and gives back what it keeps', () => {
    const model = make();
    const { heap } = machine();
    const options = { loss, optimizer: lionOf() };
    const warm = trainer(model, options);
    warm.learn(windowOf(model, 0));
    warm.release();
    const before = heap.used();
    const { learn, release } = trainer(model, options);
    const held = Array.from({ length: 6 }, (_, k) => {
      learn(windowOf(model, k));
      return heap.used();
    });
    expect(held[5]).toBe(held[0]);
    expect(held[0]).toBeGreaterThan(before);
    release();
    expect(heap.used()).toBe(before);
  });

  it('may hand arrays on as they are, or one in the place of another', () => {
    const model = make();
    const start = weightsOf(model.params);
    const swapping = optimizer({
      kind: 'swapping',
      slots: ['other', 'same'],
      first: { other: 2, same: 3 },
      learningRate: 0,
      update: (_, { weights, other, same }) => ({ weights: other, other: weights, same }),
    });
    const { learn, state } = trainer(model, { loss, optimizer: swapping });
    learn(windowOf(model, 0));
    for (const [path, { data }] of Object.entries(start)) {
      expect(weightsOf(model.params)[path]?.data).toEqual(data.map(() => 2));
      expect(state().slots[`${path}.other`]?.data).toEqual(data);
      expect(state().slots[`${path}.same`]?.data).toEqual(data.map(() => 3));
    }
    learn(windowOf(model, 0));
    expect(weightsOf(model.params)).toEqual(start);
  });

  it('is given what it has to know of step and parameter', () => {
    const seen: unknown[] = [];
    const watching = optimizer({
      kind: 'watching',
      learningRate: (t) => 1 / (t + 1),
      update(_, { weights }, numbers) {
        seen.push(numbers);
        return { weights };
      },
    });
    const model = make();
    const { learn } = trainer(model, { loss, optimizer: watching });
    for (let k = 0; k < 2; k += 1) learn(windowOf(model, k));
    expect(seen.slice(3, 6)).toEqual([
      { step: 0, learningRate: 1, path: 'two.b', bias: true },
      { step: 1, learningRate: 0.5, path: 'one.w', bias: false },
      { step: 1, learningRate: 0.5, path: 'one.b', bias: true },
    ]);
  });
});

describe('where a rule in Ops cannot be followed, nothing has changed', () => {
  type Rule = Parameters<typeof optimizer<'kept'>>[0]['update'];
  const any = (value: unknown) => value as never;
  let outside: Tensor | undefined;

  /** Fails for the last parameter, when those before it have been worked out. */
  const rules: readonly (readonly [what: string, expected: RegExp | string, rule: Rule])[] = [
    [
      'it throws',
      'Error: own: the update of two.b failed: no way',
      () => {
        throw new Error('no way');
      },
    ],
    [
      'a primitive refuses',
      /^RangeError: own: the update of two.b failed: add: /,
      (ops, { weights, kept }) => ({ weights: ops.add(weights, ops.fill([17], 1)), kept }),
    ],
    [
      'it gives nothing',
      'TypeError: own: the update of two.b failed: it gave undefined, not a record',
      () => any(undefined),
    ],
    ['an array is missing', 'it gave undefined for kept; give numbers', (_, { weights }) => any({ weights })],
    [
      'a name is not known',
      'it gave velocity, which is none of weights, kept',
      (_, arrays) => any({ ...arrays, velocity: arrays.kept }),
    ],
    ['one is no tensor', 'it gave 3 for weights', (_, { kept }) => any({ weights: 3, kept })],
    ['one is ids', 'it gave ids (int32) for kept', (_, { weights }) => ({ weights, kept: ids([3], [1, 2, 3]) })],
    [
      'one is too short',
      /^RangeError: own: .*two.b failed: it gave \[2\] for kept, which is \[3\]/,
      (_, { weights }) => ({ weights, kept: tensor([2], [1, 2]) }),
    ],
    [
      'one has another shape',
      'it gave [1, 3] for weights, which is [3]',
      (ops, { weights, kept }) => ({ weights: ops.reshape(weights, [1, 3]), kept }),
    ],
    [
      'weights are not finite',
      'own: at step 1 the update of two.b makes weights NaN at element 0 of [3]',
      (ops, { kept }) => ({ weights: ops.divide(ops.fill([3], 0), ops.fill([3], 0)), kept }),
    ],
    [
      'what is kept is not finite',
      'the update of two.b makes kept Infinity at element 1 of [3]',
      (_, { weights }) => ({ weights, kept: tensor([3], [0, Number.POSITIVE_INFINITY, Number.NaN]) }),
    ],
    [
      'a tensor is one of an earlier update',
      'was used after its window ended',
      (_, { kept }) => ({ weights: outside as Tensor, kept }),
    ],
  ];

  it.each(rules)('%s', (_, expected, rule) => {
    const model = make();
    let fails = false;
    const own = optimizer({
      kind: 'own',
      slots: ['kept'],
      learningRate: 0.1,
      update(ops, arrays, numbers) {
        if (fails && numbers.path === 'two.b') return rule(ops, arrays, numbers);
        const weights = ops.affine(arrays.weights, 1, 0.5);
        if (numbers.path === 'two.b') outside = weights;
        return { weights, kept: ops.affine(arrays.kept, 1, 1) };
      },
    });
    const { learn, learnInPieces, state } = trainer(model, { loss, optimizer: own });
    learn(windowOf(model, 0));
    const [weights, kept] = [weightsOf(model.params), state()];
    fails = true;
    for (const update of [() => learn(windowOf(model, 1)), () => finish(learnInPieces(windowOf(model, 1)))]) {
      let said = 'nothing';
      try {
        update();
      } catch (error) {
        said = String(error);
      }
      expect(said).toMatch(expected);
      expect(weightsOf(model.params)).toEqual(weights);
      expect(state()).toEqual(kept);
    }
    fails = false;
    learn(windowOf(model, 1));
    expect(state().slots['two.b.kept']?.data).toEqual(Float32Array.of(2, 2, 2));
  });

  it('a gradient is not finite', () => {
    const model = make();
    let asked = 0;
    const own = optimizer({
      kind: 'own',
      learningRate: 0.1,
      update(_, { weights }) {
        asked += 1;
        return { weights };
      },
    });
    const { learn } = trainer(model, { loss: (ops, y) => ops.affine(ops.sumTo(y, []), Number.NaN, 0), optimizer: own });
    expect(() => learn(windowOf(model, 0))).toThrow('the weights were left as they are');
    expect(asked).toBe(0);
  });

  it.each<[string, object, string]>([
    ['a kind', { kind: '' }, 'TypeError: optimizer: kind is what messages call it, not ""'],
    ['an update', { update: undefined }, 'TypeError: own: update is a function of Ops and arrays, not undefined'],
    ['a rate', { learningRate: -1 }, 'RangeError: own: learningRate is a number from 0 up, not -1'],
    ['names that differ', { slots: ['a', 'a'] }, 'TypeError: own: a slot cannot be named "a"'],
    ['names of its own', { slots: ['gradient'] }, 'TypeError: own: a slot cannot be named "gradient"'],
    ['names without dots', { slots: ['a.b'] }, 'TypeError: own: a slot cannot be named "a.b"'],
    ['names', { slots: [''] }, 'TypeError: own: a slot cannot be named ""'],
  ])('%s is needed', (_, wrong, expected) => {
    const options = {
      kind: 'own',
      learningRate: 1,
      update: (_: Ops, { weights }: { weights: Tensor }) => ({ weights }),
    };
    let said = 'nothing';
    try {
      optimizer(any({ ...options, ...wrong }));
    } catch (error) {
      said = String(error);
    }
    expect(said).toContain(expected);
  });
});

describe('where a built-in optimizer can go, so can a rule in Ops', () => {
  const symbols = fromText('the river bends, and bends again').pipe(tokens(vocabulary('the rivbnds,ag')));

  it('tbptt goes on from a state as if it had never stopped', async () => {
    const small = () => stack({ embed: embedding(14, 5), rnn: gru(5, 6), head: dense(6, 14) }, { seed: 1 });
    const options = { loss: crossEntropy(), optimizer: optimizer(lion()), clipNorm: 1 };
    const windows$ = symbols.pipe(windows({ length: 4 }));
    const [whole, cut] = [small(), small()];
    await lastValueFrom(windows$.pipe(tbptt(whole, options)));
    const [state, carry] = await lastValueFrom(
      windows$.pipe(
        take(3),
        tbptt(cut, options),
        map((step) => [step.state(), step.carry] as const),
      ),
    );
    await lastValueFrom(windows$.pipe(skip(3), tbptt(cut, { ...options, state, carry })));
    expect(bitsOf(cut)).toEqual(bitsOf(whole));
  });

  it('a compiled model is saved, loaded and fitted on as if it had never been', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'oxbow-in-ops-'));
    try {
      const compiled = () =>
        sequential([dense(2, 3, { seed: 1 })]).compile({ loss: crossEntropy(), optimizer: optimizer(lion()) });
      const [x, y] = [tensor([2, 2], [1, 2, 3, 4]), ids([2], [0, 1])];
      const path = join(folder, 'model.safetensors');
      const [first, second] = [compiled(), compiled()];
      await lastValueFrom(first.fit(x, y, { epochs: 2 }));
      await first.save(path);
      await second.load(path);
      await lastValueFrom(first.fit(x, y, { epochs: 2 }));
      await lastValueFrom(second.fit(x, y, { epochs: 2 }));
      expect(weightsOf(second.params)).toEqual(weightsOf(first.params));
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('a tagger that grows learns by it, at once or in slices, and from a state', async () => {
    const lessons = journeys(12);
    const options = {
      optimizer: chain(clipByGlobalNorm(5), optimizer(lion(1e-3))),
      replay: { size: 20, per: 2, seed: 5 },
    };
    const [plain, sliced] = [empty(), empty()];
    await lastValueFrom(from(lessons).pipe(learnTags(plain, options)));
    const last = await lastValueFrom(
      from(lessons.slice(0, 5)).pipe(
        learnTags(sliced, { ...options, slice: 1 }),
        map((outcome) => (outcome.outcome === 'learned' ? outcome.state() : undefined)),
      ),
    );
    await lastValueFrom(
      from(lessons.slice(5)).pipe(learnTags(sliced, { ...options, slice: 1, state: last as LearnTagsState })),
    );
    expect(tagged(sliced)).toEqual(tagged(plain));
  });
});
