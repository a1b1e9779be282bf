/** RNN, LSTM and GRU of ONNX, whose equations are those of the operators' documentation, each direction a cell that is unrolled. */
import type { Cell } from '../../cells/cell.js';
import { unroll } from '../../cells/unroll.js';
import type { Lengths } from '../../ops/lengths.js';
import type { Ops } from '../../ops/ops.js';
import { reversed } from '../../ops/padding.js';
import { type Shape, showShape, type Tensor, zeros } from '../../tensor.js';
import type { Attributes } from './attributes.js';
import { activations, operand } from './elementwise.js';
import { cut, fixedOf, reshape, signalOf, transpose, type Value } from './values.js';

/** What a cell remembers. */
interface State {
  readonly h: Tensor;
  readonly c?: Tensor;
}

type Bend = (ops: Ops, z: Tensor) => Tensor;

/** A direction's own weights: `[G·H, I]`, `[G·H, H]`, `[2·G·H]` and `[3·H]`. */
interface Weights {
  readonly w: Tensor;
  readonly r: Tensor;
  readonly b: readonly [input: Tensor, recurrent: Tensor] | undefined;
  readonly p: readonly Tensor[] | undefined;
}

type Step = (ops: Ops, state: State, x: Tensor) => State;

interface Kind {
  readonly gates: number;
  readonly bends: readonly string[];
  /** Adds what does not depend on the state. */
  project(ops: Ops, weights: Weights, x: Tensor, units: number): Tensor;
  step(weights: Weights, units: number, bends: readonly Bend[], attributes: Attributes): Step;
}

const linear = (ops: Ops, x: Tensor, w: Tensor, b: Tensor | undefined): Tensor => {
  const z = ops.matmul(x, w, { b: true });
  return b === undefined ? z : ops.add(z, b);
};

const parts = (ops: Ops, x: Tensor, axis: number, count: number, units: number): readonly Tensor[] =>
  cut(ops, x, axis, new Array<number>(count).fill(units));

const both = (ops: Ops, { w, b }: Weights, x: Tensor): Tensor => linear(ops, x, w, b && ops.add(b[0], b[1]));

export const kinds: Readonly<Record<string, Kind>> = {
  RNN: {
    gates: 1,
    bends: ['tanh'],
    project: both,
    step:
      ({ r }, _, [f]) =>
      (ops, { h }, x) => ({ h: (f as Bend)(ops, ops.add(x, ops.matmul(h, r, { b: true }))) }),
  },
  LSTM: {
    gates: 4,
    bends: ['sigmoid', 'tanh', 'tanh'],
    project: both,
    step({ r, p }, units, bends, attributes) {
      const [f, g, k] = bends as readonly [Bend, Bend, Bend];
      const coupled = attributes.number('input_forget', 0) === 1;
      const seen = (ops: Ops, z: Tensor, c: Tensor, at: number) =>
        f(ops, p === undefined ? z : ops.add(z, ops.multiply(c, p[at] as Tensor)));
      return (ops, { h, c }, x) => {
        const before = c as Tensor;
        const z = ops.add(x, ops.matmul(h, r, { b: true }));
        const [zi, zo, zf, zc] = parts(ops, z, 1, 4, units) as readonly [Tensor, Tensor, Tensor, Tensor];
        const i = seen(ops, zi, before, 0);
        const forgotten = coupled ? ops.affine(i, -1, 1) : seen(ops, zf, before, 2);
        const next = ops.add(ops.multiply(forgotten, before), ops.multiply(i, g(ops, zc)));
        return { h: ops.multiply(seen(ops, zo, next, 1), k(ops, next)), c: next };
      };
    },
  },
  GRU: {
    gates: 3,
    bends: ['sigmoid', 'tanh'],
    // The candidate's recurrent bias belongs to what is reset, which may come after the product with it.
    project: (ops, { w, b }, x) => linear(ops, x, w, b?.[0]),
    step({ r, b }, units, bends, attributes) {
      const [f, g] = bends as readonly [Bend, Bend];
      const after = attributes.number('linear_before_reset', 0) === 1;
      return (ops, { h }, x) => {
        const [xz, xr, xh] = parts(ops, x, 1, 3, units) as readonly [Tensor, Tensor, Tensor];
        const [rz, rr, rh] = parts(ops, r, 0, 3, units) as readonly [Tensor, Tensor, Tensor];
        const more = b && parts(ops, b[1], 0, 3, units);
        const gate = (zx: Tensor, by: Tensor, k: number) => ops.add(zx, linear(ops, h, by, more?.[k]));
        const z = f(ops, gate(xz, rz, 0));
        const reset = f(ops, gate(xr, rr, 1));
        const inner = after
          ? ops.multiply(reset, linear(ops, h, rh, more?.[2]))
          : linear(ops, ops.multiply(reset, h), rh, more?.[2]);
        const n = g(ops, ops.add(xh, inner));
        return { h: ops.add(n, ops.multiply(z, ops.subtract(h, n))) };
      };
    },
  },
};

/** The functions of each direction, one after the other. @throws RangeError where there is none of a name, or too few. */
export function bendsOf(attributes: Attributes, kind: Kind, directions: number): readonly (readonly Bend[])[] {
  const names = attributes.texts('activations') ?? Array.from({ length: directions }, () => kind.bends).flat();
  if (names.length !== directions * kind.bends.length) throw new RangeError(`there are ${names.length} activations`);
  // α and β are given one after the other for those functions that have some.
  const [alphas, betas] = ['activation_alpha', 'activation_beta'].map((name) => [...(attributes.numbers(name) ?? [])]);
  const bends = names.map((name): Bend => {
    const lower = name.toLowerCase();
    const found = Object.hasOwn(activations, lower) ? activations[lower] : undefined;
    if (found === undefined)
      throw new RangeError(`the activation ${name} is none of ${Object.keys(activations).join(', ')}`);
    const [f, first, second] = found;
    const alpha = first === 0 ? 0 : (alphas?.shift() ?? first);
    const beta = second === 0 && lower !== 'affine' ? 0 : (betas?.shift() ?? second);
    return (ops, z) => f(ops, z, alpha, beta);
  });
  return Array.from({ length: directions }, (_, k) => bends.slice(k * kind.bends.length, (k + 1) * kind.bends.length));
}

/** @throws RangeError where attributes ask for what there is not. */
export function checkRecurrent(op: string, attributes: Attributes): void {
  const direction = attributes.text('direction', 'forward');
  if (!['forward', 'reverse', 'bidirectional'].includes(direction))
    throw new RangeError(`the direction ${direction} is none`);
  if (attributes.number('clip', 0) !== 0) throw new RangeError('clip is not done');
  const layout = attributes.number('layout', 0);
  if (layout !== 0 && layout !== 1) throw new RangeError(`the layout ${layout} is neither 0 nor 1`);
  bendsOf(attributes, kinds[op] as Kind, direction === 'bidirectional' ? 2 : 1);
}

function requireShape(what: string, { shape }: Tensor, wanted: Shape): void {
  if (shape.length === wanted.length && wanted.every((length, k) => length === shape[k])) return;
  throw new RangeError(`${what} is ${showShape(shape)}, not ${showShape(wanted)}`);
}

/** What comes of a node: all steps, the last states, and of an LSTM the last cells. */
export function recurrent(
  ops: Ops,
  op: string,
  inputs: readonly (Value | undefined)[],
  attributes: Attributes,
): readonly Tensor[] {
  const kind = kinds[op] as Kind;
  const batchFirst = attributes.number('layout', 0) === 1;
  const swapped = (x: Tensor, order: readonly number[]) => (batchFirst ? transpose(ops, x, order) : x);
  const x = swapped(signalOf(operand(inputs, 0)), [1, 0, 2]);
  const [w, r] = [signalOf(operand(inputs, 1)), signalOf(operand(inputs, 2))];
  const [steps = 0, lanes = 0, features = 0] = x.shape;
  const [directions = 0, rows = 0] = w.shape;
  const units = rows / kind.gates;
  const direction = attributes.text('direction', 'forward');
  requireShape('X', x, [steps, lanes, features]);
  requireShape('W', w, [
    direction === 'bidirectional' ? 2 : 1,
    kind.gates * attributes.number('hidden_size', units),
    features,
  ]);
  requireShape('R', r, [directions, rows, units]);
  const optional = (at: number, what: string, shape: Shape) => {
    const value = inputs[at] === undefined ? undefined : signalOf(inputs[at]);
    if (value) requireShape(what, value, shape);
    return value;
  };
  const b = optional(3, 'B', [directions, 2 * rows]);
  const states = [5, 6].slice(0, op === 'LSTM' ? 2 : 1).map((at) => {
    const shape = batchFirst ? [lanes, directions, units] : [directions, lanes, units];
    const given = optional(at, 'the initial state', shape);
    return given && swapped(given, [1, 0, 2]);
  });
  const p = op === 'LSTM' ? optional(7, 'P', [directions, 3 * units]) : undefined;
  const lengths = inputs[4] === undefined ? undefined : (fixedOf(inputs[4], 'sequence_lens').data as Lengths);
  const bends = bendsOf(attributes, kind, directions);
  const part = (whole: Tensor, at: number): Tensor => {
    const own = cut(ops, whole, 0, new Array<number>(directions).fill(1))[at] as Tensor;
    return reshape(ops, own, whole.shape.slice(1));
  };
  const outcomes = Array.from({ length: directions }, (_, at) => {
    const weights: Weights = {
      w: part(w, at),
      r: part(r, at),
      b: b && (parts(ops, part(b, at), 0, 2, rows) as unknown as readonly [Tensor, Tensor]),
      p: p && parts(ops, part(p, at), 0, 3, units),
    };
    const backwards = direction === 'reverse' || at === 1;
    const [h, c] = states.map((state) => (state ? part(state, at) : zeros([lanes, units])));
    const step = kind.step(weights, units, bends[at] as readonly Bend[], attributes);
    const cell: Cell<State> = {
      kind: op,
      inputs: features,
      units,
      params: {},
      initial: () => ({ h: h as Tensor, ...(c && { c }) }),
      project: (inner, all) => kind.project(inner, weights, all, units),
      step(inner, state, row) {
        const next = step(inner, state, row);
        return [next.h, next];
      },
    };
    const signal = backwards ? reversed(ops, x, lengths) : x;
    const [y, last] = unroll(cell).apply({ ...ops, lengths }, cell.initial(lanes), signal);
    return { y: backwards ? reversed(ops, y, lengths) : y, last };
  });
  const joined = (all: readonly Tensor[], axis: number): Tensor =>
    all.length === 1 ? (all[0] as Tensor) : ops.concat(all, axis);
  const y = joined(
    outcomes.map((each) => reshape(ops, each.y, [steps, 1, lanes, units])),
    1,
  );
  const last = (name: 'h' | 'c') =>
    swapped(
      joined(
        outcomes.map(({ last: state }) => reshape(ops, state[name] as Tensor, [1, lanes, units])),
        0,
      ),
      [1, 0, 2],
    );
  return [swapped(y, [2, 0, 1, 3]), last('h'), ...(op === 'LSTM' ? [last('c')] : [])];
}
