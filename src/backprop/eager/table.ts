import * as kernels from '../../kernels/kernels.js';
import { type Ids, sizeOf, type Tensor } from '../../tensor.js';
import type { Ops } from '../ops.js';
import { countShape, gatherShape, oneHotShape, scatterShape } from '../shapes.js';
import type { Workspace } from './workspace.js';

export function table(space: Workspace): Pick<Ops, 'gather' | 'oneHot' | 'countFrom' | 'scatterAdd'> {
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
    countFrom(start, steps, below) {
      const shape = countShape(start.shape, steps, below);
      const from = space.numbers(start, 'countFrom');
      const y = space.result(shape, 'int32');
      kernels.countFrom(machine, from, y.address, steps, start.shape[0] as number, below);
      return y as Tensor as Ids;
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
