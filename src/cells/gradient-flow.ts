import { tape } from '../backprop/tape.js';
import { outcome } from '../carry.js';
import { requireCount } from '../checks.js';
import type { Core } from '../layer.js';
import type { Ops } from '../ops/ops.js';
import { reference } from '../ops/reference.js';
import { checkedOptions } from '../options.js';
import { generator } from '../random.js';
import { isTensor, type Shape, showShape, sizeOf, type Tensor, tensor } from '../tensor.js';
import * as tree from '../tree.js';
import type { Cell } from './cell.js';

/** How a gradient grows or shrinks on its way back through time. */
export interface GradientFlow {
  /** Steps back, t − k: 1, 2, … T. */
  readonly lags: readonly number[];
  /** By tensor of the carry (`h`, `c`): ‖∂L_t/∂h_k‖ at each lag, root mean square over the lanes. */
  readonly norms: Readonly<Record<string, readonly number[]>>;
  /** By tensor of the carry: γ, the mean factor of one step back, `(‖δ_{t,t−T}‖ / ‖δ_{t,t−1}‖)^{1/(T−1)}`. */
  readonly factors: Readonly<Record<string, number>>;
}

/** Options of {@link gradientFlow}. */
export interface FlowOptions {
  /** Steps to go back through, T; default 100, or those of x. */
  readonly steps?: number;
  /** What the model reads, `[T, B, I]`; by default normal numbers, in one lane. */
  readonly x?: Tensor;
  /** The loss L_t of the last output, `[B, H] → []`; by default a projection on a random direction of length 1. */
  readonly loss?: (ops: Ops, y: Tensor) => Tensor;
  /** Of x and of that direction; default 0. */
  readonly seed?: number;
}

/**
 * How much of a loss's gradient arrives at each earlier state: the vanishing and exploding gradient, as figures.
 *
 * Equation: `‖δ_{t,k}‖`, δ_{t,k} = ∂L_t/∂h_k, for the last step t against t − k. In a simple recurrent network
 * `∂L_t/∂h_k = Uᵀ diag(f′(z_{k+1})) ∂L_t/∂h_{k+1}`, hence about `γ^{t−k}`: it explodes where γ > 1 and vanishes where γ < 1.
 * Source: the lecture's gradient of a recurrent network (6.46), there by z_k, here by the carry, which every cell has.
 *
 * Shapes: x `[T, B, I]`, as the cell or layer takes it; norms have T entries. The carry: starts at zero; where it has
 * several tensors each has its own norms, named by its path.
 *
 * Computed in float64 on the reference, so that what has vanished can still be seen.
 *
 * @param model a cell, or a layer of streams.
 * @param options how many steps, of what, and the loss.
 * @returns norms by how many steps back, and their mean factor, for each tensor of the carry.
 * @throws RangeError where x is no window of two steps at least, or steps is not a whole number.
 * @throws TypeError where no x is given and the model does not tell its width, or an option is not known.
 * @example
 * const { norms, factors } = gradientFlow(lstmCell(2, 32), { steps: 200 });
 * const svg = logPlot([{ name: 'c', values: norms.c }], { x: 't − k', y: '‖∂L_t/∂c_k‖' });
 */
export function gradientFlow<S>(model: Cell<S> | Core<S>, options: FlowOptions = {}): GradientFlow {
  checkedOptions('gradientFlow', options, { steps: true, x: true, loss: true, seed: true });
  const random = generator(options.seed ?? 0, 'gradientFlow');
  const normal = (shape: Shape) =>
    tensor(
      shape,
      Float64Array.from({ length: sizeOf(shape) }, () => random.normal()),
    );
  const x = options.x ?? normal([checkSteps(options.steps ?? 100), 1, widthOf(model)]);
  const [steps = 0, lanes = 0] = x.shape;
  if (x.shape.length < 2 || steps < 2 || lanes < 1) {
    throw new RangeError(`gradientFlow: x is a window [T, B, …] with T ≥ 2, not ${showShape(x.shape)}.`);
  }
  const base = reference();
  // A zero that is added to a state has that state's gradient.
  const zeros = Array.from({ length: steps }, () => tree.map(model.initial(lanes), ({ shape }) => base.fill(shape, 0)));
  const tensors = zeros.map((carry) => tree.leaves(carry));
  const ops = tape(
    base,
    tensors.flatMap((each) => each.map(([, zero]) => zero)),
  );
  const moments = base.split(x, 0, new Array<number>(steps).fill(1));
  let carry = model.initial(lanes);
  let output: Tensor | undefined;
  moments.forEach((moment, t) => {
    [output, carry] = advance(model, ops, addTo(ops, carry, zeros[t] as S), moment);
  });
  const y = output as Tensor;
  const last = ops.reshape(y, [lanes, sizeOf(y.shape) / lanes]);
  const loss = options.loss?.(ops, last) ?? project(ops, last, normal([last.shape[1] as number]));
  const gradients = ops.gradients(loss);
  const names = (tensors[0] ?? []).map(([name]) => name);
  const normsOf = (k: number) =>
    Array.from({ length: steps }, (_, back) => {
      const gradient = gradients[(steps - 1 - back) * names.length + k] as Tensor;
      return Math.sqrt(squares(gradient) / lanes);
    });
  const norms = Object.fromEntries(names.map((name, k) => [name, normsOf(k)]));
  return {
    lags: Array.from({ length: steps }, (_, back) => back + 1),
    norms,
    factors: Object.fromEntries(Object.entries(norms).map(([name, values]) => [name, meanFactor(values)])),
  };
}

function checkSteps(steps: number): number {
  requireCount('gradientFlow', 'steps', steps);
  return steps;
}

function widthOf<S>({ kind, inputs }: Cell<S> | Core<S>): number {
  if (inputs !== undefined) return inputs;
  throw new TypeError(`gradientFlow: ${kind} does not tell how many features it takes; give x, a window [T, B, …].`);
}

/** One step of a cell, or a window of one through a layer. */
function advance<S>(model: Cell<S> | Core<S>, ops: Ops, carry: S, x: Tensor): readonly [y: Tensor, carry: S] {
  if (!('step' in model)) return outcome(model.kind, carry, model.apply(ops, carry, x));
  const projected = model.project?.(ops, x) ?? x;
  return outcome(model.kind, carry, model.step(ops, carry, ops.reshape(projected, projected.shape.slice(1))));
}

/** A carry plus another of the same form; what is no tensor is the first one's. */
function addTo<S>(ops: Ops, carry: S, more: S): S {
  return tree.zip([carry, more], ([state, x]) => (isTensor(state) ? ops.add(state, x as Tensor) : state)) as S;
}

/** `Σ over lanes of y · d`, d being the direction at length 1. */
function project(ops: Ops, y: Tensor, direction: Tensor): Tensor {
  const unit = ops.affine(direction, 1 / Math.sqrt(squares(direction)), 0);
  return ops.sumTo(ops.multiply(y, unit), []);
}

function squares({ data }: Tensor): number {
  let sum = 0;
  for (const value of data) sum += value * value;
  return sum;
}

function meanFactor(norms: readonly number[]): number {
  const [first = 0, last = 0] = [norms[0], norms.at(-1)];
  return first === 0 ? 0 : (last / first) ** (1 / (norms.length - 1));
}
