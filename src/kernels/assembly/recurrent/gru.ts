// A GRU over a whole window, reset gate after the product (`gruForward`) or before it (`gruBeforeForward`). Items are
// batch rows, as for the LSTM. `gates` [T, B, 4H] holds z, r, n and, side by side with them, what the reset gate needs on
// the way back: h_n + bn (after), or r ⊙ h_{t−1} (before). `states` holds T + 1 steps, the carry that entered first.
import { at } from '../address';
import { multiplyRows } from '../gemm';
import { GruBackwardArguments, GruForwardArguments } from '../generated/arguments';
import { logistic4, store8 } from '../math';
import { tailOf } from '../scratch';
import { logisticOfSum, tanhRow } from './rows';
import { copyFew, rowOf } from './tail';

/**
 * x [T, B, 3H], wh [H, 3H] (after) or [H, 2H] (before), wn [H, H] (before) or 0, bn [H] (after) or 0, product [B, 3H], ids
 * [T, B] or 0 as for the LSTM.
 */
export function gruForward(args: GruForwardArguments, from: i32, to: i32, member: i32): void {
  const x = args.x;
  const wh = args.wh;
  const packed = args.packed;
  const wn = args.wn;
  const bn = args.bn;
  const gates = args.gates;
  const states = args.states;
  const steps = args.steps;
  const batch = args.batch;
  const units = args.units;
  const product = args.product;
  const ids = args.ids;
  const stride = (<usize>units) << 2;
  const rows = to - from;
  const whole = units & ~7;
  const rest = units & 7;
  const tail = tailOf(member);
  const columns = wn != 0 ? 2 * units : 3 * units;
  for (let t = 0; t < steps; t += 1) {
    const row = t * batch + from;
    const own = at(product, from * 3 * units);
    multiplyRows(
      rows, units, columns, at(states, row * units), stride, wh, packed, 0, 0, own, 3 * stride, member,
    );
    if (wn != 0) {
      for (let r = 0; r < rows; r += 1) {
        resetRow(
          units, rowOf(x, ids, row + r, 3 * units), at(own, r * 3 * units), at(states, (row + r) * units),
          at(gates, (row + r) * 4 * units), stride, tail,
        );
      }
      multiplyRows(
        rows, units, units, at(gates, row * 4 * units + 3 * units), 4 * stride, wn, packed,
        0, 0, at(own, 2 * units), 3 * stride, member,
      );
    }
    for (let r = 0; r < rows; r += 1) {
      const input = rowOf(x, ids, row + r, 3 * units);
      const inner = at(own, r * 3 * units);
      const gate = at(gates, (row + r) * 4 * units);
      const before = at(states, (row + r) * units);
      const after = at(states, (row + r + batch) * units);
      forwardRow(whole, input, inner, stride, bn, gate, stride, before, after);
      if (rest) {
        for (let q = 0; q < 3; q += 1) {
          copyFew(tail + (<usize>q << 5), at(input, q * units + whole), rest);
          copyFew(tail + 96 + (<usize>q << 5), at(inner, q * units + whole), rest);
        }
        for (let q = 0; q < 4; q += 1) copyFew(tail + 192 + (<usize>q << 5), at(gate, q * units + whole), rest);
        if (bn != 0) copyFew(tail + 320, at(bn, whole), rest);
        copyFew(tail + 352, at(before, whole), rest);
        forwardRow(8, tail, tail + 96, 32, bn != 0 ? tail + 320 : 0, tail + 192, 32, tail + 352, tail + 384);
        for (let q = 0; q < 4; q += 1) copyFew(at(gate, q * units + whole), tail + 192 + (<usize>q << 5), rest);
        copyFew(at(after, whole), tail + 384, rest);
      }
    }
  }
}

/** Reset before the product: r = σ(x_r + h_r), and r ⊙ h next to the gates. */
function resetRow(
  units: i32, input: usize, inner: usize, before: usize, gate: usize, stride: usize, tail: usize,
): void {
  const whole = units & ~7;
  const rest = units & 7;
  resetPart(whole, input + stride, inner + stride, before, gate + stride, gate + 3 * stride);
  if (rest) {
    copyFew(tail, at(input + stride, whole), rest);
    copyFew(tail + 32, at(inner + stride, whole), rest);
    copyFew(tail + 64, at(before, whole), rest);
    resetPart(8, tail, tail + 32, tail + 64, tail + 96, tail + 128);
    copyFew(at(gate + stride, whole), tail + 96, rest);
    copyFew(at(gate + 3 * stride, whole), tail + 128, rest);
  }
}

function resetPart(count: i32, x: usize, h: usize, before: usize, r: usize, product: usize): void {
  for (let k: usize = 0, end = (<usize>count) << 2; k < end; k += 32) {
    const r0 = logistic4(f32x4.add(v128.load(x + k), v128.load(h + k)));
    const r1 = logistic4(f32x4.add(v128.load(x + k, 16), v128.load(h + k, 16)));
    store8(r + k, r0, r1);
    store8(product + k, f32x4.mul(r0, v128.load(before + k)), f32x4.mul(r1, v128.load(before + k, 16)));
  }
}

/** Gates and state of one row; without bn the reset gate and its product are there already. */
function forwardRow(
  count: i32, x: usize, h: usize, stride: usize, bn: usize, gate: usize, gateStride: usize, before: usize, after: usize,
): void {
  const xn = x + 2 * stride;
  const hn = h + 2 * stride;
  const gateR = gate + gateStride;
  const gateN = gateR + gateStride;
  const gateU = gateN + gateStride;
  logisticOfSum(x, h, gate, count);
  if (bn != 0) {
    logisticOfSum(x + stride, h + stride, gateR, count);
    for (let k: usize = 0, end = (<usize>count) << 2; k < end; k += 32) {
      const u0 = f32x4.add(v128.load(hn + k), v128.load(bn + k));
      const u1 = f32x4.add(v128.load(hn + k, 16), v128.load(bn + k, 16));
      const z0 = f32x4.add(v128.load(xn + k), f32x4.mul(v128.load(gateR + k), u0));
      const z1 = f32x4.add(v128.load(xn + k, 16), f32x4.mul(v128.load(gateR + k, 16), u1));
      store8(gateU + k, u0, u1);
      store8(gateN + k, z0, z1);
    }
  } else {
    for (let k: usize = 0, end = (<usize>count) << 2; k < end; k += 32) {
      const z0 = f32x4.add(v128.load(xn + k), v128.load(hn + k));
      const z1 = f32x4.add(v128.load(xn + k, 16), v128.load(hn + k, 16));
      store8(gateN + k, z0, z1);
    }
  }
  tanhRow(gateN, count);
  for (let k: usize = 0, end = (<usize>count) << 2; k < end; k += 32) {
    const n0 = v128.load(gateN + k);
    const n1 = v128.load(gateN + k, 16);
    const h0 = f32x4.add(n0, f32x4.mul(v128.load(gate + k), f32x4.sub(v128.load(before + k), n0)));
    const h1 = f32x4.add(n1, f32x4.mul(v128.load(gate + k, 16), f32x4.sub(v128.load(before + k, 16), n1)));
    store8(after + k, h0, h1);
  }
}

/**
 * dy [T, B, H], wht [3H, H] or [2H, H], wnt [H, H] or 0, dx [T, B, 3H], du [T, B, 3H] (after) or 0, dh [B, H], working
 * [B, H] (before). On entry dh is zero; on return it is the carry's gradient. `du` is
 * the gradient of h_{t−1}·wh, which differs from dx in its last third: dn ⊙ r.
 */
export function gruBackward(args: GruBackwardArguments, from: i32, to: i32, member: i32): void {
  const dy = args.dy;
  const wht = args.wht;
  const packed = args.packed;
  const wnt = args.wnt;
  const gates = args.gates;
  const states = args.states;
  const dx = args.dx;
  const du = args.du;
  const dh = args.dh;
  const steps = args.steps;
  const batch = args.batch;
  const units = args.units;
  const working = args.working;
  const stride = (<usize>units) << 2;
  const rows = to - from;
  const whole = units & ~7;
  const rest = units & 7;
  const tail = tailOf(member);
  const own = at(dh, from * units);
  const work = at(working, from * units);
  for (let t = steps - 1; t >= 0; t -= 1) {
    const row = t * batch + from;
    for (let r = 0; r < rows; r += 1) {
      const above = at(dy, (row + r) * units);
      const gate = at(gates, (row + r) * 4 * units);
      const before = at(states, (row + r) * units);
      const result = at(dx, (row + r) * 3 * units);
      const inner = du == 0 ? 0 : at(du, (row + r) * 3 * units);
      const dState = at(own, r * units);
      backwardRow(whole, above, gate, stride, before, result, inner, stride, dState);
      if (rest) {
        copyFew(tail, at(above, whole), rest);
        for (let q = 0; q < 4; q += 1) copyFew(tail + 32 + (<usize>q << 5), at(gate, q * units + whole), rest);
        copyFew(tail + 160, at(before, whole), rest);
        copyFew(tail + 384, at(dState, whole), rest);
        backwardRow(8, tail, tail + 32, 32, tail + 160, tail + 192, inner == 0 ? 0 : tail + 288, 32, tail + 384);
        for (let q = 0; q < 3; q += 1) {
          copyFew(at(result, q * units + whole), tail + 192 + (<usize>q << 5), rest);
          if (inner != 0) copyFew(at(inner, q * units + whole), tail + 288 + (<usize>q << 5), rest);
        }
        copyFew(at(dState, whole), tail + 384, rest);
      }
    }
    if (wnt == 0) {
      // dh, which holds z ⊙ dh by now, gains what comes through the product.
      multiplyRows(
        rows, 3 * units, units, at(du, row * 3 * units), 3 * stride, wht, packed, own, stride, own, stride, member,
      );
      continue;
    }
    // dn·wnᵀ is the gradient of r ⊙ h: a part goes to r, a part to h.
    multiplyRows(
      rows, units, units, at(dx, row * 3 * units + 2 * units), 3 * stride, wnt, packed, 0, 0, work, stride, member,
    );
    for (let r = 0; r < rows; r += 1) {
      const inner = at(work, r * units);
      const gate = at(gates, (row + r) * 4 * units + units);
      const before = at(states, (row + r) * units);
      const result = at(dx, (row + r) * 3 * units + units);
      const dState = at(own, r * units);
      for (let k = 0; k < units; k += 1) {
        const g = load<f32>(at(inner, k));
        const reset = load<f32>(at(gate, k));
        store<f32>(at(result, k), g * load<f32>(at(before, k)) * reset * (1 - reset));
        store<f32>(at(dState, k), load<f32>(at(dState, k)) + g * reset);
      }
    }
    multiplyRows(
      rows, 2 * units, units, at(dx, row * 3 * units), 3 * stride, wht, packed, own, stride, own, stride, member,
    );
  }
}

/** dz, dn and, reset after, dr and the gradient of h_n; dh becomes z ⊙ dh. */
function backwardRow(
  count: i32, above: usize, gate: usize, gateStride: usize, before: usize, dx: usize, du: usize, stride: usize, dh: usize,
): void {
  const gateR = gate + gateStride;
  const gateN = gateR + gateStride;
  const gateU = gateN + gateStride;
  const dr = dx + stride;
  const dn = dr + stride;
  const one = f32x4.splat(1);
  for (let k: usize = 0, end = (<usize>count) << 2; k < end; k += 32) {
    const g0 = f32x4.add(v128.load(above + k), v128.load(dh + k));
    const g1 = f32x4.add(v128.load(above + k, 16), v128.load(dh + k, 16));
    const z0 = v128.load(gate + k);
    const z1 = v128.load(gate + k, 16);
    const n0 = v128.load(gateN + k);
    const n1 = v128.load(gateN + k, 16);
    const h0 = v128.load(before + k);
    const h1 = v128.load(before + k, 16);
    const dz0 = f32x4.mul(f32x4.mul(g0, f32x4.sub(h0, n0)), f32x4.mul(z0, f32x4.sub(one, z0)));
    const dz1 = f32x4.mul(f32x4.mul(g1, f32x4.sub(h1, n1)), f32x4.mul(z1, f32x4.sub(one, z1)));
    const dn0 = f32x4.mul(f32x4.mul(g0, f32x4.sub(one, z0)), f32x4.sub(one, f32x4.mul(n0, n0)));
    const dn1 = f32x4.mul(f32x4.mul(g1, f32x4.sub(one, z1)), f32x4.sub(one, f32x4.mul(n1, n1)));
    store8(dh + k, f32x4.mul(g0, z0), f32x4.mul(g1, z1));
    store8(dx + k, dz0, dz1);
    store8(dn + k, dn0, dn1);
    if (du != 0) {
      const r0 = v128.load(gateR + k);
      const r1 = v128.load(gateR + k, 16);
      const dr0 = f32x4.mul(f32x4.mul(dn0, v128.load(gateU + k)), f32x4.mul(r0, f32x4.sub(one, r0)));
      const dr1 = f32x4.mul(f32x4.mul(dn1, v128.load(gateU + k, 16)), f32x4.mul(r1, f32x4.sub(one, r1)));
      store8(dr + k, dr0, dr1);
      store8(du + k, dz0, dz1);
      store8(du + stride + k, dr0, dr1);
      store8(du + 2 * stride + k, f32x4.mul(dn0, r0), f32x4.mul(dn1, r1));
    }
  }
}
