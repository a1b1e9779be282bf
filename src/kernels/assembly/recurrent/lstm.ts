// An LSTM over a whole window, and its variants. Items are batch rows: each thread takes its rows through all steps, so
// that a window needs one fork and no barrier. In `gates` the gates lie side by side, i, f, g, o (three where there is no
// f), and hold what the functions gave; `cells` and `states` hold T + 1 steps, the carry that entered being the first.
// Peepholes, 0 for none, lie in the same order: vi, vf where there is an f, vo.
//
// With layer normalisation (`norms`, 0 for none: the gains of h·wh [4H], then gain and bias of c [H] each) `product` keeps
// h·wh as it was before, and `normed` c as it was after: a row of each is one thread's.
//
// A variant is chosen a row at a time, between loops; each loop is the same for all variants that run it.
import { Forget } from '../../jobs';
import { at } from '../address';
import { multiplyRows } from '../gemm';
import { LstmForwardArguments } from '../generated/arguments';
import { normaliseRow } from '../layer-norm';
import { madd, store8, tanh4 } from '../math';
import { tailOf } from '../scratch';
import { logisticOfPeephole, logisticRow, tanhRow } from './rows';
import { copyFew, copyParts, layRows, rowOf } from './tail';

// @ts-ignore: decorator
@inline
export function gatesOf(forget: i32): i32 {
  return forget == Forget.learned ? 4 : 3;
}

/**
 * z [T, B, 4H], wh [H, 4H] (0: `gates` hold z + h·wh already, or `product` h·wh), gates [T, B, 4H], cells and states [T+1, B, H], peepholes [3H]
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
  const norms = args.norms;
  const product = args.product;
  const normed = args.normed;
  const epsilon = args.epsilon;
  const parts = gatesOf(forget);
  const width = parts * units;
  const stride = (<usize>units) << 2;
  const gainOfC = norms + (<usize>width << 2);
  const rows = to - from;
  const whole = units & ~7;
  const rest = units & 7;
  const tail = tailOf(member);
  for (let t = 0; t < steps; t += 1) {
    const row = t * batch + from;
    if (norms != 0) {
      if (wh != 0) {
        multiplyRows(
          rows, units, width, at(states, row * units), stride, wh, packed, 0, 0, at(product, row * width), (<usize>width) << 2,
          member,
        );
      }
      for (let r = row; r < row + rows; r += 1) {
        normaliseRow(at(product, r * width), norms, rowOf(z, ids, r, width), at(gates, r * width), width, epsilon);
      }
    } else if (wh != 0) {
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
      cellRow(forget, whole, gate, stride, peepholes, before, after);
      if (rest) {
        copyParts(tail, 32, at(gate, whole), stride, parts, rest);
        copyFew(tail + 256, at(before, whole), rest);
        if (peepholes != 0) copyParts(tail + 352, 32, at(peepholes, whole), stride, parts - 1, rest);
        cellRow(forget, 8, tail, 32, peepholes != 0 ? tail + 352 : 0, tail + 256, tail + 288);
        copyParts(at(gate, whole), stride, tail, 32, parts, rest);
        copyFew(at(after, whole), tail + 288, rest);
      }
      let seen = after;
      if (norms != 0) {
        seen = at(normed, r * units);
        normaliseRow(after, gainOfC, gainOfC + stride, seen, units, epsilon);
      }
      const gateO = gate + <usize>(parts - 1) * stride;
      outputRow(whole, gateO, seen, state);
      if (rest) {
        copyFew(tail, at(gateO, whole), rest);
        copyFew(tail + 32, at(seen, whole), rest);
        outputRow(8, tail, tail + 32, tail + 64);
        copyFew(at(state, whole), tail + 64, rest);
      }
    }
  }
}

/** The gates and c of a multiple of 8 units; gates and peepholes `stride` bytes apart. */
function cellRow(
  forget: i32, count: i32, gate: usize, stride: usize, peepholes: usize, before: usize, after: usize,
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
}

/** h = σ(o) ⊙ tanh(c) of a multiple of 8 units, c as it is seen: normalised or not. */
function outputRow(count: i32, gateO: usize, seen: usize, state: usize): void {
  for (let k: usize = 0, end = (<usize>count) << 2; k < end; k += 32) {
    const h0 = f32x4.mul(v128.load(gateO + k), tanh4(v128.load(seen + k)));
    const h1 = f32x4.mul(v128.load(gateO + k, 16), tanh4(v128.load(seen + k, 16)));
    store8(state + k, h0, h1);
  }
}

/** z ← σ(z + c ⊙ v), or σ(z) where there is no v. */
function logisticSeeing(z: usize, c: usize, v: usize, count: i32): void {
  if (v != 0) logisticOfPeephole(z, c, v, count);
  else logisticRow(z, count);
}
