import * as kernels from '../../kernels/scan.js';
import { requireArguments } from '../operands.js';
import type { Ops } from '../ops.js';
import { scanSizes } from '../scan.js';
import { checkSame } from '../shapes.js';
import type { Workspace } from './workspace.js';

export function scanning(space: Workspace): Pick<Ops, 'scan' | 'scanAdjoint'> {
  const { machine } = space;
  return {
    scan(a, b, h) {
      requireArguments('scan', a, b, h);
      const sizes = scanSizes(a.shape, b.shape, h.shape);
      const [factors, summands, first] = [a, b, h].map((x) => space.numbers(x, 'scan')) as [number, number, number];
      const y = space.result(a.shape);
      kernels.scan(machine, { a: factors, h: first, y: y.address, ...sizes }, summands);
      return y;
    },
    scanAdjoint(gradient, a, y, h) {
      requireArguments('scanAdjoint', gradient, a, y, h);
      const sizes = scanSizes(a.shape, y.shape, h.shape);
      checkSame(gradient.shape, y.shape, 'scanAdjoint');
      const [g, factors, states, first] = [gradient, a, y, h].map((x) => space.numbers(x, 'scanAdjoint')) as [
        number,
        number,
        number,
        number,
      ];
      const [da, db, dh] = [space.result(a.shape), space.result(a.shape), space.result(h.shape)];
      const of = { a: factors, h: first, y: states, ...sizes };
      kernels.scanAdjoint(machine, of, g, da.address, db.address, dh.address);
      return [da, db, dh];
    },
  };
}
