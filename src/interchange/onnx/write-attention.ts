/** Attention and positions, composed of ONNX's primitives. What is hidden is worked out in numbers, for any T, B and past. */
import { type Tensor, tensor } from '../../tensor.js';
import type { Emitter, Signal } from './emitter.js';
import { linear } from './write-dense.js';

/** How many steps x has, `[]` int64. */
const stepsOf = (e: Emitter, place: string, x: Signal): string =>
  e.node(place, 'Gather', [e.node(place, 'Shape', [x.name]), e.ints(0)]);

/** 0, 1, …, count − 1 as numbers. */
const counted = (e: Emitter, place: string, count: string): string =>
  e.node(place, 'Cast', [e.node(place, 'Range', [e.ints(0), count, e.ints(1)])], { to: 1 });

/** 1 where a whole number is above 0, and else 0. */
const above = (e: Emitter, place: string, x: string): string => e.node(place, 'Clip', [x, e.number(0), e.number(1)]);

const reshaped = (e: Emitter, place: string, x: string, shape: readonly number[]): string =>
  e.node(place, 'Reshape', [x, e.ints(shape)]);

interface Form {
  readonly heads: number;
  /** Steps that a step sees, itself included; all where there is none. */
  readonly context: number | undefined;
}

/** Multi-head self-attention: within a window, or over a stream with a carry. */
export function attention(e: Emitter, path: string, x: Signal, { heads, context }: Form): Signal {
  const at = (name: string) => (path === '' ? name : `${path}.${name}`);
  const place = path || 'attention';
  const [q, k, v] = ['query', 'key', 'value'].map((name) => linear(e, at(name), x));
  const features = x.axes[2] as number;
  const width = features / heads;
  // [T, B, F] → [B, heads, T, F / heads].
  const byHead = (name: string) =>
    e.node(place, 'Transpose', [reshaped(e, place, name, [0, 0, heads, width])], { perm: [1, 2, 0, 3] });
  const past = context === undefined ? undefined : pastOf(e, path, x, context - 1);
  const [keys, values] = past
    ? [past.keys((k as Signal).name), past.values((v as Signal).name)]
    : [(k as Signal).name, (v as Signal).name];
  const turned = e.node(place, 'Transpose', [byHead(keys)], { perm: [0, 1, 3, 2] });
  const products = e.node(place, 'MatMul', [byHead((q as Signal).name), turned]);
  const scores = e.node(place, 'Mul', [products, e.number(Math.sqrt(1 / width))]);
  const weights = e.node(place, 'Softmax', [past ? past.hide(scores) : scores], { axis: -1 });
  const sums = e.node(place, 'Transpose', [e.node(place, 'MatMul', [weights, byHead(values)])], { perm: [2, 0, 1, 3] });
  return linear(e, at('output'), { name: reshaped(e, place, sums, [0, 0, features]), axes: x.axes });
}

/** The carry of causal attention: what has been, put before what is; and what of both a query does not see. */
function pastOf(e: Emitter, path: string, x: Signal, most: number) {
  const at = (name: string) => (path === '' ? name : `${path}.${name}`);
  const place = path || 'attention';
  const features = x.axes[2] as number;
  const [known, leaveKnown] = e.carry(at('known'), ['batch']);
  const steps = stepsOf(e, place, x);
  const joined = (name: 'keys' | 'values') => (now: string) => {
    const [past, leave] = e.carry(at(name), ['batch', most, features]);
    const all = e.node(place, 'Concat', [e.node(place, 'Transpose', [past.name], { perm: [1, 0, 2] }), now], {
      axis: 0,
    });
    const newest = e.node(place, 'Slice', [all, e.ints([-most]), e.ints([2 ** 31 - 1]), e.ints([0])]);
    leave(e.node(place, 'Transpose', [newest], { perm: [1, 0, 2] }));
    return all;
  };
  const grown = e.node(place, 'Add', [known.name, e.node(place, 'Cast', [steps], { to: 1 })]);
  leaveKnown(e.node(place, 'Min', [grown, e.number(most)]));
  return {
    keys: joined('keys'),
    values: joined('values'),
    hide(scores: string): string {
      // Query t is step most + t of all keys: it sees key s where t ≤ s ≤ most + t, and s ≥ most − known.
      const query = e.node(place, 'Unsqueeze', [counted(e, place, steps), e.ints([1])]);
      const key = counted(e, place, e.node(place, 'Add', [steps, e.ints(most)]));
      const ahead = e.node(place, 'Sub', [key, query]);
      const notBefore = above(e, place, e.node(place, 'Add', [ahead, e.number(1)]));
      const notAfter = above(e, place, e.node(place, 'Sub', [e.number(most + 1), ahead]));
      const order = e.node(place, 'Mul', [notBefore, notAfter]);
      const lanes = reshaped(e, place, known.name, [-1, 1, 1, 1]);
      const there = above(e, place, e.node(place, 'Add', [lanes, e.node(place, 'Sub', [key, e.number(most - 1)])]));
      const seen = e.node(place, 'Mul', [there, order]);
      const hidden = e.node(place, 'Mul', [e.node(place, 'Sub', [seen, e.number(1)]), e.number(1e9)]);
      return e.node(place, 'Add', [scores, hidden]);
    },
  };
}

/** A vector for each position, added: `x_t + table[min(at + t, steps − 1)]`. */
export function positions(e: Emitter, path: string, x: Signal, table: string, most: number, restart: boolean): Signal {
  const place = path || 'positions';
  const [at, leave] = e.carry(path === '' ? 'at' : `${path}.at`, ['batch']);
  const steps = stepsOf(e, place, x);
  const moments = e.node(place, 'Unsqueeze', [e.node(place, 'Range', [e.ints(0), steps, e.ints(1)]), e.ints([1])]);
  const start = e.node(place, 'Cast', [at.name], { to: 7 });
  const places = e.node(place, 'Min', [e.node(place, 'Add', [start, moments]), e.ints(most - 1)]);
  const sum = e.node(place, 'Add', [x.name, e.node(place, 'Gather', [table, places], { axis: 0 })]);
  const counted = e.node(place, 'Add', [at.name, e.node(place, 'Cast', [steps], { to: 1 })]);
  leave(restart ? at.name : e.node(place, 'Min', [counted, e.number(most)]));
  return { name: sum, axes: x.axes };
}

/** The numbers of `sinusoidalPositions`. */
export const sines = (steps: number, features: number): Tensor =>
  tensor(
    [steps, features],
    Float32Array.from({ length: steps * features }, (_, k) => {
      const [t, f] = [Math.floor(k / features), k % features];
      const angle = t / 10_000 ** ((f - (f % 2)) / features);
      return f % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
    }),
  );
