import { Binary, Broadcast, Unary } from '../../kernels/jobs.js';
import * as kernels from '../../kernels/kernels.js';
import { checkShape, sizeOf, type Tensor } from '../../tensor.js';
import { requireArguments } from '../operands.js';
import type { Ops } from '../ops.js';
import { broadcastOf, checkSame } from '../shapes.js';
import type { Workspace } from './workspace.js';

type Elementwise =
  | 'add'
  | 'subtract'
  | 'multiply'
  | 'divide'
  | 'maximum'
  | 'affine'
  | 'exp'
  | 'expm1'
  | 'log'
  | 'sqrt'
  | 'tanh'
  | 'logistic'
  | 'relu'
  | 'softplus'
  | 'gelu'
  | 'geluTanh'
  | 'tanhAdjoint'
  | 'logisticAdjoint'
  | 'reluAdjoint'
  | 'geluAdjoint'
  | 'geluTanhAdjoint'
  | 'fill'
  | 'bernoulli';

export function elementwise(space: Workspace): Pick<Ops, Elementwise> {
  const { machine } = space;

  function binary(op: Binary, operation: keyof typeof Binary, a: Tensor, b: Tensor): Tensor {
    requireArguments(operation, a, b);
    const { form, outer, inner } = broadcastOf(a.shape, b.shape, operation);
    const left = space.numbers(a, operation);
    const right = space.numbers(b, operation);
    const y = space.result(a.shape);
    kernels.binary(machine, op, left, right, y.address, Broadcast[form], outer, inner);
    return y;
  }

  function adjoint(op: Binary, operation: keyof typeof Binary, gradient: Tensor, y: Tensor): Tensor {
    requireArguments(operation, gradient, y);
    checkSame(gradient.shape, y.shape, operation);
    return binary(op, operation, gradient, y);
  }

  function unary(op: Unary, x: Tensor): Tensor {
    const operation = Unary[op] as keyof typeof Unary;
    requireArguments(operation, x);
    const from = space.numbers(x, operation);
    const y = space.result(x.shape);
    kernels.unary(machine, op, from, y.address, sizeOf(x.shape));
    return y;
  }

  return {
    add: (a, b) => binary(Binary.add, 'add', a, b),
    subtract: (a, b) => binary(Binary.subtract, 'subtract', a, b),
    multiply: (a, b) => binary(Binary.multiply, 'multiply', a, b),
    divide: (a, b) => binary(Binary.divide, 'divide', a, b),
    maximum: (a, b) => binary(Binary.maximum, 'maximum', a, b),
    affine(x, scale, shift) {
      requireArguments('affine', x, scale, shift);
      const from = space.numbers(x, 'affine');
      const y = space.result(x.shape);
      kernels.affine(machine, from, y.address, sizeOf(x.shape), scale, shift);
      return y;
    },
    exp: (x) => unary(Unary.exp, x),
    expm1: (x) => unary(Unary.expm1, x),
    log: (x) => unary(Unary.log, x),
    sqrt: (x) => unary(Unary.sqrt, x),
    tanh: (x) => unary(Unary.tanh, x),
    logistic: (x) => unary(Unary.logistic, x),
    relu: (x) => unary(Unary.relu, x),
    softplus: (x) => unary(Unary.softplus, x),
    gelu: (x) => unary(Unary.gelu, x),
    geluTanh: (x) => unary(Unary.geluTanh, x),
    tanhAdjoint: (gradient, y) => adjoint(Binary.tanhAdjoint, 'tanhAdjoint', gradient, y),
    logisticAdjoint: (gradient, y) => adjoint(Binary.logisticAdjoint, 'logisticAdjoint', gradient, y),
    reluAdjoint: (gradient, y) => adjoint(Binary.reluAdjoint, 'reluAdjoint', gradient, y),
    geluAdjoint: (gradient, x) => adjoint(Binary.geluAdjoint, 'geluAdjoint', gradient, x),
    geluTanhAdjoint: (gradient, x) => adjoint(Binary.geluTanhAdjoint, 'geluTanhAdjoint', gradient, x),
    fill(shape, value) {
      requireArguments('fill', shape, value);
      const size = checkShape(shape, 'fill');
      const y = space.result(shape);
      kernels.fill(machine, y.address, size, value);
      return y;
    },
    bernoulli(shape, keep, key) {
      requireArguments('bernoulli', shape, keep, key);
      const size = checkShape(shape, 'bernoulli');
      const y = space.result(shape);
      kernels.bernoulli(machine, y.address, size, keep, key);
      return y;
    },
  };
}
