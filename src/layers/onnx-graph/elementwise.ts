/** Operators of ONNX that take numbers one by one, on signals and on what is known beforehand. */
import type { Ops } from '../../ops/ops.js';
import { sameShape, type Tensor } from '../../tensor.js';
import type { Attributes } from './attributes.js';
import {
  broadcastShape,
  type Counted,
  expand,
  type Fixed,
  fixed,
  fixedOf,
  isCounted,
  isFixed,
  MOST_FIXED,
  requireSize,
  shapeOf,
  signalOf,
  under,
  type Value,
} from './values.js';

export type Run = (
  ops: Ops,
  inputs: readonly (Value | undefined)[],
  attributes: Attributes,
) => Value | readonly Value[];

/** @throws TypeError where an operand is not there. */
export function operand(inputs: readonly (Value | undefined)[], at: number): Value {
  const value = inputs[at];
  if (value === undefined) throw new TypeError(`operand ${at} is not there`);
  return value;
}

/** Fixed numbers, pair by pair. */
function paired(a: Fixed, b: Fixed, kind: Fixed['fixed'], f: (a: number, b: number) => number): Fixed {
  const shape = broadcastShape(a.shape, b.shape);
  const size = requireSize(shape, MOST_FIXED);
  const at = (x: Fixed) => {
    const steps = stepsOf(x.shape, shape);
    return (k: number): number => {
      let [rest, place] = [k, 0];
      for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
        const length = shape[axis] as number;
        place += (rest % length) * (steps[axis] as number);
        rest = Math.floor(rest / length);
      }
      return x.data[place] as number;
    };
  };
  const [left, right] = [at(a), at(b)];
  return fixed(
    kind,
    shape,
    Array.from({ length: size }, (_, k) => f(left(k), right(k))),
  );
}

/** How far apart neighbours along each axis of a wider shape are; 0 along what is repeated. */
function stepsOf(own: readonly number[], shape: readonly number[]): readonly number[] {
  let step = 1;
  const steps = new Array<number>(shape.length).fill(0);
  for (let k = 1; k <= own.length; k += 1) {
    const length = own[own.length - k] as number;
    if (length !== 1) steps[shape.length - k] = step;
    step *= length;
  }
  return steps;
}

/** Two signals, the first one of the full shape and the second one in a form that the primitives take. */
function broadcast(ops: Ops, a: Value, b: Value, commutes: boolean): readonly [Tensor, Tensor] {
  const [x, y] = [signalOf(a), signalOf(b)];
  const shape = broadcastShape(x.shape, y.shape);
  requireSize(shape);
  if (sameShape(x.shape, shape)) return [x, under(ops, y, shape)];
  if (commutes && sameShape(y.shape, shape)) return [y, under(ops, x, shape)];
  return [expand(ops, x, shape), under(ops, y, shape)];
}

const isOne = (value: Value): value is Fixed => isFixed(value) && value.data.length === 1;
const only = (value: Fixed): number => value.data[0] as number;

/** The wider of two kinds: a whole number and a number make a number. */
const kindOf = (a: Fixed, b: Fixed): Fixed['fixed'] => (a.fixed === 'float' || b.fixed === 'float' ? 'float' : 'int');

type Pairwise = (ops: Ops, a: Value, b: Value) => Value;

/** By numbers, by one number where there is a shorter way, and by signals. */
function pairwise(
  numbers: (a: number, b: number, isWhole: boolean) => number,
  signals: (ops: Ops, a: Tensor, b: Tensor) => Tensor,
  commutes: boolean,
  byOne?: (ops: Ops, x: Tensor, by: number, isFirst: boolean) => Tensor | undefined,
): Pairwise {
  return (ops, a, b) => {
    if (isFixed(a) && isFixed(b)) {
      const kind = kindOf(a, b);
      return paired(a, b, kind, (x, y) => numbers(x, y, kind === 'int'));
    }
    const [one, other] = isOne(b) ? [b, a] : [a, b];
    // It must not widen the other by axes of its own.
    if (byOne && isOne(one) && !isFixed(other) && !isCounted(other) && one.shape.length <= other.shape.length) {
      const made = byOne(ops, signalOf(other), only(one), one === b);
      if (made !== undefined) return made;
    }
    const [x, y] = broadcast(ops, a, b, commutes);
    return signals(ops, x, y);
  };
}

const add = pairwise(
  (a, b) => a + b,
  (ops, a, b) => ops.add(a, b),
  true,
  (ops, x, by) => ops.affine(x, 1, by),
);
const subtract = pairwise(
  (a, b) => a - b,
  (ops, a, b) => ops.subtract(a, b),
  false,
  (ops, x, by, isSecond) => (isSecond ? ops.affine(x, 1, -by) : ops.affine(x, -1, by)),
);
const multiply = pairwise(
  (a, b) => a * b,
  (ops, a, b) => ops.multiply(a, b),
  true,
  (ops, x, by) => ops.affine(x, by, 0),
);
const divide = pairwise(
  (a, b, isWhole) => (isWhole ? Math.trunc(a / b) : a / b),
  (ops, a, b) => ops.divide(a, b),
  false,
);
const largest = pairwise(
  (a, b) => Math.max(a, b),
  (ops, a, b) => ops.maximum(a, b),
  true,
);
const negative = (ops: Ops, x: Tensor): Tensor => ops.affine(x, -1, 0);
const smallest = pairwise(
  (a, b) => Math.min(a, b),
  (ops, a, b) => negative(ops, ops.maximum(negative(ops, a), negative(ops, b))),
  true,
);

const both =
  (f: Pairwise): Run =>
  (ops, inputs) =>
    f(ops, operand(inputs, 0), operand(inputs, 1));

/** Of any number of operands. */
const folded =
  (f: Pairwise): Run =>
  (ops, inputs) =>
    inputs.slice(1).reduce<Value>((a, _, k) => f(ops, a, operand(inputs, k + 1)), operand(inputs, 0));

/** Of one operand, and of numbers by the same function. */
const each =
  (numbers: (x: number) => number, signals: (ops: Ops, x: Tensor, attributes: Attributes) => Tensor): Run =>
  (ops, inputs, attributes) => {
    const x = operand(inputs, 0);
    return isFixed(x) ? fixed(x.fixed, x.shape, x.data.map(numbers)) : signals(ops, signalOf(x), attributes);
  };

/** Of signals alone. */
const bend =
  (f: (ops: Ops, x: Tensor, attributes: Attributes) => Tensor): Run =>
  (ops, inputs, attributes) =>
    f(ops, signalOf(operand(inputs, 0)), attributes);

/** Of what is known beforehand alone: whether it holds, pair by pair. */
const compared =
  (f: (a: number, b: number) => boolean): Run =>
  (_, inputs) =>
    paired(fixedOf(inputs[0], 'what is compared'), fixedOf(inputs[1], 'what is compared'), 'bool', (a, b) =>
      Number(f(a, b)),
    );

/** `min(max(x, low), high)`. */
export function clipped(ops: Ops, x: Value, low: Value | undefined, high: Value | undefined): Value {
  const raised = low === undefined ? x : largest(ops, x, low);
  return high === undefined ? raised : smallest(ops, raised, high);
}

const clip: Run = (ops, inputs, attributes) => {
  const bound = (at: number, name: string): Value | undefined => {
    const value = attributes.number(name, Number.NaN);
    return inputs[at] ?? (Number.isNaN(value) ? undefined : fixed('float', [], [value]));
  };
  return clipped(ops, operand(inputs, 0), bound(1, 'min'), bound(2, 'max'));
};

/** A power that is known: a square, a root, or a whole number of factors. */
const power: Run = (ops, inputs) => {
  const [x, by] = [operand(inputs, 0), fixedOf(inputs[1], 'the exponent')];
  if (isFixed(x)) return paired(x, by, x.fixed, (a, b) => a ** b);
  const exponent = isOne(by) ? only(by) : Number.NaN;
  const base = signalOf(x);
  if (exponent === 0.5) return ops.sqrt(base);
  if (exponent === 1) return base;
  if (Number.isInteger(exponent) && exponent > 1 && exponent <= 8) {
    return Array.from({ length: exponent - 1 }).reduce<Tensor>((product) => ops.multiply(product, base), base);
  }
  throw new RangeError(`a signal to the power of ${exponent} is none of 0.5 and 1 to 8`);
};

/** Where a condition that is known holds the one, and elsewhere the other. */
const where: Run = (ops, inputs) => {
  const holds = fixedOf(inputs[0], 'the condition');
  const [a, b] = [operand(inputs, 1), operand(inputs, 2)];
  const not = fixed(
    'bool',
    holds.shape,
    holds.data.map((value) => Number(!value)),
  );
  // What is known may be infinite, and is left out by a choice, not by a product.
  const part = (value: Value, mask: Fixed): Value =>
    isFixed(value)
      ? paired(value, mask, value.fixed, (x, m) => (m ? x : 0))
      : multiply(ops, value, fixed('float', mask.shape, mask.data));
  const [x, y] = [part(a, holds), part(b, not)];
  return add(ops, x, y);
};

/** Ids that count on from where each lane is: `start + t`, then at most a last one. */
const addCounted: Run = (ops, inputs) => {
  const [a, b] = [operand(inputs, 0), operand(inputs, 1)];
  const [start, by] = isCounted(a) ? [a, b] : [b, a];
  if (!isCounted(start)) return add(ops, a, b);
  const { shape, data } = fixedOf(by, 'what is added to a place');
  const counts = shape.length === 2 && shape[1] === 1 && data.every((value, k) => value === k);
  if (!counts || start.steps !== undefined) throw new TypeError('places are counted by 0, 1, 2, … alone');
  return { counted: start.counted, steps: data.length };
};

const leastCounted: Run = (ops, inputs, attributes) => {
  const counted = inputs.find((value): value is Counted => value !== undefined && isCounted(value));
  if (counted === undefined) return folded(smallest)(ops, inputs, attributes);
  const most = fixedOf(
    inputs.find((value) => value !== counted),
    'the last place',
  );
  if (counted.steps === undefined || most.data.length !== 1) throw new TypeError('places have one last one');
  return ops.countFrom(counted.counted, counted.steps, only(most) + 1);
};

const cast: Run = (_, inputs, attributes) => {
  const x = operand(inputs, 0);
  const to = attributes.number('to', 1);
  // TensorProto.DataType: float16, float, double, bfloat16; bool.
  const kind = [1, 10, 11, 16].includes(to) ? 'float' : to === 9 ? 'bool' : 'int';
  if (isFixed(x)) {
    const as =
      kind === 'bool' ? (value: number) => Number(value !== 0) : kind === 'int' ? Math.trunc : (value: number) => value;
    return fixed(kind, x.shape, x.data.map(as));
  }
  if (isCounted(x) || x.type === 'int32') {
    if (kind === 'int') return x;
    throw new TypeError('ids are looked up, and not made numbers of');
  }
  if (kind === 'float') return x;
  if (kind === 'int' && shapeOf(x).length === 1) return { counted: x, steps: undefined };
  throw new TypeError('a signal is not made whole numbers of');
};

const elu = (ops: Ops, z: Tensor, alpha: number): Tensor => {
  const above = ops.relu(z);
  return ops.add(above, ops.affine(ops.expm1(ops.subtract(z, above)), alpha, 0));
};
const leaky = (ops: Ops, z: Tensor, alpha: number): Tensor => {
  const above = ops.relu(z);
  return ops.add(above, ops.affine(ops.subtract(z, above), alpha, 0));
};
/** |x|. */
const magnitude = (ops: Ops, x: Tensor): Tensor => ops.maximum(x, negative(ops, x));
/** `min(max(αx + β, 0), 1)`. */
const hardSigmoid = (ops: Ops, x: Tensor, alpha: number, beta: number): Tensor => {
  const z = ops.relu(ops.affine(x, alpha, beta));
  return ops.subtract(z, ops.relu(ops.affine(z, 1, -1)));
};
const softsign = (ops: Ops, x: Tensor): Tensor => ops.divide(x, ops.affine(magnitude(ops, x), 1, 1));

/** Activations of the recurrent operators, in lower case as their names do not depend on it, with α and β where none are given. */
export const activations: Readonly<
  Record<
    string,
    readonly [f: (ops: Ops, z: Tensor, alpha: number, beta: number) => Tensor, alpha: number, beta: number]
  >
> = {
  sigmoid: [(ops, z) => ops.logistic(z), 0, 0],
  tanh: [(ops, z) => ops.tanh(z), 0, 0],
  relu: [(ops, z) => ops.relu(z), 0, 0],
  softplus: [(ops, z) => ops.softplus(z), 0, 0],
  leakyrelu: [leaky, 0.01, 0],
  elu: [elu, 1, 0],
  affine: [(ops, z, alpha, beta) => ops.affine(z, alpha, beta), 1, 0],
  scaledtanh: [(ops, z, alpha, beta) => ops.affine(ops.tanh(ops.affine(z, beta, 0)), alpha, 0), 1, 1],
  hardsigmoid: [hardSigmoid, 0.2, 0.5],
  softsign: [softsign, 0, 0],
};

export const elementwise: Readonly<Record<string, Run>> = {
  Add: addCounted,
  Sub: both(subtract),
  Mul: both(multiply),
  Div: both(divide),
  Max: folded(largest),
  Min: leastCounted,
  Sum: folded(add),
  Neg: each((x) => -x, negative),
  Abs: each(Math.abs, magnitude),
  Exp: each(Math.exp, (ops, x) => ops.exp(x)),
  Log: each(Math.log, (ops, x) => ops.log(x)),
  Sqrt: each(Math.sqrt, (ops, x) => ops.sqrt(x)),
  Reciprocal: bend((ops, x) => ops.divide(ops.fill(x.shape, 1), x)),
  Pow: power,
  Clip: clip,
  Where: where,
  Cast: cast,
  Equal: compared((a, b) => a === b),
  Less: compared((a, b) => a < b),
  LessOrEqual: compared((a, b) => a <= b),
  Greater: compared((a, b) => a > b),
  GreaterOrEqual: compared((a, b) => a >= b),
  And: compared((a, b) => a !== 0 && b !== 0),
  Or: compared((a, b) => a !== 0 || b !== 0),
  Not: (_, inputs) => {
    const x = fixedOf(inputs[0], 'a condition');
    return fixed(
      'bool',
      x.shape,
      x.data.map((value) => Number(!value)),
    );
  },
  Tanh: bend((ops, x) => ops.tanh(x)),
  Sigmoid: bend((ops, x) => ops.logistic(x)),
  Relu: bend((ops, x) => ops.relu(x)),
  LeakyRelu: bend((ops, x, attributes) => leaky(ops, x, attributes.number('alpha', 0.01))),
  Elu: bend((ops, x, attributes) => elu(ops, x, attributes.number('alpha', 1))),
  HardSigmoid: bend((ops, x, attributes) =>
    hardSigmoid(ops, x, attributes.number('alpha', 0.2), attributes.number('beta', 0.5)),
  ),
  Softplus: bend((ops, x) => ops.softplus(x)),
  Softsign: bend(softsign),
  Gelu: bend((ops, x, attributes) =>
    attributes.text('approximate', 'none') === 'tanh' ? ops.geluTanh(x) : ops.gelu(x),
  ),
  PRelu(ops, inputs) {
    const x = signalOf(operand(inputs, 0));
    const above = ops.relu(x);
    return ops.add(above, signalOf(multiply(ops, ops.subtract(x, above), operand(inputs, 1))));
  },
  Identity: (_, inputs) => operand(inputs, 0),
  Dropout: (_, inputs) => operand(inputs, 0),
};

export { add as sumOf, multiply as productOf };
