// The way back through an LSTM over a whole window, and its variants; `lstm.ts` has what lies where.
import { Forget } from '../../jobs';
import { at } from '../address';
import { multiplyRows } from '../gemm';
import { LstmBackwardArguments } from '../generated/arguments';
import { normaliseRowAdjoint } from '../layer-norm';
import { madd, store8, tanh4 } from '../math';
import { tailOf } from '../scratch';
import { gatesOf } from './lstm';
import { addProduct } from './rows';
import { copyFew, copyParts } from './tail';

/**
 * dy [T, B, H], wht [4H, H], gates and dz [T, B, 4H], cells [T+1, B, H], dh and dc [B, H], peepholes [3H] or 0, slopes (their
 * gradients' rows) [B, 3H] or 0. On entry dh and those rows are zero and dc
 * the gradient of the last cell; on return dh and dc are those of the carry that entered, and a peephole's gradient is
 * the sum of its rows.
 *
 * With `norms` (0 for none; as forwards): `du` [T, B, 4H] becomes the gradient of h·wh, `dn` [T, B, H] that of the normalised
 * c, and what is `known` of a row is its mean and 1/σ: [T, B, 2] of h·wh, then of c. Gains and biases gain sums over all of these.
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
  const norms = args.norms;
  const epsilon = args.epsilon;
  const known = args.known;
  const parts = gatesOf(forget);
  const stride = (<usize>units) << 2;
  const width = parts * units;
  const gainOfC = norms + (<usize>width << 2);
  const knownOfC = at(known, 2 * steps * batch);
  // What goes back through the recurrent product.
  const through = norms != 0 ? args.du : dz;
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
      if (norms != 0) {
        const o = gate + <usize>(parts - 1) * stride;
        const seen = at(args.normed, (row + r) * units);
        const dSeen = at(args.dn, (row + r) * units);
        const dO = result + <usize>(parts - 1) * stride;
        outputRowAdjoint(whole, o, seen, above, dState, dSeen, dO);
        if (rest) {
          copyFew(tail, at(o, whole), rest);
          copyFew(tail + 32, at(seen, whole), rest);
          copyFew(tail + 64, at(above, whole), rest);
          copyFew(tail + 96, at(dState, whole), rest);
          outputRowAdjoint(8, tail, tail + 32, tail + 64, tail + 96, tail + 128, tail + 160);
          copyFew(at(dSeen, whole), tail + 128, rest);
          copyFew(at(dO, whole), tail + 160, rest);
        }
        // The gradient of h has been taken up: its place takes that of c.
        normaliseRowAdjoint(dSeen, after, gainOfC, dState, units, epsilon, at(knownOfC, 2 * (row + r)));
      }
      backwardRow(norms != 0, forget, whole, gate, stride, peepholes, before, after, above, result, stride, dState, dCell, slope);
      if (rest) {
        copyParts(tail, 32, at(gate, whole), stride, parts, rest);
        copyFew(tail + 256, at(before, whole), rest);
        copyFew(tail + 288, at(after, whole), rest);
        copyFew(tail + 320, at(above, whole), rest);
        copyFew(tail + 352, at(dState, whole), rest);
        copyFew(tail + 384, at(dCell, whole), rest);
        if (norms != 0) copyParts(tail + 128, 32, at(result, whole), stride, parts, rest);
        if (peepholes != 0) {
          copyParts(tail + 416, 32, at(peepholes, whole), stride, parts - 1, rest);
          copyParts(tail + 512, 32, at(slope, whole), stride, parts - 1, rest);
        }
        backwardRow(
          norms != 0, forget, 8, tail, 32, peepholes != 0 ? tail + 416 : 0, tail + 256, tail + 288, tail + 320, tail + 128, 32,
          tail + 352, tail + 384, tail + 512,
        );
        copyParts(at(result, whole), stride, tail + 128, 32, parts, rest);
        copyFew(at(dCell, whole), tail + 384, rest);
        if (peepholes != 0) copyParts(at(slope, whole), stride, tail + 512, 32, parts - 1, rest);
      }
      if (norms != 0) {
        const place = (row + r) * width;
        normaliseRowAdjoint(
          result, at(args.product, place), norms, at(through, place), width, epsilon, at(known, 2 * (row + r)),
        );
      }
    }
    multiplyRows(
      rows, width, units, at(through, (row + from) * width), (<usize>width) << 2, wht, packed,
      0, 0, at(dh, from * units), (<usize>units) << 2, member,
    );
  }
}

/**
 * For h = σ(o) ⊙ tanh(n) of a multiple of 8 units: the gradients of the normalised c, n, and of o before its function.
 */
function outputRowAdjoint(
  count: i32, gateO: usize, seen: usize, above: usize, dh: usize, dSeen: usize, dO: usize,
): void {
  const one = f32x4.splat(1);
  for (let k: usize = 0, end = (<usize>count) << 2; k < end; k += 32) {
    const tanh0 = tanh4(v128.load(seen + k));
    const tanh1 = tanh4(v128.load(seen + k, 16));
    const o0 = v128.load(gateO + k);
    const o1 = v128.load(gateO + k, 16);
    const dh0 = f32x4.add(v128.load(above + k), v128.load(dh + k));
    const dh1 = f32x4.add(v128.load(above + k, 16), v128.load(dh + k, 16));
    const do0 = f32x4.mul(f32x4.mul(dh0, tanh0), f32x4.mul(o0, f32x4.sub(one, o0)));
    const do1 = f32x4.mul(f32x4.mul(dh1, tanh1), f32x4.mul(o1, f32x4.sub(one, o1)));
    const dn0 = f32x4.mul(f32x4.mul(dh0, o0), f32x4.sub(one, f32x4.mul(tanh0, tanh0)));
    const dn1 = f32x4.mul(f32x4.mul(dh1, o1), f32x4.sub(one, f32x4.mul(tanh1, tanh1)));
    store8(dO + k, do0, do1);
    store8(dSeen + k, dn0, dn1);
  }
}

/**
 * Gradients of a multiple of 8 units' gates; dc becomes that of the c before. Where c is normalised, o has its gradient already, and dh
 * is what comes to c through it.
 */
function backwardRow(
  normed: bool, forget: i32, count: i32, gate: usize, stride: usize, peepholes: usize, before: usize, after: usize,
  above: usize, result: usize, resultStride: usize, dh: usize, dc: usize, slopes: usize,
): void {
  if (normed) backwardForm(true, forget, count, gate, stride, peepholes, before, after, above, result, resultStride, dh, dc);
  else backwardForm(false, forget, count, gate, stride, peepholes, before, after, above, result, resultStride, dh, dc);
  if (peepholes == 0) return;
  const last: usize = forget == Forget.learned ? 2 : 1;
  addProduct(slopes, result, before, count);
  if (forget == Forget.learned) addProduct(slopes + stride, result + resultStride, before, count);
  addProduct(slopes + last * stride, result + (last + 1) * resultStride, after, count);
}

// @ts-ignore: decorator
@inline
function backwardForm(
  normed: bool, forget: i32, count: i32, gate: usize, stride: usize, peepholes: usize, before: usize, after: usize,
  above: usize, result: usize, resultStride: usize, dh: usize, dc: usize,
): void {
  if (peepholes == 0) {
    if (forget == Forget.learned) {
      backwardLoop(normed, Forget.learned, false, count, gate, stride, 0, before, after, above, result, resultStride, dh, dc);
    } else if (forget == Forget.none) {
      backwardLoop(normed, Forget.none, false, count, gate, stride, 0, before, after, above, result, resultStride, dh, dc);
    } else {
      backwardLoop(normed, Forget.coupled, false, count, gate, stride, 0, before, after, above, result, resultStride, dh, dc);
    }
  } else if (forget == Forget.learned) {
    backwardLoop(normed, Forget.learned, true, count, gate, stride, peepholes, before, after, above, result, resultStride, dh, dc);
  } else if (forget == Forget.none) {
    backwardLoop(normed, Forget.none, true, count, gate, stride, peepholes, before, after, above, result, resultStride, dh, dc);
  } else {
    backwardLoop(normed, Forget.coupled, true, count, gate, stride, peepholes, before, after, above, result, resultStride, dh, dc);
  }
}

/**
 * One loop, since these numbers come from afar: cut in two it is slower. Inlined, so that `normed`, `forget` and
 * `seeing` are known to the compiler.
 */
// @ts-ignore: decorator
@inline
function backwardLoop(
  normed: bool, forget: i32, seeing: bool, count: i32, gate: usize, stride: usize, peepholes: usize, before: usize, after: usize,
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
    let do0 = one;
    let do1 = one;
    let dc0 = v128.load(dc + k);
    let dc1 = v128.load(dc + k, 16);
    if (normed) {
      do0 = v128.load(resultO + k);
      do1 = v128.load(resultO + k, 16);
      dc0 = f32x4.add(dc0, v128.load(dh + k));
      dc1 = f32x4.add(dc1, v128.load(dh + k, 16));
    } else {
      const tanh0 = tanh4(v128.load(after + k));
      const tanh1 = tanh4(v128.load(after + k, 16));
      const o0 = v128.load(gateO + k);
      const o1 = v128.load(gateO + k, 16);
      const dh0 = f32x4.add(v128.load(above + k), v128.load(dh + k));
      const dh1 = f32x4.add(v128.load(above + k, 16), v128.load(dh + k, 16));
      do0 = f32x4.mul(f32x4.mul(dh0, tanh0), f32x4.mul(o0, f32x4.sub(one, o0)));
      do1 = f32x4.mul(f32x4.mul(dh1, tanh1), f32x4.mul(o1, f32x4.sub(one, o1)));
      dc0 = f32x4.add(dc0, f32x4.mul(f32x4.mul(dh0, o0), f32x4.sub(one, f32x4.mul(tanh0, tanh0))));
      dc1 = f32x4.add(dc1, f32x4.mul(f32x4.mul(dh1, o1), f32x4.sub(one, f32x4.mul(tanh1, tanh1))));
    }
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
    if (!normed) store8(resultO + k, do0, do1);
    store8(dc + k, past0, past1);
    store8(result + k, di0, di1);
    if (forget == Forget.learned) store8(resultF + k, df0, df1);
    store8(resultG + k, dg0, dg1);
  }
}
