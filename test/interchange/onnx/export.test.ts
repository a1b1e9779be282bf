import { evaluate, type Tensor } from 'oxbow';
import { describe, expect, it } from 'vitest';
import * as tree from '../../../src/tree.js';
import { type Any, type Case, cases } from './models.js';
import { checkerSays, exported, hasChecker, hasRuntime, noise, runGraph, sessionOf } from './runtime.js';

type Carry = Readonly<Record<string, Tensor>>;

/** A carry by its paths. */
const flat = (carry: unknown): Carry => Object.fromEntries(tree.leaves(carry)) as Carry;

const run = (model: Any, carry: unknown, x: Tensor) =>
  evaluate(model, carry as never, x as never) as unknown as [Tensor, unknown];

function largestDifference(a: Tensor, b: Tensor): number {
  expect(a.shape).toEqual(b.shape);
  return a.data.reduce((most: number, each, k) => Math.max(most, Math.abs(each - (b.data[k] as number))), 0);
}

/** The parts of a carry that a graph takes; what enters no graph is not asked for. */
const entering = (names: readonly string[], carry: Carry): Carry =>
  Object.fromEntries(Object.entries(carry).filter(([name]) => names.includes(name)));

function compareCarry(mine: Carry, theirs: Carry, prefix = ''): number {
  const names = Object.keys(mine).filter((name) => (mine[name] as Tensor).data.length > 0);
  return names.reduce(
    (most, name) => Math.max(most, largestDifference(mine[name] as Tensor, theirs[`${prefix}${name}.next`] as Tensor)),
    0,
  );
}

const made = ({ make }: Case): Any => {
  const model = make();
  noise(model);
  return model;
};

/** Two windows, the second one going on from the first. */
async function windows(each: Case): Promise<number> {
  const model = made(each);
  const session = await sessionOf(await exported(model));
  const x = each.x();
  let [carry, most] = [model.initial(x.shape[1] as number) as unknown, 0];
  let state = flat(carry);
  for (let k = 0; k < 2; k += 1) {
    const signal = each.lengths ? { ...x, lengths: each.lengths } : x;
    const [y, after] = run(model, carry, signal);
    const lengths: Carry = each.lengths
      ? { lengths: { shape: [2], type: 'int32', data: Int32Array.from(each.lengths) } }
      : {};
    const theirs = await runGraph(session, { x, ...entering(session.inputNames, state), ...lengths });
    most = Math.max(most, largestDifference(y, theirs.y as Tensor), compareCarry(flat(after), theirs));
    carry = after;
    state = Object.fromEntries(Object.keys(state).map((name) => [name, theirs[`${name}.next`] as Tensor]));
  }
  return most;
}

describe.skipIf(!hasRuntime)('ONNX Runtime (where test/onnxruntime is installed)', () => {
  it.each(Object.entries(cases))('gives for %s what we do, window after window', async (_, each) => {
    expect(await windows(each)).toBeLessThan(1e-5);
  });
});

describe.skipIf(!hasChecker)('onnx.checker (where python3-onnx is installed)', () => {
  it('accepts every file', async () => {
    const graphs = Object.entries(cases).flatMap(([name, each]) =>
      (['window', 'step'] as const).map(
        async (graph) => [`${name}, ${graph}`, await exported(made(each), { graph })] as const,
      ),
    );
    const files = await Promise.all(graphs);
    const said = checkerSays(files.map(([, bytes]) => bytes));
    expect(files.map(([name], k) => `${name}: ${said[k]}`).filter((_, k) => said[k] !== '')).toEqual([]);
  });
});
