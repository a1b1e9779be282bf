// An LSTM over a whole window. Items are batch rows: each thread takes its rows through all steps, so that a window
// needs one fork and no barrier. In `gates` the four gates lie side by side, i, f, g, o, and hold what the functions
// gave; `cells` and `states` hold T + 1 steps, the carry that entered being the first.
import { at } from '../address';
import { multiplyRows } from '../gemm';
import { store8, tanh4 } from '../math';
import { tailOf } from '../scratch';
import { logisticRow, tanhRow } from './rows';
import { copyFew, layRows } from './tail';

/**
 * args: z [T, B, 4H], wh [H, 4H], packed, gates [T, B, 4H], cells [T+1, B, H], states [T+1, B, H], T, B, H, ids [T, B] or 0:
 * with ids z is a table of rows that they choose from.
 */
export function lstmForward(args: usize, from: i32, to: i32, member: i32): void {
  const z = load<usize>(args);
  const wh = load<usize>(args, 4);
  const packed = load<i32>(args, 8);
  const gates = load<usize>(args, 12);
  const cells = load<usize>(args, 16);
  const states = load<usize>(args, 20);
  const steps = load<i32>(args, 24);
  const batch = load<i32>(args, 28);
  const units = load<i32>(args, 32);
  const ids = load<usize>(args, 36);
  const width = units << 2;
  const rows = to - from;
  const whole = units & ~7;
  const rest = units & 7;
  const tail = tailOf(member);
  for (let t = 0; t < steps; t += 1) {
    const row = t * batch + from;
    // The input's part is laid down first, row by row: where the product adds to it, it is near.
    layRows(at(gates, row * width), z, ids, row, rows, width);
    multiplyRows(
      rows, units, width, at(states, row * units), (<usize>units) << 2, wh, packed,
      at(gates, row * width), (<usize>width) << 2, at(gates, row * width), (<usize>width) << 2, member,
    );
    for (let r = row; r < row + rows; r += 1) {
      const gate = at(gates, r * width);
      const before = at(cells, r * units);
      const after = at(cells, (r + batch) * units);
      const state = at(states, (r + batch) * units);
      forwardRow(whole, gate, (<usize>units) << 2, before, after, state);
      if (rest) {
        for (let q = 0; q < 4; q += 1) copyFew(tail + (<usize>q << 5), at(gate, q * units + whole), rest);
        copyFew(tail + 256, at(before, whole), rest);
        forwardRow(8, tail, 32, tail + 256, tail + 288, tail + 320);
        for (let q = 0; q < 4; q += 1) copyFew(at(gate, q * units + whole), tail + (<usize>q << 5), rest);
        copyFew(at(after, whole), tail + 288, rest);
        copyFew(at(state, whole), tail + 320, rest);
      }
    }
  }
}

/** c = σ(f) ⊙ c′ + σ(i) ⊙ tanh(g), h = σ(o) ⊙ tanh(c), for a multiple of 8 units; gates `stride` bytes apart. */
function forwardRow(count: i32, gate: usize, stride: usize, before: usize, after: usize, state: usize): void {
  const gateF = gate + stride;
  const gateG = gateF + stride;
  const gateO = gateG + stride;
  logisticRow(gate, count);
  logisticRow(gateF, count);
  tanhRow(gateG, count);
  logisticRow(gateO, count);
  for (let k: usize = 0, end = (<usize>count) << 2; k < end; k += 32) {
    const c0 = f32x4.add(f32x4.mul(v128.load(gateF + k), v128.load(before + k)), f32x4.mul(v128.load(gate + k), v128.load(gateG + k)));
    const c1 = f32x4.add(f32x4.mul(v128.load(gateF + k, 16), v128.load(before + k, 16)), f32x4.mul(v128.load(gate + k, 16), v128.load(gateG + k, 16)));
    const h0 = f32x4.mul(v128.load(gateO + k), tanh4(c0));
    const h1 = f32x4.mul(v128.load(gateO + k, 16), tanh4(c1));
    store8(after + k, c0, c1);
    store8(state + k, h0, h1);
  }
}

/**
 * args: dy [T, B, H], whᵀ [4H, H], packed, gates [T, B, 4H], cells [T+1, B, H], dz [T, B, 4H], dh [B, H], dc [B, H],
 * T, B, H. On entry dh is zero and dc the gradient of the last cell; on return they are those of the carry that entered.
 */
export function lstmBackward(args: usize, from: i32, to: i32, member: i32): void {
  const dy = load<usize>(args);
  const wht = load<usize>(args, 4);
  const packed = load<i32>(args, 8);
  const gates = load<usize>(args, 12);
  const cells = load<usize>(args, 16);
  const dz = load<usize>(args, 20);
  const dh = load<usize>(args, 24);
  const dc = load<usize>(args, 28);
  const steps = load<i32>(args, 32);
  const batch = load<i32>(args, 36);
  const units = load<i32>(args, 40);
  const width = units << 2;
  const rows = to - from;
  const whole = units & ~7;
  const rest = units & 7;
  const tail = tailOf(member);
  for (let t = steps - 1; t >= 0; t -= 1) {
    const row = t * batch;
    for (let r = from; r < to; r += 1) {
      const gate = at(gates, (row + r) * width);
      const before = at(cells, (row + r) * units);
      const after = at(cells, (row + batch + r) * units);
      const above = at(dy, (row + r) * units);
      const result = at(dz, (row + r) * width);
      const dState = at(dh, r * units);
      const dCell = at(dc, r * units);
      backwardRow(whole, gate, (<usize>units) << 2, before, after, above, result, (<usize>units) << 2, dState, dCell);
      if (rest) {
        for (let q = 0; q < 4; q += 1) copyFew(tail + (<usize>q << 5), at(gate, q * units + whole), rest);
        copyFew(tail + 256, at(before, whole), rest);
        copyFew(tail + 288, at(after, whole), rest);
        copyFew(tail + 320, at(above, whole), rest);
        copyFew(tail + 352, at(dState, whole), rest);
        copyFew(tail + 384, at(dCell, whole), rest);
        backwardRow(8, tail, 32, tail + 256, tail + 288, tail + 320, tail + 128, 32, tail + 352, tail + 384);
        for (let q = 0; q < 4; q += 1) copyFew(at(result, q * units + whole), tail + 128 + (<usize>q << 5), rest);
        copyFew(at(dCell, whole), tail + 384, rest);
      }
    }
    multiplyRows(
      rows, width, units, at(dz, (row + from) * width), (<usize>width) << 2, wht, packed,
      0, 0, at(dh, from * units), (<usize>units) << 2, member,
    );
  }
}

function backwardRow(
  count: i32, gate: usize, stride: usize, before: usize, after: usize, above: usize, result: usize,
  resultStride: usize, dh: usize, dc: usize,
): void {
  const gateF = gate + stride;
  const gateG = gateF + stride;
  const gateO = gateG + stride;
  const resultF = result + resultStride;
  const resultG = resultF + resultStride;
  const resultO = resultG + resultStride;
  const one = f32x4.splat(1);
  for (let k: usize = 0, end = (<usize>count) << 2; k < end; k += 32) {
    const tanh0 = tanh4(v128.load(after + k));
    const tanh1 = tanh4(v128.load(after + k, 16));
    const o0 = v128.load(gateO + k);
    const o1 = v128.load(gateO + k, 16);
    const dh0 = f32x4.add(v128.load(above + k), v128.load(dh + k));
    const dh1 = f32x4.add(v128.load(above + k, 16), v128.load(dh + k, 16));
    const do0 = f32x4.mul(f32x4.mul(dh0, tanh0), f32x4.mul(o0, f32x4.sub(one, o0)));
    const do1 = f32x4.mul(f32x4.mul(dh1, tanh1), f32x4.mul(o1, f32x4.sub(one, o1)));
    const dc0 = f32x4.add(v128.load(dc + k), f32x4.mul(f32x4.mul(dh0, o0), f32x4.sub(one, f32x4.mul(tanh0, tanh0))));
    const dc1 = f32x4.add(v128.load(dc + k, 16), f32x4.mul(f32x4.mul(dh1, o1), f32x4.sub(one, f32x4.mul(tanh1, tanh1))));
    const i0 = v128.load(gate + k);
    const i1 = v128.load(gate + k, 16);
    const f0 = v128.load(gateF + k);
    const f1 = v128.load(gateF + k, 16);
    const g0 = v128.load(gateG + k);
    const g1 = v128.load(gateG + k, 16);
    const c0 = v128.load(before + k);
    const c1 = v128.load(before + k, 16);
    store8(resultO + k, do0, do1);
    store8(dc + k, f32x4.mul(dc0, f0), f32x4.mul(dc1, f1));
    store8(result + k, f32x4.mul(f32x4.mul(dc0, g0), f32x4.mul(i0, f32x4.sub(one, i0))), f32x4.mul(f32x4.mul(dc1, g1), f32x4.mul(i1, f32x4.sub(one, i1))));
    store8(resultF + k, f32x4.mul(f32x4.mul(dc0, c0), f32x4.mul(f0, f32x4.sub(one, f0))), f32x4.mul(f32x4.mul(dc1, c1), f32x4.mul(f1, f32x4.sub(one, f1))));
    store8(resultG + k, f32x4.mul(f32x4.mul(dc0, i0), f32x4.sub(one, f32x4.mul(g0, g0))), f32x4.mul(f32x4.mul(dc1, i1), f32x4.sub(one, f32x4.mul(g1, g1))));
  }
}
