// The derivative of linear chains: the probabilities of tags and pairs. Items of the lanes' are lanes, one thread's each.

import { at } from './address';
import { ended, forwards, isLast, LEAST, LOWEST, pairOf, power, strideOf, tagOf } from './chain';
import { multiplyRows } from './gemm';
import { PathsAdjointArguments } from './generated/arguments';
import { tailOf } from './scratch';
import { scaledExponentials, sumOfExponentials } from './softmax';

/**
 * Gradients of the scores and, lane by lane, of the end. How probable each tag is follows, from the last step to the first, from
 * p(tag before | tag) = e^(score − reached). Where pairs are reached by a product, what is left in `weights` (the gradient of a
 * sum) makes their gradient by another one, with `shares`; where far, their tag's probability is in `rare`, and `far` counts them.
 */
export function chainAdjoint(args: PathsAdjointArguments, from: i32, to: i32, member: i32): void {
  const steps = args.steps;
  const batch = args.batch;
  const count = args.count;
  const stride = strideOf(count);
  const bytes = (<usize>stride) << 2;
  const last = args.last;
  const slopes = args.slopes;
  forwards(args, from, to, member, steps, 0);
  for (let lane = from; lane < to; lane += 1) {
    memory.fill(at(args.dEnd, lane * count), 0, (<usize>count) << 2);
  }
  for (let t = steps - 1; t >= 0; t -= 1) {
    for (let lane = from; lane < to; lane += 1) {
      const row = t * batch + lane;
      const tag = tagOf(args, t, lane);
      if (tag < 0) {
        memory.fill(at(args.dx, row * count), 0, (<usize>count) << 2);
        memory.fill(at(args.weights, row * stride), 0, bytes);
        memory.fill(at(slopes, lane * stride), 0, bytes);
        continue;
      }
      const p = at(last, lane * stride);
      const gradient = load<f32>(at(args.nats, lane));
      if (isLast(args, t, lane)) {
        ended(args, lane, row, tag);
        const sum = sumOfExponentials(p, count, 0, tailOf(member));
        scaledExponentials(p, count, 0, 1 / sum, p, tailOf(member));
        slope(p, gradient, tag, count, at(args.dEnd, lane * count));
      }
      slope(p, gradient, tag, count, at(args.dx, row * count));
      if (t > 0) divide(args, lane, row, gradient);
    }
    if (t == 0) break;
    multiplyRows(
      to - from, count, count, at(slopes, from * stride), bytes, args.outOf, 1, 0, 0,
      at(last, from * stride), bytes, member,
    );
    for (let lane = from; lane < to; lane += 1) {
      if (tagOf(args, t, lane) >= 0) goBack(args, lane, t * batch + lane, (t - 1) * batch + lane);
    }
  }
}

/** result = gradient · (p − 1 at the tag). */
function slope(p: usize, gradient: f32, tag: i32, count: i32, result: usize): void {
  for (let k = 0; k < count; k += 1) store<f32>(at(result, k), gradient * load<f32>(at(p, k)));
  store<f32>(at(result, tag), load<f32>(at(result, tag)) - gradient);
}

/** Probabilities of a step's tags over their sums: what their pairs' are made of. */
function divide(args: PathsAdjointArguments, lane: i32, row: i32, gradient: f32): void {
  const count = args.count;
  const stride = strideOf(count);
  const p = at(args.last, lane * stride);
  const sums = at(args.sums, row * stride);
  const slopes = at(args.slopes, lane * stride);
  const weights = at(args.weights, row * stride);
  let far = 0;
  for (let k = 0; k < count; k += 1) {
    const sum = load<f32>(at(sums, k));
    const near = sum >= LEAST;
    const quotient: f32 = near ? load<f32>(at(p, k)) / sum : 0;
    store<f32>(at(slopes, k), quotient);
    store<f32>(at(weights, k), gradient * quotient);
    if (!near && load<f32>(at(p, k)) != 0) far += 1;
  }
  store<i32>(at(args.far, row), far);
  if (far == 0) return;
  const rare = at(args.rare, row * count);
  for (let k = 0; k < count; k += 1) {
    store<f32>(at(rare, k), load<f32>(at(sums, k)) >= LEAST ? 0 : load<f32>(at(p, k)));
  }
}

/** Probabilities of the tags before, of which `last` has the sums over the products. */
function goBack(args: PathsAdjointArguments, lane: i32, row: i32, before: i32): void {
  const count = args.count;
  const stride = strideOf(count);
  const p = at(args.last, lane * stride);
  const shares = at(args.shares, before * stride);
  for (let k = 0; k < count; k += 1) store<f32>(at(p, k), load<f32>(at(p, k)) * load<f32>(at(shares, k)));
  if (load<i32>(at(args.far, row))) {
    for (let k = 0; k < count; k += 1) store<f32>(at(p, k), load<f32>(at(p, k)) + pairsFar(args, row, before, k, 0));
  }
  // They add up to 1; what rounding does to that would grow with the steps.
  let sum: f64 = 0;
  for (let k = 0; k < count; k += 1) sum += <f64>load<f32>(at(p, k));
  const factor = <f32>(1 / sum);
  for (let k = 0; k < count; k += 1) store<f32>(at(p, k), load<f32>(at(p, k)) * factor);
}

/** How probable the pairs from a tag to those are that are reached far: their sum, or each added, times a gradient, to `result`. */
function pairsFar(args: PathsAdjointArguments, row: i32, before: i32, tag: i32, result: usize, gradient: f32 = 0): f32 {
  const count = args.count;
  const rare = at(args.rare, row * count);
  let sum: f32 = 0;
  for (let next = 0; next < count; next += 1) {
    const p = load<f32>(at(rare, next));
    if (p == 0) continue;
    const log = pairOf(args, before, row, tag, next);
    if (log < LOWEST) continue;
    const pair = p * power(log);
    sum += pair;
    if (result) store<f32>(at(result, next), load<f32>(at(result, next)) + gradient * pair);
  }
  return sum;
}

/** Gradients of the transitions, of which dTransitions has the sums over the products. Items: rows, the tags before. */
export function chainTransitions(args: PathsAdjointArguments, from: i32, to: i32): void {
  const steps = args.steps;
  const batch = args.batch;
  const count = args.count;
  const far = args.far;
  const tags = args.tags;
  const gradients = args.nats;
  for (let tag = from; tag < to; tag += 1) {
    const result = at(args.dTransitions, tag * count);
    const powers = at(args.powers, tag * count);
    for (let k = 0; k < count; k += 1) store<f32>(at(result, k), load<f32>(at(result, k)) * load<f32>(at(powers, k)));
    for (let row = batch; row < steps * batch; row += 1) {
      const next = load<i32>(at(tags, row));
      if (next < 0) continue;
      const gradient = load<f32>(at(gradients, row % batch));
      if (load<i32>(at(far, row))) pairsFar(args, row, row - batch, tag, result, gradient);
      if (load<i32>(at(tags, row - batch)) == tag) store<f32>(at(result, next), load<f32>(at(result, next)) - gradient);
    }
  }
}
