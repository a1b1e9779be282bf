/**
 * Products of looked-up rows, with less work: where x is rows of a table (an embedding, or unit vectors), `x·w + b` has
 * at most as many different rows as the table. Where there are more positions than that, the table is multiplied once
 * and its products are looked up, forwards and backwards. Each row is the same chain of multiply-adds either way, so
 * the results are the same, bit for bit.
 */
import { type Ids, sizeOf, type Tensor } from '../tensor.js';
import { requireArguments } from './operands.js';
import type { Lookup, Ops } from './ops.js';
import { checkLinear, matmulShape } from './shapes.js';

/** Ops whose products of looked-up rows cost no more than those of the table. */
export function throughLookups<O extends Ops>(ops: O): O {
  const lookups = new WeakMap<Tensor, Lookup>();

  function noting(y: Tensor, lookup: Lookup): Tensor {
    lookups.set(y, lookup);
    return y;
  }

  return {
    ...ops,
    lookupOf: (x) => lookups.get(x),
    gather: (table, ids) => noting(ops.gather(table, ids), { ids, rows: table.shape[0] as number, table }),
    oneHot: (ids, classes) => noting(ops.oneHot(ids, classes), { ids, rows: classes, table: undefined }),
    linear(x, w, b) {
      const lookup = lookups.get(x);
      if (lookup === undefined) return ops.linear(x, w, b);
      requireArguments('linear', x, w, b);
      checkLinear(x.shape, w.shape, b.shape);
      const { ids, rows, table } = lookup;
      const few = rows < sizeOf(ids.shape);
      if (table === undefined) return few ? ops.gather(ops.add(w, b), ids) : ops.add(ops.gather(w, ids), b);
      return few ? ops.gather(ops.linear(table, w, b), ids) : ops.linear(x, w, b);
    },
    matmul(x, w, transposed = {}) {
      const lookup = lookups.get(x);
      if (lookup === undefined || transposed === null || transposed.a || transposed.b)
        return ops.matmul(x, w, transposed);
      requireArguments('matmul', x, w, transposed);
      matmulShape(x.shape, w.shape);
      const { ids, rows, table } = lookup;
      if (table === undefined) return ops.gather(w, ids);
      return rows < sizeOf(ids.shape) ? ops.gather(ops.matmul(table, w), ids) : ops.matmul(x, w);
    },
  };
}

/**
 * `x·w + b` as a recurrence takes it: a row for each position, or, where x is looked up and the table has fewer rows than
 * there are positions, the table's products and the ids that choose among them.
 */
export function projection(ops: Ops, x: Tensor, w: Tensor, b: Tensor): readonly [z: Tensor, ids?: Ids] {
  const lookup = ops.lookupOf?.(x);
  if (lookup === undefined || lookup.rows >= sizeOf(lookup.ids.shape)) return [ops.linear(x, w, b)];
  checkLinear(x.shape, w.shape, b.shape);
  const { table, ids } = lookup;
  return [table === undefined ? ops.add(w, b) : ops.linear(table, w, b), ids];
}
