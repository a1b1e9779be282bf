/** The oracle's part on images: convolution and pooling as plain loops in float64. */
import { type Ids, ids, type Shape, sizeOf, type Tensor } from '../tensor.js';
import { convolutionShape, type Placement, type Pooling, poolingShape } from './images.js';
import type { Ops } from './ops.js';
import { checkIds, checkSame } from './shapes.js';

type OnImages =
  | 'convolution2d'
  | 'convolution2dInputAdjoint'
  | 'convolution2dWeightsAdjoint'
  | 'maxPooling2d'
  | 'maxPooling2dAdjoint'
  | 'meanPooling2d'
  | 'meanPooling2dAdjoint';

/**
 * Calls back for each place of a window and each number of the images under it: the pixel of the result, the number of
 * the window (row, column, channel) and that of all images.
 */
function slide(p: Placement, visit: (pixel: number, under: number, at: number) => void): void {
  let pixel = 0;
  for (let image = 0; image < p.images; image += 1) {
    for (let row = 0; row < p.down; row += 1) {
      for (let column = 0; column < p.across; column += 1, pixel += 1) {
        for (let r = 0; r < p.windowHeight; r += 1) {
          const y = row * p.strideY - p.above + r;
          for (let s = 0; s < p.windowWidth; s += 1) {
            const x = column * p.strideX - p.before + s;
            if (y < 0 || y >= p.height || x < 0 || x >= p.width) continue;
            for (let c = 0; c < p.channels; c += 1) {
              const at = ((image * p.height + y) * p.width + x) * p.channels + c;
              visit(pixel, (r * p.windowWidth + s) * p.channels + c, at);
            }
          }
        }
      }
    }
  }
}

export function referenceImages(
  read: (x: Tensor) => Float64Array,
  real: (shape: Shape, data: Float64Array) => Tensor,
): Pick<Ops, OnImages> {
  const gain = (sums: Float64Array, at: number, value: number) => {
    sums[at] = (sums[at] as number) + value;
  };

  function overMean(shape: Shape, pooling: Pooling, operation: string) {
    const placement = poolingShape(shape, pooling, operation);
    return { placement, share: 1 / (placement.windowHeight * placement.windowWidth), channels: placement.channels };
  }

  return {
    convolution2d(x, w, b, convolution = {}) {
      const placement = convolutionShape(x.shape, w.shape, b?.shape, convolution);
      const { outputs, shape } = placement;
      const [numbers, weights, bias] = [read(x), read(w), b && read(b)];
      const y = Float64Array.from({ length: sizeOf(shape) }, (_, k) => bias?.[k % outputs] ?? 0);
      slide(placement, (pixel, under, at) => {
        for (let o = 0; o < outputs; o += 1) {
          gain(y, pixel * outputs + o, (numbers[at] as number) * (weights[under * outputs + o] as number));
        }
      });
      return real(shape, convolution.relu ? y.map((value) => (value > 0 ? value : 0)) : y);
    },
    convolution2dInputAdjoint(gradient, w, shape, convolution = {}) {
      const placement = convolutionShape(shape, w.shape, undefined, convolution);
      checkSame(gradient.shape, placement.shape, 'convolution2dInputAdjoint');
      const { outputs } = placement;
      const [dy, weights] = [read(gradient), read(w)];
      const dx = new Float64Array(sizeOf(shape));
      slide(placement, (pixel, under, at) => {
        for (let o = 0; o < outputs; o += 1) {
          gain(dx, at, (dy[pixel * outputs + o] as number) * (weights[under * outputs + o] as number));
        }
      });
      return real(shape, dx);
    },
    convolution2dWeightsAdjoint(gradient, x, shape, convolution = {}) {
      const placement = convolutionShape(x.shape, shape, undefined, convolution);
      checkSame(gradient.shape, placement.shape, 'convolution2dWeightsAdjoint');
      const { outputs } = placement;
      const [dy, numbers] = [read(gradient), read(x)];
      const dw = new Float64Array(sizeOf(shape));
      slide(placement, (pixel, under, at) => {
        for (let o = 0; o < outputs; o += 1) {
          gain(dw, under * outputs + o, (dy[pixel * outputs + o] as number) * (numbers[at] as number));
        }
      });
      const db = new Float64Array(outputs);
      dy.forEach((value, k) => {
        gain(db, k % outputs, value);
      });
      return [real(shape, dw), real([outputs], db)];
    },
    maxPooling2d(x, pooling) {
      const placement = poolingShape(x.shape, pooling, 'maxPooling2d');
      const { channels, shape, height, width } = placement;
      const numbers = read(x);
      const y = new Float64Array(sizeOf(shape)).fill(Number.NEGATIVE_INFINITY);
      const places = new Int32Array(sizeOf(shape)).fill(-1);
      slide(placement, (pixel, under, at) => {
        const k = pixel * channels + (under % channels);
        const value = numbers[at] as number;
        if (places[k] !== -1 && !(value > (y[k] as number)) && !Number.isNaN(value)) return;
        y[k] = value;
        places[k] = at % (height * width * channels);
      });
      return [real(shape, y), ids(shape, places)];
    },
    maxPooling2dAdjoint(gradient: Tensor, places: Ids, shape, pooling) {
      const placement = poolingShape(shape, pooling, 'maxPooling2dAdjoint');
      checkSame(gradient.shape, placement.shape, 'maxPooling2dAdjoint');
      checkSame(places.shape, placement.shape, 'maxPooling2dAdjoint');
      const size = placement.height * placement.width * placement.channels;
      checkIds(places, size, 'maxPooling2dAdjoint');
      const each = placement.down * placement.across * placement.channels;
      const dx = new Float64Array(sizeOf(shape));
      read(gradient).forEach((value, k) => {
        gain(dx, Math.floor(k / each) * size + (places.data[k] as number), value);
      });
      return real(shape, dx);
    },
    meanPooling2d(x, pooling) {
      const { placement, share, channels } = overMean(x.shape, pooling, 'meanPooling2d');
      const numbers = read(x);
      const y = new Float64Array(sizeOf(placement.shape));
      slide(placement, (pixel, under, at) => {
        gain(y, pixel * channels + (under % channels), share * (numbers[at] as number));
      });
      return real(placement.shape, y);
    },
    meanPooling2dAdjoint(gradient, shape, pooling) {
      const { placement, share, channels } = overMean(shape, pooling, 'meanPooling2dAdjoint');
      checkSame(gradient.shape, placement.shape, 'meanPooling2dAdjoint');
      const dy = read(gradient);
      const dx = new Float64Array(sizeOf(shape));
      slide(placement, (pixel, under, at) => {
        gain(dx, at, share * (dy[pixel * channels + (under % channels)] as number));
      });
      return real(shape, dx);
    },
  };
}
