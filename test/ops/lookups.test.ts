import { describe, expect, it } from 'vitest';
import { tape } from '../../src/backprop/tape.js';
import { machine } from '../../src/kernels/machine.js';
import { eager } from '../../src/ops/eager/index.js';
import { workspace } from '../../src/ops/eager/workspace.js';
import { throughLookups } from '../../src/ops/lookups.js';
import type { Ops } from '../../src/ops/ops.js';
import { reference } from '../../src/ops/reference.js';
import { inWindow, toSignal } from '../../src/ops/window.js';
import { generator } from '../../src/random.js';
import { type Ids, ids, type Shape, sizeOf, type Tensor, tensor } from '../../src/tensor.js';

function draw(shape: Shape, path: string): Tensor {
  const random = generator(5, path);
  return tensor(
    shape,
    Float32Array.from({ length: sizeOf(shape) }, () => random.normal()),
  );
}

const table = draw([6, 5], 'table');
const w = draw([5, 9], 'w');
const b = draw([9], 'b');
const unit = draw([6, 9], 'unit');

const symbols = (count: number): Ids => {
  const random = generator(2);
  return ids(
    [count, 1],
    Int32Array.from({ length: count }, () => random.below(6)),
  );
};

const bodies: Readonly<Record<string, (ops: Ops, x: Ids) => Tensor>> = {
  'a table, linear': (ops, x) => ops.linear(ops.gather(table, x), w, b),
  'a table, matmul': (ops, x) => ops.matmul(ops.gather(table, x), w),
  'unit vectors, linear': (ops, x) => ops.linear(ops.oneHot(x, 6), unit, b),
  'unit vectors, matmul': (ops, x) => ops.matmul(ops.oneHot(x, 6), unit),
  'a product with a transposed matrix, which stays as it is': (ops, x) =>
    ops.matmul(ops.gather(table, x), draw([9, 5], 't'), { b: true }),
};

/** The kernels as they are. */
function bare<R>(body: (ops: Ops) => R): R {
  const home = machine();
  const mark = home.arena.mark();
  try {
    return body(eager(workspace(home, { open: true })));
  } finally {
    home.arena.release(mark);
  }
}

describe('products of looked-up rows', () => {
  // Fewer positions than rows, and more.
  for (const count of [1, 3, 6, 7, 40]) {
    for (const [name, body] of Object.entries(bodies)) {
      it(`are the same bits as without: ${name}, ${count} positions`, () => {
        const x = symbols(count);
        const expected = bare((ops) => toSignal(body(ops, x)));
        expect(inWindow((ops) => toSignal(body(ops, x)))).toEqual(expected);
        expect(bare((ops) => toSignal(body(throughLookups(ops), x)))).toEqual(expected);
      });

      it(`have the same gradients: ${name}, ${count} positions`, () => {
        const x = symbols(count);
        const watched = [table, w, b, unit];
        const plain = tape(reference(), watched);
        const seed = draw([count, 1, 9], 'seed');
        const expected = plain.gradients(body(plain, x), seed);
        const ops = throughLookups(tape(reference(), watched));
        const got = ops.gradients(body(ops, x), seed);
        got.forEach((gradient, k) => {
          gradient.data.forEach((value, place) => {
            expect(value).toBeCloseTo((expected[k] as Tensor).data[place] as number, 12);
          });
        });
      });
    }
  }

  it('cost no more than the table has rows', () => {
    const counted: number[] = [];
    const counting: Ops = {
      ...reference(),
      linear(x, weights, bias) {
        counted.push(sizeOf(x.shape.slice(0, -1)));
        return reference().linear(x, weights, bias);
      },
    };
    bodies['a table, linear']?.(throughLookups(counting), symbols(40));
    bodies['a table, linear']?.(throughLookups(counting), symbols(4));
    bodies['unit vectors, linear']?.(throughLookups(counting), symbols(40));
    expect(counted).toEqual([6, 4]);
  });

  it('refuse what does not fit, as without', () => {
    const ops = throughLookups(reference());
    const x = symbols(3);
    expect(() => ops.linear(ops.oneHot(x, 6), w, b)).toThrow('linear: x [3, 1, 6]');
    expect(() => ops.matmul(ops.oneHot(x, 6), w)).toThrow(RangeError);
    expect(() => ops.linear(ops.gather(table, x), w, draw([8], 'short'))).toThrow(RangeError);
    expect(() => ops.oneHot(x, 2)).toThrow('is outside 0 … 1');
  });
});
