import { described } from '../description.js';
import type { Core, Layer } from '../layer.js';
import { convolution2d } from '../layers/convolution-2d.js';
import { dense } from '../layers/dense.js';
import { dropout } from '../layers/dropout.js';
import { flatten } from '../layers/flatten.js';
import { maxPooling2d } from '../layers/pooling.js';
import { checkedOptions, type Names } from '../options.js';
import { stack } from '../stack.js';
import type { Tensor } from '../tensor.js';

/** The options of {@link leNet5}. */
export interface LeNet5Options {
  /** Draws all weights, each by its own path. */
  readonly seed?: number;
  /** Rows and columns of an image; default 28. */
  readonly side?: number;
  /** Channels of an image; default 1. */
  readonly channels?: number;
  /** Default 10. */
  readonly classes?: number;
  /** Feature maps of the two convolutions; default 6 and 16. */
  readonly maps?: readonly [number, number];
  /** Units of the two hidden dense layers; default 120 and 84. */
  readonly units?: readonly [number, number];
  /** Which layers have a ReLU: the first alone, as in the lecture (default), or all but the last. */
  readonly relu?: 'first' | 'all';
  /** Share of features that dropout drops before the dense layers; default 0, which is no dropout. */
  readonly dropout?: number;
}

const names: Names<LeNet5Options> = {
  seed: true,
  side: true,
  channels: true,
  classes: true,
  maps: true,
  units: true,
  relu: true,
  dropout: true,
};

type Layers = Readonly<Record<string, Core<unknown, Tensor, Tensor>>>;

/**
 * LeNet-5: two blocks of a convolution and a pooling, then three dense layers. By default the lecture's own.
 *
 * Equation: `convolution 5×5 (6) – ReLU – max pooling 2 – convolution 5×5 (16) – max pooling 2 – dense 120 – 84 – 10`; its
 * outputs are logits.
 * Source: the lecture's LeNet in Keras; LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document
 * recognition (1998).
 *
 * Shapes: `x: [T, B, 28, 28, 1] → y: [T, B, 10]`; a batch of images is a window of one step. The carry: dropout's, if any.
 *
 * @param options sizes; by default the lecture's.
 * @returns a layer of images `[T, B, side, side, channels]` that gives logits `[T, B, classes]`.
 * @throws TypeError where an option is not known.
 * @throws RangeError where a size is not a whole number above 0, or images are too small for two blocks.
 * @example
 * const model = leNet5({ seed: 42 });
 * const { learn } = trainer(model, { loss: crossEntropy(), optimizer: sgd(0.01) });
 * learn({ carry: model.initial(2), input: images, target: labels }); // [1, 2, 28, 28, 1] and ids [1, 2]
 */
export function leNet5(options: LeNet5Options = {}): Layer<unknown> {
  const checked = checkedOptions('leNet5', options, names);
  const { seed, side = 28, channels = 1, classes = 10, maps = [6, 16], units = [120, 84], dropout: rate = 0 } = checked;
  const all = checked.relu === 'all';
  const rows = Math.floor((Math.floor((side - 4) / 2) - 4) / 2);
  if (!(Number.isInteger(rows) && rows >= 1)) {
    throw new RangeError(
      `leNet5: images of ${side}×${side} are too small for two convolutions 5×5; 16×16 is the least.`,
    );
  }
  const hidden = all ? ({ activation: 'relu' } as const) : {};
  const layers = {
    convolve1: convolution2d(channels, maps[0], 5, { activation: 'relu' }),
    pool1: maxPooling2d(2),
    convolve2: convolution2d(maps[0], maps[1], 5, hidden),
    pool2: maxPooling2d(2),
    flat: flatten(),
    ...(rate > 0 && { drop: dropout(rate) }),
    dense1: dense(rows * rows * maps[1], units[0], hidden),
    dense2: dense(units[0], units[1], hidden),
    head: dense(units[1], classes),
  };
  return described(
    stack(layers as unknown as Layers, seed === undefined ? {} : { seed }) as unknown as Layer<unknown>,
    'leNet5',
    [options],
  );
}
