import { beforeAll, describe, expect, it } from 'vitest';
import { configure, createMachine, machine } from '../../src/kernels/machine.js';
import { evaluate } from '../../src/layer.js';
import { dense } from '../../src/layers/dense.js';
import { embedding } from '../../src/layers/embedding.js';
import { lexicon } from '../../src/models/tagger/lexicon.js';
import { tagger } from '../../src/models/tagger/tagger.js';
import { inWindow } from '../../src/ops/window.js';
import { growTogether } from '../../src/parameters/growth.js';
import { constant, uniform } from '../../src/parameters/initializers.js';
import { type Parameter, type Params, parameter, parametersOf } from '../../src/parameters/parameter.js';
import { stack } from '../../src/stack.js';
import { stepper } from '../../src/stepper.js';
import { ids, tensor, zeros } from '../../src/tensor.js';
import { crossEntropy } from '../../src/training/losses/cross-entropy.js';
import { adam } from '../../src/training/optimizers/adam.js';
import { trainer } from '../../src/training/trainer.js';
import { bytesOf } from '../training/training-run.js';

const MB = 2 ** 20;
const LIMIT = 64 * MB;

beforeAll(() => void configure({ threads: 1, memoryLimit: LIMIT }));

/** So many megabytes of weights. */
const large = (megabytes: number, seed = 1) =>
  dense(256, 1024 * megabytes, { seed, initializers: { w: constant(seed), b: constant(0) } });
const one = tensor([1, 1, 256], new Float32Array(256).fill(1));
const used = () => machine().heap.used();
/** Has everything give way that may, as others that want all memory would. */
const press = () => machine().holdings.giveWay(0, () => false);
const parameterOf = ({ params }: { readonly params: Params }, path: string) =>
  parametersOf(params).find(([name]) => name === path)?.[1] as Parameter;

describe('a heap', () => {
  it('uses freed memory again, free neighbours as one block', () => {
    const { heap } = createMachine({ threads: 1 });
    const before = heap.usage();
    const blocks = [1, 2, 3, 4, 5].map(() => heap.allocate(1000));
    for (const k of [1, 3, 2]) heap.free(blocks[k] as number);
    expect(heap.allocate(3000)).toBe(blocks[1]);
    heap.free(blocks[1] as number);
    for (const k of [4, 0]) heap.free(blocks[k] as number);
    expect(heap.usage()).toEqual({ ...before, peak: before.used + 5 * 1024 });
  });
});

describe('memory under pressure', () => {
  it('models that were dropped make room for others, with no turn of the event loop in between', () => {
    for (let k = 1; k <= 12; k += 1) {
      const model = large(8, k);
      const [y] = evaluate(model, model.initial(1), one);
      expect(y.data[0]).toBe(256 * k);
    }
    const { reserved, peak, gaveWay, limit } = machine().memory;
    expect([limit, reserved <= LIMIT, peak <= LIMIT, gaveWay > 4]).toEqual([LIMIT, true, true, true]);
  });

  it('models that are in use come back as they were', () => {
    const models = [1, 2, 3, 4, 5, 6, 7].map((seed) =>
      dense(256, 10 * 1024, { seed, initializers: { w: uniform(1), b: uniform(1) } }),
    );
    const outputs = () => models.map((model) => bytesOf(evaluate(model, model.initial(1), one)[0].data));
    const first = outputs();
    const before = machine().memory.gaveWay;
    expect(outputs()).toEqual(first);
    expect(machine().memory.gaveWay).toBeGreaterThan(before);
    for (const model of models) model.release();
  });

  const small = (seed: number) => stack({ embed: embedding(9, 8, { grows: true }), head: dense(8, 9) }, { seed });
  const windowOf = (model: ReturnType<typeof small>) => ({
    carry: model.initial(1),
    input: ids([3, 1], [0, 4, 8]),
    target: ids([3, 1], [4, 8, 0]),
  });

  it('trainers, tasks and steppers go on as if nothing had happened', () => {
    const run = (between: () => void) => {
      const model = small(5);
      const learner = trainer(model, { loss: crossEntropy(), optimizer: adam(0.1) });
      const { step, release } = stepper(model);
      const seen: unknown[] = [];
      for (let k = 0; k < 4; k += 1) {
        seen.push(learner.learn(windowOf(model)).loss, bytesOf(step(ids([1, 1], [k])).data));
        between();
        if (k === 2) growTogether([[parameterOf(model, 'embed.table'), 0, 12]]);
        between();
        const task = learner.learnInPieces(windowOf(model));
        let piece = task.next();
        while (!piece.done) {
          between();
          piece = task.next();
        }
        seen.push(piece.value.loss);
        between();
      }
      const { slots } = learner.state();
      seen.push(Object.values(slots).map(({ data }) => bytesOf(data)));
      seen.push(parametersOf(model.params).map(([, { data }]) => bytesOf(data)));
      learner.release();
      release();
      model.release();
      return seen;
    };
    const before = machine().memory.gaveWay;
    const alone = run(() => {});
    expect(machine().memory.gaveWay).toBe(before);
    let turns = 0;
    const pressed = run(() => {
      turns += 1;
      if (turns % 2 === 0) press();
    });
    expect(machine().memory.gaveWay).toBeGreaterThan(before + 5);
    expect(pressed).toEqual(alone);
  });

  it('what a window has used stays where it is', () => {
    const [a, b] = [large(20), large(20, 2)];
    for (const { params } of [a, b]) void (params as { w: { data: unknown } }).w.data;
    inWindow((ops) => {
      const [y] = a.apply(ops, a.initial(1), ops.affine(one, 1, 0));
      expect(() => ops.fill([60 * 1024, 256], 0)).toThrow(RangeError);
      expect(y.data[0]).toBe(256);
    });
    a.release();
    b.release();
  });
});

describe('too little memory is refused at once', () => {
  const model = () => stack({ embed: embedding(9, 8, { grows: true }), head: dense(8, 9) }, { seed: 3 });
  const table = (rows: number) => parameter([rows, 64], () => expect.fail('was drawn'), { grows: [0] });

  it.each([
    [
      'a table that can never be',
      () => evaluate(embedding(1e9, 64), {}, ids([1, 1], [0])),
      "embedding.table [1000000000, 64] needs 256 GB, but the kernels' memory ends at 67.1 MB",
      'make the model smaller, or raise it by configure({ memoryLimit }).',
    ],
    [
      'a table beyond the limit',
      () => table(1e6).data,
      "the parameter [1000000, 64] needs 256 MB, but the kernels' memory ends at 67.1 MB",
      'make the model smaller, or raise it by configure({ memoryLimit }).',
    ],
    [
      'a window',
      () => evaluate(dense(8, 8), {}, zeros([1, 3e6, 8])),
      "a window needs 96 MB, but the kernels' memory ends at 67.1 MB",
      'make windows shorter, batches smaller or the model smaller, or raise it by configure({ memoryLimit }).',
    ],
    [
      'what an optimizer keeps',
      () => trainer(large(32), { loss: crossEntropy(), optimizer: adam(0.1) }),
      "what the optimizer keeps needs 67.4 MB, but the kernels' memory ends at 67.1 MB",
      'make the model smaller, or raise it by configure({ memoryLimit }).',
    ],
    [
      'a matrix beside those of its window',
      () => {
        const two = stack({
          a: large(30),
          b: dense(30 * 1024, 300, { initializers: { w: constant(0), b: constant(0) } }),
        });
        evaluate(two, two.initial(1), one);
      },
      '"b" (dense): b.w [30720, 300] needs 36.9 MB',
      'release() models, trainers and steppers that are done with',
    ],
    [
      'growth',
      () => parameterOf(model(), 'embed.table').grow(0, 3e6),
      'embed.table [3000000, 8] needs 96 MB',
      'make the model smaller, or raise it by configure({ memoryLimit }).',
    ],
  ])('%s', (_, run, what, remedy) => {
    const before = machine().memory;
    expect(run).toThrow(RangeError);
    expect(run).toThrow(what);
    expect(run).toThrow(remedy);
    expect(machine().memory.used - before.used).toBeLessThan(LIMIT);
    press();
  });

  it.each([
    [{ memoryLimit: 0 }],
    [{ memoryLimit: -1 }],
    [{ memoryLimit: 1e9 + 0.5 }],
    [{ memoryLimit: Number.NaN }],
    [{ memoryLimit: 2 ** 33 }],
    [{ memoryLimit: LIMIT, threads: 0 }],
  ])('a limit is checked before anything changes: %j', (options) => {
    expect(() => configure(options)).toThrow(RangeError);
    expect(machine().memory.limit).toBe(LIMIT);
  });
});

describe('growth is all or nothing', () => {
  it('leaves numbers, room and neighbours alone where it is refused', () => {
    const model = stack({ embed: embedding(4, 16, { grows: true }), head: dense(16, 4, { grows: true }) }, { seed: 2 });
    const table = parameterOf(model, 'embed.table');
    const [w, b] = [parameterOf(model, 'head.w'), parameterOf(model, 'head.b')];
    const learner = trainer(model, { loss: crossEntropy(), optimizer: adam(0.1) });
    const { step } = stepper(model);
    const learn = () =>
      learner.learn({ carry: model.initial(1), input: ids([2, 1], [0, 3]), target: ids([2, 1], [1, 2]) }).loss;
    const neighbours = Array.from({ length: 8 }, () => {
      const address = machine().heap.allocate(4096);
      machine().floats.fill(7, address / 4, address / 4 + 1024);
      return address;
    });
    const losses = [learn(), learn()];
    const all = () => parametersOf(model.params).map(([, { shape, data }]) => [shape, bytesOf(data)]);
    const before = all();
    const held = used();
    const prediction = bytesOf(step(ids([1, 1], [2])).data);
    expect(() => table.grow(0, 1e7)).toThrow(RangeError);
    expect(() =>
      growTogether([
        [table, 0, 100],
        [b, 0, 50],
        [w, 1, 1e7],
      ]),
    ).toThrow('head.w [16, 10000000] needs 640 MB');
    expect(() =>
      growTogether([
        [table, 0, 100],
        [w, 0, 50],
      ]),
    ).toThrow('grow: head.w is [16, 4] and grows along axis 1');
    expect(all()).toEqual(before);
    expect(used()).toBeLessThanOrEqual(held + MB);
    expect(bytesOf(step(ids([1, 1], [2])).data)).toBe(prediction);
    losses.push(learn());

    const twin = stack({ embed: embedding(4, 16, { grows: true }), head: dense(16, 4, { grows: true }) }, { seed: 2 });
    const other = trainer(twin, { loss: crossEntropy(), optimizer: adam(0.1) });
    const expected = [1, 2, 3].map(
      () => other.learn({ carry: twin.initial(1), input: ids([2, 1], [0, 3]), target: ids([2, 1], [1, 2]) }).loss,
    );
    expect(losses).toEqual(expected);
    for (const rows of [5, 9, 40, 300]) table.grow(0, rows);
    expect(table.shape).toEqual([300, 16]);
    for (const address of neighbours) {
      expect(
        machine()
          .floats.subarray(address / 4, address / 4 + 1024)
          .every((value) => value === 7),
      ).toBe(true);
      machine().heap.free(address);
    }
    learner.release();
    other.release();
  });

  it('where an initializer throws, nothing has grown', () => {
    let calls = 0;
    const whole = parameter([2, 3], () => new Float32Array(3 * (calls++ === 0 ? 2 : 1)).fill(calls), { grows: [0] });
    const broken = parameter(
      [2],
      ([size = 0]) => {
        if (size === 1) throw new Error('no more numbers');
        return new Float32Array(size);
      },
      { grows: [0] },
    );
    void broken.data;
    const before = [...whole.data];
    const held = used();
    expect(() =>
      growTogether([
        [whole, 0, 90],
        [broken, 0, 90],
      ]),
    ).toThrow('no more numbers');
    expect([whole.shape, [...whole.data], broken.shape, used()]).toEqual([[2, 3], before, [2], held]);
  });

  it("a tagger's names and weights grow together or not at all", () => {
    const model = tagger({
      words: ['to'],
      tags: ['O'],
      intents: ['go'],
      units: 4,
      features: 4,
      characters: false,
      seed: 1,
    });
    const example = (name: string) => ({ words: ['to', name], tags: ['O', `B-${name}`], intent: name });
    model.grow([example('taipei')]);
    const said = () => JSON.stringify(model.tag([['to', 'taipei']]));
    const names = () => JSON.stringify([model.words, model.tags, model.intents]);
    const before = [names(), said()];
    // Tags by tags: the transitions of 5000 are 100 MB, while words and intents have room.
    const many = Array.from({ length: 5000 }, (_, k) => example(`city${k}`));
    expect(() => model.grow(many)).toThrow('chain.transitions [5002, 5002] needs 100 MB');
    expect([names(), said()]).toEqual(before);
    expect(model.grow([example('osaka')])).toEqual({ words: ['osaka'], tags: ['B-osaka'], intents: ['osaka'] });
    expect(lexicon(model.words.names).names).toEqual(['', 'to', 'taipei', 'osaka']);
  });
});

describe('release', () => {
  it('gives the memory back at once, as often as it is called; what was released says so', () => {
    const model = stack({ embed: embedding(9, 8), head: dense(8, 9) }, { seed: 3 });
    const before = used();
    const learner = trainer(model, { loss: crossEntropy(), optimizer: adam(0.1) });
    const steps = stepper(model);
    for (let k = 0; k < 4; k += 1) steps.step(ids([1, 1], [k]));
    const window = { carry: model.initial(1), input: ids([1, 1], [1]), target: ids([1, 1], [2]) };
    learner.learn(window);
    expect(() => inWindow(() => model.release())).toThrow('release: embed.table is in use by a window that is open');
    const { data } = parameterOf(model, 'embed.table').place;
    expect(data.length).toBe(72);
    const { place } = parameterOf(model, 'embed.table');
    for (let twice = 0; twice < 2; twice += 1) model.release();
    expect(() => place.data).toThrow('was used after');
    for (const use of [
      () => evaluate(model, window.carry, window.input),
      () => steps.step(ids([1, 1], [0])),
      () => learner.learn(window),
      () => parameterOf(model, 'embed.table').data,
    ]) {
      expect(use).toThrow('embed.table: it was released, and its numbers with it; make a new model.');
    }
    steps.release();
    learner.release();
    expect(used()).toBe(before);
  });

  it.each([
    ['a layer', () => dense(8, 8)],
    ['a trainer', () => trainer(dense(8, 8), { loss: crossEntropy(), optimizer: adam(0.1) })],
    ['a stepper', () => stepper(dense(8, 8))],
    ['a parameter', () => parameter([2], constant(1))],
  ])('%s can be disposed of', (_, make) => {
    const made = make();
    made[Symbol.dispose]();
    made.release();
  });
});
