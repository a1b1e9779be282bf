import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  adam,
  causalAttention,
  configure,
  crossEntropy,
  dense,
  dropout,
  embedding,
  evaluate,
  finish,
  generator,
  gru,
  ids,
  inWindow,
  lstm,
  machine,
  type Optimizer,
  type PiecewiseTask,
  parametersOf,
  stack,
  stacked,
  stepper,
  type Tensor,
  toSignal,
  trainer,
} from 'oxbow';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { everyOptimizer, lookingAhead } from './every-optimizer.js';
import { bytesOf } from './training-run.js';

const usualTier = machine().tier;

beforeAll(() => void configure({ threads: 2 }));
afterAll(() => void configure({ threads: 2 }));

const [symbols, steps, lanes] = [30, 6, 4];

const modelOf = (seed: number) =>
  stack(
    {
      embed: embedding(symbols, 24, { grows: true }),
      rnn: stacked([lstm(24, 32), lstm(32, 32)]),
      drop: dropout(0.3),
      head: dense(32, 40),
    },
    { seed },
  );

type Model = ReturnType<typeof modelOf>;

function windows(count: number, seed = 1) {
  const random = generator(seed, 'symbols');
  const some = () =>
    ids(
      [steps, lanes],
      Int32Array.from({ length: steps * lanes }, () => random.below(symbols)),
    );
  return Array.from({ length: count }, () => ({ input: some(), target: some() }));
}

const oneWindow = () => windows(1)[0] as ReturnType<typeof windows>[number];

const learner = (model: Model, optimizer: Optimizer = adam(1e-2)) =>
  trainer(model, { loss: crossEntropy(), optimizer, clipNorm: 1 });

const bitsOf = (model: Model) => parametersOf(model.params).map(([path, { data }]) => [path, bytesOf(data)]);

const keptBits = ({ state }: ReturnType<typeof learner>) =>
  Object.entries(state().slots).map(([path, { data }]) => [path, bytesOf(data)]);

/** Runs a task with something else between any two pieces; says how many there were. */
function between<R>(
  task: PiecewiseTask<R>,
  other: (piece: number) => void,
): { readonly outcome: R; readonly pieces: number } {
  for (let pieces = 1; ; pieces += 1) {
    const piece = task.next();
    if (piece.done) return { outcome: piece.value, pieces };
    other(pieces);
  }
}

describe('an update in pieces', () => {
  it('is the update at once, bit for bit, whatever runs in between', () => {
    const [plain, pieced, other] = [modelOf(1), modelOf(1), modelOf(2)];
    const [once, inPieces, others] = [learner(plain), learner(pieced), learner(other)];
    const given = windows(4);
    let [a, b, c] = [plain.initial(lanes), pieced.initial(lanes), other.initial(lanes)];
    for (const window of given) {
      const expected = once.learn({ carry: a, ...window });
      const { outcome, pieces } = between(inPieces.learnInPieces({ carry: b, ...window }), (piece) => {
        // Windows of others come and go: evaluated, learnt, and large enough to take new memory.
        if (piece % 3 === 0) evaluate(other, other.initial(lanes), window.input);
        if (piece % 7 === 0) c = others.learn({ carry: c, ...window }).carry;
        if (piece % 11 === 0) inWindow((ops) => ops.fill([300 + piece, 1000], 1));
      });
      expect(pieces).toBeGreaterThan(20);
      expect(outcome).toEqual(expected);
      [a, b] = [expected.carry, outcome.carry];
      expect(bitsOf(pieced)).toEqual(bitsOf(plain));
    }
    expect(inPieces.state()).toEqual(once.state());
  });

  it('is the same where two tasks go on by turns', () => {
    const alone = modelOf(1);
    const [first, second] = [modelOf(1), modelOf(1)];
    const window = oneWindow();
    const expected = learner(alone).learn({ carry: alone.initial(lanes), ...window });
    const tasks = [first, second].map((model) =>
      learner(model).learnInPieces({ carry: model.initial(lanes), ...window }),
    );
    const outcomes: unknown[] = [];
    while (outcomes.length < 2) {
      for (const task of tasks) {
        const piece = task.next();
        if (piece.done && piece.value !== undefined) outcomes.push(piece.value);
      }
    }
    expect(outcomes).toEqual([expected, expected]);
    expect(bitsOf(first)).toEqual(bitsOf(alone));
    expect(bitsOf(second)).toEqual(bitsOf(alone));
  });

  it('changes no weight before its last piece', () => {
    const model = modelOf(3);
    const before = bitsOf(model);
    const window = oneWindow();
    const { learn, learnInPieces } = learner(model);
    learn({ carry: model.initial(lanes), ...window });
    const learnt = bitsOf(model);
    expect(learnt).not.toEqual(before);
    let seen = learnt;
    between(learnInPieces({ carry: model.initial(lanes), ...window }), () => {
      seen = bitsOf(model);
      expect(seen).toEqual(learnt);
    });
    expect(bitsOf(model)).not.toEqual(learnt);
  });

  it.each(Object.entries({ adam: () => adam(1e-2), ...lookingAhead }))(
    'by %s starts over where a parameter grows in between',
    (_, make) => {
      const [grownBefore, grownWithin] = [modelOf(4), modelOf(4)];
      const grow = (model: Model) => new Map(parametersOf(model.params)).get('embed.table')?.grow(0, symbols + 20);
      const window = oneWindow();
      grow(grownBefore);
      const expected = learner(grownBefore, make()).learn({
        carry: grownBefore.initial(lanes),
        ...window,
      });
      // As late as can be, behind a second gradient too.
      const at =
        between(
          learner(modelOf(4), make()).learnInPieces({ carry: grownBefore.initial(lanes), ...window }),
          () => undefined,
        ).pieces - 1;
      const { outcome } = between(
        learner(grownWithin, make()).learnInPieces({ carry: grownWithin.initial(lanes), ...window }),
        (piece) => {
          if (piece === at) grow(grownWithin);
        },
      );
      expect(outcome).toEqual(expected);
      expect(bitsOf(grownWithin)).toEqual(bitsOf(grownBefore));
    },
  );

  it.each(Object.entries(everyOptimizer))(
    'by %s is the update at once, and whoever steps the model in between sees the weights before it',
    (_, make) => {
      const [plain, pieced] = [modelOf(5), modelOf(5)];
      const [once, inPieces] = [learner(plain, make()), learner(pieced, make())];
      let carry = plain.initial(lanes);
      for (const window of windows(4)) {
        const symbols = ids([1, lanes], window.input.data.slice(0, lanes));
        // Steps that were captured before, steps that are new, and the model as a whole.
        const outputsOf = (model: Model, { step }: { step: (x: typeof symbols) => Tensor }) => [
          bytesOf(step(symbols).data),
          bytesOf(stepper(model).step(symbols).data),
          bytesOf(evaluate(model, model.initial(lanes), window.input)[0].data),
        ];
        const [beside, expectedBeside] = [stepper(pieced), stepper(plain)];
        for (let k = 0; k < 4; k += 1) expect(outputsOf(pieced, beside)).toEqual(outputsOf(plain, expectedBeside));
        const { outcome, pieces } = between(inPieces.learnInPieces({ carry, ...window }), (piece) => {
          if (piece % 32 !== 16) return;
          expect(outputsOf(pieced, beside)).toEqual(outputsOf(plain, expectedBeside));
          expect(keptBits(inPieces)).toEqual(keptBits(once));
        });
        const expected = once.learn({ carry, ...window });
        expect(pieces).toBeGreaterThan(20);
        expect(outcome).toEqual(expected);
        expect(bitsOf(pieced)).toEqual(bitsOf(plain));
        ({ carry } = expected);
      }
      expect(keptBits(inPieces)).toEqual(keptBits(once));
    },
  );

  it('can be ended before its time, and leaves everything as it was', () => {
    const model = modelOf(6);
    const before = bitsOf(model);
    const trained = learner(model);
    const { learnInPieces, learn } = trained;
    const window = oneWindow();
    const given = { carry: model.initial(lanes), ...window };
    const left = learnInPieces(given);
    for (let k = 0; k < 10; k += 1) left.next();
    left.return(undefined as never);
    expect(bitsOf(model)).toEqual(before);
    expect(trained.steps).toBe(0);
    const fresh = modelOf(6);
    expect(learn(given)).toEqual(learner(fresh).learn(given));
    expect(bitsOf(model)).toEqual(bitsOf(fresh));
  });

  it('suffers no other update of its trainer meanwhile, and no release', () => {
    const model = modelOf(7);
    const { learnInPieces, learn, release } = learner(model);
    const window = oneWindow();
    const given = { carry: model.initial(lanes), ...window };
    const first = learnInPieces(given);
    first.next();
    expect(() => learn(given)).toThrow('trainer: an update in pieces is under way');
    expect(() => finish(learnInPieces(given))).toThrow('trainer: an update in pieces is under way');
    const before = bitsOf(model);
    release();
    expect(() => first.next()).toThrow('trainer: it was released while an update was under way');
    expect(bitsOf(model)).toEqual(before);
  });

  it('runs what it put off where the model looks at numbers', () => {
    const looks = { seen: [] as number[] };
    const core = stack({ embed: embedding(symbols, 8), head: dense(8, 40) }, { seed: 8 });
    const looking: typeof core = Object.assign(Object.create(core), core, {
      apply(...[ops, carry, x]: Parameters<typeof core.apply>) {
        const [y, next] = core.apply(ops, carry, x);
        looks.seen.push((y.data[7] as number) + inWindow((inner) => toSignal(inner.affine(y, 2, 0)).data[7] as number));
        return [y, next] as const;
      },
    });
    const window = oneWindow();
    const { learnInPieces } = trainer(looking, { loss: crossEntropy(), optimizer: adam(1e-2) });
    const given = { carry: looking.initial(lanes), ...window };
    const [expected] = evaluate(core, core.initial(lanes), given.input);
    finish(learnInPieces(given));
    expect(looks.seen).toEqual([(expected.data[7] as number) + 2 * (expected.data[7] as number)]);
  });

  it('starts over where others give its parameters other numbers in between', () => {
    const [before, within] = [modelOf(10), modelOf(10)];
    const window = oneWindow();
    const given = { carry: before.initial(lanes), ...window };
    learner(before, adam(0.1)).learn(given);
    const expected = learner(before).learn(given);
    const other = learner(within, adam(0.1));
    const { outcome } = between(learner(within).learnInPieces(given), (piece) => {
      if (piece === 30) other.learn(given);
    });
    expect(outcome.loss).toBe(expected.loss);
    expect(outcome.gradientNorm).toBe(expected.gradientNorm);
    expect(bitsOf(within)).toEqual(bitsOf(before));
  });

  it('is that of the tier and of any number of threads where they change in between', () => {
    // Attention and the GRU take working memory when their kernels are put off.
    const attending = () =>
      stack(
        {
          embed: embedding(symbols, 16),
          look: causalAttention(16, 2, { context: 8 }),
          rnn: gru(16, 24),
          head: dense(24, 40),
        },
        { seed: 11 },
      );
    const window = oneWindow();
    const update = (model: ReturnType<typeof attending>) => {
      const { learn, learnInPieces } = trainer(model, { loss: crossEntropy(), optimizer: adam(1e-2), clipNorm: 1 });
      const given = { carry: model.initial(lanes), ...window };
      return { learn: () => learn(given), learnInPieces: () => learnInPieces(given) };
    };
    const allBitsOf = ({ params }: ReturnType<typeof attending>) =>
      parametersOf(params).map(([path, { data }]) => [path, bytesOf(data)]);
    try {
      for (const tier of [usualTier, 'simd'] as const) {
        const [plain, pieced] = [attending(), attending()];
        configure({ threads: 2, tier });
        const expected = update(plain).learn();
        // It begins on other threads, and in the tier that is the best one here.
        configure({ threads: 1, tier: usualTier });
        const { outcome } = between(update(pieced).learnInPieces(), (piece) => {
          if (piece === 3) configure({ threads: 3 });
          if (piece === 40) configure({ tier });
          if (piece === 60) configure({ threads: 2 });
        });
        expect(outcome).toEqual(expected);
        expect(allBitsOf(pieced)).toEqual(allBitsOf(plain));
      }
    } finally {
      configure({ threads: 2, tier: usualTier });
    }
  });

  it('does not let a parameter grow while the model is being applied', () => {
    const core = modelOf(12);
    const table = new Map(parametersOf(core.params)).get('embed.table');
    const growing: Model = Object.assign(Object.create(core), core, {
      apply(...[ops, carry, x]: Parameters<Model['apply']>) {
        table?.grow(0, symbols + 1);
        return core.apply(ops, carry, x);
      },
    });
    const { learnInPieces } = learner(growing);
    expect(() => finish(learnInPieces({ carry: core.initial(lanes), ...oneWindow() }))).toThrow(
      'grow: embed.table is in use',
    );
    expect(machine().windows).toBe(0);
    table?.grow(0, symbols + 1);
    expect(table?.shape).toEqual([symbols + 1, 24]);
  });

  it('takes no more memory the longer it goes on', () => {
    const model = modelOf(9);
    const gated = stack({ embed: embedding(symbols, 8), rnn: gru(8, 16), head: dense(16, 40) }, { seed: 9 });
    const [{ learnInPieces }, gatedLearner] = [
      learner(model),
      trainer(gated, { loss: crossEntropy(), optimizer: adam(1e-2), clipNorm: 1 }),
    ];
    const { heap, arena } = machine();
    const held = windows(12).map((window) => {
      finish(learnInPieces({ carry: model.initial(lanes), ...window }));
      finish(gatedLearner.learnInPieces({ carry: gated.initial(lanes), ...window }));
      return { used: heap.used(), mark: arena.mark() };
    });
    expect(held[11]).toEqual(held[2]);
    expect(held[3]).toEqual(held[2]);
  });
});

describe('a trainer that nobody holds any more', () => {
  it('gives its memory back', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const model = modelOf(13);
    const given = { carry: model.initial(lanes), ...oneWindow() };
    const before = machine().heap.used();
    const forget = () => {
      const { learn, learnInPieces } = learner(model);
      learn(given);
      finish(learnInPieces(given));
    };
    forget();
    const taken = machine().heap.used();
    expect(taken).toBeGreaterThan(before);
    for (let tries = 0; tries < 50 && machine().heap.used() >= taken; tries += 1) {
      collect();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(machine().heap.used()).toBeLessThan(taken);
  });
});
