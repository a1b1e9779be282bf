import { requireCount } from '../checks.js';
import { described } from '../description.js';
import type { Core, Layer } from '../layer.js';
import { convolution2d } from '../layers/convolution-2d.js';
import { dense } from '../layers/dense.js';
import { dropout } from '../layers/dropout.js';
import { flatten } from '../layers/flatten.js';
import { localResponseNorm } from '../layers/local-response-norm.js';
import { maxPooling2d } from '../layers/pooling.js';
import { checkedOptions, type Names } from '../options.js';
import { constant, heNormal, normal } from '../parameters/initializers.js';
import { stack } from '../stack.js';
import type { Tensor } from '../tensor.js';

/** The options of {@link alexNet}. */
export interface AlexNetOptions {
  /** Draws all weights, each by its own path. */
  readonly seed?: number;
  /** Rows and columns of an image; default 227. (The paper says 224, with which its own sizes do not come out.) */
  readonly side?: number;
  /** Channels of an image; default 3. */
  readonly channels?: number;
  /** Default 1000. */
  readonly classes?: number;
  /** Divides all feature maps and hidden units: 1 is the published net (default), 8 a small one. A divisor of 16. */
  readonly narrower?: number;
  /** The share that dropout drops before the first two dense layers; default 0.5. */
  readonly dropout?: number;
  /**
   * How weights are drawn: `'published'`, N(0, 0.01²) and biases of 1 in the layers where the paper has them, which
   * learns slowly at first (default); `'he'`, which suits any width.
   */
  readonly initialization?: 'published' | 'he';
}

const names: Names<AlexNetOptions> = {
  seed: true,
  side: true,
  channels: true,
  classes: true,
  narrower: true,
  dropout: true,
  initialization: true,
};

type Layers = Readonly<Record<string, Core<unknown, Tensor, Tensor>>>;

/**
 * AlexNet, which won ILSVRC in 2012: five convolutions, three dense layers, ReLU, dropout. At its published size it has
 * 60,965,224 weights.
 *
 * Equation: `convolution 11×11, stride 4 (96) – norm – max pooling 3, stride 2 – convolution 5×5, 2 groups (256) – norm – pooling –
 * convolution 3×3 (384) – 3×3, 2 groups (384) – 3×3, 2 groups (256) – pooling – dropout – dense 4096 – dropout – dense 4096 –
 * dense 1000`, ReLU after all but the last; its outputs are logits. The two groups are the halves that lay on two GPUs.
 * Source: Krizhevsky, Sutskever and Hinton, ImageNet classification with deep convolutional neural networks (2012).
 *
 * Shapes: `x: [T, B, 227, 227, 3] → y: [T, B, 1000]`; a batch of images is a window of one step. The carry: dropout's.
 *
 * @param options sizes, and how weights are drawn; by default the published net.
 * @returns a layer of images `[T, B, side, side, channels]` that gives logits `[T, B, classes]`.
 * @throws TypeError where an option is not known.
 * @throws RangeError where a size is not a whole number above 0, `narrower` does not divide 16, or images are too small.
 * @example
 * const model = alexNet({ side: 67, classes: 10, narrower: 8, initialization: 'he', seed: 42 });
 * const [y] = evaluate(model, model.initial(4), zeros([1, 4, 67, 67, 3])); // [1, 4, 67, 67, 3] → [1, 4, 10]
 */
export function alexNet(options: AlexNetOptions = {}): Layer<unknown> {
  const checked = checkedOptions('alexNet', options, names);
  const { seed, side = 227, channels = 3, classes = 1000, narrower = 1, dropout: rate = 0.5 } = checked;
  requireCount('alexNet', 'the side', side);
  if (16 % narrower !== 0)
    throw new RangeError(`alexNet: narrower divides 16, as 1, 2, 4 and 8 do; ${narrower} does not.`);
  const pooled = (rows: number) => Math.floor((rows - 3) / 2) + 1;
  const rows = pooled(pooled(pooled(Math.floor((side - 11) / 4) + 1)));
  if (rows < 1) {
    throw new RangeError(`alexNet: images of ${side}×${side} are too small for three poolings; 67×67 is the least.`);
  }
  const [a, b, c, d] = [96, 256, 384, 4096].map((width) => width / narrower) as [number, number, number, number];
  const published = checked.initialization !== 'he';
  const weights = published ? normal(0.01) : heNormal();
  const drawn = (bias: 0 | 1) => ({ initializers: { w: weights, b: constant(published ? bias : 0) } });
  const fresh = { activation: 'relu' } as const;
  const layers = {
    convolve1: convolution2d(channels, a, 11, { ...fresh, ...drawn(0), stride: 4 }),
    norm1: localResponseNorm(a),
    pool1: maxPooling2d(3, { stride: 2 }),
    convolve2: convolution2d(a, b, 5, { ...fresh, ...drawn(1), padding: 'same', groups: 2 }),
    norm2: localResponseNorm(b),
    pool2: maxPooling2d(3, { stride: 2 }),
    convolve3: convolution2d(b, c, 3, { ...fresh, ...drawn(0), padding: 'same' }),
    convolve4: convolution2d(c, c, 3, { ...fresh, ...drawn(1), padding: 'same', groups: 2 }),
    convolve5: convolution2d(c, b, 3, { ...fresh, ...drawn(1), padding: 'same', groups: 2 }),
    pool5: maxPooling2d(3, { stride: 2 }),
    flat: flatten(),
    drop6: dropout(rate),
    dense6: dense(rows * rows * b, d, { ...fresh, ...drawn(1) }),
    drop7: dropout(rate),
    dense7: dense(d, d, { ...fresh, ...drawn(1) }),
    head: dense(d, classes, drawn(0)),
  };
  return described(
    stack(layers as unknown as Layers, seed === undefined ? {} : { seed }) as unknown as Layer<unknown>,
    'alexNet',
    [options],
  );
}
