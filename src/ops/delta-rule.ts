/** The gated delta rule: its sizes, and itself and its derivative in plain float64. */
import { type Shape, sameShape, showShape, type Tensor } from '../tensor.js';
import type { Ops } from './ops.js';
import { checkSame } from './shapes.js';

/** T steps of so many heads, those of all lanes, each with a memory of K times V numbers. */
export interface DeltaSizes {
  readonly steps: number;
  readonly heads: number;
  readonly keys: number;
  readonly values: number;
}

/** Operands of `deltaRule`, in its order. */
interface DeltaNumbers {
  readonly state: Float64Array;
  readonly q: Float64Array;
  readonly k: Float64Array;
  readonly v: Float64Array;
  readonly decay: Float64Array;
  readonly rate: Float64Array;
}

/**
 * Sizes of `deltaRule(state, q, k, v, decay, rate)`.
 *
 * @throws RangeError where the shapes are not `[B, H, K, V]`, `[T, B, H, K]` twice, `[T, B, H, V]` and `[T, B, H]` twice, T ≥ 1.
 */
export function deltaSizes(shapes: readonly Shape[]): DeltaSizes {
  const [state = [], q = [], k = [], v = [], decay = [], rate = []] = shapes;
  const [batch, heads, keys, values] = state as readonly [number, number, number, number];
  const [steps = 0] = q;
  const wanted = [
    [steps, batch, heads, keys],
    [steps, batch, heads, keys],
    [steps, batch, heads, values],
    [steps, batch, heads],
    [steps, batch, heads],
  ];
  const met = [q, k, v, decay, rate].every((shape, at) => sameShape(shape, wanted[at] as Shape));
  if (steps < 1 || state.length !== 4 || !met) {
    throw new RangeError(
      `deltaRule: a state ${showShape(state)}, queries ${showShape(q)}, keys ${showShape(k)}, values ${showShape(v)}, ` +
        `decays ${showShape(decay)} and rates ${showShape(rate)} do not meet; it wants [B, H, K, V], [T, B, H, K] twice, ` +
        '[T, B, H, V] and [T, B, H] twice, T ≥ 1.',
    );
  }
  return { steps, heads: batch * heads, keys, values };
}

/** Sizes as those of `deltaRule`, the gradients being of its results' shapes. @throws RangeError where they are not. */
export function deltaAdjointSizes(gradient: Tensor, gradientOfState: Tensor, operands: readonly Tensor[]): DeltaSizes {
  const shapes = operands.map(({ shape }) => shape);
  const sizes = deltaSizes(shapes);
  const [state, , , v] = shapes as [Shape, Shape, Shape, Shape];
  checkSame(gradient.shape, v, 'deltaRuleAdjoint');
  checkSame(gradientOfState.shape, state, 'deltaRuleAdjoint');
  return sizes;
}

type Six = [Float64Array, Float64Array, Float64Array, Float64Array, Float64Array, Float64Array];

/** One head's memory over all steps, its steps' parts being `heads` apart. */
interface Head {
  /** The memory before the first step and after each. */
  readonly memories: readonly Float64Array[];
  /** What was written at each step: `β (v − α Sᵀk)`. */
  readonly written: readonly Float64Array[];
}

/** Place of a head's numbers at a step, so many of them. */
const placeOf = ({ heads }: DeltaSizes, head: number, t: number, width: number) => (t * heads + head) * width;

/** What the memory holds under a key: `Sᵀk`. */
function recalled({ keys, values }: DeltaSizes, memory: Float64Array, key: Float64Array): Float64Array {
  const found = new Float64Array(values);
  for (let i = 0; i < keys; i += 1) {
    for (let j = 0; j < values; j += 1) {
      found[j] = (found[j] as number) + (key[i] as number) * (memory[i * values + j] as number);
    }
  }
  return found;
}

function headOf(sizes: DeltaSizes, { state, k, v, decay, rate }: DeltaNumbers, head: number): Head {
  const { steps, keys, values } = sizes;
  const memories = [state.slice(head * keys * values, (head + 1) * keys * values)];
  const written: Float64Array[] = [];
  for (let t = 0; t < steps; t += 1) {
    const before = memories[t] as Float64Array;
    const [a, b] = [decay, rate].map((x) => x[placeOf(sizes, head, t, 1)] as number) as [number, number];
    const key = k.subarray(placeOf(sizes, head, t, keys));
    const found = recalled(sizes, before, key);
    const value = v.subarray(placeOf(sizes, head, t, values));
    const u = found.map((known, j) => b * ((value[j] as number) - a * known));
    memories.push(before.map((x, at) => a * x + (key[Math.floor(at / values)] as number) * (u[at % values] as number)));
    written.push(u);
  }
  return { memories, written };
}

/** `S_t = α_t (S_{t−1} − β_t k_t (k_tᵀ S_{t−1})) + β_t k_t v_tᵀ` and `y_t = S_tᵀ q_t`. */
function deltaRuled(sizes: DeltaSizes, of: DeltaNumbers): readonly [y: Float64Array, state: Float64Array] {
  const { steps, heads, keys, values } = sizes;
  const [y, last] = [new Float64Array(steps * heads * values), new Float64Array(heads * keys * values)];
  for (let head = 0; head < heads; head += 1) {
    const { memories } = headOf(sizes, of, head);
    for (let t = 0; t < steps; t += 1) {
      const query = of.q.subarray(placeOf(sizes, head, t, keys));
      y.set(recalled(sizes, memories[t + 1] as Float64Array, query), placeOf(sizes, head, t, values));
    }
    last.set(memories[steps] as Float64Array, head * keys * values);
  }
  return [y, last];
}

/**
 * Gradients of state, q, k, v, decay and rate. With G the gradient of S_t (to which q_t·g_tᵀ is added) and `u = β (v − α Sᵀk)`, what
 * is written: `dq = S_t g`, `du = Gᵀk`, `dk = G u − αβ S_{t−1} du`, `dv = β du`, `dβ = du·(v − α Sᵀk)`,
 * `dα = ⟨G, S_{t−1}⟩ − β du·Sᵀk`, and `α G − αβ k duᵀ` goes on to S_{t−1}.
 */
function deltaRuledAdjoint(
  sizes: DeltaSizes,
  of: DeltaNumbers,
  gradient: Float64Array,
  gradientOfState: Float64Array,
): readonly Float64Array[] {
  const { steps, heads, keys, values } = sizes;
  const { q, k, v, decay, rate } = of;
  const slopes = [of.state, q, k, v, decay, rate].map((x) => new Float64Array(x.length));
  const [dState, dq, dk, dv, dDecay, dRate] = slopes as Six;
  for (let head = 0; head < heads; head += 1) {
    const { memories, written } = headOf(sizes, of, head);
    const g = gradientOfState.slice(head * keys * values, (head + 1) * keys * values);
    for (let t = steps - 1; t >= 0; t -= 1) {
      const [atKeys, atValues, at] = [keys, values, 1].map((width) => placeOf(sizes, head, t, width)) as [
        number,
        number,
        number,
      ];
      const [before, after] = [memories[t] as Float64Array, memories[t + 1] as Float64Array];
      const [a, b, u] = [decay[at] as number, rate[at] as number, written[t] as Float64Array];
      const key = k.subarray(atKeys, atKeys + keys);
      for (let i = 0; i < keys; i += 1) {
        for (let j = 0; j < values; j += 1) {
          const cell = i * values + j;
          const slope = gradient[atValues + j] as number;
          dq[atKeys + i] = (dq[atKeys + i] as number) + (after[cell] as number) * slope;
          g[cell] = (g[cell] as number) + (q[atKeys + i] as number) * slope;
        }
      }
      const du = recalled(sizes, g, key);
      const found = recalled(sizes, before, key);
      for (let j = 0; j < values; j += 1) {
        const [slope, known] = [du[j] as number, found[j] as number];
        dv[atValues + j] = b * slope;
        dRate[at] = (dRate[at] as number) + slope * ((v[atValues + j] as number) - a * known);
        dDecay[at] = (dDecay[at] as number) - b * slope * known;
      }
      for (let i = 0; i < keys; i += 1) {
        for (let j = 0; j < values; j += 1) {
          const cell = i * values + j;
          const [slope, known, back] = [g[cell] as number, before[cell] as number, -a * b * (du[j] as number)];
          dk[atKeys + i] = (dk[atKeys + i] as number) + slope * (u[j] as number) + known * back;
          dDecay[at] = (dDecay[at] as number) + slope * known;
          g[cell] = a * slope + (key[i] as number) * back;
        }
      }
    }
    dState.set(g, head * keys * values);
  }
  return slopes;
}

/** The primitive and its adjoint for the reference. */
export function referenceDelta(
  read: (x: Tensor) => Float64Array,
  real: (shape: Shape, data: Float64Array) => Tensor,
): Pick<Ops, 'deltaRule' | 'deltaRuleAdjoint'> {
  function numbersOf(operands: readonly Tensor[]): DeltaNumbers {
    const [state, q, k, v, decay, rate] = operands.map(read) as Six;
    return { state, q, k, v, decay, rate };
  }

  return {
    deltaRule(...operands) {
      const sizes = deltaSizes(operands.map(({ shape }) => shape));
      const [y, last] = deltaRuled(sizes, numbersOf(operands));
      const [state, , , v] = operands;
      return [real(v.shape, y), real(state.shape, last)];
    },
    deltaRuleAdjoint(gradient, gradientOfState, operands) {
      const sizes = deltaAdjointSizes(gradient, gradientOfState, operands);
      const slopes = deltaRuledAdjoint(sizes, numbersOf(operands), read(gradient), read(gradientOfState));
      return operands.map(({ shape }, at) => real(shape, slopes[at] as Float64Array));
    },
  };
}
