import * as kernels from '../../kernels/kernels.js';
import { sizeOf } from '../../tensor.js';
import { requireArguments } from '../operands.js';
import type { Ops } from '../ops.js';
import { broadcastOf, checkSame, crossEntropyShape, rowsAndWidth } from '../shapes.js';
import type { Workspace } from './workspace.js';

type Reduction = 'sumTo' | 'softmax' | 'softmaxAdjoint' | 'crossEntropy' | 'crossEntropyAdjoint';

export function reduction(space: Workspace): Pick<Ops, Reduction> {
  const { machine } = space;
  return {
    sumTo(x, shape) {
      requireArguments('sumTo', x, shape);
      const { form, outer, inner } = broadcastOf(x.shape, shape, 'sumTo');
      if (form === 'same') return x;
      const from = space.numbers(x, 'sumTo');
      const y = space.result(shape);
      if (form === 'trailing') kernels.sumTrailing(machine, from, y.address, outer, inner);
      else if (form === 'rows') kernels.sumRows(machine, from, y.address, outer, inner);
      else {
        const size = sizeOf(x.shape);
        const partial = space.result([2 * kernels.partialSums(size)]).address;
        kernels.total(machine, from, size, partial, y.address);
      }
      return y;
    },
    softmax(x) {
      requireArguments('softmax', x);
      const { rows, width } = rowsAndWidth(x.shape, 'softmax');
      const from = space.numbers(x, 'softmax');
      const y = space.result(x.shape);
      kernels.softmax(machine, from, y.address, rows, width);
      return y;
    },
    softmaxAdjoint(gradient, y) {
      requireArguments('softmaxAdjoint', gradient, y);
      checkSame(gradient.shape, y.shape, 'softmaxAdjoint');
      const { rows, width } = rowsAndWidth(y.shape, 'softmaxAdjoint');
      const g = space.numbers(gradient, 'softmaxAdjoint');
      const of = space.numbers(y, 'softmaxAdjoint');
      const result = space.result(y.shape);
      kernels.softmaxAdjoint(machine, g, of, result.address, rows, width);
      return result;
    },
    crossEntropy(logits, targets) {
      requireArguments('crossEntropy', logits, targets);
      const { positions, classes } = crossEntropyShape(logits.shape, targets);
      const x = space.numbers(logits, 'crossEntropy');
      const at = space.ids(targets);
      const y = space.result(targets.shape);
      kernels.crossEntropy(machine, x, at, y.address, positions, classes);
      return y;
    },
    crossEntropyAdjoint(gradient, logits, targets) {
      requireArguments('crossEntropyAdjoint', gradient, logits, targets);
      const { positions, classes } = crossEntropyShape(logits.shape, targets);
      checkSame(gradient.shape, targets.shape, 'crossEntropyAdjoint');
      const g = space.numbers(gradient, 'crossEntropyAdjoint');
      const x = space.numbers(logits, 'crossEntropyAdjoint');
      const at = space.ids(targets);
      const result = space.result(logits.shape);
      kernels.crossEntropyAdjoint(machine, g, x, at, result.address, positions, classes);
      return result;
    },
  };
}
