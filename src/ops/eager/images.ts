import { BufferView } from '../../kernels/buffer-view.js';
import * as kernels from '../../kernels/images.js';
import type { Ids } from '../../tensor.js';
import { convolutionShape, type Placement, poolingShape } from '../images.js';
import { requireArguments } from '../operands.js';
import type { Ops } from '../ops.js';
import { checkIds, checkSame } from '../shapes.js';
import type { Workspace } from './workspace.js';

type OnImages =
  | 'convolution2d'
  | 'convolution2dInputAdjoint'
  | 'convolution2dWeightsAdjoint'
  | 'maxPooling2d'
  | 'maxPooling2dAdjoint'
  | 'meanPooling2d'
  | 'meanPooling2dAdjoint';

export function images(space: Workspace): Pick<Ops, OnImages> {
  const { machine } = space;

  /** Images with their zeros around them: x itself where there are none. */
  function padded(placement: Placement, x: number): readonly [placement: Placement, x: number] {
    const whole = kernels.withZeros(placement);
    if (whole.height === placement.height && whole.width === placement.width) return [placement, x];
    const y = space.result([placement.images, whole.height, whole.width, placement.channels]).address;
    kernels.pad(machine, placement, x, y);
    return [{ ...placement, ...whole }, y];
  }

  return {
    convolution2d(x, w, b, convolution = {}) {
      requireArguments('convolution2d', x, w, b, convolution);
      const placement = convolutionShape(x.shape, w.shape, b?.shape, convolution);
      const { outputs, shape } = placement;
      const from = space.numbers(x, 'convolution2d');
      space.numbers(w, 'convolution2d');
      const bias = b === undefined ? 0 : space.numbers(b, 'convolution2d');
      const weights = space.panels(w, false, outputs, kernels.patchSize(placement));
      const y = space.result(shape);
      const [whole, images] = padded(placement, from);
      kernels.convolution(machine, whole, images, weights, bias, y.address, outputs, convolution.relu === true);
      return y;
    },
    convolution2dInputAdjoint(gradient, w, shape, convolution = {}) {
      requireArguments('convolution2dInputAdjoint', gradient, w, shape, convolution);
      const placement = convolutionShape(shape, w.shape, undefined, convolution);
      const { outputs } = placement;
      checkSame(gradient.shape, placement.shape, 'convolution2dInputAdjoint');
      const dy = space.numbers(gradient, 'convolution2dInputAdjoint');
      const weights = space.panels(w, true, kernels.patchSize(placement), outputs);
      const dx = space.result(shape);
      kernels.convolutionInputAdjoint(machine, placement, dx.address, weights, dy, outputs);
      return dx;
    },
    convolution2dWeightsAdjoint(gradient, x, shape, convolution = {}) {
      requireArguments('convolution2dWeightsAdjoint', gradient, x, shape, convolution);
      const placement = convolutionShape(x.shape, shape, undefined, convolution);
      const { outputs } = placement;
      checkSame(gradient.shape, placement.shape, 'convolution2dWeightsAdjoint');
      const dy = space.numbers(gradient, 'convolution2dWeightsAdjoint');
      const from = space.numbers(x, 'convolution2dWeightsAdjoint');
      const size = kernels.patchSize(placement);
      const both = space.result([size + 1, outputs]);
      const [whole, images] = padded(placement, from);
      kernels.convolutionWeightsAdjoint(machine, whole, images, dy, both.address, outputs);
      return [space.view(both, shape), space.view(both, [outputs], size * outputs)];
    },
    maxPooling2d(x, pooling) {
      requireArguments('maxPooling2d', x, pooling);
      const placement = poolingShape(x.shape, pooling, 'maxPooling2d');
      const from = space.numbers(x, 'maxPooling2d');
      const y = space.result(placement.shape);
      const places = space.result(placement.shape, 'int32');
      kernels.maxPooling(machine, placement, from, y.address, places.address);
      return [y, places as unknown as Ids];
    },
    maxPooling2dAdjoint(gradient, places, shape, pooling) {
      requireArguments('maxPooling2dAdjoint', gradient, places, shape, pooling);
      const placement = poolingShape(shape, pooling, 'maxPooling2dAdjoint');
      checkSame(gradient.shape, placement.shape, 'maxPooling2dAdjoint');
      checkSame(places.shape, placement.shape, 'maxPooling2dAdjoint');
      const dy = space.numbers(gradient, 'maxPooling2dAdjoint');
      // Those that maxPooling2d gave are places of the machine, and within the image.
      if (!(places instanceof BufferView))
        checkIds(places, placement.height * placement.width * placement.channels, 'maxPooling2dAdjoint');
      const at = space.ids(places);
      const dx = space.result(shape);
      kernels.maxPoolingAdjoint(machine, placement, dx.address, dy, at);
      return dx;
    },
    meanPooling2d(x, pooling) {
      requireArguments('meanPooling2d', x, pooling);
      const placement = poolingShape(x.shape, pooling, 'meanPooling2d');
      const from = space.numbers(x, 'meanPooling2d');
      const y = space.result(placement.shape);
      kernels.meanPooling(machine, placement, from, y.address);
      return y;
    },
    meanPooling2dAdjoint(gradient, shape, pooling) {
      requireArguments('meanPooling2dAdjoint', gradient, shape, pooling);
      const placement = poolingShape(shape, pooling, 'meanPooling2dAdjoint');
      checkSame(gradient.shape, placement.shape, 'meanPooling2dAdjoint');
      const dy = space.numbers(gradient, 'meanPooling2dAdjoint');
      const dx = space.result(shape);
      kernels.meanPoolingAdjoint(machine, placement, dx.address, dy);
      return dx;
    },
  };
}
