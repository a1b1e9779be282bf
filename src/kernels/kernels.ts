/**
 * The kernels as functions: addresses and sizes in, numbers in the machine's memory out. Each gives a job
 * its arguments and forks over its items. Grains are about 5 µs of work, ten times what a fork costs.
 */
import { fork } from './fork.js';
import { type Binary, Broadcast, type Unary } from './jobs.js';
import { BLOCK } from './limits.js';
import type { Machine } from './machine-type.js';

/** Elements a thread takes at a time where each costs little. Multiples of 8: whole groups. */
const CHEAP = 16_384;
/** Elements a thread takes at a time where each costs a transcendental. */
const DEAR = 8_192;

/** Items of `size` elements each that make about `elements` elements. */
const items = (elements: number, size: number) => Math.max(1, Math.floor(elements / Math.max(1, size)));

export function unary(machine: Machine, op: Unary, x: number, y: number, size: number): void {
  fork(machine, 'unary', { x, y, op }, size, DEAR);
}

export function affine(machine: Machine, x: number, y: number, size: number, scale: number, shift: number): void {
  fork(machine, 'affine', { x, y, scale, shift }, size, CHEAP);
}

/** `outer × inner` elements of a against b, broadcast. */
export function binary(
  machine: Machine,
  op: Binary,
  a: number,
  b: number,
  y: number,
  form: Broadcast,
  outer: number,
  inner: number,
): void {
  const operands = { a, b, y, op, form, inner };
  if (form === Broadcast.same || form === Broadcast.one) fork(machine, 'binary', operands, outer * inner, CHEAP);
  else fork(machine, 'binary', operands, outer, items(CHEAP, inner));
}

/** `rows` rows of `columns` numbers from x at one stride to y at another. */
export function copyBlock(
  machine: Machine,
  x: number,
  xStride: number,
  y: number,
  yStride: number,
  rows: number,
  columns: number,
): void {
  fork(machine, 'copyBlock', { x, xStride, y, yStride, columns }, rows, items(CHEAP, columns));
}

/** Numbers of a row, and of a fork at most, where numbers are copied one after the other. */
const ROW = 4096;
const COPIED = 1 << 19;

/** Copies numbers, in forks of a millisecond at most. */
export function copyNumbers(machine: Machine, x: number, y: number, size: number): void {
  for (let at = 0; at < size; at += COPIED) {
    const count = Math.min(COPIED, size - at);
    const rest = count % ROW;
    if (count > rest) copyBlock(machine, x + 4 * at, ROW, y + 4 * at, ROW, (count - rest) / ROW, ROW);
    const last = 4 * (at + count - rest);
    if (rest > 0) copyBlock(machine, x + last, rest, y + last, rest, 1, rest);
  }
}

/** y `[inner, outer, columns]` is x `[outer, inner, columns]`. */
export function swapAxes(machine: Machine, x: number, y: number, outer: number, inner: number, columns: number): void {
  fork(machine, 'swapAxes', { x, y, outer, inner, columns }, outer * inner, items(CHEAP, columns));
}

export function fill(machine: Machine, y: number, size: number, value: number): void {
  fork(machine, 'fill', { y, value }, size, CHEAP);
}

export function bernoulli(machine: Machine, y: number, size: number, keep: number, key: number): void {
  const threshold = Math.ceil(keep * 0x1_0000_0000);
  fork(
    machine,
    'bernoulli',
    { y, key: key | 0, threshold: threshold | 0, always: threshold >= 0x1_0000_0000 },
    size,
    DEAR,
  );
}

/** y[j] = Σ_r x[r][j]. */
export function sumTrailing(machine: Machine, x: number, y: number, rows: number, columns: number): void {
  fork(machine, 'sumTrailing', { x, y, rows, columns }, Math.ceil(columns / 8), items(CHEAP, rows * 8));
}

/** y[r] = Σ_j x[r][j]. */
export function sumRows(machine: Machine, x: number, y: number, rows: number, columns: number): void {
  fork(machine, 'sumRows', { x, y, columns }, rows, items(CHEAP, columns));
}

/** How many partial sums `total` needs room for; they are float64. */
export const partialSums = (size: number) => Math.ceil(size / BLOCK);

/** y = Σ x[k], added up in float64. */
export function total(machine: Machine, x: number, size: number, partial: number, y: number): void {
  const blocks = partialSums(size);
  fork(machine, 'sumBlocks', { x, partial, size }, blocks, 4);
  fork(machine, 'sumFinish', { partial, blocks, y }, 1, 1);
}

export function gather(machine: Machine, table: number, ids: number, y: number, rows: number, columns: number): void {
  fork(machine, 'gather', { table, ids, y, columns }, rows, items(CHEAP, columns));
}

export function oneHot(machine: Machine, ids: number, y: number, rows: number, columns: number): void {
  fork(machine, 'oneHot', { ids, y, columns }, rows, items(CHEAP, columns));
}

/** Ids that count on from a number of each lane, and stay at the last one. */
export function countFrom(
  machine: Machine,
  start: number,
  ids: number,
  steps: number,
  lanes: number,
  below: number,
): void {
  fork(machine, 'countFrom', { start, ids, lanes, below }, steps * lanes, CHEAP);
}

export function scatterAdd(
  machine: Machine,
  gradient: number,
  ids: number,
  count: number,
  y: number,
  rows: number,
  columns: number,
): void {
  // Each chunk reads all ids, so there are few of them, and one where there is little to add.
  const chunks = count * columns < 4 * CHEAP ? 1 : 2 * machine.threads;
  fork(machine, 'scatterAdd', { gradient, ids, count, y, columns }, rows, Math.max(1, Math.ceil(rows / chunks)));
}

/** Parts of the lanes' records to blocks that have a row a lane, or back; `bytes` is how many of a record move. */
export function moveRecords(
  machine: Machine,
  records: number,
  parts: number,
  howMany: number,
  back: boolean,
  lanes: number,
  bytes: number,
): void {
  fork(machine, 'moveRecords', { records, parts, howMany, back }, lanes, items(CHEAP, bytes / 4));
}

export function softmax(machine: Machine, x: number, y: number, rows: number, columns: number): void {
  fork(machine, 'softmax', { x, y, columns }, rows, items(DEAR, columns));
}

export function softmaxAdjoint(
  machine: Machine,
  gradient: number,
  y: number,
  result: number,
  rows: number,
  columns: number,
): void {
  fork(machine, 'softmaxAdjoint', { gradient, y, result, columns }, rows, items(DEAR, columns));
}

export function crossEntropy(
  machine: Machine,
  logits: number,
  targets: number,
  y: number,
  rows: number,
  columns: number,
): void {
  fork(machine, 'crossEntropy', { logits, targets, y, columns }, rows, items(DEAR, columns));
}

export function crossEntropyAdjoint(
  machine: Machine,
  gradient: number,
  logits: number,
  targets: number,
  result: number,
  rows: number,
  columns: number,
): void {
  fork(machine, 'crossEntropyAdjoint', { gradient, logits, targets, result, columns }, rows, items(DEAR, columns));
}

/** Bytes of working memory that `sample` needs. */
export const sampleScratch = (rows: number, columns: number) => 64 * rows * Math.ceil(columns / 8);

/** Draws an id for each row of logits, by a drawing of its own; −1 where its largest is no finite number. */
export function sample(
  machine: Machine,
  logits: number,
  drawings: number,
  ids: number,
  scratch: number,
  rows: number,
  columns: number,
): void {
  fork(machine, 'sample', { logits, drawings, ids, scratch, columns }, rows, items(DEAR, columns));
}
