// The derivative of the gated delta rule, a head of a lane at a time, all of its columns, since gradients of keys, queries, decays and rates are
// sums over them. The memory of each step is worked out again, by the same operations: one memory in so many steps is kept, and from
// there those up to the next one, when the way back comes to them.
import { at } from './address';
import { advance, correct, find, hold, release, ROW } from './delta-rule';
import { DeltaRuleAdjointArguments } from './generated/arguments';
import { horizontalSum, madd, store8 } from './math';

// One head of one lane. Module globals belong to an instance, hence to one thread.
let head: i32 = 0;
let keys: i32 = 0;
let values: i32 = 0;
let groups: i32 = 0;
/** Bytes of a group, and of a whole memory. */
let groupBytes: usize = 0;
let memoryBytes: usize = 0;
/** The gradient of the memory. */
let slope: usize = 0;
/** Of one group: v, the gradient of y, that of u, and −α dv. */
let value: usize = 0;
let dy: usize = 0;
let du: usize = 0;
let back: usize = 0;
/** Sums of eight: for dα and for dβ, and a row a key for dq and for dk. */
let dDecay: usize = 0;
let dRate: usize = 0;
let dq: usize = 0;
let dk: usize = 0;

// @ts-ignore: decorator
@inline
function countOf(group: i32): i32 {
  return min(16, values - (group << 4));
}

/** One step of all groups, `found` and `u` being rows of each group. */
function forward(args: DeltaRuleAdjointArguments, t: i32, from: usize, to: usize, found: usize, u: usize): void {
  const step = t * args.heads + head;
  const k = at(args.k, step * keys);
  const decay = at(args.decay, step);
  for (let group = 0; group < groups; group += 1) {
    hold(1, countOf(group), at(args.v, step * values + (group << 4)), 0, value);
    find(keys, k, from, ROW, found);
    correct(decay, at(args.rate, step), value, found, u);
    advance(keys, k, decay, u, from, to);
    from += groupBytes;
    to += groupBytes;
    found += ROW;
    u += ROW;
  }
}

/** G += q dyᵀ; du = Gᵀk, and to dq what S_t dy comes to, to dk what G u does. */
function takeIn(q: usize, k: usize, u: usize, s: usize, g: usize): void {
  const u0 = v128.load(u);
  const u1 = v128.load(u, 16);
  const u2 = v128.load(u, 32);
  const u3 = v128.load(u, 48);
  const dy0 = v128.load(dy);
  const dy1 = v128.load(dy, 16);
  const dy2 = v128.load(dy, 32);
  const dy3 = v128.load(dy, 48);
  let du0 = f32x4.splat(0);
  let du1 = du0;
  let du2 = du0;
  let du3 = du0;
  let ofQ = dq;
  let ofK = dk;
  for (const end = at(k, keys); k < end; k += 4, q += 4, s += ROW, g += ROW, ofQ += 32, ofK += 32) {
    const x = v128.load32_splat(k);
    const z = v128.load32_splat(q);
    const a = madd(z, dy0, v128.load(g));
    const b = madd(z, dy1, v128.load(g, 16));
    const c = madd(z, dy2, v128.load(g, 32));
    const d = madd(z, dy3, v128.load(g, 48));
    du0 = madd(x, a, du0);
    du1 = madd(x, b, du1);
    du2 = madd(x, c, du2);
    du3 = madd(x, d, du3);
    const e = madd(c, u2, madd(a, u0, v128.load(ofK)));
    const f = madd(d, u3, madd(b, u1, v128.load(ofK, 16)));
    const h = madd(v128.load(s, 32), dy2, madd(v128.load(s), dy0, v128.load(ofQ)));
    const i = madd(v128.load(s, 48), dy3, madd(v128.load(s, 16), dy1, v128.load(ofQ, 16)));
    store8(g, a, b);
    store8(g + 32, c, d);
    store8(ofK, e, f);
    store8(ofQ, h, i);
  }
  store8(du, du0, du1);
  store8(du + 32, du2, du3);
}

/** dv = β du in the place of v, and −α dv; dβ gains du ⊙ (v − α found), dα −dv ⊙ found. */
function takeRates(decay: usize, rate: usize, found: usize): void {
  const alpha = v128.load32_splat(decay);
  const beta = v128.load32_splat(rate);
  for (let k: usize = 0; k < ROW; k += 32) {
    const a = v128.load(du + k);
    const b = v128.load(du + k, 16);
    const c = v128.load(found + k);
    const d = v128.load(found + k, 16);
    const e = f32x4.mul(beta, a);
    const f = f32x4.mul(beta, b);
    const h = madd(a, f32x4.sub(v128.load(value + k), f32x4.mul(alpha, c)), v128.load(dRate));
    const i = madd(b, f32x4.sub(v128.load(value + k, 16), f32x4.mul(alpha, d)), v128.load(dRate, 16));
    const l = f32x4.sub(v128.load(dDecay), f32x4.mul(e, c));
    const m = f32x4.sub(v128.load(dDecay, 16), f32x4.mul(f, d));
    store8(dRate, h, i);
    store8(dDecay, l, m);
    store8(value + k, e, f);
    store8(back + k, f32x4.neg(f32x4.mul(alpha, e)), f32x4.neg(f32x4.mul(alpha, f)));
  }
}

/** To dk what S_{t−1} back comes to, to dα ⟨G, S_{t−1}⟩; then G = α G + k backᵀ. */
function goBack(k: usize, decay: usize, s: usize, g: usize): void {
  const alpha = v128.load32_splat(decay);
  const back0 = v128.load(back);
  const back1 = v128.load(back, 16);
  const back2 = v128.load(back, 32);
  const back3 = v128.load(back, 48);
  let along = v128.load(dDecay);
  let beside = v128.load(dDecay, 16);
  let ofK = dk;
  for (const end = at(k, keys); k < end; k += 4, s += ROW, g += ROW, ofK += 32) {
    const x = v128.load32_splat(k);
    const s0 = v128.load(s);
    const s1 = v128.load(s, 16);
    const s2 = v128.load(s, 32);
    const s3 = v128.load(s, 48);
    const g0 = v128.load(g);
    const g1 = v128.load(g, 16);
    const g2 = v128.load(g, 32);
    const g3 = v128.load(g, 48);
    along = madd(g2, s2, madd(g0, s0, along));
    beside = madd(g3, s3, madd(g1, s1, beside));
    const e = madd(s2, back2, madd(s0, back0, v128.load(ofK)));
    const f = madd(s3, back3, madd(s1, back1, v128.load(ofK, 16)));
    store8(g, madd(x, back0, f32x4.mul(alpha, g0)), madd(x, back1, f32x4.mul(alpha, g1)));
    store8(g + 32, madd(x, back2, f32x4.mul(alpha, g2)), madd(x, back3, f32x4.mul(alpha, g3)));
    store8(ofK, e, f);
  }
  store8(dDecay, along, beside);
}

// @ts-ignore: decorator
@inline
function sumOf(eight: usize): f32 {
  return horizontalSum(f32x4.add(v128.load(eight), v128.load(eight, 16)));
}

/** One step back: from the memories before and after it, and what was found and written. */
function backward(args: DeltaRuleAdjointArguments, t: i32, before: usize, after: usize, found: usize, u: usize): void {
  const step = t * args.heads + head;
  const k = at(args.k, step * keys);
  const decay = at(args.decay, step);
  memory.fill(dDecay, 0, ROW + <usize>keys * ROW);
  let g = slope;
  for (let group = 0; group < groups; group += 1) {
    const count = countOf(group);
    const place = step * values + (group << 4);
    hold(1, count, at(args.v, place), 0, value);
    hold(1, count, at(args.dy, place), 0, dy);
    takeIn(at(args.q, step * keys), k, u, after, g);
    takeRates(decay, at(args.rate, step), found);
    goBack(k, decay, before, g);
    release(1, count, value, at(args.dv, place), 0);
    before += groupBytes;
    after += groupBytes;
    g += groupBytes;
    found += ROW;
    u += ROW;
  }
  store<f32>(at(args.dDecay, step), sumOf(dDecay));
  store<f32>(at(args.dRate, step), sumOf(dRate));
  for (let j = 0; j < keys; j += 1) {
    store<f32>(at(args.dq, step * keys + j), sumOf(dq + ((<usize>j) << 5)));
    store<f32>(at(args.dk, step * keys + j), sumOf(dk + ((<usize>j) << 5)));
  }
}

/** Items: heads of the first lane, of the second, … */
export function deltaRuleAdjoint(args: DeltaRuleAdjointArguments, from: i32, to: i32, member: i32): void {
  const steps = args.steps;
  const spacing = args.spacing;
  const keptOnes = (steps + spacing - 1) / spacing;
  keys = args.keys;
  values = args.values;
  groups = (values + 15) >> 4;
  groupBytes = <usize>keys * ROW;
  memoryBytes = <usize>groups * groupBytes;
  const rowBytes = (<usize>values) << 2;
  const foundBytes = <usize>groups * ROW;
  const kept = args.scratch + <usize>member * <usize>args.scratchBytes;
  const between = kept + <usize>keptOnes * memoryBytes;
  slope = between + <usize>(spacing + 1) * memoryBytes;
  const found = slope + memoryBytes;
  const u = found + <usize>spacing * foundBytes;
  value = u + <usize>spacing * foundBytes;
  dy = value + ROW;
  du = dy + ROW;
  back = du + ROW;
  dDecay = back + ROW;
  dRate = dDecay + 32;
  dq = dRate + 32;
  dk = dq + (<usize>keys << 5);
  for (let item = from; item < to; item += 1) {
    head = item;
    const first = head * keys * values;
    for (let group = 0; group < groups; group += 1) {
      const place = first + (group << 4);
      const at16 = <usize>group * groupBytes;
      hold(keys, countOf(group), at(args.state, place), rowBytes, kept + at16);
      hold(keys, countOf(group), at(args.dLast, place), rowBytes, slope + at16);
    }
    for (let t = 0; t < (keptOnes - 1) * spacing; t += 1) {
      const target = kept + <usize>(t / spacing + 1) * memoryBytes;
      forward(args, t, t % spacing == 0 ? target - memoryBytes : target, target, found, u);
    }
    for (let one = keptOnes - 1; one >= 0; one -= 1) {
      const start = one * spacing;
      const length = min(spacing, steps - start);
      memory.copy(between, kept + <usize>one * memoryBytes, memoryBytes);
      for (let t = 0; t < length; t += 1) {
        const s = between + <usize>t * memoryBytes;
        const row = <usize>t * foundBytes;
        forward(args, start + t, s, s + memoryBytes, found + row, u + row);
      }
      for (let t = length - 1; t >= 0; t -= 1) {
        const s = between + <usize>t * memoryBytes;
        const row = <usize>t * foundBytes;
        backward(args, start + t, s, s + memoryBytes, found + row, u + row);
      }
    }
    for (let group = 0; group < groups; group += 1) {
      const place = first + (group << 4);
      release(keys, countOf(group), slope + <usize>group * groupBytes, at(args.dState, place), rowBytes);
    }
  }
}
