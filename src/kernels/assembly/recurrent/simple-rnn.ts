// A simple recurrent network with tanh over a whole window. Items are batch rows, as for the LSTM. `states` holds T + 1
// steps, the carry that entered first.
import { at } from '../address';
import { multiplyRows } from '../gemm';
import { RnnBackwardArguments, RnnForwardArguments } from '../generated/arguments';
import { store8, tanh4 } from '../math';
import { tailOf } from '../scratch';
import { copyFew, layRows } from './tail';

/** z [T, B, H], wh [H, H], states [T+1, B, H], ids [T, B] or 0 as for the LSTM. */
export function rnnForward(args: RnnForwardArguments, from: i32, to: i32, member: i32): void {
  const z = args.z;
  const states = args.states;
  const batch = args.batch;
  const units = args.units;
  const stride = (<usize>units) << 2;
  const whole = units & ~7;
  const rest = units & 7;
  const tail = tailOf(member);
  for (let t = 0; t < args.steps; t += 1) {
    const row = t * batch + from;
    const target = at(states, (row + batch) * units);
    layRows(target, z, args.ids, row, to - from, units);
    multiplyRows(
      to - from, units, units, at(states, row * units), stride, args.wh, args.packed,
      target, stride, target, stride, member,
    );
    for (let r = 0; r < to - from; r += 1) {
      const h = at(target, r * units);
      forwardRow(whole, h);
      if (rest) {
        copyFew(tail, at(h, whole), rest);
        forwardRow(8, tail);
        copyFew(at(h, whole), tail, rest);
      }
    }
  }
}

function forwardRow(count: i32, h: usize): void {
  for (const end = h + ((<usize>count) << 2); h < end; h += 32) {
    store8(h, tanh4(v128.load(h)), tanh4(v128.load(h, 16)));
  }
}

/** dy, y and dz [T, B, H], wht [H, H], dh [B, H]. On entry dh is zero. */
export function rnnBackward(args: RnnBackwardArguments, from: i32, to: i32, member: i32): void {
  const dy = args.dy;
  const output = args.y;
  const dz = args.dz;
  const dh = args.dh;
  const batch = args.batch;
  const units = args.units;
  const stride = (<usize>units) << 2;
  const whole = units & ~7;
  const rest = units & 7;
  const tail = tailOf(member);
  for (let t = args.steps - 1; t >= 0; t -= 1) {
    const row = t * batch;
    for (let r = from; r < to; r += 1) {
      const above = at(dy, (row + r) * units);
      const y = at(output, (row + r) * units);
      const result = at(dz, (row + r) * units);
      const dState = at(dh, r * units);
      backwardRow(whole, above, dState, y, result);
      if (rest) {
        copyFew(tail, at(above, whole), rest);
        copyFew(tail + 32, at(dState, whole), rest);
        copyFew(tail + 64, at(y, whole), rest);
        backwardRow(8, tail, tail + 32, tail + 64, tail + 96);
        copyFew(at(result, whole), tail + 96, rest);
      }
    }
    multiplyRows(
      to - from, units, units, at(dz, (row + from) * units), stride, args.wht, args.packed,
      0, 0, at(dh, from * units), stride, member,
    );
  }
}

function backwardRow(count: i32, above: usize, dh: usize, y: usize, result: usize): void {
  const one = f32x4.splat(1);
  for (let k: usize = 0, end = (<usize>count) << 2; k < end; k += 32) {
    const y0 = v128.load(y + k);
    const y1 = v128.load(y + k, 16);
    const g0 = f32x4.mul(f32x4.add(v128.load(above + k), v128.load(dh + k)), f32x4.sub(one, f32x4.mul(y0, y0)));
    const g1 = f32x4.mul(f32x4.add(v128.load(above + k, 16), v128.load(dh + k, 16)), f32x4.sub(one, f32x4.mul(y1, y1)));
    store8(result + k, g0, g1);
  }
}
