import {
  adam,
  crossEntropy,
  dense,
  embedding,
  finish,
  generator,
  ids,
  lstm,
  type PiecewiseTask,
  parametersOf,
  stack,
  trainer,
} from 'oxbow';
import { describe, expect, it } from 'vitest';
import { bytesOf } from './training-run.js';

const [symbols, steps, lanes] = [12, 4, 3];

const modelOf = (seed: number, embed = embedding(symbols, 8, { grows: true })) =>
  stack({ embed, rnn: lstm(8, 12), head: dense(12, symbols) }, { seed });

type Model = ReturnType<typeof modelOf>;

const windowOf = (model: Model, seed: number, length = steps) => {
  const random = generator(seed, 'symbols');
  const some = () =>
    ids(
      [length, lanes],
      Int32Array.from({ length: length * lanes }, () => random.below(symbols)),
    );
  return { carry: model.initial(lanes), input: some(), target: some() };
};

const learner = (model: Model, rate = 1e-2) =>
  trainer(model, { loss: crossEntropy(), optimizer: adam(rate), clipNorm: 1 });

const bitsOf = (model: Model) => parametersOf(model.params).map(([path, { data }]) => [path, bytesOf(data)]);

const table = (model: Model) => new Map(parametersOf(model.params)).get('embed.table');

/** Runs a task with something after each piece; gives up where it does not end. */
function between<R>(task: PiecewiseTask<R>, other: (piece: number) => void, most = 2000): R {
  for (let piece = 1; piece <= most; piece += 1) {
    const { done, value } = task.next();
    if (done) return value as R;
    other(piece);
  }
  throw new Error(`the task did not end within ${most} pieces`);
}

/** Goes through tasks by turns, so many pieces of each at a time, until all have ended; who ended in which order. */
function byTurns(tasks: readonly PiecewiseTask<unknown>[], pieces: readonly number[], most = 5000): number[] {
  const ended: number[] = [];
  for (let round = 0; ended.length < tasks.length; round += 1) {
    if (round > most) throw new Error('they do not end');
    tasks.forEach((task, k) => {
      for (let piece = 0; piece < (pieces[k] as number) && !ended.includes(k); piece += 1) {
        if (task.next().done) ended.push(k);
      }
    });
  }
  return ended;
}

describe('an update in pieces', () => {
  const others: Readonly<Record<string, (model: Model) => () => unknown>> = {
    'an update at once': (model) => {
      const { learn } = learner(model, 1e-3);
      return () => learn(windowOf(model, 2));
    },
    'other numbers for a parameter': (model) => {
      const [[, parameter]] = parametersOf(model.params).slice(-1) as [ReturnType<typeof parametersOf>[number]];
      return () => parameter.assign(parameter.data.map((x) => x + 1e-3));
    },
    'a parameter that grows': (model) => {
      let length = symbols;
      return () => {
        length += 1;
        table(model)?.grow(0, length);
      };
    },
    'an update in pieces that others began': (model) => {
      const { learnInPieces } = learner(model, 1e-3);
      return () => finish(learnInPieces(windowOf(model, 2)));
    },
  };

  it.each(Object.entries(others))('comes to its end though there is %s after each of its pieces', (_, otherOf) => {
    const model = modelOf(1);
    const other = otherOf(model);
    const { learnInPieces, state } = learner(model);
    for (let update = 1; update <= 3; update += 1) {
      const { loss } = between(learnInPieces(windowOf(model, 1)), other);
      expect(loss).toBeGreaterThan(0);
      expect(state().step).toBe(update);
    }
  });

  it('is, where it was overtaken for good, the update at once of the weights of then', () => {
    const [model, plain] = [modelOf(1), modelOf(1)];
    const [other, otherPlain] = [learner(model, 1e-3), learner(plain, 1e-3)];
    let [times, seen] = [0, 0];
    const learned = between(learner(model).learnInPieces(windowOf(model, 1)), () => {
      other.learn(windowOf(model, 2));
      times += 1;
    });
    for (; seen < times; seen += 1) otherPlain.learn(windowOf(plain, 2));
    expect(learner(plain).learn(windowOf(plain, 1))).toEqual(learned);
    expect(bitsOf(model)).toEqual(bitsOf(plain));
  });

  it('stays in pieces where weights change under it once', () => {
    const model = modelOf(1);
    const other = learner(model, 1e-3);
    let pieces = 0;
    between(learner(model).learnInPieces(windowOf(model, 1)), (piece) => {
      pieces = piece;
      if (piece === 12) other.learn(windowOf(model, 2));
    });
    expect(pieces).toBeGreaterThan(12 + 15);
  });
});

describe('updates in pieces of one model', () => {
  it.each([
    [1, 1],
    [3, 1],
    [1, 3],
    [1, 1000],
    [7, 2],
  ])('come one after the other, %i pieces of one and %i of the other at a time', (...pieces) => {
    const [model, plain] = [modelOf(1), modelOf(1)];
    // The second one has far less to do: it would always be done before the first.
    const works = [
      { seed: 1, length: 12 },
      { seed: 2, length: 2 },
    ];
    const trainers = works.map(() => learner(model));
    const plains = works.map(() => learner(plain));
    for (let round = 0; round < 3; round += 1) {
      const outcomes: unknown[] = [];
      const tasks = works.map(function* ({ seed, length }, k): PiecewiseTask<void> {
        outcomes[k] = yield* (trainers[k] as ReturnType<typeof learner>).learnInPieces(windowOf(model, seed, length));
      });
      byTurns(tasks, pieces);
      const expected = works.map(({ seed, length }, k) =>
        (plains[k] as ReturnType<typeof learner>).learn(windowOf(plain, seed, length)),
      );
      expect(outcomes).toEqual(expected);
      expect(bitsOf(model)).toEqual(bitsOf(plain));
    }
  });

  it('come in line too where only some of their parameters are the same, and wait for no others', () => {
    const shared = embedding(symbols, 8);
    const [one, two, three] = [modelOf(1, shared), modelOf(1, shared), modelOf(3)];
    const tasks = [one, two, three].map((model) => learner(model).learnInPieces(windowOf(model, 1)));
    // Only the second and the third go on.
    const ended = byTurns([tasks[1] as PiecewiseTask<unknown>, tasks[2] as PiecewiseTask<unknown>], [1, 1]);
    expect(ended.length).toBe(2);

    const [first, second] = [one, two].map((model) => learner(model).learnInPieces(windowOf(model, 2))) as [
      PiecewiseTask<unknown>,
      PiecewiseTask<unknown>,
    ];
    first.next();
    const before = bitsOf(one);
    finish(second);
    // What was in line before it has been done first, and only its owner is told.
    expect(bitsOf(one)).not.toEqual(before);
    expect(first.next()).toMatchObject({ done: true, value: { loss: expect.any(Number) } });
  });

  it('leave the line where one is ended before its time', () => {
    const [model, plain] = [modelOf(1), modelOf(1)];
    const [first, second] = [learner(model), learner(model)];
    const [left, stays] = [first.learnInPieces(windowOf(model, 1)), second.learnInPieces(windowOf(model, 2))];
    for (let piece = 0; piece < 3; piece += 1) {
      left.next();
      stays.next();
    }
    left.return(undefined as never);
    expect(finish(stays)).toEqual(learner(plain).learn(windowOf(plain, 2)));
    expect(bitsOf(model)).toEqual(bitsOf(plain));
    expect(first.steps).toBe(0);
    expect(finish(first.learnInPieces(windowOf(model, 1))).loss).toBeGreaterThan(0);
  });

  it('tell each owner of what went wrong, and nobody else', () => {
    const [model, plain] = [modelOf(1), modelOf(1)];
    const broken = trainer(model, {
      loss: (ops, y) => ops.affine(ops.sumTo(y, []), Number.NaN, 0),
      optimizer: adam(1),
    });
    const first = broken.learnInPieces(windowOf(model, 1));
    first.next();
    const outcome = finish(learner(model).learnInPieces(windowOf(model, 2)));
    expect(outcome).toEqual(learner(plain).learn(windowOf(plain, 2)));
    expect(() => first.next()).toThrow('its gradient');
    expect(bitsOf(model)).toEqual(bitsOf(plain));
    expect(() => finish(broken.learnInPieces(windowOf(model, 1)))).toThrow('its gradient');
  });

  it('are as many as there are', () => {
    const model = modelOf(1);
    const trainers = Array.from({ length: 6 }, () => learner(model));
    const tasks = trainers.map(({ learnInPieces }, k) => learnInPieces(windowOf(model, k, 1 + (k % 3))));
    expect(byTurns(tasks, [1, 2, 3, 1, 2, 3])).toHaveLength(6);
    expect(trainers.map((each) => each.steps)).toEqual([1, 1, 1, 1, 1, 1]);
  });
});
