import { copyBlock, swapAxes } from '../../kernels/kernels.js';
import { sameShape, sizeOf } from '../../tensor.js';
import { requireArguments } from '../operands.js';
import type { Ops } from '../ops.js';
import { checkReshape, concatShape, splitShapes, swapShape } from '../shapes.js';
import type { Workspace } from './workspace.js';

/** Reshaping and parts along the first axis are views of the same numbers; everything else is copied. */
export function arrangement(space: Workspace): Pick<Ops, 'reshape' | 'split' | 'concat' | 'swapAxes'> {
  const { machine } = space;
  return {
    reshape(x, shape) {
      requireArguments('reshape', x, shape);
      checkReshape(x.shape, shape);
      return sameShape(x.shape, shape) ? x : space.view(space.place(x), shape);
    },
    swapAxes(x) {
      requireArguments('swapAxes', x);
      const shape = swapShape(x.shape);
      const from = space.place(x);
      const [inner, outer] = shape as readonly [number, number];
      const y = space.result(shape, from.type);
      swapAxes(machine, from.address, y.address, outer, inner, sizeOf(shape.slice(2)));
      return y;
    },
    split(x, axis, sizes) {
      requireArguments('split', x, axis, sizes);
      const { shape, shapes, outer, inner } = splitShapes(x.shape, axis, sizes);
      const whole = space.place(x);
      const stride = (shape[axis] as number) * inner;
      let offset = 0;
      return shapes.map((part, k) => {
        const width = (sizes[k] as number) * inner;
        const from = offset;
        offset += width;
        if (outer === 1) return space.view(whole, part, from);
        const y = space.result(part, whole.type);
        copyBlock(machine, whole.address + 4 * from, stride, y.address, width, outer, width);
        return y;
      });
    },
    concat(parts, axis) {
      requireArguments('concat', parts, axis);
      const { shape, sizes, outer, inner } = concatShape(
        parts.map((part) => part.shape),
        axis,
      );
      const places = parts.map((part) => space.place(part));
      const [type] = new Set(places.map((place) => place.type));
      if (places.some((place) => place.type !== type)) {
        throw new TypeError('concat: ids and numbers do not join; put an embedding before.');
      }
      const whole = space.result(shape, type);
      const stride = (shape[axis] as number) * inner;
      let offset = 0;
      places.forEach(({ address }, k) => {
        const width = (sizes[k] as number) * inner;
        copyBlock(machine, address, width, whole.address + 4 * offset, stride, outer, width);
        offset += width;
      });
      return whole;
    },
  };
}
