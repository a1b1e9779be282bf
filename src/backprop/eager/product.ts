import { gemm, Layout, wantsPacking } from '../../kernels/product.js';
import type { Tensor } from '../../tensor.js';
import type { Ops, Transposed } from '../ops.js';
import { checkLinear, matmulShape } from '../shapes.js';
import type { Workspace } from './workspace.js';

export function product(space: Workspace): Pick<Ops, 'matmul' | 'linear'> {
  function multiply(a: Tensor, b: Tensor, transposed: Transposed, bias: Tensor | undefined, operation: string): Tensor {
    const { m, n, k, shape } = matmulShape(a.shape, b.shape, transposed);
    const aTransposed = transposed.a === true;
    const bTransposed = transposed.b === true;
    const result = space.result(shape);
    const left = space.numbers(a, operation);
    const right = space.numbers(b, operation);
    const streamed = !wantsPacking(m) && !aTransposed && !bTransposed;
    const panels = streamed ? undefined : space.earnedPanels(b, bTransposed, n, k);
    gemm(space.machine, {
      a: left,
      lda: aTransposed ? m : k,
      aTransposed,
      b: panels ?? right,
      ldb: bTransposed ? k : n,
      layout: panels !== undefined ? Layout.packed : bTransposed ? Layout.transposed : Layout.rows,
      c: result.address,
      ldc: n,
      m,
      n,
      k,
      accumulate: false,
      bias: bias === undefined ? 0 : space.numbers(bias, operation),
    });
    return result;
  }

  return {
    matmul: (a, b, transposed = {}) => multiply(a, b, transposed, undefined, 'matmul'),
    linear(x, w, b) {
      checkLinear(x.shape, w.shape, b.shape);
      return multiply(x, w, {}, b, 'linear');
    },
  };
}
