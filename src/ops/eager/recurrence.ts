import type { BufferView } from '../../kernels/buffer-view.js';
import { copyBlock, fill } from '../../kernels/kernels.js';
import { wantsPacking } from '../../kernels/product.js';
import * as kernels from '../../kernels/recurrent.js';
import { type Ids, type Shape, sameShape, showShape, sizeOf, type Tensor } from '../../tensor.js';
import { requireArguments } from '../operands.js';
import { type Forgetting, NORM_EPSILON, type RecurrenceAdjoints, type Recurrences } from '../recurrences.js';
import { checkIds } from '../shapes.js';
import type { Workspace } from './workspace.js';

/** The window of a recurrence whose input has `parts` numbers a unit; with ids they are chosen from the rows of a table. */
function windowOf(operation: string, z: Tensor, ids: Tensor | undefined, h: Tensor, parts: number): kernels.Window {
  const width = z.shape.at(-1) ?? 0;
  const [steps = 0, batch] = ids?.shape ?? z.shape;
  const [lanes, units = 0] = h.shape;
  if (ids !== undefined) checkIds(ids, z.shape[0] as number, operation);
  if (
    z.shape.length !== (ids === undefined ? 3 : 2) ||
    h.shape.length !== 2 ||
    batch !== lanes ||
    width !== parts * units ||
    steps < 1
  ) {
    throw new RangeError(
      `${operation}: an input ${showShape(z.shape)} and a state ${showShape(h.shape)} do not meet; ` +
        `it wants [T, B, ${parts === 1 ? '' : parts}H] and [B, H], T ≥ 1.`,
    );
  }
  return { steps, batch: batch as number, units };
}

function check(operation: string, what: string, x: Tensor, shape: Shape): void {
  if (!sameShape(x.shape, shape)) {
    throw new RangeError(`${operation}: ${what} is ${showShape(x.shape)} and must be ${showShape(shape)}.`);
  }
}

/** The window of a way back, whose states are `[T, B, H]`, or all cells `[T + more, B, H]`. */
function windowBack(operation: string, states: Tensor, more = 0): kernels.Window {
  const [moments = 0, batch = 0, units = 0] = states.shape;
  if (states.shape.length !== 3 || moments <= more) {
    const steps = more === 0 ? 'T' : `T + ${more}`;
    throw new RangeError(
      `${operation}: takes the states [${steps}, B, H] of a window, T ≥ 1, but got ${showShape(states.shape)}.`,
    );
  }
  return { steps: moments - more, batch, units };
}

export function recurrence(space: Workspace): Recurrences & RecurrenceAdjoints {
  const { machine } = space;

  /** T + 1 steps whose first is the carry that enters. */
  function states({ steps, batch, units }: kernels.Window, first: Tensor, operation: string): BufferView {
    const place = space.result([steps + 1, batch, units]);
    copy(space.numbers(first, operation), place, batch, units);
    return place;
  }

  function copy(from: number, to: BufferView, rows: number, width: number): void {
    copyBlock(machine, from, width, to.address, width, rows, width);
  }

  /** The steps before and after each step, as views of all states. */
  function around(
    { steps, batch, units }: kernels.Window,
    all: BufferView,
  ): readonly [before: BufferView, after: BufferView] {
    const shape = [steps, batch, units];
    return [space.view(all, shape), space.view(all, shape, batch * units)];
  }

  /** Address of the ids that choose the rows of a table; 0 for none. */
  const chosen = (ids: Ids | undefined): number => (ids === undefined ? 0 : space.ids(ids));

  /** A right operand `[k, n]` as the kernels want it: in panels, or as it lies where few rows meet it. */
  function operand(w: Tensor, k: number, n: number, batch: number): number {
    return wantsPacking(batch) ? space.panels(w, false, n, k) : space.place(w).address;
  }

  /** The transpose of `[n, k]` as a right operand `[k, n]`. */
  function transposedOperand(w: Tensor, k: number, n: number, batch: number): number {
    return wantsPacking(batch) ? space.panels(w, true, n, k) : space.turned(w, n, k);
  }

  function zeros(shape: Shape): BufferView {
    const place = space.result(shape);
    fill(machine, place.address, sizeOf(shape), 0);
    return place;
  }

  function copyOf(x: Tensor | undefined, shape: readonly [rows: number, width: number], operation: string): BufferView {
    if (x === undefined) return zeros(shape);
    check(operation, 'a gradient', x, shape);
    const place = space.result(shape);
    copy(space.numbers(x, operation), place, ...shape);
    return place;
  }

  function formOf(forget: Forgetting, peepholes: Tensor | undefined, units: number): kernels.LstmForm {
    if (peepholes === undefined) return { forget, peepholes: 0 };
    check('lstm', 'peepholes', peepholes, [(kernels.lstmGates(forget) - 1) * units]);
    return { forget, peepholes: space.numbers(peepholes, 'lstm') };
  }

  /** What is normalised where; the parameters lie one after the other. */
  function normOf(norms: Tensor, product: Tensor, normed: Tensor, parts: number, units: number): kernels.LstmNorm {
    check('lstm', 'norms', norms, [(parts + 2) * units]);
    return {
      parameters: space.numbers(norms, 'lstm'),
      epsilon: NORM_EPSILON,
      product: space.numbers(product, 'lstm'),
      normed: space.numbers(normed, 'lstm'),
    };
  }

  function gruWindow(
    operation: string,
    x: Tensor,
    wh: Tensor,
    wn: Tensor | undefined,
    bn: Tensor | undefined,
    h: Tensor,
    ids: Ids | undefined,
  ) {
    const window = windowOf(operation, x, ids, h, 3);
    const { steps, batch, units } = window;
    const columns = wn === undefined ? 3 * units : 2 * units;
    check(operation, 'wh', wh, [units, columns]);
    if (wn !== undefined) check(operation, 'wn', wn, [units, units]);
    if (bn !== undefined) check(operation, 'bn', bn, [units]);
    const all = states(window, h, operation);
    const gates = space.result([steps, batch, 4 * units]);
    const input = space.numbers(x, operation);
    const recurrent = operand(wh, units, columns, batch);
    const candidate = wn && operand(wn, units, units, batch);
    const bias = bn === undefined ? 0 : space.numbers(bn, operation);
    kernels.gruForward(
      machine,
      window,
      input,
      chosen(ids),
      recurrent,
      candidate ?? 0,
      bias,
      gates.address,
      all.address,
      space.result([batch, 3 * units]).address,
    );
    const [before, after] = around(window, all);
    return [after, before, gates] as const;
  }

  function gruWindowBack(
    operation: string,
    dy: Tensor,
    wh: Tensor,
    wn: Tensor | undefined,
    before: Tensor,
    gates: Tensor,
  ) {
    const { steps, batch, units } = windowBack(operation, before);
    const dx = space.result([steps, batch, 3 * units]);
    const du = wn === undefined ? space.result([steps, batch, 3 * units]) : undefined;
    const dh = zeros([batch, units]);
    const columns = wn === undefined ? 3 * units : 2 * units;
    check(operation, 'dy', dy, before.shape);
    check(operation, 'wh', wh, [units, columns]);
    if (wn !== undefined) check(operation, 'wn', wn, [units, units]);
    check(operation, 'gates', gates, [steps, batch, 4 * units]);
    const above = space.numbers(dy, operation);
    const recurrent = transposedOperand(wh, columns, units, batch);
    const candidate = wn && transposedOperand(wn, units, units, batch);
    kernels.gruBackward(
      machine,
      { steps, batch, units },
      above,
      recurrent,
      candidate ?? 0,
      space.numbers(gates, operation),
      space.numbers(before, operation),
      dx.address,
      du?.address ?? 0,
      dh.address,
      wn === undefined ? 0 : space.result([batch, units]).address,
    );
    return { dx, du, dh };
  }

  return {
    simpleRnn(z, wh, h, ids) {
      requireArguments('simpleRnn', z, wh, h, ids);
      const window = windowOf('simpleRnn', z, ids, h, 1);
      check('simpleRnn', 'wh', wh, [window.units, window.units]);
      const all = states(window, h, 'simpleRnn');
      const recurrent = operand(wh, window.units, window.units, window.batch);
      kernels.rnnForward(machine, window, space.numbers(z, 'simpleRnn'), chosen(ids), recurrent, all.address);
      const [before, after] = around(window, all);
      return [after, before];
    },
    simpleRnnAdjoint(dy, wh, y) {
      requireArguments('simpleRnnAdjoint', dy, wh, y);
      const { steps, batch, units } = windowBack('simpleRnnAdjoint', y);
      check('simpleRnnAdjoint', 'dy', dy, y.shape);
      check('simpleRnnAdjoint', 'wh', wh, [units, units]);
      const dz = space.result(y.shape);
      const dh = zeros([batch, units]);
      const recurrent = transposedOperand(wh, units, units, batch);
      kernels.rnnBackward(
        machine,
        { steps, batch, units },
        space.numbers(dy, 'simpleRnnAdjoint'),
        recurrent,
        space.numbers(y, 'simpleRnnAdjoint'),
        dz.address,
        dh.address,
      );
      return [dz, dh];
    },
    lstm(z, wh, h, c, ids, forget = 'learned', peepholes, norms) {
      requireArguments('lstm', z, wh, h, c, ids, forget, peepholes, norms);
      const parts = kernels.lstmGates(forget);
      const window = windowOf('lstm', z, ids, h, parts);
      const { steps, batch, units } = window;
      check('lstm', 'wh', wh, [units, parts * units]);
      check('lstm', 'c', c, [batch, units]);
      const all = states(window, h, 'lstm');
      const cells = states(window, c, 'lstm');
      const gates = space.result([steps, batch, parts * units]);
      const normalised =
        norms && ([space.result([steps, batch, parts * units]), space.result([steps, batch, units])] as const);
      const norm = norms && normalised && normOf(norms, ...normalised, parts, units);
      const form = { ...formOf(forget, peepholes, units), norm };
      const recurrent = operand(wh, units, parts * units, batch);
      kernels.lstmForward(
        machine,
        window,
        space.numbers(z, 'lstm'),
        chosen(ids),
        recurrent,
        form,
        gates.address,
        cells.address,
        all.address,
      );
      const [before, after] = around(window, all);
      const last = space.view(cells, [batch, units], steps * batch * units);
      return [after, last, before, gates, cells, ...(normalised ?? ([] as const))];
    },
    lstmAdjoint(dy, dc, wh, gates, cells, forget = 'learned', peepholes, normalised) {
      requireArguments('lstmAdjoint', dy, dc, wh, gates, cells, forget, peepholes, normalised);
      const { steps, batch, units } = windowBack('lstmAdjoint', cells, 1);
      const parts = kernels.lstmGates(forget);
      check('lstmAdjoint', 'dy', dy, [steps, batch, units]);
      check('lstmAdjoint', 'wh', wh, [units, parts * units]);
      check('lstmAdjoint', 'gates', gates, [steps, batch, parts * units]);
      if (normalised) {
        check('lstmAdjoint', 'product', normalised.product, gates.shape);
        check('lstmAdjoint', 'normed', normalised.normed, dy.shape);
      }
      const norm = normalised && normOf(normalised.norms, normalised.product, normalised.normed, parts, units);
      const form = { ...formOf(forget, peepholes, units), norm };
      const dz = space.result([steps, batch, parts * units]);
      const dh = zeros([batch, units]);
      const dCell = copyOf(dc, [batch, units], 'lstmAdjoint');
      const slopes = peepholes && zeros([batch, (parts - 1) * units]);
      const du = norm && space.result(dz.shape);
      const dNorms = norm && space.result([(parts + 2) * units]);
      const recurrent = transposedOperand(wh, parts * units, units, batch);
      kernels.lstmBackward(
        machine,
        { steps, batch, units },
        space.numbers(dy, 'lstmAdjoint'),
        recurrent,
        form,
        space.numbers(gates, 'lstmAdjoint'),
        space.numbers(cells, 'lstmAdjoint'),
        dz.address,
        dh.address,
        dCell.address,
        slopes?.address ?? 0,
        du &&
          dNorms && {
            du: du.address,
            parameters: dNorms.address,
            dn: space.result([steps, batch, units]).address,
            known: space.result([2, steps, batch, 2]).address,
            bias: space.result([parts * units]).address,
          },
      );
      return [dz, dh, dCell, slopes, du ?? dz, dNorms];
    },
    gru(x, wh, bn, h, ids) {
      requireArguments('gru', x, wh, bn, h, ids);
      return gruWindow('gru', x, wh, undefined, bn, h, ids);
    },
    gruAdjoint(dy, wh, before, gates) {
      requireArguments('gruAdjoint', dy, wh, before, gates);
      const { dx, du, dh } = gruWindowBack('gruAdjoint', dy, wh, undefined, before, gates);
      return [dx, du as BufferView, dh];
    },
    gruResetBefore(x, wh, wn, h, ids) {
      requireArguments('gruResetBefore', x, wh, wn, h, ids);
      return gruWindow('gruResetBefore', x, wh, wn, undefined, h, ids);
    },
    gruResetBeforeAdjoint(dy, wh, wn, before, gates) {
      requireArguments('gruResetBeforeAdjoint', dy, wh, wn, before, gates);
      const { dx, dh } = gruWindowBack('gruResetBeforeAdjoint', dy, wh, wn, before, gates);
      return [dx, dh];
    },
  };
}
