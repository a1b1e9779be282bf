// An LSTM over a whole window, and its variants. Items are batch rows: each thread takes its rows through all steps, so
// that a window needs one fork and no barrier. In `gates` the gates lie side by side, i, f, g, o (three where there is no
// f), and hold what the functions gave; `cells` and `states` hold T + 1 steps, the carry that entered being the first.
// Peepholes, 0 for none, lie in the same order: vi, vf where there is an f, vo.
//
// A variant is chosen a row at a time, between loops; each loop is the same for all variants that run it.
import { Forget } from '../../jobs';
import { at } from '../address';
import { multiplyRows } from '../gemm';
import { LstmBackwardArguments, LstmForwardArguments } from '../generated/arguments';
import { madd, store8, tanh4 } from '../math';
import { tailOf } from '../scratch';
import { addProduct, logisticOfPeephole, logisticRow, tanhRow } from './rows';
import { copyFew, layRows } from './tail';

// @ts-ignore: decorator
@inline
function gatesOf(forget: i32): i32 {
  return forget == Forget.learned ? 4 : 3;
}

/**
 * z [T, B, 4H], wh [H, 4H] (0: `gates` hold z + h·wh already), gates [T, B, 4H], cells and states [T+1, B, H], peepholes [3H]
 * or 0, ids [T, B] or 0: with ids z is a table of rows that they choose from. Where there is no f, 4H is 3H, and 3H is 2H.
 */
export function lstmForward(args: LstmForwardArguments, from: i32, to: i32, member: i32): void {
  const z = args.z;
  const wh = args.wh;
  const packed = args.packed;
  const gates = args.gates;
  const cells = args.cells;
  const states = args.states;
  const steps = args.steps;
  const batch = args.batch;
  const units = args.units;
  const ids = args.ids;
  const forget = args.forget;
  const peepholes = args.peepholes;
  const parts = gatesOf(forget);
  const width = parts * units;
  const rows = to - from;
  const whole = units & ~7;
  const rest = units & 7;
  const tail = tailOf(member);
  for (let t = 0; t < steps; t += 1) {
    const row = t * batch + from;
    if (wh != 0) {
      // The input's part is laid down first, row by row: where the product adds to it, it is near.
      layRows(at(gates, row * width), z, ids, row, rows, width);
      multiplyRows(
        rows, units, width, at(states, row * units), (<usize>units) << 2, wh, packed,
        at(gates, row * width), (<usize>width) << 2, at(gates, row * width), (<usize>width) << 2, member,
      );
    }
    for (let r = row; r < row + rows; r += 1) {
      const gate = at(gates, r * width);
      const before = at(cells, r * units);
      const after = at(cells, (r + batch) * units);
      const state = at(states, (r + batch) * units);
      forwardRow(forget, whole, gate, (<usize>units) << 2, peepholes, before, after, state);
      if (rest) {
        copyParts(tail, 32, at(gate, whole), (<usize>units) << 2, parts, rest);
        copyFew(tail + 256, at(before, whole), rest);
        if (peepholes != 0) copyParts(tail + 352, 32, at(peepholes, whole), (<usize>units) << 2, parts - 1, rest);
        forwardRow(forget, 8, tail, 32, peepholes != 0 ? tail + 352 : 0, tail + 256, tail + 288, tail + 320);
        copyParts(at(gate, whole), (<usize>units) << 2, tail, 32, parts, rest);
        copyFew(at(after, whole), tail + 288, rest);
        copyFew(at(state, whole), tail + 320, rest);
      }
    }
  }
}

/** Copies what is left of each of several parts. */
function copyParts(target: usize, targetStride: usize, source: usize, sourceStride: usize, parts: i32, rest: i32): void {
  for (; parts > 0; parts -= 1, target += targetStride, source += sourceStride) copyFew(target, source, rest);
}

/** The gates, c and h = σ(o) ⊙ tanh(c) of a multiple of 8 units; gates and peepholes `stride` bytes apart. */
function forwardRow(
  forget: i32, count: i32, gate: usize, stride: usize, peepholes: usize, before: usize, after: usize, state: usize,
): void {
  const gateF = gate + stride;
  const gateG = forget == Forget.learned ? gateF + stride : gateF;
  const gateO = gateG + stride;
  const end = (<usize>count) << 2;
  logisticSeeing(gate, before, peepholes, count);
  if (forget == Forget.learned) logisticSeeing(gateF, before, peepholes != 0 ? peepholes + stride : 0, count);
  tanhRow(gateG, count);
  if (forget == Forget.learned) {
    for (let k: usize = 0; k < end; k += 32) {
      const c0 = f32x4.add(f32x4.mul(v128.load(gateF + k), v128.load(before + k)), f32x4.mul(v128.load(gate + k), v128.load(gateG + k)));
      const c1 = f32x4.add(f32x4.mul(v128.load(gateF + k, 16), v128.load(before + k, 16)), f32x4.mul(v128.load(gate + k, 16), v128.load(gateG + k, 16)));
      store8(after + k, c0, c1);
    }
  } else if (forget == Forget.none) {
    for (let k: usize = 0; k < end; k += 32) {
      const c0 = madd(v128.load(gate + k), v128.load(gateG + k), v128.load(before + k));
      const c1 = madd(v128.load(gate + k, 16), v128.load(gateG + k, 16), v128.load(before + k, 16));
      store8(after + k, c0, c1);
    }
  } else {
    // c + i ⊙ (g − c) is (1 − i) ⊙ c + i ⊙ g with one product less.
    for (let k: usize = 0; k < end; k += 32) {
      const b0 = v128.load(before + k);
      const b1 = v128.load(before + k, 16);
      const c0 = madd(v128.load(gate + k), f32x4.sub(v128.load(gateG + k), b0), b0);
      const c1 = madd(v128.load(gate + k, 16), f32x4.sub(v128.load(gateG + k, 16), b1), b1);
      store8(after + k, c0, c1);
    }
  }
  logisticSeeing(gateO, after, peepholes != 0 ? peepholes + (gateO - gate) - stride : 0, count);
  for (let k: usize = 0; k < end; k += 32) {
    const h0 = f32x4.mul(v128.load(gateO + k), tanh4(v128.load(after + k)));
    const h1 = f32x4.mul(v128.load(gateO + k, 16), tanh4(v128.load(after + k, 16)));
    store8(state + k, h0, h1);
  }
}

/** z ← σ(z + c ⊙ v), or σ(z) where there is no v. */
function logisticSeeing(z: usize, c: usize, v: usize, count: i32): void {
  if (v != 0) logisticOfPeephole(z, c, v, count);
  else logisticRow(z, count);
}

/**
 * dy [T, B, H], wht [4H, H], gates and dz [T, B, 4H], cells [T+1, B, H], dh and dc [B, H], peepholes [3H] or 0, slopes (their
 * gradients' rows) [B, 3H] or 0. On entry dh and those rows are zero and dc
 * the gradient of the last cell; on return dh and dc are those of the carry that entered, and a peephole's gradient is
 * the sum of its rows.
 */
export function lstmBackward(args: LstmBackwardArguments, from: i32, to: i32, member: i32): void {
  const dy = args.dy;
  const wht = args.wht;
  const packed = args.packed;
  const gates = args.gates;
  const cells = args.cells;
  const dz = args.dz;
  const dh = args.dh;
  const dc = args.dc;
  const steps = args.steps;
  const batch = args.batch;
  const units = args.units;
  const forget = args.forget;
  const peepholes = args.peepholes;
  const slopes = args.slopes;
  const parts = gatesOf(forget);
  const stride = (<usize>units) << 2;
  const width = parts * units;
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
      const slope = at(slopes, r * (parts - 1) * units);
      backwardRow(forget, whole, gate, stride, peepholes, before, after, above, result, stride, dState, dCell, slope);
      if (rest) {
        copyParts(tail, 32, at(gate, whole), stride, parts, rest);
        copyFew(tail + 256, at(before, whole), rest);
        copyFew(tail + 288, at(after, whole), rest);
        copyFew(tail + 320, at(above, whole), rest);
        copyFew(tail + 352, at(dState, whole), rest);
        copyFew(tail + 384, at(dCell, whole), rest);
        if (peepholes != 0) {
          copyParts(tail + 416, 32, at(peepholes, whole), stride, parts - 1, rest);
          copyParts(tail + 512, 32, at(slope, whole), stride, parts - 1, rest);
        }
        backwardRow(
          forget, 8, tail, 32, peepholes != 0 ? tail + 416 : 0, tail + 256, tail + 288, tail + 320, tail + 128, 32,
          tail + 352, tail + 384, tail + 512,
        );
        copyParts(at(result, whole), stride, tail + 128, 32, parts, rest);
        copyFew(at(dCell, whole), tail + 384, rest);
        if (peepholes != 0) copyParts(at(slope, whole), stride, tail + 512, 32, parts - 1, rest);
      }
    }
    multiplyRows(
      rows, width, units, at(dz, (row + from) * width), (<usize>width) << 2, wht, packed,
      0, 0, at(dh, from * units), (<usize>units) << 2, member,
    );
  }
}

/** Gradients of a multiple of 8 units' gates; dc becomes that of the c before. */
function backwardRow(
  forget: i32, count: i32, gate: usize, stride: usize, peepholes: usize, before: usize, after: usize, above: usize,
  result: usize, resultStride: usize, dh: usize, dc: usize, slopes: usize,
): void {
  if (peepholes == 0) {
    if (forget == Forget.learned) {
      backwardLoop(Forget.learned, false, count, gate, stride, 0, before, after, above, result, resultStride, dh, dc);
    } else if (forget == Forget.none) {
      backwardLoop(Forget.none, false, count, gate, stride, 0, before, after, above, result, resultStride, dh, dc);
    } else {
      backwardLoop(Forget.coupled, false, count, gate, stride, 0, before, after, above, result, resultStride, dh, dc);
    }
    return;
  }
  if (forget == Forget.learned) {
    backwardLoop(Forget.learned, true, count, gate, stride, peepholes, before, after, above, result, resultStride, dh, dc);
    addProduct(slopes + stride, result + resultStride, before, count);
  } else if (forget == Forget.none) {
    backwardLoop(Forget.none, true, count, gate, stride, peepholes, before, after, above, result, resultStride, dh, dc);
  } else {
    backwardLoop(Forget.coupled, true, count, gate, stride, peepholes, before, after, above, result, resultStride, dh, dc);
  }
  const last: usize = forget == Forget.learned ? 2 : 1;
  addProduct(slopes, result, before, count);
  addProduct(slopes + last * stride, result + (last + 1) * resultStride, after, count);
}

/**
 * One loop, since these numbers come from afar: cut in two it is slower. Inlined, so that `forget` and `seeing` are
 * known to the compiler.
 */
// @ts-ignore: decorator
@inline
function backwardLoop(
  forget: i32, seeing: bool, count: i32, gate: usize, stride: usize, peepholes: usize, before: usize, after: usize,
  above: usize, result: usize, resultStride: usize, dh: usize, dc: usize,
): void {
  const last: usize = forget == Forget.learned ? 2 : 1;
  const gateF = gate + stride;
  const gateG = gate + last * stride;
  const gateO = gateG + stride;
  const resultF = result + resultStride;
  const resultG = result + last * resultStride;
  const resultO = resultG + resultStride;
  const seenF = peepholes + stride;
  const seenO = peepholes + last * stride;
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
    let dc0 = f32x4.add(v128.load(dc + k), f32x4.mul(f32x4.mul(dh0, o0), f32x4.sub(one, f32x4.mul(tanh0, tanh0))));
    let dc1 = f32x4.add(v128.load(dc + k, 16), f32x4.mul(f32x4.mul(dh1, o1), f32x4.sub(one, f32x4.mul(tanh1, tanh1))));
    if (seeing) {
      dc0 = madd(do0, v128.load(seenO + k), dc0);
      dc1 = madd(do1, v128.load(seenO + k, 16), dc1);
    }
    const i0 = v128.load(gate + k);
    const i1 = v128.load(gate + k, 16);
    const g0 = v128.load(gateG + k);
    const g1 = v128.load(gateG + k, 16);
    // What i lets in on top of what stays anyway: g, or where f = 1 − i, g in place of c.
    let in0 = g0;
    let in1 = g1;
    let past0 = dc0;
    let past1 = dc1;
    let df0 = dc0;
    let df1 = dc1;
    if (forget == Forget.learned) {
      const f0 = v128.load(gateF + k);
      const f1 = v128.load(gateF + k, 16);
      df0 = f32x4.mul(f32x4.mul(dc0, v128.load(before + k)), f32x4.mul(f0, f32x4.sub(one, f0)));
      df1 = f32x4.mul(f32x4.mul(dc1, v128.load(before + k, 16)), f32x4.mul(f1, f32x4.sub(one, f1)));
      past0 = f32x4.mul(dc0, f0);
      past1 = f32x4.mul(dc1, f1);
    }
    if (forget == Forget.coupled) {
      in0 = f32x4.sub(g0, v128.load(before + k));
      in1 = f32x4.sub(g1, v128.load(before + k, 16));
      past0 = f32x4.mul(dc0, f32x4.sub(one, i0));
      past1 = f32x4.mul(dc1, f32x4.sub(one, i1));
    }
    const di0 = f32x4.mul(f32x4.mul(dc0, in0), f32x4.mul(i0, f32x4.sub(one, i0)));
    const di1 = f32x4.mul(f32x4.mul(dc1, in1), f32x4.mul(i1, f32x4.sub(one, i1)));
    const dg0 = f32x4.mul(f32x4.mul(dc0, i0), f32x4.sub(one, f32x4.mul(g0, g0)));
    const dg1 = f32x4.mul(f32x4.mul(dc1, i1), f32x4.sub(one, f32x4.mul(g1, g1)));
    if (seeing) {
      past0 = madd(di0, v128.load(peepholes + k), past0);
      past1 = madd(di1, v128.load(peepholes + k, 16), past1);
      if (forget == Forget.learned) {
        past0 = madd(df0, v128.load(seenF + k), past0);
        past1 = madd(df1, v128.load(seenF + k, 16), past1);
      }
    }
    store8(resultO + k, do0, do1);
    store8(dc + k, past0, past1);
    store8(result + k, di0, di1);
    if (forget == Forget.learned) store8(resultF + k, df0, df1);
    store8(resultG + k, dg0, dg1);
  }
}
