/**
 * What each primitive takes, argument by argument. The shape rules say which tensors go together; that they are tensors at all, and
 * records, lists and numbers what they should be, is asked here, by each primitive before it does anything.
 */
import { isRecord, requireKind } from '../checks.js';
import { checkShape, isList, type Tensor } from '../tensor.js';
import type { Adjoints, Ops, Primitives, Sources } from './ops.js';
import type { RecurrenceAdjoints, Recurrences } from './recurrences.js';

/** What an argument may be. */
interface Kind {
  readonly takes: string;
  readonly remedy: string;
  fits(value: unknown): boolean;
}

/** The arguments of a primitive by their names, in their order. */
type Arguments = Readonly<Record<string, Kind>>;

/** Whether its numbers are what they should be is looked at where they are read. */
const isOperand = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && isList((value as Partial<Tensor>).shape);
const isNumbers = (count: number, value: unknown): boolean =>
  isList(value) && value.length === count && value.every((each) => typeof each === 'number');
const isPair = (value: unknown): boolean => isNumbers(2, value);
const isAbsentOr = (fits: (value: unknown) => boolean, value: unknown): boolean => value === undefined || fits(value);

const optional = (kind: Kind): Kind => ({
  takes: `${kind.takes} or undefined`,
  remedy: kind.remedy,
  fits: (value) => value === undefined || kind.fits(value),
});

const tensor: Kind = {
  takes: 'a tensor',
  remedy: 'make it by tensor() or ids(), or take what another primitive gives',
  fits: isOperand,
};
const tensors: Kind = {
  takes: 'a list of tensors',
  remedy: 'put those that belong together into an array',
  fits: (value) => isList(value) && value.every(isOperand),
};
const number: Kind = { takes: 'a number', remedy: 'give one', fits: (value) => typeof value === 'number' };
const flag: Kind = { takes: 'true or false', remedy: 'give one of them', fits: (value) => typeof value === 'boolean' };
const numbers: Kind = {
  takes: 'a list of numbers',
  remedy: 'give a number for each part',
  fits: (value) => isList(value) && value.every((each) => typeof each === 'number'),
};
const shape: Kind = { takes: 'a shape', remedy: 'give one size an axis, such as [2, 3]', fits: isList };
const transposed: Kind = { takes: 'a record of a and b', remedy: 'say { b: true }, for example', fits: isRecord };
const attentionForm: Kind = {
  takes: 'a record of heads, causal and drop',
  remedy: 'say { heads: 1 } at least',
  fits: (value) => isRecord(value) && typeof value.heads === 'number' && isAbsentOr(isRecord, value.drop),
};
const convolution: Kind = {
  takes: 'a record of a stride of two numbers, a padding of four, and relu',
  remedy: 'say { stride: [2, 2], padding: [1, 1, 1, 1] }, for example',
  fits: (value) =>
    isRecord(value) && isAbsentOr(isPair, value.stride) && isAbsentOr((four) => isNumbers(4, four), value.padding),
};
const pooling: Kind = {
  takes: 'a record of a size and a stride of two numbers each',
  remedy: 'say { size: [2, 2] }, for example',
  fits: (value) => isRecord(value) && isPair(value.size) && isAbsentOr(isPair, value.stride),
};
const forgetting: Kind = {
  takes: "'learned', 'none' or 'coupled'",
  remedy: 'give one of them',
  fits: (value) => value === 'learned' || value === 'none' || value === 'coupled',
};
const normalised: Kind = {
  takes: 'a record of the tensors norms, product and normed',
  remedy: 'give those of the window',
  fits: (value) => isRecord(value) && [value.norms, value.product, value.normed].every(isOperand),
};

/** A rule of `customVjp`. */
export const rule: Kind = {
  takes: 'a rule: a record of kind, forward and backward',
  remedy: 'give both functions, and the name that messages shall use',
  fits: (value) =>
    isRecord(value) &&
    typeof value.kind === 'string' &&
    typeof value.forward === 'function' &&
    typeof value.backward === 'function',
};

const [x, a, b, gradient, y, ids] = [tensor, tensor, tensor, tensor, tensor, tensor];

/** Of each primitive what it takes; one that is missing here does not compile. */
export const argumentsOf: Readonly<Record<keyof (Primitives & Adjoints & Sources), Arguments>> = {
  matmul: { a, b, transposed: optional(transposed) },
  batchedMatmul: { a, b, transposed: optional(transposed) },
  linear: { x, w: tensor, b },
  add: { a, b },
  subtract: { a, b },
  multiply: { a, b },
  divide: { a, b },
  maximum: { a, b },
  affine: { x, scale: number, shift: number },
  exp: { x },
  expm1: { x },
  log: { x },
  sqrt: { x },
  tanh: { x },
  logistic: { x },
  relu: { x },
  softplus: { x },
  gelu: { x },
  geluTanh: { x },
  softmax: { x },
  layerNorm: { x, gain: tensor, bias: tensor, epsilon: number },
  attention: { parts: tensors, form: attentionForm, mask: optional(tensor), known: optional(tensor) },
  scan: { a, b, h: tensor },
  deltaRule: { state: tensor, q: tensor, k: tensor, v: tensor, decay: tensor, rate: tensor },
  reshape: { x, shape },
  swapAxes: { x },
  split: { x, axis: number, sizes: numbers },
  concat: { parts: tensors, axis: number },
  sumTo: { x, shape },
  gather: { table: tensor, ids },
  crossEntropy: { logits: tensor, targets: ids },
  linearChain: { x, transitions: tensor, start: tensor, end: tensor, tags: ids },
  convolution2d: { x, w: tensor, b: optional(tensor), convolution: optional(convolution) },
  maxPooling2d: { x, pooling },
  meanPooling2d: { x, pooling },
  custom: { operands: tensors, rule },

  scatterAdd: { gradient, ids, rows: number },
  tanhAdjoint: { gradient, y },
  logisticAdjoint: { gradient, y },
  reluAdjoint: { gradient, y },
  geluAdjoint: { gradient, x },
  geluTanhAdjoint: { gradient, x },
  softmaxAdjoint: { gradient, y },
  layerNormAdjoint: { gradient, x, gain: tensor, epsilon: number },
  attentionAdjoint: {
    gradient,
    y,
    parts: tensors,
    form: attentionForm,
    mask: optional(tensor),
    known: optional(tensor),
    past: flag,
  },
  scanAdjoint: { gradient, a, y, h: tensor },
  deltaRuleAdjoint: { gradient, gradientOfState: gradient, operands: tensors },
  crossEntropyAdjoint: { gradient, logits: tensor, targets: ids },
  linearChainAdjoint: { gradient, x, transitions: tensor, start: tensor, end: tensor, tags: ids },
  convolution2dInputAdjoint: { gradient, w: tensor, shape, convolution: optional(convolution) },
  convolution2dWeightsAdjoint: { gradient, x, shape, convolution: optional(convolution) },
  maxPooling2dAdjoint: { gradient, places: ids, shape, pooling },
  meanPooling2dAdjoint: { gradient, shape, pooling },

  oneHot: { ids, classes: number },
  countFrom: { start: tensor, steps: number, below: number },
  fill: { shape, value: number },
  bernoulli: { shape, keep: number, key: number },
};

/** The same of whole windows of recurrences. */
export const argumentsOfRecurrences: Readonly<Record<keyof (Recurrences & RecurrenceAdjoints), Arguments>> = {
  simpleRnn: { z: tensor, wh: tensor, h: tensor, ids: optional(ids) },
  lstm: {
    z: tensor,
    wh: tensor,
    h: tensor,
    c: tensor,
    ids: optional(ids),
    forget: optional(forgetting),
    peepholes: optional(tensor),
    norms: optional(tensor),
  },
  gru: { x, wh: tensor, bn: tensor, h: tensor, ids: optional(ids) },
  gruResetBefore: { x, wh: tensor, wn: tensor, h: tensor, ids: optional(ids) },
  simpleRnnAdjoint: { dy: tensor, wh: tensor, y },
  lstmAdjoint: {
    dy: tensor,
    dc: optional(tensor),
    wh: tensor,
    gates: tensor,
    cells: tensor,
    forget: optional(forgetting),
    peepholes: optional(tensor),
    normalised: optional(normalised),
  },
  gruAdjoint: { dy: tensor, wh: tensor, before: tensor, gates: tensor },
  gruResetBeforeAdjoint: { dy: tensor, wh: tensor, wn: tensor, before: tensor, gates: tensor },
};

const every: Readonly<Record<string, Arguments>> = { ...argumentsOf, ...argumentsOfRecurrences };
/** By lists, which are faster to go through than records. */
const lists = new Map(
  Object.entries(every).map(([operation, of]) => [
    operation,
    Object.entries(of).map(([name, kind]) => ({ name, kind })),
  ]),
);

type Operation = keyof typeof argumentsOf | keyof typeof argumentsOfRecurrences;

/** @throws TypeError, RangeError where an argument is of another kind than the primitive takes, by its name and the argument's. */
export function requireArguments(operation: Operation, ...args: readonly unknown[]): void {
  const kinds = lists.get(operation) as readonly { readonly name: string; readonly kind: Kind }[];
  for (let k = 0; k < kinds.length; k += 1) {
    const { name, kind } = kinds[k] as (typeof kinds)[number];
    const value = args[k];
    if (kind === tensor && isOperand(value)) continue;
    if (kind === shape) checkShape(value as readonly number[], operation);
    else if (!kind.fits(value)) requireKind(operation, false, `${kind.takes} as ${name}`, value, kind.remedy);
  }
}

/** Ops whose primitives ask for their arguments first. */
export function guarded(ops: Ops): Ops {
  const primitives = Object.keys(argumentsOf).map((operation) => {
    const run = ops[operation as keyof Primitives] as (...args: readonly unknown[]) => unknown;
    return [
      operation,
      (...args: readonly unknown[]) => {
        requireArguments(operation as Operation, ...args);
        return run(...args);
      },
    ];
  });
  return { ...ops, ...Object.fromEntries(primitives) };
}
