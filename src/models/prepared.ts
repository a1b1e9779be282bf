/** Data held against a model: whatever can be wrong is found here, before any weight changes. */

import { within } from '../layer.js';
import type { Lengths } from '../ops/lengths.js';
import { listed, type Numbers, type Shape, sameShape, showShape, sizeOf, type Tensor } from '../tensor.js';
import type { Loss } from '../training/losses/loss.js';
import { type DryRun, type Limit, lastLabel, runDry } from './dry-run.js';
import { type Data, type ExampleLayout, type Examples, exampleLayoutOf, examplesOf, signalOf } from './examples.js';
import type { LayeredModel } from './layered-model.js';
import { lengthsOfIds, lengthsOfMask, type Mask, paddedAfter } from './mask.js';

/** Inputs that fit a model. */
export interface Inputs {
  readonly examples: Examples;
  readonly layout: ExampleLayout;
  readonly dryRun: DryRun;
  /** How many steps of each example's output are real, where some are padding. */
  readonly after: Lengths | undefined;
}

/** Inputs and what they should give. */
export interface PreparedExamples {
  readonly count: number;
  /** A batch: the examples of these numbers. */
  batch(order: Int32Array): { readonly input: Tensor; readonly target: Tensor };
}

/**
 * Inputs for a model.
 *
 * @throws TypeError, RangeError where there are none, they hold NaN, or a layer cannot take them.
 */
export function inputsOf(
  operation: string,
  subject: LayeredModel,
  x: Data,
  mask?: Mask,
  [name, maskName]: readonly [string, string] = ['x', 'mask'],
): Inputs {
  const given = examplesOf(`${operation}: ${name}`, x);
  const layout = subject.input ?? exampleLayoutOf(given);
  const { padding } = subject;
  let lengths: Lengths | undefined;
  if (mask !== undefined) lengths = lengthsOfMask(`${operation}: ${maskName}`, mask, given, layout);
  else if (padding !== undefined) lengths = lengthsOfIds(`${operation}: ${name}`, given, layout, padding);
  const examples = lengths === undefined ? given : paddedAfter(given, lengths, 0);
  checkFinite(`${operation}: ${name}`, examples);
  const dryRun = runDry(operation, subject, signalOf(examples, Int32Array.of(0), layout));
  if (dryRun.limit) checkIdsOf(`${operation}: ${name}`, examples, 0, dryRun.limit);
  const after = lengths && within(operation, () => subject.core.lengthsAfter?.(lengths) ?? lengths);
  return { examples, layout, dryRun, after };
}

/**
 * Inputs and targets for a model and its loss.
 *
 * @throws TypeError, RangeError where they do not fit each other, the model, or the loss.
 */
export function prepareExamples(
  operation: string,
  subject: LayeredModel,
  loss: Loss,
  [x, y, mask]: readonly [x: Data, y: Data, mask?: Mask | undefined],
  [xName, yName, maskName]: readonly [string, string, string] = ['x', 'y', 'mask'],
): PreparedExamples {
  const { examples, layout, dryRun, after } = inputsOf(operation, subject, x, mask, [xName, maskName]);
  const given = examplesOf(`${operation}: ${yName}`, y);
  if (given.count !== examples.count) {
    throw new RangeError(
      `${operation}: ${xName} has ${examples.count} examples and ${yName} has ${given.count}; give one target for each.`,
    );
  }
  if (dryRun.endsInSoftmax && loss.takes === 'logits') {
    throw new TypeError(
      `${operation}: ${lastLabel(subject)} ends in a softmax, but the loss has the softmax within it; leave the layer's ` +
        'out, and ask predict for probabilities: { finish: (ops, y) => ops.softmax(y) }.',
    );
  }
  const asked = targetsOf(operation, subject, dryRun.output, given, yName);
  // What is asked at padding does not count: ids are −1 there, numbers have the lengths with them.
  const isPadded = after?.some((length) => length !== dryRun.output[0]);
  const targets = isPadded
    ? { ...asked, examples: paddedAfter(asked.examples, after as Lengths, asked.examples.type === 'int32' ? -1 : 0) }
    : asked;
  checkTargets(`${operation}: ${yName}`, subject, loss, dryRun.output, targets);
  return {
    count: examples.count,
    batch: (order) => ({
      input: signalOf(examples, order, layout),
      target: signalOf(targets.examples, order, targets.layout),
    }),
  };
}

interface Targets {
  readonly examples: Examples;
  readonly layout: ExampleLayout;
}

/** Targets in the form that the model's output asks for. */
function targetsOf(operation: string, subject: LayeredModel, output: Shape, given: Examples, name: string): Targets {
  const [steps = 0, , ...features] = output;
  const forIds = [steps, ...features.slice(0, -1)];
  const forNumbers = [steps, ...features];
  const idsFit = given.type === 'int32' || (given.plain && given.data.every(Number.isInteger));
  const asNumbers =
    given.type === 'int32'
      ? undefined
      : (layoutFor(given.shape, forNumbers) ?? (features.join() === '1' ? layoutFor(given.shape, [steps]) : undefined));
  if (asNumbers) return { examples: given, layout: asNumbers };
  const asIds = idsFit ? layoutFor(given.shape, forIds) : undefined;
  if (asIds)
    return { examples: { ...given, type: 'int32', data: idsOf(`${operation}: ${name}`, given.data) }, layout: asIds };
  const show = (shape: Shape) => `[${['N', ...(steps === 1 ? shape.slice(1) : shape)].join(', ')}]`;
  throw new RangeError(
    `${operation}: ${lastLabel(subject)} gives [${[steps, 'B', ...features].join(', ')}], so ${name} is ids ` +
      `${show(forIds)} (Int32Array) or numbers ${show(forNumbers)}, but got ${given.type} ` +
      `[${['N', ...given.shape].join(', ')}]${steps > 1 ? '; where only the last step counts, put lastStep() before the head' : ''}.`,
  );
}

const idsOf = (what: string, data: Numbers) => listed(data, [data.length], what, Int32Array);

/** Whether an example's shape is the wanted one, with its steps or without its only one. */
function layoutFor(shape: Shape, wanted: Shape): ExampleLayout | undefined {
  if (sameShape(shape, wanted)) return 'sequence';
  return wanted[0] === 1 && sameShape(shape, wanted.slice(1)) ? 'example' : undefined;
}

function checkTargets(
  what: string,
  subject: LayeredModel,
  loss: Loss,
  output: Shape,
  { examples, layout }: Targets,
): void {
  checkFinite(what, examples);
  if (examples.type === 'int32') {
    checkIdsOf(what, examples, -1, { below: output.at(-1) as number, layer: lastLabel(subject) });
    const width = sizeOf(examples.shape);
    for (let k = 0; k < examples.count; k += 1) {
      if (examples.data.subarray(k * width, (k + 1) * width).every((id) => id === -1)) {
        throw new RangeError(`${what}: example ${k} has nothing but −1 (padding); leave it out.`);
      }
    }
  }
  // The loss has rules of its own (rows that are distributions), and looks at all targets in order to count them.
  within(what, () => loss.count?.(signalOf(examples, everyOf(examples.count), layout)));
}

/** 0, 1, … n − 1. */
export const everyOf = (count: number): Int32Array => Int32Array.from({ length: count }, (_, k) => k);

function checkFinite(what: string, { type, data, shape }: Examples): void {
  if (type === 'int32') return;
  for (let k = 0; k < data.length; k += 1) {
    if (!Number.isFinite(data[k])) {
      throw new RangeError(`${what} has ${data[k]} in ${placeOf(k, shape)}; put the data right, or leave it out.`);
    }
  }
}

function checkIdsOf(what: string, { data, shape }: Examples, lowest: number, { below, layer }: Limit): void {
  for (let k = 0; k < data.length; k += 1) {
    const id = data[k] as number;
    if (id < lowest || id >= below) {
      throw new RangeError(
        `${what} has id ${id} in ${placeOf(k, shape)}, but ${layer} has ids from 0 to ${below - 1}` +
          `${lowest < 0 ? ' (and −1 for padding)' : ''}; make the layer larger, or put the data right.`,
      );
    }
  }
}

function placeOf(k: number, shape: Shape): string {
  const width = sizeOf(shape);
  const example = `example ${Math.floor(k / width)}`;
  return shape.length === 0 ? example : `${example}, element ${k % width} of ${showShape(shape)}`;
}
