/** Linear chains of tags as functions: the loss of lanes, and its gradients. */
import { fork } from './fork.js';
import { sumTrailing } from './kernels.js';
import type { Machine } from './machine-type.js';
import { gemm, OperandLayout, pack, packedSize } from './product.js';
import { rowsOfChunk } from './recurrent.js';

/** Numbers that a thread takes at a time. */
const GRAIN = 8_192;

/** Where the operands lie, and how large they are. */
export interface ChainOperands {
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

const strideOf = ({ count }: ChainOperands): number => Math.ceil(count / 8) * 8;

/** e^transitions, each column's greatest being 1, and as a right operand. */
function powersOf(machine: Machine, { count, transitions }: ChainOperands, allocate: Allocate) {
  const [powers, tops] = [allocate(count * count), allocate(count)];
  const grain = Math.max(4, 4 * Math.ceil(GRAIN / (4 * count)));
  fork(machine, 'chainPowers', { transitions, powers, tops, count }, count, grain);
  return { powers, tops, into: packed(machine, powers, count, false, allocate) };
}

function packed(machine: Machine, powers: number, count: number, transposed: boolean, allocate: Allocate): number {
  const target = allocate(packedSize(count, count));
  pack(machine, powers, count, transposed, count, count, target);
  return target;
}

/** What is written at each of `kept` steps, and for each lane. */
function stepsOf(chain: ChainOperands, kept: number, allocate: Allocate) {
  const { batch, count } = chain;
  const [rows, stride] = [kept * batch, strideOf(chain)];
  return {
    steps: chain.steps,
    batch,
    count,
    x: chain.x,
    transitions: chain.transitions,
    start: chain.start,
    end: chain.end,
    tags: chain.tags,
    logs: allocate(2 * rows * count),
    shares: allocate(rows * stride),
    sums: allocate(rows * stride),
    reached: allocate(2 * rows * count),
    bases: allocate(rows * count),
    last: allocate(batch * stride),
  };
}

/** −log of the share that each lane's tags have of all paths, `[B]`. */
export function linearChain(machine: Machine, of: ChainOperands, nats: number, allocate: Allocate): void {
  const powers = powersOf(machine, of, allocate);
  const totals = allocate(2 * of.batch);
  const values = { ...stepsOf(of, 2, allocate), ...powers, nats, totals };
  fork(machine, 'chain', values, of.batch, rowsOfChunk(machine, of.batch));
}

/** Where gradients go. */
export interface ChainGradients {
  readonly x: number;
  readonly transitions: number;
  readonly start: number;
  readonly end: number;
}

/** Gradients of scores, transitions, start and end, from one a lane. */
export function linearChainAdjoint(
  machine: Machine,
  of: ChainOperands,
  gradient: number,
  { x, transitions, start, end }: ChainGradients,
  allocate: Allocate,
): void {
  const { steps, batch, count } = of;
  const stride = strideOf(of);
  const powers = powersOf(machine, of, allocate);
  const outOf = packed(machine, powers.powers, count, true, allocate);
  const ends = allocate(batch * count);
  const weights = allocate(steps * batch * stride);
  const kept = stepsOf(of, steps, allocate);
  const values = {
    ...kept,
    ...powers,
    outOf,
    nats: gradient,
    slopes: allocate(batch * stride),
    weights,
    rare: allocate(steps * batch * count),
    far: allocate(steps * batch),
    dx: x,
    dTransitions: transitions,
    dEnd: ends,
  };
  fork(machine, 'chainAdjoint', values, batch, rowsOfChunk(machine, batch));
  // Steps but the last, transposed, times steps but the first.
  gemm(machine, {
    a: kept.shares,
    lda: stride,
    aTransposed: true,
    b: weights + 4 * batch * stride,
    ldb: stride,
    layout: OperandLayout.rows,
    c: transitions,
    ldc: count,
    m: count,
    n: count,
    k: (steps - 1) * batch,
    accumulate: false,
  });
  const grain = Math.max(1, Math.ceil(GRAIN / (count + steps * batch)));
  fork(machine, 'chainTransitions', values, count, grain);
  sumTrailing(machine, x, start, batch, count);
  sumTrailing(machine, ends, end, batch, count);
}
