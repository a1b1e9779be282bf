import { defer, map, type OperatorFunction } from 'rxjs';
import { requireCount } from '../checks.js';
import { checkedOptions } from '../options.js';
import { generator, type RandomGenerator } from '../random.js';
import { isTensor, type Numbers, type Shape, showShape, sizeOf, type Tensor } from '../tensor.js';

/** The options of all that changes images at random. */
export interface AugmentOptions {
  /** Of what is drawn; default 0. Each subscription draws the same. */
  readonly seed?: number;
}

/** Images `[T, B, H, W, C]`, or windows whose input they are. */
export type ImagesOrWindow = Tensor | { readonly input: Tensor };

interface Side {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** Writes one image, `from` on, from another. */
type Change = (source: Numbers, from: number, target: Numbers, to: number, side: Side, random: RandomGenerator) => void;

/** Directions of colour, and how far images differ along each. */
export interface PrincipalColours {
  /** Of unit length, C numbers each. */
  readonly directions: readonly (readonly number[])[];
  /** The variance along each: the eigenvalues. */
  readonly variances: readonly number[];
}

function augment<X extends ImagesOrWindow>(
  kind: string,
  options: AugmentOptions,
  change: Change,
  sizeOfResult: (side: Side) => readonly [rows: number, columns: number] = ({ height, width }) => [height, width],
): OperatorFunction<X, X> {
  const { seed = 0 } = checkedOptions(kind, options, { seed: true });
  function changed(images: Tensor, random: RandomGenerator): Tensor {
    const { shape, type, data } = images;
    if (shape.length !== 5) {
      throw new TypeError(`${kind}: takes images [T, B, H, W, C], channels last, but got ${showShape(shape)}.`);
    }
    const [height, width, channels] = shape.slice(2) as [number, number, number];
    const side = { height, width, channels };
    const [rows, columns] = sizeOfResult(side);
    const result: Shape = [...shape.slice(0, 2), rows, columns, channels];
    const target = new (data.constructor as Float32ArrayConstructor)(sizeOf(result));
    const [before, after] = [height * width * channels, rows * columns * channels];
    for (let image = 0; image < sizeOf(shape.slice(0, 2)); image += 1) {
      change(data, image * before, target, image * after, side, random);
    }
    return { shape: result, type, data: target };
  }
  return (source) =>
    defer(() => {
      const random = generator(seed, kind);
      return source.pipe(
        map((x) => (isTensor(x) ? changed(x, random) : { ...x, input: changed(x.input, random) }) as X),
      );
    });
}

/**
 * Shifts each image by whole pixels, up and down, left and right, each by its own draw; what comes in is 0.
 *
 * Equation: `y[i, j] = x[i − d, j − e]`, d and e uniform in `−most … most`, 0 beyond the edges.
 * Source: the lecture's data augmentation; Simard, Steinkraus and Platt (2003).
 *
 * Shapes: `x: [T, B, H, W, C] → y: [T, B, H, W, C]`, or windows with such an input. Draws follow from the seed, each
 * subscription's from the start.
 *
 * @param most how many pixels at most, in each direction.
 * @param options the seed.
 * @returns an operator; what it takes stays as it is.
 * @throws TypeError where an option is not known.
 * @throws RangeError where `most` is not a whole number above 0.
 * @throws TypeError (as an error notification) where a signal holds no images.
 * @example
 * batch$.pipe(randomShift(2, { seed: 1 })) // before `tbptt`, another shift in each epoch
 */
export function randomShift<X extends ImagesOrWindow>(
  most: number,
  options: AugmentOptions = {},
): OperatorFunction<X, X> {
  requireCount('randomShift', 'most', most);
  return augment('randomShift', options, (source, from, target, to, { height, width, channels }, random) => {
    const down = random.below(2 * most + 1) - most;
    const right = random.below(2 * most + 1) - most;
    const [first, last] = [Math.max(0, -right), Math.min(width, width - right)];
    if (first >= last) return;
    for (let row = Math.max(0, -down); row < Math.min(height, height - down); row += 1) {
      const line = from + row * width * channels;
      const into = to + ((row + down) * width + first + right) * channels;
      target.set(source.subarray(line + first * channels, line + last * channels), into);
    }
  });
}

/**
 * Cuts a smaller image out of each, at a place of its own draw.
 *
 * Equation: `y[i, j] = x[i + d, j + e]`, d and e uniform over all places where the cut fits.
 * Source: the lecture's data augmentation; Krizhevsky, Sutskever and Hinton (2012), §4.1.
 *
 * Shapes: `x: [T, B, H, W, C] → y: [T, B, rows, columns, C]`, or windows with such an input. Draws follow from the seed, each
 * subscription's from the start.
 *
 * @param rows the height of the cut, in pixels.
 * @param columns its width.
 * @param options the seed.
 * @returns an operator; what it takes stays as it is.
 * @throws TypeError where an option is not known.
 * @throws RangeError where a size is not a whole number above 0, or (as an error notification) an image is smaller.
 * @throws TypeError (as an error notification) where a signal holds no images.
 * @example
 * image$.pipe(randomCrop(28, 28, { seed: 1 }), randomFlip({ seed: 2 }))
 */
export function randomCrop<X extends ImagesOrWindow>(
  rows: number,
  columns: number,
  options: AugmentOptions = {},
): OperatorFunction<X, X> {
  requireCount('randomCrop', 'rows', rows);
  requireCount('randomCrop', 'columns', columns);
  return augment(
    'randomCrop',
    options,
    (source, from, target, to, { height, width, channels }, random) => {
      const down = random.below(height - rows + 1);
      const right = random.below(width - columns + 1);
      for (let row = 0; row < rows; row += 1) {
        const line = from + ((row + down) * width + right) * channels;
        target.set(source.subarray(line, line + columns * channels), to + row * columns * channels);
      }
    },
    ({ height, width }) => {
      if (rows <= height && columns <= width) return [rows, columns];
      throw new RangeError(`randomCrop: ${rows}×${columns} cannot be cut out of images of ${height}×${width}.`);
    },
  );
}

/**
 * Turns about half of the images left to right.
 *
 * Equation: `y[i, j] = x[i, W − 1 − j]` with probability 1/2, else `y = x`.
 * Source: the lecture's data augmentation; Krizhevsky, Sutskever and Hinton (2012), §4.1.
 *
 * Shapes: `x: [T, B, H, W, C] → y: [T, B, H, W, C]`, or windows with such an input. Draws follow from the seed, each
 * subscription's from the start.
 *
 * @param options the seed.
 * @returns an operator; what it takes stays as it is.
 * @throws TypeError where an option is not known.
 * @throws TypeError (as an error notification) where a signal holds no images.
 * @example
 * image$.pipe(randomFlip({ seed: 2 }))
 */
export function randomFlip<X extends ImagesOrWindow>(options: AugmentOptions = {}): OperatorFunction<X, X> {
  return augment('randomFlip', options, (source, from, target, to, { height, width, channels }, random) => {
    const turned = random.uniform() < 0.5;
    for (let pixel = 0; pixel < height * width; pixel += 1) {
      const column = pixel % width;
      const into = to + (turned ? pixel - column + width - 1 - column : pixel) * channels;
      for (let c = 0; c < channels; c += 1) target[into + c] = source[from + pixel * channels + c] as number;
    }
  });
}

/**
 * Shifts the colours of each image along the directions in which the colours of all images differ, each by its own draw.
 *
 * Equation: `y[i, j] = x[i, j] + Σ_k α_k λ_k p_k`, p_k and λ_k being eigenvectors and eigenvalues of the covariance of pixels'
 * colours, and α_k ~ N(0, deviation²), drawn once an image.
 * Source: Krizhevsky, Sutskever and Hinton (2012), §4.1, whose deviation is 0.1.
 *
 * Shapes: `x: [T, B, H, W, C] → y: [T, B, H, W, C]`, or windows with such an input. Draws follow from the seed, each
 * subscription's from the start. `principalColours(images)` gives directions and variances.
 *
 * @param deviation that of the draws α, from 0 up.
 * @param options the seed.
 * @returns an operator; what it takes stays as it is.
 * @throws TypeError where an option is not known.
 * @throws RangeError where the deviation is negative, or (as an error notification) directions have other channels.
 * @throws TypeError (as an error notification) where a signal holds no images.
 * @example
 * image$.pipe(randomColour(principalColours(colours), 0.1, { seed: 3 }))
 */
export function randomColour<X extends ImagesOrWindow>(
  { directions, variances }: PrincipalColours,
  deviation = 0.1,
  options: AugmentOptions = {},
): OperatorFunction<X, X> {
  if (!(deviation >= 0)) throw new RangeError(`randomColour: the deviation is a number from 0 up, not ${deviation}.`);
  return augment('randomColour', options, (source, from, target, to, { height, width, channels }, random) => {
    if (directions.some(({ length }) => length !== channels)) {
      throw new RangeError(
        `randomColour: directions have ${directions.map(({ length }) => length).join(', ')} channels, but images ` +
          `${channels}; take principalColours of such images.`,
      );
    }
    const shift = new Float64Array(channels);
    for (const [k, direction] of directions.entries()) {
      const by = deviation * random.normal() * (variances[k] as number);
      for (const [c, share] of direction.entries()) shift[c] = (shift[c] as number) + by * share;
    }
    for (let k = 0; k < height * width * channels; k += 1) {
      target[to + k] = (source[from + k] as number) + (shift[k % channels] as number);
    }
  });
}

/**
 * In which directions the colours of images differ, and how much: eigenvectors and eigenvalues of their covariance, by
 * Jacobi's rotations.
 *
 * Equation: `Σ = 1/n Σ_i (x_i − μ)(x_i − μ)ᵀ = Σ_k λ_k p_k p_kᵀ` over all pixels x_i of all images.
 * Source: Krizhevsky, Sutskever and Hinton (2012), §4.1; Golub and Van Loan, Matrix computations, §8.5.
 *
 * Shapes: `images: [..., C]`, of C channels; C directions, the one of the largest variance first.
 *
 * @returns C directions of unit length, and the variance along each.
 * @throws RangeError where there is no pixel.
 * @example
 * principalColours(colours).variances; // of [1, N, H, W, 3] three, falling
 */
export function principalColours({ shape, data }: Tensor): PrincipalColours {
  const channels = shape.at(-1) ?? 0;
  const pixels = data.length / channels;
  if (!(pixels >= 1)) throw new RangeError(`principalColours: there is no pixel in ${showShape(shape)}.`);
  const all = Array.from({ length: channels }, (_, c) => c);
  const mean = all.map((c) => {
    let sum = 0;
    for (let k = c; k < data.length; k += channels) sum += data[k] as number;
    return sum / pixels;
  });
  const matrix = all.map((a) =>
    all.map((b) => {
      let sum = 0;
      for (let k = 0; k < data.length; k += channels) {
        sum += ((data[k + a] as number) - (mean[a] as number)) * ((data[k + b] as number) - (mean[b] as number));
      }
      return sum / pixels;
    }),
  );
  const vectors = all.map((a) => all.map((b) => Number(a === b)));
  // Each sweep squares what is left off the diagonal: ten are many.
  for (let sweep = 0; sweep < 10; sweep += 1) {
    for (let a = 0; a < channels; a += 1) for (let b = a + 1; b < channels; b += 1) rotate(matrix, vectors, a, b);
  }
  const order = all.toSorted((a, b) => (matrix[b]?.[b] as number) - (matrix[a]?.[a] as number));
  return {
    directions: order.map((k) => vectors.map((row) => row[k] as number)),
    variances: order.map((k) => matrix[k]?.[k] as number),
  };
}

/** Turns two axes so that the matrix has 0 where they cross; the vectors turn along. */
function rotate(matrix: number[][], vectors: number[][], a: number, b: number): void {
  const crossing = matrix[a]?.[b] as number;
  if (crossing === 0) return;
  const angle = Math.atan2(2 * crossing, (matrix[a]?.[a] as number) - (matrix[b]?.[b] as number)) / 2;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const turn = (row: number[]) => {
    const [x, y] = [row[a] as number, row[b] as number];
    row[a] = cos * x + sin * y;
    row[b] = cos * y - sin * x;
  };
  matrix.forEach(turn);
  const [first, second] = [matrix[a] as number[], matrix[b] as number[]];
  matrix[a] = first.map((x, k) => cos * x + sin * (second[k] as number));
  matrix[b] = second.map((y, k) => cos * y - sin * (first[k] as number));
  vectors.forEach(turn);
}
