/** Recurrent layers as nodes of ONNX: RNN, LSTM and GRU, whose equations and orders of gates are those of its operators' documentation. */
import type { Tensor } from '../../tensor.js';
import { type Attributes, cannot, type Emitter, Real, type Signal } from './emitter.js';
import type { Options, Thing } from './nodes.js';

type Given = Record<string, Attributes[string] | Real>;

/** An activation as the recurrent operators name it, with its number. */
interface Bend {
  readonly name: string;
  readonly alpha?: number;
}

/** @throws OxbowError where ONNX has none of the kind within a recurrence. */
function bendOf(place: string, choice: Thing | string): Bend {
  const name = typeof choice === 'string' ? choice : choice.$.replace(/^activations\./, '');
  const alpha = typeof choice === 'string' ? undefined : (choice.args[0] as number | undefined);
  if (name === 'logistic' || name === 'sigmoid') return { name: 'Sigmoid' };
  if (name === 'tanh') return { name: 'Tanh' };
  if (name === 'relu') return { name: 'Relu' };
  if (name === 'softplus') return { name: 'Softplus' };
  if (name === 'leakyRelu') return { name: 'LeakyRelu', alpha: alpha ?? 0.01 };
  if (name === 'elu') return { name: 'Elu', alpha: alpha ?? 1 };
  return cannot(
    `${place}, activation`,
    `${name} is none of a recurrent operator's functions; take tanh, relu, logistic, softplus, leakyRelu or elu`,
  );
}

/** Columns of gates side by side, `[R, n·H]`, as rows of gates in another order, `[1, m·H, R]`; of a gate that is not there, zeros. */
function gatesOf({ shape, data }: Tensor, units: number, order: readonly number[]): Float32Array {
  const [rows = 0, columns = 0] = shape;
  const made = new Float32Array(order.length * units * rows);
  order.forEach((gate, place) => {
    if (gate < 0) return;
    for (let h = 0; h < units; h += 1) {
      for (let r = 0; r < rows; r += 1)
        made[(place * units + h) * rows + r] = data[r * columns + gate * units + h] as number;
    }
  });
  return made;
}

/** Parts `[H]` of a vector in another order; zeros where there is none. */
function partsOf(vector: ArrayLike<number>, units: number, order: readonly number[]): number[] {
  return order.flatMap((gate) =>
    Array.from({ length: units }, (_, k) => (gate < 0 ? 0 : (vector[gate * units + k] as number))),
  );
}

const none = (count: number, units: number): number[] => new Array<number>(count * units).fill(0);

/** What a recurrent operator is given besides x. */
interface Operator {
  readonly type: 'RNN' | 'LSTM' | 'GRU';
  readonly w: Float32Array;
  readonly r: Float32Array;
  readonly b: readonly number[];
  readonly p?: readonly number[];
  readonly attributes: Given;
}

/** What comes of it: all steps, and the states after the last one, `[1, B, H]`. */
export interface Recurrence {
  readonly y: Signal;
  readonly last: Signal;
}

export const recurrentKinds = ['simpleRnn', 'lstm', 'gru'];

/** A recurrent layer, forwards from a carry or backwards from zeros. */
export function recurrent(
  e: Emitter,
  kind: string,
  options: Options,
  path: string,
  x: Signal,
  backwards: boolean,
): Recurrence {
  const at = (name: string) => (path === '' ? name : `${path}.${name}`);
  const place = path || kind;
  const wx = e.weight(at('wx'));
  const inputs = wx.shape[0] as number;
  const units = e.weight(at('wh')).shape[0] as number;
  const made =
    kind === 'lstm'
      ? lstmOf(e, at, place, options, units, wx)
      : kind === 'gru'
        ? gruOf(e, at, options, units, wx)
        : simpleOf(e, at, place, options, units, wx);
  const gates = made.w.length / (units * inputs);
  const w = e.numbers(at('W'), [1, gates * units, inputs], made.w);
  const r = e.numbers(at('R'), [1, gates * units, units], made.r);
  const b = e.numbers(at('B'), [1, made.b.length], Float32Array.from(made.b));
  const states = kind === 'lstm' ? ['h', 'c'] : ['h'];
  const axes = ['batch', units];
  const carried = states.map((state) => (backwards ? undefined : e.carry(at(state), axes)));
  const initial = carried.map((each) => (each ? e.node(place, 'Unsqueeze', [each[0].name, e.ints([0])]) : ''));
  const operands = [x.name, w, r, b, e.lengths ?? '', ...initial];
  if (made.p) {
    while (operands.length < 7) operands.push('');
    operands.push(e.numbers(at('P'), [1, made.p.length], Float32Array.from(made.p)));
  }
  while (operands.at(-1) === '') operands.pop();
  const given: Given = { hidden_size: units, ...(backwards && { direction: 'reverse' }), ...made.attributes };
  const [all, ...after] = e.nodes(place, made.type, operands, given, 1 + states.length) as [string, ...string[]];
  states.forEach((state, k) => {
    const name = e.node(place, 'Squeeze', [after[k] as string, e.ints([0])]);
    const leaves = carried[k]?.[1];
    if (leaves) leaves(name);
    else e.leaving(at(state), { name, axes });
  });
  return {
    y: { name: e.node(place, 'Squeeze', [all, e.ints([1])]), axes: [...x.axes.slice(0, 2), units] },
    last: { name: after[0] as string, axes: [1, 'batch', units] },
  };
}

type At = (name: string) => string;

function simpleOf(e: Emitter, at: At, place: string, options: Options, units: number, wx: Tensor): Operator {
  const { name, alpha } = bendOf(place, (options.activation ?? 'tanh') as unknown as Thing | string);
  return {
    type: 'RNN',
    w: gatesOf(wx, units, [0]),
    r: gatesOf(e.weight(at('wh')), units, [0]),
    b: [...e.weight(at('b')).data, ...none(1, units)],
    attributes: { activations: [name], ...(alpha !== undefined && { activation_alpha: new Real([alpha]) }) },
  };
}

/** Ours are i, f, g, o, or i, g, o; ONNX's i, o, f, c. */
function lstmOf(e: Emitter, at: At, place: string, options: Options, units: number, wx: Tensor): Operator {
  const { forget = 'learned', peepholes, layerNorm } = options;
  if (layerNorm === true) cannot(`${place}, layerNorm`, "ONNX's LSTM normalises nothing");
  if (forget === 'none') {
    cannot(
      `${place}, forget`,
      "'none', a cell that keeps all, has no form in ONNX's LSTM; take 'learned' or 'coupled'",
    );
  }
  const order = forget === 'learned' ? [0, 3, 1, 2] : [0, 2, -1, 1];
  const seen = ['vi', 'vo', 'vf'].flatMap((name) => (e.has(at(name)) ? [...e.weight(at(name)).data] : none(1, units)));
  return {
    type: 'LSTM',
    w: gatesOf(wx, units, order),
    r: gatesOf(e.weight(at('wh')), units, order),
    b: [...partsOf(e.weight(at('b')).data, units, order), ...none(4, units)],
    ...(peepholes === true && { p: seen }),
    attributes: forget === 'coupled' ? { input_forget: 1 } : {},
  };
}

/** Ours are z, r, n, and so are ONNX's z, r, h. */
function gruOf(e: Emitter, at: At, options: Options, units: number, wx: Tensor): Operator {
  const order = [0, 1, 2];
  const after = options.reset !== 'before';
  const wh = e.weight(at('wh'));
  const r = after
    ? gatesOf(wh, units, order)
    : Float32Array.from([...gatesOf(wh, units, [0, 1]), ...gatesOf(e.weight(at('wn')), units, [0])]);
  const recurrentBias = after ? [...none(2, units), ...e.weight(at('bn')).data] : none(3, units);
  return {
    type: 'GRU',
    w: gatesOf(wx, units, order),
    r,
    b: [...e.weight(at('b')).data, ...recurrentBias],
    attributes: { linear_before_reset: after ? 1 : 0 },
  };
}
