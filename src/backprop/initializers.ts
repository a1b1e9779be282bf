/**
 * Initialisers: how a parameter's first value is drawn. Weight matrices are `[fan-in, fan-out]`, as they multiply from
 * the right; the kernels of a convolution are `[kh, kw, C, O]`, with a fan-in of kh·kw·C and a fan-out of kh·kw·O.
 */
import { type Shape, showShape, sizeOf } from '../tensor.js';
import type { Initializer } from './parameter.js';

const drawn = (shape: Shape, draw: () => number): Float32Array =>
  Float32Array.from({ length: sizeOf(shape) }, () => draw());

/** Every number the same. */
export const constant =
  (value: number): Initializer =>
  (shape) =>
    new Float32Array(sizeOf(shape)).fill(value);

/** Every number 0. */
export const zeros = (): Initializer => constant(0);

/** Every number 1. */
export const ones = (): Initializer => constant(1);

/** Normal with mean 0 and the given standard deviation: `N(0, σ²)`. PyTorch's Embedding is `normal(1)`. */
export const normal =
  (deviation: number): Initializer =>
  (shape, random) =>
    drawn(shape, () => deviation * random.normal());

/** Uniform in `[−limit, limit)`. */
export const uniform =
  (limit: number): Initializer =>
  (shape, random) =>
    drawn(shape, () => limit * (2 * random.uniform() - 1));

/**
 * Uniform in `±1/√fan`: what PyTorch draws weights and biases from, with the inputs as fan in Linear and the units as
 * fan in RNN, LSTM and GRU.
 */
export const fanUniform = (fan: number): Initializer => uniform(1 / Math.sqrt(fan));

/**
 * Uniform in `±√(6 / (fan-in + fan-out))`, which keeps the variance of activations and gradients level.
 *
 * Source: Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks (2010), eq. 16.
 *
 * @throws RangeError (when drawn) for anything but a matrix or kernels.
 */
export const glorotUniform = (): Initializer => (shape, random) => {
  const [fanIn, fanOut] = fansOf(shape, 'glorotUniform');
  return uniform(Math.sqrt(6 / (fanIn + fanOut)))(shape, random);
};

/**
 * Normal with deviation `√(2 / fan-in)`, which keeps the variance of activations level through layers of ReLU.
 *
 * Source: He, Zhang, Ren and Sun, Delving deep into rectifiers (2015), eq. 10.
 *
 * @throws RangeError (when drawn) for anything but a matrix or kernels.
 */
export const heNormal = (): Initializer => (shape, random) => {
  const [fanIn] = fansOf(shape, 'heNormal');
  return normal(Math.sqrt(2 / fanIn))(shape, random);
};

/**
 * A random matrix with orthonormal rows (columns, where it is taller than wide), uniform over all such matrices,
 * times a gain: repeated multiplication neither explodes nor vanishes.
 *
 * Source: Saxe, McClelland and Ganguli, Exact solutions to the nonlinear dynamics of learning in deep linear neural
 * networks (2014).
 *
 * @throws RangeError (when drawn) for anything but a matrix.
 */
export const orthogonal =
  (gain = 1): Initializer =>
  (shape, random) => {
    const [rows, columns] = matrixOf(shape, 'orthogonal');
    const count = Math.min(rows, columns);
    const length = Math.max(rows, columns);
    const vectors = Array.from({ length: count }, () => Float64Array.from({ length }, () => random.normal()));
    orthonormalise(vectors);
    const tall = rows > columns;
    return Float32Array.from({ length: rows * columns }, (_, k) => {
      const row = Math.floor(k / columns);
      const column = k % columns;
      const vector = vectors[tall ? column : row] as Float64Array;
      return gain * (vector[tall ? row : column] as number);
    });
  };

/**
 * Blocks of equal width side by side, each drawn by an initialiser of its own: the gates of a cell, whose weights share
 * one matrix `[I, gates · H]` but are matrices of their own.
 *
 * @throws RangeError (when drawn) where the last axis does not divide into the blocks.
 * @example
 * sideBySide([zeros(), ones()])([2, 4], generator(1)); // 0 0 1 1 | 0 0 1 1
 */
export const sideBySide =
  (blocks: readonly Initializer[]): Initializer =>
  (shape, random) => {
    const width = shape.at(-1) ?? 0;
    const part = width / blocks.length;
    if (!Number.isInteger(part)) {
      throw new RangeError(
        `sideBySide: ${showShape(shape)} does not divide into ${blocks.length} blocks of one width.`,
      );
    }
    const rows = shape.slice(0, -1);
    const whole = new Float32Array(sizeOf(shape));
    blocks.forEach((block, at) => {
      const values = block([...rows, part], random);
      for (let row = 0; row < sizeOf(rows); row += 1) {
        whole.set(values.subarray(row * part, (row + 1) * part), row * width + at * part);
      }
    });
    return whole;
  };

/** How many numbers each number of a layer's output sums, and each of its input goes to. */
function fansOf(shape: Shape, operation: string): readonly [fanIn: number, fanOut: number] {
  if (shape.length < 2) {
    throw new RangeError(
      `${operation}: draws matrices [fan-in, fan-out] and kernels [kh, kw, C, O], not ${showShape(shape)}.`,
    );
  }
  const [inputs, outputs] = shape.slice(-2) as [number, number];
  const under = sizeOf(shape.slice(0, -2));
  return [under * inputs, under * outputs];
}

function matrixOf(shape: Shape, operation: string): readonly [rows: number, columns: number] {
  const [rows, columns] = shape;
  if (shape.length !== 2 || rows === undefined || columns === undefined) {
    throw new RangeError(`${operation}: draws matrices [fan-in, fan-out], not ${showShape(shape)}.`);
  }
  return [rows, columns];
}

/** Modified Gram–Schmidt, in place. Of normal vectors it gives a uniformly distributed orthonormal set. */
function orthonormalise(vectors: readonly Float64Array[]): void {
  vectors.forEach((vector, at) => {
    scale(vector, 1 / Math.sqrt(dot(vector, vector)));
    for (const later of vectors.slice(at + 1)) subtractMultiple(later, dot(vector, later), vector);
  });
}

/** Four sums at once: one alone waits for its own last addition, and wide recurrent matrices take seconds. */
function dot(a: Float64Array, b: Float64Array): number {
  const whole = a.length - (a.length % 4);
  let [s, t, u, v] = [0, 0, 0, 0];
  for (let k = 0; k < whole; k += 4) {
    s += (a[k] as number) * (b[k] as number);
    t += (a[k + 1] as number) * (b[k + 1] as number);
    u += (a[k + 2] as number) * (b[k + 2] as number);
    v += (a[k + 3] as number) * (b[k + 3] as number);
  }
  for (let k = whole; k < a.length; k += 1) s += (a[k] as number) * (b[k] as number);
  return s + t + (u + v);
}

function scale(vector: Float64Array, factor: number): void {
  for (let k = 0; k < vector.length; k += 1) vector[k] = (vector[k] as number) * factor;
}

function subtractMultiple(vector: Float64Array, factor: number, of: Float64Array): void {
  for (let k = 0; k < vector.length; k += 1) vector[k] = (vector[k] as number) - factor * (of[k] as number);
}
