// Scaled dot-product attention, one head of one lane at a time: softmax(Q·Kᵀ/√d)·V and its derivative.
//
// A head's keys and values are rows far apart, so those that any query sees are first copied together; what is masked is
// left out and costs nothing. Queries go by in blocks; a block meets only the keys that one of its rows sees, so that of
// causal attention the hidden half is skipped. Scores are never kept: the derivative works them out again.
//
// A row's bits follow from the keys it sees, in their order, and from nothing else: its sum of exponentials counts from
// the first of them, and a key hidden in the midst of a block has the weight 0, which changes no sum. So T windows of one
// give what one window of T gives.
import { exp4, horizontalMax, horizontalSum, store8 } from './math';
import { edge, strip } from './gemm';
import { AttentionAdjointArguments, AttentionArguments } from './generated/arguments';
import { packBlock } from './pack';

/** Queries of a block: few, so that a causal block meets few hidden keys; enough for whole tiles. */
const BLOCK: i32 = 32;
const LOWEST: usize = memory.data<f32>([-Infinity]);

// One head of one lane. Module globals belong to an instance, hence to one thread.
let lane: i32 = 0;
let head: i32 = 0;
/** Keys that were copied together, and their places among the past and the window's own. */
let count: i32 = 0;
let places: usize = 0;
/** Numbers of a head; bytes of a head, and of a row of all heads. */
let width: i32 = 0;
let headBytes: usize = 0;
let rowBytes: usize = 0;
/** Bytes between rows of scores. */
let scoreBytes: usize = 0;
let free: usize = 0;

function take(bytes: usize): usize {
  const at = free;
  free += (bytes + 63) & ~63;
  return at;
}

/** Where the head lies within a signal's row of a step. */
// @ts-ignore: decorator
@inline
function rowOf(signal: usize, step: i32, lanes: i32): usize {
  return signal + <usize>(step * lanes + lane) * rowBytes + <usize>head * headBytes;
}

function copyHead(from: usize, to: usize): void {
  let k: usize = 0;
  for (; k + 16 <= headBytes; k += 16) v128.store(to + k, v128.load(from + k));
  for (; k < headBytes; k += 4) store<f32>(to + k, load<f32>(from + k));
}

function addressOf(args: AttentionArguments, place: i32, signal: usize, past: usize): usize {
  const before = args.before;
  if (place >= before) return rowOf(signal, place - before, args.lanes);
  return past + <usize>(lane * before + place) * rowBytes + <usize>head * headBytes;
}

/** Takes up an item; notes the places of the keys that may be seen, and copies their rows of one signal together. */
function begin(args: AttentionArguments, item: i32, member: i32): void {
  const heads = args.heads;
  lane = item / heads;
  head = item % heads;
  rowBytes = (<usize>args.features) << 2;
  width = args.features / heads;
  headBytes = (<usize>width) << 2;
  free = args.scratch + <usize>member * <usize>args.scratchBytes;
  const before = args.before;
  const keys = args.keys;
  places = take((<usize>(before + keys)) << 2);
  count = 0;
  if (before > 0) {
    const known = min(before, <i32>load<f32>(args.known + ((<usize>lane) << 2)));
    for (let place = before - known; place < before; place += 1) note(place);
  }
  const mask = args.mask;
  for (let key = 0; key < keys; key += 1) {
    if (mask == 0 || load<f32>(mask + ((<usize>(key * args.lanes + lane)) << 2)) != 0) note(before + key);
  }
  scoreBytes = ((<usize>((count + 15) & ~15)) << 2) + 64;
}

// @ts-ignore: decorator
@inline
function note(place: i32): void {
  store<i32>(places + ((<usize>count) << 2), place);
  count += 1;
}

function collect(args: AttentionArguments, signal: usize, past: usize): usize {
  const rows = take(<usize>count * headBytes);
  for (let k = 0; k < count; k += 1) {
    copyHead(addressOf(args, load<i32>(places + ((<usize>k) << 2)), signal, past), rows + <usize>k * headBytes);
  }
  return rows;
}

/** Rows `[n, width]` in panels, as the right operand of `· rows` or, turned, of `· rowsᵀ`. */
function panelsOf(rows: usize, stride: usize, n: i32, turned: bool): usize {
  if (turned) {
    const target = take((<usize>((n + 15) & ~15)) * headBytes);
    packBlock(rows, stride, 1, 0, width, 0, n, target, headBytes << 4);
    return target;
  }
  const target = take((<usize>n * <usize>((width + 15) & ~15)) << 2);
  packBlock(rows, stride, 0, 0, n, 0, width, target, (<usize>n) << 6);
  return target;
}

/** C (+)= A·B, B in panels of 16 columns. */
function times(
  rows: i32, columns: i32, k: i32, a: usize, lda: usize, aStep: usize, panel: usize, panelBytes: usize, accumulate: bool,
  c: usize, ldc: usize, member: i32,
): void {
  let column = 0;
  for (; column + 16 <= columns; column += 16, panel += panelBytes, c += 64) {
    strip(rows, k, a, lda, aStep, panel, 64, accumulate ? c : 0, ldc, c, ldc);
  }
  if (column < columns) {
    edge(rows, k, a, lda, aStep, panel, accumulate ? c : 0, ldc, c, ldc, columns - column, member);
  }
}

// The keys that the current query sees, and those that its block meets: `first` up to `last` − 1.
let first: i32 = 0;
let last: i32 = 0;

/** Goes on to a query: a causal one sees itself and what is no further back than the past is long. */
// @ts-ignore: decorator
@inline
function look(args: AttentionArguments, query: i32): void {
  if (!args.causal) {
    last = count;
    return;
  }
  const before = args.before;
  const here = before + query;
  if (before > 0) {
    while (first < count && load<i32>(places + ((<usize>first) << 2)) < query) first += 1;
  }
  while (last < count && load<i32>(places + ((<usize>last) << 2)) <= here) last += 1;
}

/** e^(scale · (s − max)) over the keys seen, in place, 0 over the others of the block; gives the sum. */
function exponentials(row: usize, from: i32, to: i32, factor: usize): f32 {
  // Not a vector as an argument: the revectorizer does not pair those, and V8 dies of it.
  const scale = v128.load32_splat(factor);
  const start = row + ((<usize>first) << 2);
  const stop = row + ((<usize>last) << 2);
  const end = start + (((<usize>(last - first) + 7) & ~7) << 2);
  // Rows are padded, and the next one is still to come.
  const low = v128.load32_splat(LOWEST);
  v128.store(stop, low);
  v128.store(stop, low, 16);
  let m = low;
  let n = low;
  for (let s = start; s < end; s += 32) {
    m = f32x4.max(m, v128.load(s));
    n = f32x4.max(n, v128.load(s, 16));
  }
  const shift = f32x4.splat(horizontalMax(f32x4.max(m, n)));
  for (let s = start; s < end; s += 32) {
    const a = f32x4.mul(scale, f32x4.sub(v128.load(s), shift));
    const b = f32x4.mul(scale, f32x4.sub(v128.load(s, 16), shift));
    store8(s, exp4(a), exp4(b));
  }
  m = f32x4.splat(0);
  n = m;
  for (let s = start; s < end; s += 32) {
    m = f32x4.add(m, v128.load(s));
    n = f32x4.add(n, v128.load(s, 16));
  }
  const zero = f32x4.splat(0);
  for (let s = end, over = row + ((<usize>to) << 2); s < over; s += 16) v128.store(s, zero);
  for (let s = row + ((<usize>from) << 2); s < start; s += 4) store<f32>(s, 0);
  return horizontalSum(f32x4.add(m, n));
}

/**
 * Sets weights of the current query to 0 at random, over the keys seen, and multiplies the others by 1 / keep. Each draw is
 * hashed from its own number, that of lane, head, query and place of the key, by MurmurHash3's finaliser.
 */
function drop(args: AttentionArguments, row: usize, query: i32): void {
  const all = args.before + args.keys;
  const number = ((lane * args.heads + head) * args.queries + query) * all;
  const base = i32x4.splat(args.dropKey + number);
  const threshold = v128.load32_splat(changetype<usize>(args), offsetof<AttentionArguments>('dropThreshold'));
  const factor = v128.load32_splat(changetype<usize>(args), offsetof<AttentionArguments>('dropFactor'));
  const one = i32x4.splat(0x85ebca6b);
  const other = i32x4.splat(0xc2b2ae35);
  // Past the last key are zeros, in the row's padding.
  for (let k = first; k < last; k += 4) {
    const at = <usize>k << 2;
    let h = i32x4.add(base, v128.load(places + at));
    h = i32x4.mul(v128.xor(h, i32x4.shr_u(h, 16)), one);
    h = i32x4.mul(v128.xor(h, i32x4.shr_u(h, 13)), other);
    h = v128.xor(h, i32x4.shr_u(h, 16));
    const kept = v128.and(v128.load(row + at), i32x4.lt_u(h, threshold));
    v128.store(row + at, f32x4.mul(kept, factor));
  }
}

/** y = factor · x over a head's numbers. */
function scaleHead(x: usize, factor: f32): void {
  const by = f32x4.splat(factor);
  let k: usize = 0;
  for (; k + 32 <= headBytes; k += 32) {
    const a = f32x4.mul(v128.load(x + k), by);
    const b = f32x4.mul(v128.load(x + k, 16), by);
    store8(x + k, a, b);
  }
  for (; k < headBytes; k += 4) store<f32>(x + k, load<f32>(x + k) * factor);
}

/** Items: heads of the first lane, of the second, … */
export function attention(args: AttentionArguments, from: i32, to: i32, member: i32): void {
  const queries = args.queries;
  const lanes = args.lanes;
  const stride = <usize>lanes * (<usize>args.features << 2);
  const dropping = args.dropFactor != 0;
  const scale = changetype<usize>(args) + offsetof<AttentionArguments>('scale');
  for (let item = from; item < to; item += 1) {
    begin(args, item, member);
    if (count == 0) {
      for (let t = 0; t < queries; t += 1) memory.fill(rowOf(args.y, t, lanes), 0, headBytes);
      continue;
    }
    const keys = panelsOf(collect(args, args.k, args.pastKeys), headBytes, count, true);
    const values = panelsOf(collect(args, args.v, args.pastValues), headBytes, count, false);
    const scores = take(<usize>BLOCK * scoreBytes + 64);
    const sums = take(<usize>BLOCK << 2);
    first = 0;
    last = 0;
    for (let query = 0; query < queries; query += BLOCK) {
      const rows = min(BLOCK, queries - query);
      look(args, query);
      const start = first;
      const firstLast = last;
      look(args, query + rows - 1);
      const stop = last;
      first = start;
      last = firstLast;
      const y = rowOf(args.y, query, lanes);
      if (stop <= start) {
        for (let r = 0; r < rows; r += 1) memory.fill(y + <usize>r * stride, 0, headBytes);
        continue;
      }
      const panel = start >> 4;
      const columns = (stop - (panel << 4) + 15) & ~15;
      times(
        rows, columns, width, rowOf(args.q, query, lanes), stride, 4, keys + <usize>panel * (headBytes << 4),
        headBytes << 4, false, scores + ((<usize>panel) << 6), scoreBytes, member,
      );
      for (let r = 0; r < rows; r += 1) {
        look(args, query + r);
        const row = scores + <usize>r * scoreBytes;
        const sum = exponentials(row, start, stop, scale);
        store<f32>(sums + ((<usize>r) << 2), last > first ? <f32>1 / sum : 0);
        if (dropping) drop(args, row, query + r);
      }
      times(
        rows, width, stop - start, scores + ((<usize>start) << 2), scoreBytes, 4, values + ((<usize>start) << 6),
        (<usize>count) << 6, false, y, stride, member,
      );
      for (let r = 0; r < rows; r += 1) scaleHead(y + <usize>r * stride, load<f32>(sums + ((<usize>r) << 2)));
    }
  }
}

/** Σ a ⊙ b over a head's numbers. */
function dotHead(a: usize, b: usize): f32 {
  let s = f32x4.splat(0);
  let k: usize = 0;
  for (; k + 16 <= headBytes; k += 16) s = f32x4.add(s, f32x4.mul(v128.load(a + k), v128.load(b + k)));
  let sum = horizontalSum(s);
  for (; k < headBytes; k += 4) sum += load<f32>(a + k) * load<f32>(b + k);
  return sum;
}

/** p = inverse · p and ds = scale · p ⊙ (dp − dot), over whole groups of eight. */
function slopes(p: usize, end: usize, dp: usize, inverse: f32, dot: f32, scale: f32): void {
  const by = f32x4.splat(inverse);
  const less = f32x4.splat(dot);
  const times = f32x4.splat(scale);
  for (; p < end; p += 32, dp += 32) {
    const a = f32x4.mul(v128.load(p), by);
    const b = f32x4.mul(v128.load(p, 16), by);
    const c = f32x4.mul(f32x4.mul(f32x4.sub(v128.load(dp), less), a), times);
    const d = f32x4.mul(f32x4.mul(f32x4.sub(v128.load(dp, 16), less), b), times);
    store8(p, a, b);
    store8(dp, c, d);
  }
}

/** Puts rows that were worked out together back to their places; what no query may see gets 0. */
function spread(args: AttentionArguments, rows: usize, signal: usize, past: usize): void {
  const before = args.before;
  const all = before + args.keys;
  let k = 0;
  for (let place = 0; place < all; place += 1) {
    const seen = k < count && load<i32>(places + ((<usize>k) << 2)) == place;
    const source = rows + <usize>k * headBytes;
    if (seen) k += 1;
    if (place < before && past == 0) continue;
    const target = addressOf(args, place, signal, past);
    if (seen) copyHead(source, target);
    else memory.fill(target, 0, headBytes);
  }
}

/** Those of the past are 0 where they are not wanted. */
export function attentionAdjoint(args: AttentionAdjointArguments, from: i32, to: i32, member: i32): void {
  const queries = args.queries;
  const lanes = args.lanes;
  const factor = args.scale;
  const stride = <usize>lanes * (<usize>args.features << 2);
  const dropping = args.dropFactor != 0;
  const scale = changetype<usize>(args) + offsetof<AttentionArguments>('scale');
  for (let item = from; item < to; item += 1) {
    begin(args, item, member);
    const dk = take(<usize>count * headBytes);
    const dv = take(<usize>count * headBytes);
    memory.fill(dk, 0, <usize>count * headBytes);
    memory.fill(dv, 0, <usize>count * headBytes);
    const keyRows = collect(args, args.k, args.pastKeys);
    const valueRows = collect(args, args.v, args.pastValues);
    const turnedKeys = panelsOf(keyRows, headBytes, count, true);
    const turnedValues = panelsOf(valueRows, headBytes, count, true);
    const keys = panelsOf(keyRows, headBytes, count, false);
    const scores = take(<usize>BLOCK * scoreBytes + 64);
    const gradients = take(<usize>BLOCK * scoreBytes + 64);
    const mark = free;
    first = 0;
    last = 0;
    for (let query = 0; query < queries; query += BLOCK) {
      const rows = min(BLOCK, queries - query);
      look(args, query);
      const start = first;
      const firstLast = last;
      look(args, query + rows - 1);
      const stop = last;
      first = start;
      last = firstLast;
      const q = rowOf(args.q, query, lanes);
      const y = rowOf(args.y, query, lanes);
      const g = rowOf(args.dy, query, lanes);
      const dq = rowOf(args.dq, query, lanes);
      if (stop <= start) {
        for (let r = 0; r < rows; r += 1) memory.fill(dq + <usize>r * stride, 0, headBytes);
        continue;
      }
      const panel = start >> 4;
      const columns = (stop - (panel << 4) + 15) & ~15;
      const at = (<usize>panel) << 6;
      const panelBytes = headBytes << 4;
      const skipped = <usize>panel * panelBytes;
      times(rows, columns, width, q, stride, 4, turnedKeys + skipped, panelBytes, false, scores + at, scoreBytes, member);
      times(rows, columns, width, g, stride, 4, turnedValues + skipped, panelBytes, false, gradients + at, scoreBytes, member);
      for (let r = 0; r < rows; r += 1) {
        look(args, query + r);
        const row = scores + <usize>r * scoreBytes;
        const sum = exponentials(row, start, stop, scale);
        const dot = dotHead(g + <usize>r * stride, y + <usize>r * stride);
        const inverse: f32 = last > first ? <f32>1 / sum : 0;
        const begins = row + ((<usize>start) << 2);
        const slope = gradients + <usize>r * scoreBytes;
        if (dropping) drop(args, slope, query + r);
        slopes(begins, row + ((<usize>stop) << 2), slope + ((<usize>start) << 2), inverse, dot, factor);
        if (dropping) drop(args, row, query + r);
      }
      const p = scores + ((<usize>start) << 2);
      const ds = gradients + ((<usize>start) << 2);
      const seen = stop - start;
      times(rows, width, seen, ds, scoreBytes, 4, keys + ((<usize>start) << 6), (<usize>count) << 6, false, dq, stride, member);
      free = mark;
      const offset = <usize>start * headBytes;
      times(seen, width, rows, p, 4, scoreBytes, panelsOf(g, stride, rows, false), (<usize>rows) << 6, true, dv + offset, headBytes, member);
      times(seen, width, rows, ds, 4, scoreBytes, panelsOf(q, stride, rows, false), (<usize>rows) << 6, true, dk + offset, headBytes, member);
    }
    spread(args, dk, args.dk, args.dPastKeys);
    spread(args, dv, args.dv, args.dPastValues);
  }
}
