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

/** Runs something in each of the last frames before the stack is full, from the innermost one outwards. */
function atTheRim(frames: number, run: () => void): number {
  let left = frames;
  let full = 0;
  const dive = (): void => {
    try {
      dive();
    } catch {
      // Whatever is called here, at each depth, has a little more room than at the one before.
    }
    if (left <= 0) return;
    left -= 1;
    try {
      run();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      full += 1;
    }
  };
  dive();
  return full;
}

const model = stack({ one: dense(2, 2), two: dense(2, 2) }, { seed: 1 });
const x = tensor([1, 1, 2], [1, 2]);
const window = () => ({ carry: model.initial(1), input: x, target: ids([1, 1], [1]) });

/** How things stand between windows. */
function between() {
  const home = machine();
  const { windows, deferred, recorded } = home;
  return { windows, deferred, recorded, mark: home.region.mark() };
}

it.each<[string, (kept: Tensor[]) => void]>([
  ['a window', (kept) => inWindow((ops) => kept.push(ops.tanh(x)))],
  ['windows within one another', (kept) => inWindow(() => inWindow((ops) => kept.push(ops.tanh(x))))],
  ['a model', () => evaluate(model, model.initial(1), x)],
])('%s for which there is no room on the stack is closed all the same', (_, run) => {
  const expected = evaluate(model, model.initial(1), x);
  const before = between();
  const kept: Tensor[] = [];
  const full = atTheRim(400, () => run(kept));
  expect(full).toBeGreaterThan(10);
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
  const learner = trainer(model, { loss: crossEntropy(), optimizer: adam(0.1) });
  learner.learn(window());
  const [weights, state, before] = [weightsOf(model.params), learner.state(), between()];
  const tries = [() => learner.learn(window()), () => finish(learner.course(window()))];
  for (const update of tries) {
    // Those that had room enough would be updates: none of these has.
    expect(atTheRim(20, () => void update())).toBe(20);
    expect(weightsOf(model.params)).toEqual(weights);
    expect(learner.state()).toEqual(state);
    inWindow(() => undefined);
    expect(between()).toEqual(before);
  }
  expect(learner.learn(window()).loss).toBeGreaterThan(0);
  expect(finish(learner.course(window())).loss).toBeGreaterThan(0);
});
