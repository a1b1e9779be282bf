import * as kernels from '../../kernels/kernels.js';
import { sizeOf } from '../../tensor.js';
import type { Ops } from '../ops.js';
import { gatherShape, oneHotShape, scatterShape } from '../shapes.js';
import type { Workspace } from './workspace.js';

export function table(space: Workspace): Pick<Ops, 'gather' | 'oneHot' | 'scatterAdd'> {
  const { machine } = space;
  return {
    gather(from, ids) {
      const shape = gatherShape(from.shape, ids);
      const rows = space.numbers(from, 'gather');
      const at = space.ids(ids);
      const y = space.result(shape);
      kernels.gather(machine, rows, at, y.address, sizeOf(ids.shape), from.shape[1] as number);
      return y;
    },
    oneHot(ids, classes) {
      const shape = oneHotShape(ids, classes);
      const at = space.ids(ids);
      const y = space.result(shape);
      kernels.oneHot(machine, at, y.address, sizeOf(ids.shape), classes);
      return y;
    },
    scatterAdd(gradient, ids, rows) {
      const shape = scatterShape(gradient.shape, ids, rows);
      const from = space.numbers(gradient, 'scatterAdd');
      const at = space.ids(ids);
      const y = space.result(shape);
      kernels.scatterAdd(machine, from, at, sizeOf(ids.shape), y.address, rows, shape[1] as number);
      return y;
    },
  };
}
