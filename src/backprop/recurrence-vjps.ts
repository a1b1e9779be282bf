import type { Ops } from '../ops/ops.js';
import type { RecurrenceAdjoints, Recurrences } from '../ops/recurrences.js';
import type { Ids, Tensor } from '../tensor.js';
import type { Vjp } from './vjps.js';

type RecurrenceVjps = {
  readonly [K in keyof Recurrences]: Vjp<Parameters<Recurrences[K]>, ReturnType<Recurrences[K]>>;
};

const adjointsOf = (ops: Ops) => ops.recurrences as RecurrenceAdjoints;

/**
 * The derivatives of whole windows. The steps' own gradients come from the adjoint; a recurrent matrix gains one
 * product over all steps, dW = Σ_t h_{t−1}ᵀ·dz_t.
 */
export const recurrenceVjps: RecurrenceVjps = {
  simpleRnn(ops, [dy], [z, wh, , ids], [y, before], [, needsWh]) {
    const [dz, dh] = adjointsOf(ops).simpleRnnAdjoint(dy ?? ops.fill(y.shape, 0), wh, y);
    return [entering(ops, dz, z, ids), needsWh ? ops.matmul(before, dz, { a: true }) : undefined, dh];
  },
  lstm(ops, [dy, dc], [z, wh, , , ids, forget, peepholes, norms], [y, , before, gates, cells, product, normed], needs) {
    const above = dy ?? ops.fill(y.shape, 0);
    const normalised = norms && product && normed && { norms, product, normed };
    const [dz, dh, dFirst, slopes, du, dNorms] = adjointsOf(ops).lstmAdjoint(
      above,
      dc,
      wh,
      gates,
      cells,
      forget,
      peepholes,
      normalised,
    );
    return [
      entering(ops, dz, z, ids),
      needs[1] ? ops.matmul(before, du, { a: true }) : undefined,
      dh,
      dFirst,
      undefined,
      undefined,
      slopes && needs[6] ? ops.sumTo(slopes, slopes.shape.slice(1)) : undefined,
      dNorms,
    ];
  },
  gru(ops, [dy], [x, wh, bn, , ids], [y, before, gates], [, needsWh, needsBn]) {
    const [dx, du, dh] = adjointsOf(ops).gruAdjoint(dy ?? ops.fill(y.shape, 0), wh, before, gates);
    const units = bn.shape[0] as number;
    return [
      entering(ops, dx, x, ids),
      needsWh ? ops.matmul(before, du, { a: true }) : undefined,
      needsBn ? ops.split(ops.sumTo(du, [3 * units]), 0, [2 * units, units])[1] : undefined,
      dh,
    ];
  },
  gruResetBefore(ops, [dy], [x, wh, wn, , ids], [y, before, gates], [, needsWh, needsWn]) {
    const [dx, dh] = adjointsOf(ops).gruResetBeforeAdjoint(dy ?? ops.fill(y.shape, 0), wh, wn, before, gates);
    const units = wn.shape[0] as number;
    return [
      entering(ops, dx, x, ids),
      needsWh ? ops.split(ops.matmul(before, dx, { a: true }), 1, [2 * units, units])[0] : undefined,
      needsWn ? ops.matmul(lastPart(ops, gates, 4, units), lastPart(ops, dx, 3, units), { a: true }) : undefined,
      dh,
    ];
  },
};

/** The gradient of what entered the steps: of the table's rows, where ids chose them. */
function entering(ops: Ops, gradient: Tensor, z: Tensor, ids: Ids | undefined): Tensor {
  return ids === undefined ? gradient : ops.scatterAdd(gradient, ids, z.shape[0] as number);
}

/** The last of so many parts that lie side by side. */
function lastPart(ops: Ops, x: Parameters<Ops['split']>[0], parts: number, units: number) {
  return ops.split(x, 2, [(parts - 1) * units, units])[1] as typeof x;
}
