import { readFileSync } from 'node:fs';
import {
  build,
  evaluate,
  ids,
  inWindow,
  loadWeights,
  parametersOf,
  type Tensor,
  tape,
  tensor,
  toSignal,
  weightsOf,
} from 'oxbow';
import { afterAll, describe, expect, it } from 'vitest';
import { describe as descriptionOf } from '../../../src/runs/describe.js';
import * as tree from '../../../src/tree.js';
import { rows } from '../table.js';
import { type Any, type Case, cases } from './models.js';
import {
  checkerSays,
  conformanceCases,
  exported,
  hasChecker,
  hasRuntime,
  imported,
  noise,
  type Read,
  runGraph,
  sessionOf,
  type Written,
} from './runtime.js';

type Carry = Readonly<Record<string, Tensor>>;

const MOST = 1e-5;

const figures = rows('onnx');
afterAll(() => {
  // Where ONNX Runtime is not, not all is measured.
  if (hasRuntime) figures.finish();
});

/** A carry by its paths. */
const flat = (carry: unknown): Carry => Object.fromEntries(tree.leaves(carry)) as Carry;

const run = (model: Any | Read, carry: unknown, x: Tensor) =>
  evaluate(model as Any, carry as never, x as never) as unknown as [Tensor, unknown];

function difference(a: Pick<Tensor, 'shape' | 'data'>, b: Written | Tensor | undefined): number {
  expect(a.shape).toEqual(b?.shape);
  return a.data.reduce((most: number, each, k) => Math.max(most, Math.abs(each - (b?.data[k] as number))), 0);
}

const largest = (...all: readonly number[]): number => Math.max(0, ...all);

/** Of all parts of a carry that are of some size; `named` gives the other's. */
const carryDifference = (mine: Carry, named: (path: string) => Tensor | undefined): number =>
  largest(...Object.entries(mine).map(([path, part]) => (part.data.length === 0 ? 0 : difference(part, named(path)))));

const made = ({ make }: Case): Any => {
  const model = make();
  noise(model);
  return model;
};

const lengthsOf = ({ lengths }: Case): Carry =>
  lengths ? { lengths: { shape: [lengths.length], type: 'int32', data: Int32Array.from(lengths) } } : {};

const signalOf = (each: Case): Tensor => (each.lengths ? ({ ...each.x(), lengths: each.lengths } as Tensor) : each.x());

/** A step of a window, its axis of time gone. */
function stepOf({ shape, type, data }: Tensor, t: number): Tensor {
  const size = data.length / (shape[0] as number);
  return { shape: shape.slice(1), type, data: data.slice(t * size, (t + 1) * size) };
}

const entering = (names: readonly string[], carry: Carry): Carry =>
  Object.fromEntries(Object.entries(carry).filter(([name]) => names.includes(name)));

describe.skipIf(!hasRuntime)('ONNX Runtime (where test/onnxruntime is installed)', () => {
  it.each(Object.entries(cases))('gives for %s what we do, window after window', async (layer, each) => {
    const model = made(each);
    const session = await sessionOf(await exported(model));
    const x = each.x();
    let carry: unknown = model.initial(x.shape[1] as number);
    let [state, outputs] = [flat(carry), 0];
    for (let k = 0; k < 2; k += 1) {
      const [y, after] = run(model, carry, signalOf(each));
      const theirs = await runGraph(session, { x, ...entering(session.inputNames, state), ...lengthsOf(each) });
      outputs = largest(
        outputs,
        difference(y, theirs.y),
        carryDifference(flat(after), (path) => theirs[`${path}.next`]),
      );
      carry = after;
      state = Object.fromEntries(Object.keys(state).map((name) => [name, theirs[`${name}.next`] as Tensor]));
    }
    figures.report({ layer, direction: 'export', outputs });
    expect(outputs).toBeLessThan(MOST);
  });

  const streaming = Object.entries(cases).filter(([, each]) => each.streams !== false);
  it.each(streaming)('gives for %s step by step what we give for a window', async (_, each) => {
    const model = made(each);
    const session = await sessionOf(await exported(model, { graph: 'step' }));
    const x = each.x();
    let state = flat(model.initial(x.shape[1] as number));
    const [y, after] = run(model, model.initial(x.shape[1] as number), x);
    for (let t = 0; t < (x.shape[0] as number); t += 1) {
      const theirs = await runGraph(session, { x: stepOf(x, t), ...entering(session.inputNames, state) });
      expect(difference(stepOf(y, t), theirs.y)).toBeLessThan(MOST);
      state = Object.fromEntries(Object.keys(state).map((name) => [name, theirs[`${name}.next`] as Tensor]));
    }
    expect(carryDifference(flat(after), (path) => state[path])).toBeLessThan(MOST);
  });
});

describe.skipIf(!hasChecker)('onnx.checker (where python3-onnx is installed)', () => {
  it('accepts every file', async () => {
    const graphs = Object.entries(cases).flatMap(([name, each]) =>
      (each.streams === false && !name.includes('last') ? (['window'] as const) : (['window', 'step'] as const)).map(
        async (graph) => [`${name}, ${graph}`, await exported(made(each), { graph }).catch(() => undefined)] as const,
      ),
    );
    const files = (await Promise.all(graphs)).filter(([, bytes]) => bytes !== undefined);
    const said = checkerSays(files.map(([, bytes]) => bytes as Uint8Array));
    expect(files.map(([name], k) => `${name}: ${said[k]}`).filter((_, k) => said[k] !== '')).toEqual([]);
    expect(files.length).toBeGreaterThan(Object.keys(cases).length);
  });
});

/** Gradients of what a model gives, of all weights that both models have by the same name, and of a signal. */
function gradientsOf(model: Any | Read, x: Tensor, names: readonly string[]): readonly Tensor[] {
  const params = new Map(parametersOf(model.params));
  const weights = names.map((name) => params.get(name) as Tensor);
  return inWindow((ops) => {
    const watched = x.type === 'int32' ? weights : [...weights, x];
    const recorded = tape(ops, watched);
    const predicting = { ...recorded, training: false };
    const [y] = (model as Read).apply(predicting, (model as Read).initial(x.shape[1] as number), x);
    const of = y as Tensor;
    const seed = tensor(
      of.shape,
      Float32Array.from({ length: of.data.length }, (_, k) => Math.cos(k)),
    );
    return toSignal(recorded.gradients(of, seed));
  });
}

describe('what was written is read again as the same model', () => {
  const readable = Object.entries(cases).filter(([, each]) => each.notRead === undefined);
  it.each(readable)('%s', async (layer, each) => {
    const model = made(each);
    const again = await imported(await exported(model));
    const signal = signalOf(each);
    const lanes = signal.shape[1] as number;
    let [carry, state, outputs] = [model.initial(lanes) as unknown, again.initial(lanes), 0];
    for (let k = 0; k < 2; k += 1) {
      const [y, after] = run(model, carry, signal);
      const theirs = each.lengths
        ? inWindow((ops) => toSignal(again.apply({ ...ops, lengths: each.lengths }, state, each.x())))
        : run(again, state, signal);
      const left = theirs[1] as Carry;
      outputs = largest(
        outputs,
        difference(y, theirs[0] as Tensor),
        carryDifference(left, (path) => flat(after)[path]),
      );
      [carry, state] = [after, left];
    }
    expect(outputs).toBeLessThan(MOST);
    if (each.lengths !== undefined) {
      figures.report({ layer, direction: 'import', outputs });
      return;
    }
    const mine = weightsOf(model.params);
    const same = Object.keys(weightsOf(again.params)).filter(
      (name) => String(mine[name]?.shape) === String(again.params[name]?.shape),
    );
    const [ours, theirs] = [gradientsOf(model, signal, same), gradientsOf(again, signal, same)];
    const gradients = largest(...ours.map((one, k) => difference(one, theirs[k])));
    figures.report({ layer, direction: 'import', outputs, gradients });
    expect(gradients).toBeLessThan(MOST);
  });

  it('and the graph of a step streams windows', async () => {
    const each = cases.languageModel as Case;
    const model = made(each);
    const again = await imported(await exported(model, { graph: 'step' }));
    const [y] = run(model, model.initial(2), each.x());
    expect(difference(run(again, again.initial(2), each.x())[0], y)).toBeLessThan(MOST);
  });

  it('and is described, so that it is built anew and takes its weights', async () => {
    const each = cases['lstm, peepholes'] as Case;
    const read = await imported(await exported(made(each)));
    const again = build<Read>(JSON.parse(JSON.stringify(descriptionOf(read))));
    loadWeights(again.params, weightsOf(read.params));
    const x = each.x();
    expect(run(again, again.initial(2), x)).toEqual(run(read, read.initial(2), x));
  });
});

const golden = (name: string) => new URL(`../golden/${name}`, import.meta.url);
interface Window {
  readonly x: Written;
  readonly outputs: readonly Written[];
  readonly carry?: readonly Written[];
}

/** From the batch first to time first, or back. */
function swapped({ shape, data }: Written): Written {
  const [a = 0, b = 0, ...rest] = shape;
  const size = rest.reduce((x, y) => x * y, 1);
  const turned = Array.from({ length: b }, (_, j) =>
    Array.from({ length: a }, (__, i) => data.slice((i * b + j) * size, (i * b + j + 1) * size)),
  );
  return { shape: [b, a, ...rest], data: turned.flat(2) };
}

describe('files of PyTorch', () => {
  const windows = JSON.parse(readFileSync(golden('torch-onnx.json'), 'utf8')) as Record<string, readonly Window[]>;
  const given = ({ shape, data }: Written, isIds: boolean): Tensor =>
    isIds ? ids(shape, [...data]) : tensor(shape, Float32Array.from(data));

  it.each(['torch-rnn-relu', 'torch-gru', 'torch-lstm-2'])('%s streams, its states in the open', async (name) => {
    const model = await imported(readFileSync(golden(`${name}.onnx`)));
    let [carry, outputs] = [model.initial(2), 0];
    expect(Object.keys(carry)).toEqual(name === 'torch-lstm-2' ? ['h0', 'c0'] : ['h0']);
    for (const { x, outputs: wanted, carry: left = [] } of windows[name] as readonly Window[]) {
      const [y, after] = run(model, carry, given(x, false));
      carry = after as Carry;
      outputs = largest(outputs, difference(y, wanted[0]));
      // PyTorch has layers first, and a carry of ours its lanes.
      outputs = largest(
        outputs,
        ...left.map((each, k) => difference(Object.values(carry)[k] as Tensor, swapped(each))),
      );
    }
    figures.report({ layer: name, direction: 'import', outputs });
    expect(outputs).toBeLessThan(MOST);
  });

  it.each(['torch-tagger', 'torch-last', 'torch-rows'])('%s takes windows, time first', async (name) => {
    const model = await imported(readFileSync(golden(`${name}.onnx`)));
    let outputs = 0;
    for (const { x, outputs: wanted } of windows[name] as readonly Window[]) {
      const turned = name === 'torch-rows' ? { shape: [2, 2, 3], data: x.data } : swapped(x);
      const [y] = run(model, model.initial(2), given(turned, name === 'torch-tagger'));
      const theirs = wanted[0] as Written;
      const mine =
        name === 'torch-tagger' ? swapped(theirs) : { ...theirs, shape: name === 'torch-rows' ? [2, 2, 2] : [1, 2, 2] };
      outputs = largest(outputs, difference(y, mine));
    }
    figures.report({ layer: name, direction: 'import', outputs });
    expect(outputs).toBeLessThan(MOST);
  });

  it('a model that starts from zeros goes on from its own carry', async () => {
    const model = await imported(readFileSync(golden('torch-tagger.onnx')));
    const x = ids([6, 2], [1, 2, 3, 4, 5, 6, 7, 8, 0, 1, 2, 3]);
    const [whole] = run(model, model.initial(2), x);
    let carry: unknown = model.initial(2);
    for (let t = 0; t < 6; t += 1) {
      const { shape, data } = stepOf(x, t);
      const [y, after] = run(model, carry, ids([1, ...shape], [...data]));
      expect(y.data).toEqual(stepOf(whole, t).data);
      carry = after;
    }
  });
});

describe.skipIf(!hasChecker)('official cases of RNN, LSTM and GRU (where python3-onnx is installed)', () => {
  it('pass, each of them', async () => {
    const all = conformanceCases();
    for (const { name, bytes, layout, x, outputs } of all) {
      const model = await imported(Buffer.from(bytes, 'base64'));
      const signal = layout === 1 ? swapped(x) : x;
      const lanes = signal.shape[1] as number;
      const [y, after] = run(model, model.initial(lanes), tensor(signal.shape, Float32Array.from(signal.data)));
      const state = Object.entries(after as Carry).find(([path]) => path.endsWith('.h'))?.[1];
      for (const [output, { shape, data }] of Object.entries(outputs)) {
        // One direction: the numbers of [T, 1, B, H] are those of [T, B, H], and of [B, T, 1, H] those of [B, T, H].
        const wanted = {
          shape: shape.filter((_, axis) => axis !== (output === 'Y' ? (layout === 1 ? 2 : 1) : layout === 1 ? 1 : 0)),
          data,
        };
        const found = output === 'Y' ? y : (state as Tensor);
        expect(
          difference(found, output === 'Y' && layout === 1 ? swapped(wanted) : wanted),
          `${name}, ${output}`,
        ).toBeLessThan(MOST);
      }
    }
    // docs/interchange.md has their number.
    expect(all.length).toBe(12);
  });
});
