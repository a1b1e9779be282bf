// Orthonormal sets by Gram–Schmidt, in float64 and without fused multiply-adds: a set follows from its vectors alone, bit
// for bit the same in every tier and for any number of threads.
import { OrthonormalArguments } from './generated/arguments';

//
// Rows come one after the other. Those that are yet to be made orthonormal are kept by groups of four from the first panel on,
// one number of each next to the other; a panel puts its own back. What is left over beyond whole groups stays as it is.

/** Rows of a group. */
const TOGETHER: i32 = 4;

/** Makes rows `first` to `end` orthonormal among themselves; one item. */
export function orthonormalPanel(args: OrthonormalArguments): void {
  const length = args.length;
  const first = args.first;
  const end = args.end;
  if (first > 0) {
    for (let row = first; row + TOGETHER <= end; row += TOGETHER) separate(length, rowAt(args, row), args.working);
  }
  for (let row = first; row < end; row += 1) {
    const q = rowAt(args, row);
    const factor = 1 / Math.sqrt(dot(length, q, q));
    scale(length, q, factor);
    for (let later = row + 1; later < end; later += 1) free(length, q, rowAt(args, later));
  }
}

/**
 * With 32 · length + 64 bytes of working memory a thread. Frees the rows after a panel, which has an
 * even number of rows, of those in it. An item is a group, or what is left over.
 */
export function freeOfPanel(args: OrthonormalArguments, from: i32, to: i32, member: i32): void {
  const length = args.length;
  const first = args.first;
  const end = args.end;
  const count = args.count;
  const room = args.working + <usize>member * (((<usize>length) << 5) + 64);
  for (let item = from; item < to; item += 1) {
    const row = end + item * TOGETHER;
    if (row + TOGETHER <= count) {
      if (first == 0) interleave(length, rowAt(args, row), room);
      freeFour(args, length, first, end, rowAt(args, row), room);
    } else for (let later = row; later < count; later += 1) {
      for (let at = first; at < end; at += 1) free(length, rowAt(args, at), rowAt(args, later));
    }
  }
}

function rowAt(args: OrthonormalArguments, row: i32): usize {
  return args.rows + ((<usize>row * <usize>args.length) << 3);
}

/** Four sums at once: one alone waits for its own last addition. */
function dot(length: i32, a: usize, b: usize): f64 {
  let s = f64x2.splat(0), t = s;
  const whole = a + ((<usize>(length & ~3)) << 3);
  const end = a + ((<usize>length) << 3);
  for (; a < whole; a += 32, b += 32) {
    s = f64x2.add(s, f64x2.mul(v128.load(a), v128.load(b)));
    t = f64x2.add(t, f64x2.mul(v128.load(a, 16), v128.load(b, 16)));
  }
  let first = f64x2.extract_lane(s, 0);
  for (; a < end; a += 8, b += 8) first += load<f64>(a) * load<f64>(b);
  return first + f64x2.extract_lane(s, 1) + (f64x2.extract_lane(t, 0) + f64x2.extract_lane(t, 1));
}

function scale(length: i32, v: usize, factor: f64): void {
  for (const end = v + ((<usize>length) << 3); v < end; v += 8) store<f64>(v, load<f64>(v) * factor);
}

/** Frees a row v of one orthonormal row q. */
function free(length: i32, q: usize, v: usize): void {
  const c = dot(length, q, v);
  const both = f64x2.splat(c);
  const whole = v + ((<usize>(length & ~1)) << 3);
  const end = v + ((<usize>length) << 3);
  for (; v < whole; v += 16, q += 16) {
    v128.store(v, f64x2.sub(v128.load(v), f64x2.mul(both, v128.load(q))));
  }
  for (; v < end; v += 8, q += 8) store<f64>(v, load<f64>(v) - c * load<f64>(q));
}

/** The same for a group, two orthonormal rows at a time: a pass frees it of two and multiplies by the next two. */
function freeFour(args: OrthonormalArguments, length: i32, first: i32, end: i32, a: usize, sums: usize): void {
  dots(length, rowAt(args, first), rowAt(args, first + 1), a, sums);
  let at = first;
  for (; at + 2 < end; at += 2) {
    freeAndDots(length, rowAt(args, at), rowAt(args, at + 1), rowAt(args, at + 2), rowAt(args, at + 3), a, sums);
  }
  freeOfTwo(length, rowAt(args, at), rowAt(args, at + 1), a, sums);
}

/** Interleaves the numbers of four rows, in place. */
function interleave(length: i32, rows: usize, room: usize): void {
  const stride = (<usize>length) << 3;
  memory.copy(room, rows, stride << 2);
  for (const end = room + stride; room < end; room += 8, rows += 32) {
    for (let k: usize = 0; k < 4; k += 1) store<f64>(rows + (k << 3), load<f64>(room + k * stride));
  }
}

/** The reverse. */
function separate(length: i32, rows: usize, room: usize): void {
  const stride = (<usize>length) << 3;
  memory.copy(room, rows, stride << 2);
  for (const end = rows + stride; rows < end; rows += 8, room += 32) {
    for (let k: usize = 0; k < 4; k += 1) store<f64>(rows + k * stride, load<f64>(room + (k << 3)));
  }
}

/** The sums of each of the four times x, and times y. */
function dots(length: i32, x: usize, y: usize, a: usize, sums: usize): void {
  let c0 = f64x2.splat(0), c1 = c0, d0 = c0, d1 = c0;
  for (const end = x + ((<usize>length) << 3); x < end; x += 8, y += 8, a += 32) {
    const p = v128.load64_splat(x), q = v128.load64_splat(y);
    const a0 = v128.load(a), a1 = v128.load(a, 16);
    c0 = f64x2.add(c0, f64x2.mul(p, a0)); c1 = f64x2.add(c1, f64x2.mul(p, a1));
    d0 = f64x2.add(d0, f64x2.mul(q, a0)); d1 = f64x2.add(d1, f64x2.mul(q, a1));
  }
  v128.store(sums, c0); v128.store(sums, c1, 16); v128.store(sums, d0, 32); v128.store(sums, d1, 48);
}

function freeAndDots(length: i32, x: usize, y: usize, nextX: usize, nextY: usize, a: usize, sums: usize): void {
  const c0 = v128.load(sums), c1 = v128.load(sums, 16), d0 = v128.load(sums, 32), d1 = v128.load(sums, 48);
  let e0 = f64x2.splat(0), e1 = e0, f0 = e0, f1 = e0;
  for (const end = x + ((<usize>length) << 3); x < end; x += 8, y += 8, nextX += 8, nextY += 8, a += 32) {
    const p = v128.load64_splat(x), q = v128.load64_splat(y);
    const r = v128.load64_splat(nextX), s = v128.load64_splat(nextY);
    const a0 = f64x2.sub(f64x2.sub(v128.load(a), f64x2.mul(c0, p)), f64x2.mul(d0, q));
    const a1 = f64x2.sub(f64x2.sub(v128.load(a, 16), f64x2.mul(c1, p)), f64x2.mul(d1, q));
    e0 = f64x2.add(e0, f64x2.mul(r, a0)); e1 = f64x2.add(e1, f64x2.mul(r, a1));
    f0 = f64x2.add(f0, f64x2.mul(s, a0)); f1 = f64x2.add(f1, f64x2.mul(s, a1));
    v128.store(a, a0); v128.store(a, a1, 16);
  }
  v128.store(sums, e0); v128.store(sums, e1, 16); v128.store(sums, f0, 32); v128.store(sums, f1, 48);
}

function freeOfTwo(length: i32, x: usize, y: usize, a: usize, sums: usize): void {
  const c0 = v128.load(sums), c1 = v128.load(sums, 16), d0 = v128.load(sums, 32), d1 = v128.load(sums, 48);
  for (const end = x + ((<usize>length) << 3); x < end; x += 8, y += 8, a += 32) {
    const p = v128.load64_splat(x), q = v128.load64_splat(y);
    const a0 = f64x2.sub(f64x2.sub(v128.load(a), f64x2.mul(c0, p)), f64x2.mul(d0, q));
    const a1 = f64x2.sub(f64x2.sub(v128.load(a, 16), f64x2.mul(c1, p)), f64x2.mul(d1, q));
    v128.store(a, a0); v128.store(a, a1, 16);
  }
}
