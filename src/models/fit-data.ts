/** What a training learns from: data, batches and their order. */
import { requireCount } from '../checks.js';
import { generator } from '../random.js';
import { showShape } from '../tensor.js';
import type { Loss } from '../training/losses/loss.js';
import type { Data } from './examples.js';
import type { LayeredModel } from './layered-model.js';
import type { Mask } from './mask.js';
import type { RunPlan } from './plan.js';
import { everyOf, type PreparedExamples, prepareExamples } from './prepared.js';

interface DataOptions {
  readonly mask?: Mask;
  readonly validationData?: readonly [x: Data, y: Data, mask?: Mask];
  readonly validationSplit?: number;
}

/** Training and validation data, both held against the model. */
export function dataOf(
  model: LayeredModel & { readonly loss: Loss },
  x: Data,
  y: Data,
  { validationData, validationSplit, mask }: DataOptions,
): { readonly training: PreparedExamples; readonly validation: PreparedExamples | undefined } {
  const { loss } = model;
  if (validationData !== undefined && validationSplit !== undefined) {
    throw new TypeError(
      'fit: validationData and validationSplit are two ways to say one thing; leave one of them out.',
    );
  }
  if (validationSplit === undefined) {
    const training = prepareExamples('fit', model, loss, [x, y, mask]);
    const names = ['validationData x', 'validationData y', 'validationData mask'] as const;
    return { training, validation: validationData && prepareExamples('fit', model, loss, validationData, names) };
  }
  if (!(validationSplit > 0 && validationSplit < 1)) {
    throw new RangeError(`fit: validationSplit is a share of the data between 0 and 1, not ${validationSplit}.`);
  }
  const all = prepareExamples('fit', model, loss, [x, y, mask]);
  const kept = all.count - Math.round(all.count * validationSplit);
  if (kept < 1 || kept === all.count) {
    throw new RangeError(
      `fit: validationSplit ${validationSplit} leaves ${kept} of ${all.count} examples to learn from and ` +
        `${all.count - kept} to look at; both are 1 at least.`,
    );
  }
  const shifted = (order: Int32Array) => order.map((k) => k + kept);
  return {
    training: { ...all, count: kept },
    validation: { count: all.count - kept, batch: (order) => all.batch(shifted(order)) },
  };
}

const USUAL_BATCH = 32;

export function batchSize(given: number | undefined, count: number): number {
  if (given === undefined) return Math.min(USUAL_BATCH, count);
  requireCount('fit', 'batch', given);
  if (given <= count) return given;
  throw new RangeError(
    `fit: batch is ${given}, but there are ${count} examples to learn from; choose ${count} or fewer.`,
  );
}

/** 0, 1, … n − 1 in random order (Fisher and Yates), each epoch's its own. */
export function shuffled(count: number, seed: number, epoch: number): Int32Array {
  const random = generator(seed, `shuffle ${epoch}`);
  const order = everyOf(count);
  for (let k = count - 1; k > 0; k -= 1) {
    const other = random.below(k + 1);
    [order[k], order[other]] = [order[other] as number, order[k] as number];
  }
  return order;
}

/** What a batch of the data is, and how many examples there are. */
export function sizesOf(training: PreparedExamples, validation: PreparedExamples | undefined): RunPlan {
  const { input, target } = training.batch(Int32Array.of(0));
  return {
    examples: training.count,
    'validation examples': validation?.count ?? 0,
    inputs: `${input.type} ${showShape(input.shape)}`,
    targets: `${target.type} ${showShape(target.shape)}`,
  };
}
