// Linear chains of tags: the forward algorithm over lanes of scores, and the probabilities of tags and pairs that are its
// derivative. Items are lanes; a lane is one thread's.
//
// Logarithms are kept in float64, a step's greatest being 0, so that neither long lanes nor large scores cost digits. What may
// come before the tags of a step is summed by a product in float32: e^log of each tag before times e^(score − top), top being
// the greatest score into a tag. What underflows there is at most 10⁻³⁷ of a sum that may reach 1. Where a sum is less than
// LEAST, its tag is reached by what both factors have far below their tops: it is then summed about its own greatest term.
//
// What may come before a tag is kept in two parts, a score (the greatest, or the start's) and a logarithm, and what
// rounding takes from a sum of scores is put back: so small numbers still count where all paths share scores of 1e30.
import { at } from './address';
import { exp4, log4, store8 } from './math';
import { multiplyRows } from './gemm';
import { ChainArguments, ChainPowersArguments, PathsArguments } from './generated/arguments';
import { tailOf } from './scratch';
import { sumOfExponentials } from './softmax';

const MINUS_INFINITY: f32 = -f32.MAX_VALUE * 2.0;
const NEVER: f64 = -f64.MAX_VALUE * 2.0;
/** 2⁻⁴⁰. A gradient divided by it stays within float32. */
export const LEAST: f32 = 9.094947017729282e-13;
/** e^x is 0 below it. */
export const LOWEST: f64 = -86.6;

// @ts-ignore: decorator
@inline
function at8(pointer: usize, index: i32): usize {
  return pointer + ((<usize>index) << 3);
}

// @ts-ignore: decorator
@inline
export function power(x: f64): f32 {
  return f32x4.extract_lane(exp4(f32x4.splat(<f32>x)), 0);
}

// @ts-ignore: decorator
@inline
function logarithm(x: f32): f64 {
  return <f64>f32x4.extract_lane(log4(f32x4.splat(x)), 0);
}

/** What rounding took from a sum of two numbers; Knuth, Seminumerical algorithms (1969), §4.2.2, theorem B. */
// @ts-ignore: decorator
@inline
function lost(a: f64, b: f64, sum: f64): f64 {
  if (!isFinite(sum)) return 0;
  const part = sum - a;
  return a - (sum - part) + (b - part);
}

/** Numbers from one row of what is kept within to the next: whole groups of eight. */
// @ts-ignore: decorator
@inline
export function strideOf(count: i32): i32 {
  return (count + 7) & ~7;
}

/** powers = e^(transitions − tops), tops of columns. Items: columns. */
export function chainPowers(args: ChainPowersArguments, from: i32, to: i32): void {
  const count = args.count;
  const stride = (<usize>count) << 2;
  const bytes = (<usize>(count * count)) << 2;
  let column = from;
  for (; column + 4 <= to; column += 4) {
    const x = at(args.transitions, column);
    const y = at(args.powers, column);
    let top = f32x4.splat(-f32.MAX_VALUE);
    for (let k: usize = 0; k < bytes; k += stride) top = f32x4.max(top, v128.load(x + k));
    for (let k: usize = 0; k < bytes; k += stride) v128.store(y + k, exp4(f32x4.sub(v128.load(x + k), top)));
    v128.store(at(args.tops, column), top);
  }
  for (; column < to; column += 1) {
    const x = at(args.transitions, column);
    const y = at(args.powers, column);
    let top: f32 = -f32.MAX_VALUE;
    for (let k: usize = 0; k < bytes; k += stride) top = max(top, load<f32>(x + k));
    for (let k: usize = 0; k < bytes; k += stride) store<f32>(y + k, power(<f64>(load<f32>(x + k) - top)));
    store<f32>(at(args.tops, column), top);
  }
}

/** −log of the share that each lane's tags have of all paths. */
export function chain(args: ChainArguments, from: i32, to: i32, member: i32): void {
  const results = args.nats;
  const totals = args.totals;
  for (let lane = from; lane < to; lane += 1) store<f64>(at8(totals, lane), 0);
  forwards(args, from, to, member, 2, totals);
  for (let lane = from; lane < to; lane += 1) {
    store<f32>(at(results, lane), <f32>load<f64>(at8(totals, lane)));
  }
}

/**
 * Goes through the lanes' steps. Of each step are kept, in as many rows as `kept` says, turn and turn about: logs (f64, how
 * probable each tag is by then), shares (e^logs), sums (of what may come before), and their logarithms, in two parts: bases (scores) and reached (f64, the rest).
 * With `totals` (f64, one a lane) it adds up the loss: how improbable each tag is given the one after it, since sums of
 * terms of one sign lose no digits, as the difference of all paths and one would.
 */
export function forwards(args: PathsArguments, from: i32, to: i32, member: i32, kept: i32, totals: usize): void {
  const steps = args.steps;
  const batch = args.batch;
  const count = args.count;
  const stride = strideOf(count);
  const bytes = (<usize>stride) << 2;
  const shares = args.shares;
  const sums = args.sums;
  for (let t = 0; t < steps; t += 1) {
    const row = (t % kept) * batch;
    const before = ((t + kept - 1) % kept) * batch;
    if (t > 0) {
      multiplyRows(
        to - from, count, count, at(shares, (before + from) * stride), bytes, args.into, 1, 0, 0,
        at(sums, (row + from) * stride), bytes, member,
      );
    }
    for (let lane = from; lane < to; lane += 1) {
      const tag = tagOf(args, t, lane);
      if (tag < 0) {
        memory.fill(at(shares, (row + lane) * stride), 0, bytes);
        continue;
      }
      step(args, t, lane, row + lane, before + lane);
      if (totals == 0) continue;
      let nats: f64 = 0;
      if (t > 0) {
        const previous = tagOf(args, t - 1, lane);
        nats = max(0, -pairOf(args, before + lane, row + lane, previous, tag));
      }
      if (isLast(args, t, lane)) nats += atEnd(args, lane, row + lane, tag, tailOf(member));
      store<f64>(at8(totals, lane), load<f64>(at8(totals, lane)) + nats);
    }
  }
}

/** The tag at a step of a lane; −1 after its last. */
// @ts-ignore: decorator
@inline
export function tagOf(args: PathsArguments, t: i32, lane: i32): i32 {
  return load<i32>(at(args.tags, t * args.batch + lane));
}

// @ts-ignore: decorator
@inline
export function isLast(args: PathsArguments, t: i32, lane: i32): bool {
  return t + 1 == args.steps || tagOf(args, t + 1, lane) < 0;
}

/** log p(tag | next tag), what came before given. */
// @ts-ignore: decorator
@inline
export function pairOf(args: PathsArguments, before: i32, row: i32, tag: i32, next: i32): f64 {
  const count = args.count;
  const score = load<f32>(at(args.transitions, tag * count + next));
  const log = load<f64>(at8(args.logs, before * count + tag));
  const base = load<f32>(at(args.bases, row * count + next));
  return <f64>score - <f64>base + (log - load<f64>(at8(args.reached, row * count + next)));
}

/** One step of a lane, kept in `row`, the one before it in `before`. */
function step(args: PathsArguments, t: i32, lane: i32, row: i32, before: i32): void {
  const count = args.count;
  const stride = strideOf(count);
  const x = at(args.x, (t * args.batch + lane) * count);
  const logs = at8(args.logs, row * count);
  const shares = at(args.shares, row * stride);
  const reached = at8(args.reached, row * count);
  const bases = at(args.bases, row * count);
  const sums = at(args.sums, row * stride);
  if (t == 0) {
    memory.copy(bases, args.start, (<usize>count) << 2);
    memory.fill(reached, 0, (<usize>count) << 3);
  } else {
    memory.copy(bases, args.tops, (<usize>count) << 2);
    logarithms(sums, shares, stride);
    for (let k = 0; k < count; k += 1) {
      if (load<f32>(at(sums, k)) >= LEAST) store<f64>(at8(reached, k), <f64>load<f32>(at(shares, k)));
      else reachFar(args, before, k, at(bases, k), at8(reached, k));
    }
  }
  let top = NEVER;
  let rest: f64 = 0;
  for (let k = 0; k < count; k += 1) {
    const score = <f64>load<f32>(at(x, k));
    const base = <f64>load<f32>(at(bases, k));
    const sum = score + base;
    const small = lost(score, base, sum) + load<f64>(at8(reached, k));
    store<f64>(at8(logs, k), sum);
    if (sum - top + (small - rest) > 0) {
      top = sum;
      rest = small;
    }
  }
  for (let k = 0; k < count; k += 1) {
    const sum = load<f64>(at8(logs, k));
    const small = lost(<f64>load<f32>(at(x, k)), <f64>load<f32>(at(bases, k)), sum) + load<f64>(at8(reached, k));
    const log = sum - top + (small - rest);
    store<f64>(at8(logs, k), log);
    store<f32>(at(shares, k), <f32>log);
  }
  for (let k = count; k < stride; k += 1) store<f32>(at(shares, k), MINUS_INFINITY);
  exponentials(shares, stride);
}

function logarithms(x: usize, y: usize, count: i32): void {
  for (const end = at(x, count); x < end; x += 16, y += 16) v128.store(y, log4(v128.load(x)));
}

function exponentials(x: usize, count: i32): void {
  for (const end = at(x, count); x < end; x += 32) store8(x, exp4(v128.load(x)), exp4(v128.load(x, 16)));
}

/** log Σ e^score over the tags before a tag, about the greatest, whose score is the base. */
function reachFar(args: PathsArguments, before: i32, tag: i32, base: usize, reached: usize): void {
  const count = args.count;
  const stride = (<usize>count) << 2;
  const logs = at8(args.logs, before * count);
  const into = at(args.transitions, tag);
  let top = <f64>load<f32>(into);
  let rest = load<f64>(logs);
  for (let k = 1, x = into + stride; k < count; k += 1, x += stride) {
    const score = <f64>load<f32>(x);
    const log = load<f64>(at8(logs, k));
    if (score - top + (log - rest) > 0) {
      top = score;
      rest = log;
    }
  }
  if (top == NEVER || rest == NEVER) {
    store<f32>(base, MINUS_INFINITY);
    store<f64>(reached, NEVER);
    return;
  }
  let sum: f64 = 0;
  for (let k = 0, x = into; k < count; k += 1, x += stride) {
    const below = <f64>load<f32>(x) - top + (load<f64>(at8(logs, k)) - rest);
    // Not `>=`: what is not a number is to be seen.
    if (!(below < LOWEST)) sum += <f64>power(below);
  }
  store<f32>(base, <f32>top);
  store<f64>(reached, rest + logarithm(<f32>sum));
}

/** Scores of whole paths by their last tag, the greatest 0, into a lane's `last`; how far the given tag is below it. */
export function ended(args: PathsArguments, lane: i32, row: i32, tag: i32): f64 {
  const count = args.count;
  const logs = at8(args.logs, row * count);
  const end = args.end;
  const last = at(args.last, lane * strideOf(count));
  let top = <f64>load<f32>(end);
  let rest = load<f64>(logs);
  for (let k = 1; k < count; k += 1) {
    const score = <f64>load<f32>(at(end, k));
    const log = load<f64>(at8(logs, k));
    if (score - top + (log - rest) > 0) {
      top = score;
      rest = log;
    }
  }
  for (let k = 0; k < count; k += 1) {
    store<f32>(at(last, k), <f32>(<f64>load<f32>(at(end, k)) - top + (load<f64>(at8(logs, k)) - rest)));
  }
  return top - <f64>load<f32>(at(end, tag)) + (rest - load<f64>(at8(logs, tag)));
}

/** −log p(the lane's last tag). */
function atEnd(args: PathsArguments, lane: i32, row: i32, tag: i32, aside: usize): f64 {
  const count = args.count;
  const below = ended(args, lane, row, tag);
  return below + logarithm(sumOfExponentials(at(args.last, lane * strideOf(count)), count, 0, aside));
}
