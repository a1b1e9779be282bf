// Layer normalisation over rows, and its derivative. A row is one thread's; so is a group of columns in the sums over rows.
import { at } from './address';
import { LayerNormAdjointArguments, LayerNormArguments, LayerNormSumsArguments } from './generated/arguments';
import { horizontalSum, store8 } from './math';

/** Rows that are summed before their sum is added to the total, as in the other sums over rows. */
const BLOCK_ROWS: i32 = 64;

function mean(x: usize, columns: i32): f32 {
  let s = f32x4.splat(0);
  let t = s;
  const end = x + ((<usize>(columns & ~7)) << 2);
  for (; x < end; x += 32) {
    s = f32x4.add(s, v128.load(x));
    t = f32x4.add(t, v128.load(x, 16));
  }
  let sum = horizontalSum(f32x4.add(s, t));
  for (let rest = columns & 7; rest > 0; rest -= 1, x += 4) sum += load<f32>(x);
  return sum / <f32>columns;
}

/** 1 / √(variance + ε), the variance about a mean that is known: no digits cancel. */
function inverseDeviation(x: usize, columns: i32, about: f32, epsilon: f32): f32 {
  const m = f32x4.splat(about);
  let s = f32x4.splat(0);
  let t = s;
  const end = x + ((<usize>(columns & ~7)) << 2);
  for (; x < end; x += 32) {
    const a = f32x4.sub(v128.load(x), m);
    const b = f32x4.sub(v128.load(x, 16), m);
    s = f32x4.add(s, f32x4.mul(a, a));
    t = f32x4.add(t, f32x4.mul(b, b));
  }
  let sum = horizontalSum(f32x4.add(s, t));
  for (let rest = columns & 7; rest > 0; rest -= 1, x += 4) {
    const a = load<f32>(x) - about;
    sum += a * a;
  }
  return <f32>1 / Mathf.sqrt(sum / <f32>columns + epsilon);
}

/** y = gain ⊙ x̂ + bias of a row, x̂ having mean 0 and variance 1. */
export function normaliseRow(x: usize, gain: usize, bias: usize, y: usize, columns: i32, epsilon: f32): void {
  const whole = (<usize>(columns & ~7)) << 2;
  const bytes = (<usize>columns) << 2;
  const m = mean(x, columns);
  const inverse = inverseDeviation(x, columns, m, epsilon);
  const about = f32x4.splat(m);
  const by = f32x4.splat(inverse);
  let k: usize = 0;
  for (; k < whole; k += 32) {
    const a = f32x4.mul(f32x4.mul(f32x4.sub(v128.load(x + k), about), by), v128.load(gain + k));
    const b = f32x4.mul(f32x4.mul(f32x4.sub(v128.load(x + k, 16), about), by), v128.load(gain + k, 16));
    store8(y + k, f32x4.add(a, v128.load(bias + k)), f32x4.add(b, v128.load(bias + k, 16)));
  }
  for (; k < bytes; k += 4) {
    store<f32>(y + k, (load<f32>(x + k) - m) * inverse * load<f32>(gain + k) + load<f32>(bias + k));
  }
}

/**
 * dx = (u − mean u − x̂ · mean(u ⊙ x̂)) / σ with u = g ⊙ gain, of a row; `known` takes its mean and 1/σ. dx may lie where
 * g does.
 */
export function normaliseRowAdjoint(
  g: usize, x: usize, gain: usize, dx: usize, columns: i32, epsilon: f32, known: usize,
): void {
  const whole = (<usize>(columns & ~7)) << 2;
  const bytes = (<usize>columns) << 2;
  const m = mean(x, columns);
  const inverse = inverseDeviation(x, columns, m, epsilon);
  store<f32>(known, m);
  store<f32>(known, inverse, 4);
  const about = f32x4.splat(m);
  const by = f32x4.splat(inverse);
  let s = f32x4.splat(0);
  let t = s;
  let p = s;
  let q = s;
  let k: usize = 0;
  for (; k < whole; k += 32) {
    const a = f32x4.mul(v128.load(g + k), v128.load(gain + k));
    const b = f32x4.mul(v128.load(g + k, 16), v128.load(gain + k, 16));
    s = f32x4.add(s, a);
    t = f32x4.add(t, b);
    p = f32x4.add(p, f32x4.mul(a, f32x4.mul(f32x4.sub(v128.load(x + k), about), by)));
    q = f32x4.add(q, f32x4.mul(b, f32x4.mul(f32x4.sub(v128.load(x + k, 16), about), by)));
  }
  let sum = horizontalSum(f32x4.add(s, t));
  let dot = horizontalSum(f32x4.add(p, q));
  for (; k < bytes; k += 4) {
    const a = load<f32>(g + k) * load<f32>(gain + k);
    sum += a;
    dot += a * ((load<f32>(x + k) - m) * inverse);
  }
  sum /= <f32>columns;
  dot /= <f32>columns;
  const less = f32x4.splat(sum);
  const along = f32x4.splat(dot);
  for (k = 0; k < whole; k += 32) {
    const a = f32x4.mul(v128.load(g + k), v128.load(gain + k));
    const b = f32x4.mul(v128.load(g + k, 16), v128.load(gain + k, 16));
    const c = f32x4.mul(f32x4.mul(f32x4.sub(v128.load(x + k), about), by), along);
    const d = f32x4.mul(f32x4.mul(f32x4.sub(v128.load(x + k, 16), about), by), along);
    const e = f32x4.mul(f32x4.sub(f32x4.sub(a, less), c), by);
    const f = f32x4.mul(f32x4.sub(f32x4.sub(b, less), d), by);
    store8(dx + k, e, f);
  }
  for (; k < bytes; k += 4) {
    const a = load<f32>(g + k) * load<f32>(gain + k);
    store<f32>(dx + k, (a - sum - (load<f32>(x + k) - m) * inverse * dot) * inverse);
  }
}

/** Items: rows. */
export function layerNorm(args: LayerNormArguments, from: i32, to: i32): void {
  const columns = args.columns;
  for (let row = from; row < to; row += 1) {
    const start = row * columns;
    normaliseRow(at(args.x, start), args.gain, args.bias, at(args.y, start), columns, args.epsilon);
  }
}

/** Items: rows. */
export function layerNormAdjoint(args: LayerNormAdjointArguments, from: i32, to: i32): void {
  const columns = args.columns;
  for (let row = from; row < to; row += 1) {
    const start = row * columns;
    normaliseRowAdjoint(
      at(args.gradient, start), at(args.x, start), args.gain, at(args.dx, start), columns, args.epsilon, at(args.known, 2 * row),
    );
  }
}

/**
 * Items: groups of 8 columns: d gain = Σ g ⊙ x̂ and d bias = Σ g over all rows.
 */
export function layerNormSums(args: LayerNormSumsArguments, from: i32, to: i32): void {
  const rows = args.rows;
  const columns = args.columns;
  const stride = (<usize>columns) << 2;
  for (let group = from; group < to; group += 1) {
    const column = group << 3;
    const offset = (<usize>column) << 2;
    let g = args.gradient + offset;
    let x = args.x + offset;
    let known = args.known;
    const gain = args.dgain + offset;
    const bias = args.dbias + offset;
    if (column + 8 <= columns) {
      let a = f32x4.splat(0), b = a, c = a, d = a;
      for (let row = 0; row < rows; row += BLOCK_ROWS) {
        let e = f32x4.splat(0), f = e, h = e, i = e;
        for (let r = min(BLOCK_ROWS, rows - row); r > 0; r -= 1, g += stride, x += stride, known += 8) {
          const about = v128.load32_splat(known);
          const by = v128.load32_splat(known, 4);
          const left = v128.load(g);
          const right = v128.load(g, 16);
          e = f32x4.add(e, f32x4.mul(left, f32x4.mul(f32x4.sub(v128.load(x), about), by)));
          f = f32x4.add(f, f32x4.mul(right, f32x4.mul(f32x4.sub(v128.load(x, 16), about), by)));
          h = f32x4.add(h, left);
          i = f32x4.add(i, right);
        }
        a = f32x4.add(a, e);
        b = f32x4.add(b, f);
        c = f32x4.add(c, h);
        d = f32x4.add(d, i);
      }
      store8(gain, a, b);
      store8(bias, c, d);
      continue;
    }
    for (let j: usize = 0, end = (<usize>(columns - column)) << 2; j < end; j += 4) {
      let sum: f32 = 0;
      let dot: f32 = 0;
      for (let row = 0; row < rows; row += 1) {
        const value = load<f32>(g + j + <usize>row * stride);
        const pair = known + ((<usize>row) << 3);
        sum += value;
        dot += value * ((load<f32>(x + j + <usize>row * stride) - load<f32>(pair)) * load<f32>(pair, 4));
      }
      store<f32>(gain + j, dot);
      store<f32>(bias + j, sum);
    }
  }
}
