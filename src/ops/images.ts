/** Images: what the primitives on them take, and their shape rules, with the errors. */
import { type Shape, showShape, sizeOf } from '../tensor.js';

/** Two numbers, for rows and for columns. */
export type Pair = readonly [rows: number, columns: number];

/** How a kernel moves over an image. */
export interface Convolution {
  /** Rows and columns from one place to the next; default 1. */
  readonly stride?: Pair;
  /** Rows of zeros above and below, columns of them on the left and on the right; default none. */
  readonly padding?: readonly [above: number, below: number, before: number, after: number];
  /** Whether negative results become 0, in the same pass; default false. */
  readonly relu?: boolean;
}

/** How a pool moves over an image. */
export interface Pooling {
  readonly size: Pair;
  /** Default: the pool's size, so that pools lie side by side. */
  readonly stride?: Pair;
}

/** Images `[..., H, W, C]` and a window that moves over them. Its results `[..., H′, W′, …]` are `down` by `across`. */
export interface Placement {
  readonly leading: Shape;
  readonly images: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly down: number;
  readonly across: number;
  readonly windowHeight: number;
  readonly windowWidth: number;
  readonly strideY: number;
  readonly strideX: number;
  readonly above: number;
  readonly below: number;
  readonly before: number;
  readonly after: number;
}

/** Numbers under a kernel at most: what a thread's working memory holds. */
const MOST_IN_PATCH = 120_000;

const atLeast = (least: number, values: readonly number[]) =>
  values.every((value) => Number.isInteger(value) && value >= least);

function place(
  x: Shape,
  operation: string,
  size: Pair,
  stride: Pair,
  padding: readonly [number, number, number, number],
): Placement {
  if (x.length < 3) {
    throw new RangeError(`${operation}: takes images [..., H, W, C], channels last, but got ${showShape(x)}.`);
  }
  const [height, width, channels] = x.slice(-3) as [number, number, number];
  const [above, below, before, after] = padding;
  if (!atLeast(1, [...size, ...stride]) || !atLeast(0, padding)) {
    throw new RangeError(
      `${operation}: sizes and strides are whole numbers above 0 and paddings whole numbers from 0 up, not size ` +
        `${size.join('×')}, stride ${stride.join(', ')}, padding ${padding.join(', ')}.`,
    );
  }
  const room = [height + above + below, width + before + after] as const;
  const [down, across] = ([0, 1] as const).map((k) => Math.floor((room[k] - size[k]) / stride[k]) + 1) as [
    number,
    number,
  ];
  if (down < 1 || across < 1) {
    throw new RangeError(
      `${operation}: ${size.join('×')} does not fit into images of ${height}×${width}` +
        `${padding.some((zeros) => zeros > 0) ? `, ${room.join('×')} with their padding` : ''}; ` +
        'take a smaller one, larger images, or more padding.',
    );
  }
  const leading = x.slice(0, -3);
  return {
    leading,
    images: sizeOf(leading),
    height,
    width,
    channels,
    down,
    across,
    windowHeight: size[0],
    windowWidth: size[1],
    strideY: stride[0],
    strideX: stride[1],
    above,
    below,
    before,
    after,
  };
}

export interface ConvolutionPlacement extends Placement {
  readonly outputs: number;
  readonly shape: Shape;
}

/**
 * What `convolution2d(x, w, b, convolution)` gives, and how.
 *
 * @throws RangeError where x holds no images, w no kernels for their channels, b not a number for each feature map, or
 * a kernel does not fit.
 */
export function convolutionShape(
  x: Shape,
  w: Shape,
  b: Shape | undefined,
  { stride = [1, 1], padding = [0, 0, 0, 0] }: Convolution,
): ConvolutionPlacement {
  const [kernelHeight = 0, kernelWidth = 0, channels, outputs = 0] = w;
  if (w.length !== 4 || channels !== x.at(-1) || (b !== undefined && (b.length !== 1 || b[0] !== outputs))) {
    throw new RangeError(
      `convolution2d: x ${showShape(x)}, w ${showShape(w)}${b === undefined ? '' : ` and b ${showShape(b)}`} do not ` +
        'fit; w is [kh, kw, C, O] for images of C channels, and b has O numbers.',
    );
  }
  const patch = sizeOf(w.slice(0, 3));
  if (patch > MOST_IN_PATCH) {
    throw new RangeError(
      `convolution2d: a kernel ${showShape(w)} covers ${patch} numbers; ${MOST_IN_PATCH} are the most, so take a ` +
        'smaller one, or flatten and dense.',
    );
  }
  const placement = place(x, 'convolution2d', [kernelHeight, kernelWidth], stride, padding);
  return { ...placement, outputs, shape: [...placement.leading, placement.down, placement.across, outputs] };
}

export interface PoolingPlacement extends Placement {
  readonly shape: Shape;
}

/**
 * What pooling gives, and how.
 *
 * @throws RangeError where x holds no images, or a pool does not fit.
 */
export function poolingShape(x: Shape, { size, stride = size }: Pooling, operation: string): PoolingPlacement {
  const placement = place(x, operation, size, stride, [0, 0, 0, 0]);
  return { ...placement, shape: [...placement.leading, placement.down, placement.across, placement.channels] };
}
