import { batchedGemm } from '../../kernels/batched.js';
import { gemm, OperandLayout, wantsPacking } from '../../kernels/product.js';
import type { Tensor } from '../../tensor.js';
import { requireArguments } from '../operands.js';
import type { Ops } from '../ops.js';
import type { Transposed } from '../shapes.js';
import { batchedMatmulShape, checkLinear, matmulShape } from '../shapes.js';
import type { Workspace } from './workspace.js';

export function product(space: Workspace): Pick<Ops, 'matmul' | 'batchedMatmul' | 'linear'> {
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
      layout: panels !== undefined ? OperandLayout.packed : bTransposed ? OperandLayout.transposed : OperandLayout.rows,
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
    matmul(a, b, transposed = {}) {
      requireArguments('matmul', a, b, transposed);
      return multiply(a, b, transposed, undefined, 'matmul');
    },
    batchedMatmul(a, b, transposed = {}) {
      requireArguments('batchedMatmul', a, b, transposed);
      const { m, n, k, count, shape } = batchedMatmulShape(a.shape, b.shape, transposed);
      const aTransposed = transposed.a === true;
      const bTransposed = transposed.b === true;
      const left = space.numbers(a, 'batchedMatmul');
      const right = space.numbers(b, 'batchedMatmul');
      const result = space.result(shape);
      batchedGemm(space.machine, {
        a: left,
        lda: aTransposed ? m : k,
        aStride: m * k,
        aTransposed,
        b: right,
        ldb: bTransposed ? k : n,
        bStride: k * n,
        layout: bTransposed ? OperandLayout.transposed : OperandLayout.rows,
        c: result.address,
        ldc: n,
        cStride: m * n,
        m,
        n,
        k,
        count,
        accumulate: false,
      });
      return result;
    },
    linear(x, w, b) {
      requireArguments('linear', x, w, b);
      checkLinear(x.shape, w.shape, b.shape);
      return multiply(x, w, {}, b, 'linear');
    },
  };
}
