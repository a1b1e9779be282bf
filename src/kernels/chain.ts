/** Linear chains of tags as functions: the loss of lanes, and its gradients. */
import * as words from './chain-words.js';
import { Job } from './jobs.js';
import { sumTrailing } from './kernels.js';
import type { Machine } from './machine.js';
import { gemm, Layout, pack, packedSize } from './product.js';
import { rowsOfChunk } from './recurrent.js';

/** Numbers that a thread takes at a time. */
const GRAIN = 8_192;

/** Where the operands lie, and how large they are. */
export interface Chain {
  readonly steps: number;
  readonly batch: number;
  readonly count: number;
  readonly x: number;
  readonly transitions: number;
  readonly start: number;
  readonly end: number;
  readonly tags: number;
}

/** Working memory of so many numbers. */
type Allocate = (numbers: number) => number;

const strideOf = ({ count }: Chain): number => Math.ceil(count / 8) * 8;

/** Writes arguments by their words. */
function give({ ints, arguments: base }: Machine, values: Readonly<Record<number, number>>): void {
  for (const [word, value] of Object.entries(values)) ints[base + Number(word) / 4] = value;
}

/** e^transitions, each column's greatest being 1, as right operands. */
function powersOf(machine: Machine, { count, transitions }: Chain, bothWays: boolean, allocate: Allocate) {
  const [powers, tops] = [allocate(count * count), allocate(count)];
  const { ints, arguments: base } = machine;
  for (const [k, word] of [transitions, powers, tops, count].entries()) ints[base + k] = word;
  machine.run(Job.chainPowers, count, Math.max(4, 4 * Math.ceil(GRAIN / (4 * count))));
  const packed = (transposed: boolean) => {
    const target = allocate(packedSize(count, count));
    pack(machine, powers, count, transposed, count, count, target);
    return target;
  };
  return {
    [words.POWERS]: powers,
    [words.TOPS]: tops,
    [words.INTO]: packed(false),
    ...(bothWays && { [words.OUT_OF]: packed(true) }),
  };
}

/** What is written at each of `kept` steps, and for each lane. */
function stepsOf(chain: Chain, kept: number, allocate: Allocate) {
  const { batch, count } = chain;
  const [rows, stride] = [kept * batch, strideOf(chain)];
  return {
    [words.STEPS]: chain.steps,
    [words.BATCH]: batch,
    [words.COUNT]: count,
    [words.X]: chain.x,
    [words.TRANSITIONS]: chain.transitions,
    [words.START]: chain.start,
    [words.END]: chain.end,
    [words.TAGS]: chain.tags,
    [words.LOGS]: allocate(2 * rows * count),
    [words.SHARES]: allocate(rows * stride),
    [words.SUMS]: allocate(rows * stride),
    [words.REACHED]: allocate(2 * rows * count),
    [words.BASES]: allocate(rows * count),
    [words.LAST]: allocate(batch * stride),
  };
}

/** −log of the share that each lane's tags have of all paths, `[B]`. */
export function chain(machine: Machine, of: Chain, nats: number, allocate: Allocate): void {
  const powers = powersOf(machine, of, false, allocate);
  const totals = allocate(2 * of.batch);
  give(machine, { ...stepsOf(of, 2, allocate), ...powers, [words.NATS]: nats, [words.TOTALS]: totals });
  machine.run(Job.chain, of.batch, rowsOfChunk(machine, of.batch));
}

/** Where gradients go. */
export interface ChainGradients {
  readonly x: number;
  readonly transitions: number;
  readonly start: number;
  readonly end: number;
}

/** Gradients of scores, transitions, start and end, from one a lane. */
export function chainAdjoint(
  machine: Machine,
  of: Chain,
  gradient: number,
  { x, transitions, start, end }: ChainGradients,
  allocate: Allocate,
): void {
  const { steps, batch, count } = of;
  const stride = strideOf(of);
  const powers = powersOf(machine, of, true, allocate);
  const ends = allocate(batch * count);
  const weights = allocate(steps * batch * stride);
  const kept = stepsOf(of, steps, allocate);
  const all = {
    ...kept,
    ...powers,
    [words.NATS]: gradient,
    [words.SLOPES]: allocate(batch * stride),
    [words.WEIGHTS]: weights,
    [words.RARE]: allocate(steps * batch * count),
    [words.FAR]: allocate(steps * batch),
    [words.DX]: x,
    [words.D_TRANSITIONS]: transitions,
    [words.D_END]: ends,
  };
  give(machine, all);
  machine.run(Job.chainAdjoint, batch, rowsOfChunk(machine, batch));
  // Steps but the last, transposed, times steps but the first.
  gemm(machine, {
    a: kept[words.SHARES] as number,
    lda: stride,
    aTransposed: true,
    b: weights + 4 * batch * stride,
    ldb: stride,
    layout: Layout.rows,
    c: transitions,
    ldc: count,
    m: count,
    n: count,
    k: (steps - 1) * batch,
    accumulate: false,
  });
  give(machine, all);
  machine.run(Job.chainTransitions, count, Math.max(1, Math.ceil(GRAIN / (count + steps * batch))));
  sumTrailing(machine, x, start, batch, count);
  sumTrailing(machine, ends, end, batch, count);
}
