import type { Ops } from '../../ops/ops.js';
import { atLengths, type Lengths } from '../../ops/padding.js';
import { type Ids, ids, showShape, type Tensor, tensor } from '../../tensor.js';

/** What neighbouring tags add to a path's score: from each tag to each `[N, N]`, to the first `[N]` and from the last `[N]`. */
export interface LinearChain {
  readonly transitions: Tensor;
  readonly start: Tensor;
  readonly end: Tensor;
}

/** How many tags each lane has: −1 stands after its last one. */
function lengthsOf(tags: Ids, count: number): Lengths {
  const [steps = 0, lanes = 0] = tags.shape;
  const { data } = tags;
  const lengths = new Array<number>(lanes).fill(0);
  for (let k = 0; k < steps * lanes; k += 1) {
    const [step, lane, tag] = [Math.floor(k / lanes), k % lanes, data[k] as number];
    if (tag < -1 || tag >= count || (tag >= 0 && lengths[lane] !== step)) {
      throw new RangeError(
        `linearChain: tag ${tag} at step ${step} of lane ${lane} cannot stand there; tags run from 0 to ${count - 1}, and ` +
          '−1 marks the padding at the end of a lane.',
      );
    }
    if (tag >= 0) lengths[lane] = step + 1;
  }
  return lengths;
}

/** Elements of a tensor by their places in it; where the place is −1, 0. */
function pick(ops: Ops, x: Tensor, places: Int32Array, shape: readonly [number, number]): Tensor {
  const size = x.shape.reduce((product, length) => product * length, 1);
  const found = ops.gather(
    ops.reshape(x, [size, 1]),
    ids(
      shape,
      places.map((place) => Math.max(0, place)),
    ),
  );
  const counts = tensor(
    shape,
    Float32Array.from(places, (place) => (place < 0 ? 0 : 1)),
  );
  return ops.multiply(ops.reshape(found, shape), counts);
}

/** Sums over the steps: `[T, B] → [B]`. */
const overSteps = (ops: Ops, x: Tensor): Tensor => ops.sumTo(x, x.shape.slice(1));

/**
 * The linear-chain conditional random field: how improbable a lane's tags are among all paths of tags.
 *
 * Equation: `L = log Σ over paths y of e^s(y) − s(tags)` with `s(y) = start[y_1] + Σ_t x_t[y_t] + Σ_t transitions[y_{t−1}, y_t]
 * + end[y_n]`. The sum over paths is the forward algorithm's, each step's scaled to add up to 1:
 * `z_t = x_t + log(a_{t−1}·e^transitions)`, `a_t = softmax(z_t)`, so that nothing overflows however long a lane.
 * Source: Lafferty, McCallum and Pereira, Conditional random fields (2001); Rabiner (1989) for the scaled forward algorithm;
 * Collobert et al., Natural language processing (almost) from scratch (2011), §3.3.2, over a network's scores.
 *
 * Shapes: `x: [T, B, N]`, tags `[T, B]` (−1 at the padding after a lane's last step) `→ [B]`, in nats a lane; 0 for a lane
 * without tags.
 *
 * @throws RangeError where the shapes disagree, a tag is not in 0 … N−1, or padding stands before a tag.
 * @example
 * const chain = { transitions: zeros([2, 2]), start: zeros([2]), end: zeros([2]) };
 * linearChain(reference(), zeros([3, 1, 2]), chain, ids([3, 1], [0, 1, 1])).data[0]; // 3 ln 2: eight paths are as probable
 */
export function linearChain(ops: Ops, x: Tensor, chain: LinearChain, tags: Ids): Tensor {
  const [steps = 0, lanes = 0, count = 0] = x.shape;
  const { transitions, start, end } = chain;
  if (x.shape.length !== 3 || steps < 1 || tags.shape[0] !== steps || tags.shape[1] !== lanes) {
    throw new RangeError(
      `linearChain: scores ${showShape(x.shape)} and tags ${showShape(tags.shape)} must be [T, B, N] and [T, B], T ≥ 1.`,
    );
  }
  const lengths = lengthsOf(tags, count);
  const { data } = tags;

  const powers = ops.exp(transitions);
  const rows = ops.split(ops.reshape(x, [steps * lanes, count]), 0, new Array<number>(steps).fill(lanes));
  /** log Σ over what may come before, of each tag but those of the first step. */
  const reached: Tensor[] = [];
  const scored: Tensor[] = [];
  const forward: Tensor[] = [];
  rows.forEach((row, step) => {
    const before = forward[step - 1];
    const log = before === undefined ? undefined : ops.log(ops.matmul(before, powers));
    if (log !== undefined) reached.push(log);
    const z = ops.add(row, log ?? start);
    scored.push(z);
    forward.push(ops.softmax(z));
  });

  // With c_t = log Σ e^z_t the sum over paths is Σ_t c_t + log(a_n·e^end), and c_t = crossEntropy(z_t, y_t) + z_t[y_t]:
  // what x_t and start add to z_t[y_t] is in the path's own score as well.
  const nats = ops.crossEntropy(ops.reshape(ops.concat(scored, 0), x.shape), tags);
  const moments = Array.from({ length: steps + 1 }, (_, moment) => moment);
  const last = atLengths(ops, [forward[0] as Tensor, ...forward], moments, lengths);
  const ended = ops.reshape(ops.log(ops.matmul(last, ops.reshape(ops.exp(end), [count, 1]))), [1, lanes]);
  const lastTags = Int32Array.from(lengths, (length, lane) =>
    length === 0 ? -1 : (data[(length - 1) * lanes + lane] as number),
  );
  const atEnd = ops.subtract(ops.multiply(ended, realLanes(lengths)), pick(ops, end, lastTags, [1, lanes]));
  const sum = ops.add(overSteps(ops, nats), overSteps(ops, atEnd));
  if (steps === 1) return sum;

  const inner = [steps - 1, lanes] as const;
  const real = (k: number) => (data[k + lanes] as number) >= 0;
  const places = Int32Array.from({ length: inner[0] * lanes }, (_, k) =>
    real(k) ? k * count + (data[k + lanes] as number) : -1,
  );
  const pairs = Int32Array.from({ length: inner[0] * lanes }, (_, k) =>
    real(k) ? (data[k] as number) * count + (data[k + lanes] as number) : -1,
  );
  const between = ops.subtract(pick(ops, ops.concat(reached, 0), places, inner), pick(ops, transitions, pairs, inner));
  return ops.add(sum, overSteps(ops, between));
}

/** 1 for lanes that have a step, `[1, B]`. */
function realLanes(lengths: Lengths): Tensor {
  return tensor(
    [1, lengths.length],
    Float32Array.from(lengths, (length) => (length > 0 ? 1 : 0)),
  );
}
