import * as kernels from '../../kernels/kernels.js';
import { type Ids, sizeOf, type Tensor } from '../../tensor.js';
import { requireArguments } from '../operands.js';
import type { Ops } from '../ops.js';
import { countShape, gatherShape, oneHotShape, scatterShape } from '../shapes.js';
import { fewRows, Rows } from './rows.js';
import type { Workspace } from './workspace.js';

export function table(space: Workspace): Pick<Ops, 'gather' | 'oneHot' | 'countFrom' | 'scatterAdd'> {
  const { machine } = space;
  return {
    gather(from, ids) {
      requireArguments('gather', from, ids);
      const shape = gatherShape(from.shape, ids);
      const rows = space.numbers(from, 'gather');
      const at = space.ids(ids);
      const y = space.result(shape);
      kernels.gather(machine, rows, at, y.address, sizeOf(ids.shape), from.shape[1] as number);
      return y;
    },
    oneHot(ids, classes) {
      requireArguments('oneHot', ids, classes);
      const shape = oneHotShape(ids, classes);
      const at = space.ids(ids);
      const y = space.result(shape);
      kernels.oneHot(machine, at, y.address, sizeOf(ids.shape), classes);
      return y;
    },
    countFrom(start, steps, below) {
      requireArguments('countFrom', start, steps, below);
      const shape = countShape(start.shape, steps, below);
      const from = space.numbers(start, 'countFrom');
      const y = space.result(shape, 'int32');
      kernels.countFrom(machine, from, y.address, steps, start.shape[0] as number, below);
      return y as Tensor as Ids;
    },
    scatterAdd(gradient, ids, rows) {
      requireArguments('scatterAdd', gradient, ids, rows);
      const shape = scatterShape(gradient.shape, ids, rows);
      const columns = shape[1] as number;
      const count = sizeOf(ids.shape);
      const from = space.numbers(gradient, 'scatterAdd');
      // A step that is written down may name other rows when it runs again.
      const named = space.repeats ? undefined : fewRows(ids.data, rows, columns);
      if (named === undefined) {
        const y = space.result(shape);
        kernels.scatterAdd(machine, from, space.ids(ids), count, y.address, rows, columns);
        return y;
      }
      // The same sums in the same order, in a table that has only the rows which are named.
      const place = new Map(Array.from(named, (row, k) => [row, k]));
      const at = space.result(ids.shape, 'int32');
      machine.ints.set(
        ids.data.map((id) => place.get(id) as number),
        at.address / 4,
      );
      const stored = space.result([named.length, columns]);
      kernels.scatterAdd(machine, from, at.address, count, stored.address, named.length, columns);
      const numbers = space.result([named.length], 'int32');
      machine.ints.set(named, numbers.address / 4);
      return new Rows(shape, stored, { numbers: named, address: numbers.address });
    },
  };
}
