import {
  adam,
  configure,
  crossEntropy,
  dense,
  evaluate,
  finish,
  ids,
  inWindow,
  machine,
  parameter,
  stack,
  type Tensor,
  tensor,
  toSignal,
  trainer,
  weightsOf,
} from 'oxbow';
import { beforeAll, expect, it } from 'vitest';

// Kernels as small as these run on the thread that calls them; a fork that is cut off is another matter.
beforeAll(() => void configure({ threads: 1 }));

/**
 * Runs something in each of the last frames before the stack is full, from the innermost one outwards, until it has had room
 * enough so many times; how often it had not.
 */
function atTheRim(times: number, run: () => void): number {
  // To compile anything takes more of the stack than there is: what has not run yet could not even begin.
  for (let warm = 0; warm < WARM; warm += 1) run();
  let left = times;
  let full = 0;
  const dive = (): void => {
    try {
      dive();
    } catch {
      // Whatever is called below, at each depth, has a little more room than at the one before.
    }
    if (left <= 0) return;
    try {
      run();
      left -= 1;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      full += 1;
    }
  };
  dive();
  return full;
}

const WARM = 5;
const make = () => stack({ one: dense(2, 2), two: dense(2, 2) }, { seed: 1 });
const model = make();
const x = tensor([1, 1, 2], [1, 2]);
const window = (of: typeof model) => ({ carry: of.initial(1), input: x, target: ids([1, 1], [1]) });

/** How things stand between windows. */
function between() {
  const home = machine();
  const { windows, capturing } = home;
  return { windows, capturing, mark: home.arena.mark() };
}

it.each<[string, (kept: Tensor[]) => void]>([
  ['a window', (kept) => inWindow((ops) => kept.push(ops.tanh(x)))],
  ['windows within one another', (kept) => inWindow(() => inWindow((ops) => kept.push(ops.tanh(x))))],
  ['a model', () => evaluate(model, model.initial(1), x)],
])('%s for which there is no room on the stack is closed all the same', (_, run) => {
  const expected = evaluate(model, model.initial(1), x);
  const before = between();
  const kept: Tensor[] = [];
  const full = atTheRim(20, () => run(kept));
  expect(full).toBeGreaterThan(5);
  // Its places are not to be read, though there was no room to say so where it ended.
  for (const place of kept) expect(() => place.data).toThrow('used after its window ended');
  expect(between().windows).toBe(before.windows);
  // What memory it could not give back, the next one takes back.
  expect(inWindow((ops) => toSignal(ops.tanh(x)).data)).toEqual(Float32Array.of(Math.tanh(1), Math.tanh(2)));
  expect(between()).toEqual(before);
  expect(evaluate(model, model.initial(1), x)).toEqual(expected);
  const grows = parameter([1], () => new Float32Array(1), { grows: [0] });
  grows.grow(0, 2);
  expect(grows.shape).toEqual([2]);
});

it('an update for which there is no room on the stack, at once or in pieces, leaves the weights and the trainer alone', () => {
  const [one, other] = [0, 1].map(() => {
    const made = make();
    return { ...trainer(made, { loss: crossEntropy(), optimizer: adam(0.1) }), made };
  });
  const before = between();
  for (const update of ['learn', 'learnInPieces'] as const) {
    const learn = ({ made, ...learner }: typeof one) =>
      update === 'learn' ? learner.learn(window(made)) : finish(learner.learnInPieces(window(made)));
    // All of those that had no room come to nothing, and the one that had is the first.
    expect(atTheRim(1, () => void learn(one))).toBeGreaterThan(5);
    for (let k = 0; k <= WARM; k += 1) learn(other);
    expect(weightsOf(one.made.params)).toEqual(weightsOf(other.made.params));
    expect(one.state()).toEqual(other.state());
    inWindow(() => undefined);
    expect(between()).toEqual(before);
  }
});
