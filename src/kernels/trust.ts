/** The check at start-up: a tier is trusted once it agrees with plain JavaScript on a few small cases. */

import { Unary } from './jobs.js';
import { unary } from './kernels.js';
import type { Machine } from './machine-type.js';
import { gemm, OperandLayout } from './product.js';

const close = (a: number, b: number) => Math.abs(a - b) <= 1e-5 * Math.max(1, Math.abs(b));

/** Whether a product with every kind of edge and three functions come out right. */
export function trusted(machine: Machine): boolean {
  const mark = machine.arena.mark();
  try {
    return productsAgree(machine) && functionsAgree(machine);
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) return false;
    throw error;
  } finally {
    machine.arena.release(mark);
  }
}

function productsAgree(machine: Machine): boolean {
  const [m, n, k] = [19, 37, 300];
  const a = machine.arena.allocate(4 * m * k);
  const b = machine.arena.allocate(4 * n * k);
  const c = machine.arena.allocate(4 * m * n);
  const { floats } = machine;
  for (let i = 0; i < m * k; i += 1) floats[a / 4 + i] = ((i * 37) % 101) / 101 - 0.5;
  for (let i = 0; i < n * k; i += 1) floats[b / 4 + i] = ((i * 53) % 97) / 97 - 0.5;
  gemm(machine, {
    a,
    lda: k,
    aTransposed: false,
    b,
    ldb: n,
    layout: OperandLayout.rows,
    c,
    ldc: n,
    m,
    n,
    k,
    accumulate: false,
  });
  for (let row = 0; row < m; row += 1) {
    for (let column = 0; column < n; column += 1) {
      let sum = 0;
      for (let i = 0; i < k; i += 1) sum += floats[a / 4 + row * k + i] * floats[b / 4 + i * n + column];
      if (!close(floats[c / 4 + row * n + column], sum)) return false;
    }
  }
  return true;
}

function functionsAgree(machine: Machine): boolean {
  const size = 40;
  const x = machine.arena.allocate(4 * size);
  const y = machine.arena.allocate(4 * size);
  const { floats } = machine;
  for (let i = 0; i < size; i += 1) floats[x / 4 + i] = (i - size / 2) / 3;
  const exact: readonly (readonly [Unary, (value: number) => number])[] = [
    [Unary.exp, Math.exp],
    [Unary.tanh, Math.tanh],
    [Unary.logistic, (value) => 1 / (1 + Math.exp(-value))],
  ];
  return exact.every(([op, f]) => {
    unary(machine, op, x, y, size);
    return Array.from({ length: size }, (_, i) => i).every((i) => {
      const expected = f(floats[x / 4 + i]);
      return Math.abs(floats[y / 4 + i] - expected) <= 1e-5 * Math.abs(expected);
    });
  });
}
