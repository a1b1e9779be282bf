/** The operators of ONNX that there are, and the attributes that each may have. */
import { arrangement } from './arrangement.js';
import type { Attributes } from './attributes.js';
import { elementwise, type Run } from './elementwise.js';
import { products } from './products.js';
import { checkRecurrent, kinds } from './recurrent.js';

/** All but the recurrent ones, which have a carry. */
export const operators: Readonly<Record<string, Run>> = { ...elementwise, ...arrangement, ...products };

const recurrentNames = [
  'activations',
  'activation_alpha',
  'activation_beta',
  'clip',
  'direction',
  'hidden_size',
  'layout',
];
const places = ['auto_pad', 'dilations', 'kernel_shape', 'pads', 'strides'];

const names: Readonly<Record<string, readonly string[]>> = {
  RNN: recurrentNames,
  LSTM: [...recurrentNames, 'input_forget'],
  GRU: [...recurrentNames, 'linear_before_reset'],
  Clip: ['min', 'max'],
  Cast: ['to', 'saturate'],
  LeakyRelu: ['alpha'],
  Elu: ['alpha'],
  HardSigmoid: ['alpha', 'beta'],
  Gelu: ['approximate'],
  Dropout: ['ratio', 'seed'],
  Reshape: ['shape', 'allowzero'],
  Flatten: ['axis'],
  Squeeze: ['axes'],
  Unsqueeze: ['axes'],
  Transpose: ['perm'],
  Concat: ['axis'],
  Split: ['axis', 'split', 'num_outputs'],
  Slice: ['starts', 'ends', 'axes', 'steps'],
  Gather: ['axis'],
  Shape: ['start', 'end'],
  ConstantOfShape: ['value'],
  OneHot: ['axis'],
  Gemm: ['alpha', 'beta', 'transA', 'transB'],
  Softmax: ['axis'],
  LayerNormalization: ['axis', 'epsilon', 'stash_type'],
  ReduceMean: ['axes', 'keepdims', 'noop_with_empty_axes'],
  ReduceSum: ['axes', 'keepdims', 'noop_with_empty_axes'],
  Conv: [...places, 'group'],
  MaxPool: [...places, 'ceil_mode', 'storage_order'],
  AveragePool: [...places, 'ceil_mode', 'count_include_pad'],
};

export const isOperator = (op: string): boolean => Object.hasOwn(operators, op) || Object.hasOwn(kinds, op);

/** Whether an operator has an attribute of that name that is gone by. */
export const hasAttribute = (op: string, name: string): boolean =>
  Object.hasOwn(names, op) && names[op]?.includes(name) === true;

/** @throws RangeError where attributes ask for what there is not. */
export function checkAttributes(op: string, attributes: Attributes): void {
  if (Object.hasOwn(kinds, op)) checkRecurrent(op, attributes);
  if (!['Conv', 'MaxPool', 'AveragePool'].includes(op)) return;
  const auto = attributes.text('auto_pad', 'NOTSET');
  if (auto !== 'NOTSET' && auto !== 'VALID') throw new RangeError(`auto_pad ${auto} is none that is done; pads are`);
  if (attributes.numbers('dilations')?.some((step) => step !== 1))
    throw new RangeError('dilations other than 1 are none');
  if (op === 'Conv') return;
  if (attributes.numbers('pads')?.some((zeros) => zeros !== 0)) throw new RangeError('pools with pads are none');
  if (attributes.number('ceil_mode', 0) !== 0) throw new RangeError('ceil_mode is not done');
}
