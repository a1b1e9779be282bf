import { requireCount } from '../checks.js';
import { described } from '../description.js';
import type { Core, Layer } from '../layer.js';
import { convolution2d } from '../layers/convolution-2d.js';
import { maxPooling2d, meanPooling2d } from '../layers/pooling.js';
import { type ActivationChoice, activationOf } from '../ops/activation-names.js';
import { checkedOptions, type Names } from '../options.js';
import type { Initializer } from '../parameters/parameter.js';
import { stack } from '../stack.js';
import type { Tensor } from '../tensor.js';

/** The options of {@link convolutionBlocks}. */
export interface ConvolutionBlocksOptions {
  /** Draws all weights, each by its own path. */
  readonly seed?: number;
  /** Channels of the images; default 3. */
  readonly channels?: number;
  /** Feature maps of each block's convolutions: as many numbers as there are blocks, N. */
  readonly maps: readonly number[];
  /** Convolutions of a block, M; default 2. */
  readonly convolutions?: number;
  /** Poolings at its end, b, 0 or 1; default 1. */
  readonly poolings?: 0 | 1;
  /** Rows and columns of a kernel; default 3. Images keep their size, zeros around them. */
  readonly size?: number;
  /** Rows and columns of a pool; default 2. */
  readonly pool?: number;
  /** What a pool gives; default its largest. */
  readonly pooling?: 'max' | 'mean';
  /** f of each convolution; default ReLU. */
  readonly activation?: ActivationChoice;
  readonly initializers?: { readonly w?: Initializer; readonly b?: Initializer };
}

const names: Names<ConvolutionBlocksOptions> = {
  seed: true,
  channels: true,
  maps: true,
  convolutions: true,
  poolings: true,
  size: true,
  pool: true,
  pooling: true,
  activation: true,
  initializers: { w: true, b: true },
};

/**
 * The usual body of a convolutional net: N blocks one after another, each of M convolutions and b poolings. Dense layers
 * go on top.
 *
 * Equation: `((convolution – f) × M – pooling × b) × N`.
 * Source: the lecture's structure of a convolutional net (M 2 to 5, b 0 or 1, then K dense layers); Simonyan and Zisserman,
 * Very deep convolutional networks for large-scale image recognition (2015).
 *
 * Shapes: `x: [T, B, H, W, C] → y: [T, B, H′, W′, maps of the last block]`, `H′ = ⌊H / pool⌋` once a block that pools.
 * Parameters `block1.convolve1.w`, … No carry but records of nothing.
 *
 * @param options the feature maps of each block, and what a block is made of.
 * @returns a layer of images `[T, B, H, W, C]` that gives feature maps `[T, B, H′, W′, maps of the last block]`.
 * @throws TypeError where an option is not known.
 * @throws RangeError where a size is not a whole number above 0, there is no block, or b is neither 0 nor 1.
 * @example
 * stack({ see: convolutionBlocks({ maps: [16, 32], channels: 1 }), flat: flatten(), head: dense(7 * 7 * 32, 10) }) // 28×28
 */
export function convolutionBlocks(options: ConvolutionBlocksOptions): Layer<unknown> {
  const checked = checkedOptions('convolutionBlocks', options, names);
  const { seed, channels = 3, maps, convolutions = 2, poolings = 1, size = 3, pool = 2, pooling = 'max' } = checked;
  const activation = activationOf('convolutionBlocks', checked.activation ?? 'relu');
  requireCount('convolutionBlocks', 'convolutions', convolutions);
  requireCount('convolutionBlocks', 'the number of blocks (maps)', maps.length);
  if (poolings !== 0 && poolings !== 1) {
    throw new RangeError(`convolutionBlocks: a block has 0 or 1 poolings, not ${String(poolings)}.`);
  }
  const pooled = pooling === 'max' ? maxPooling2d : meanPooling2d;
  const { initializers = {} } = checked;
  const block = (inputs: number, outputs: number) =>
    stackOf([
      ...Array.from({ length: convolutions }, (_, k): Entry => {
        const from = k === 0 ? inputs : outputs;
        return [`convolve${k + 1}`, convolution2d(from, outputs, size, { padding: 'same', activation, initializers })];
      }),
      ...(poolings === 1 ? [['pool', pooled(pool)] as Entry] : []),
    ]);
  return described(
    stackOf(
      maps.map((outputs, k): Entry => [`block${k + 1}`, block(k === 0 ? channels : (maps[k - 1] as number), outputs)]),
      seed,
    ),
    'convolutionBlocks',
    [options],
  );
}

type Entry = readonly [name: string, layer: Core<unknown, Tensor, Tensor> | Layer<never>];

const stackOf = (entries: readonly Entry[], seed?: number): Layer<unknown> =>
  stack(
    Object.fromEntries(entries) as Readonly<Record<string, Core<unknown, Tensor, Tensor>>>,
    seed === undefined ? {} : { seed },
  ) as unknown as Layer<unknown>;
