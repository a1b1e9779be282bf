/**
 * Initialisers: how a parameter's first value is drawn. Weight matrices are `[fan-in, fan-out]`, as they multiply from
 * the right; the kernels of a convolution are `[kh, kw, C, O]`, with a fan-in of kh·kw·C and a fan-out of kh·kw·O.
 */
import { described } from '../description.js';
import { machine } from '../kernels/machine.js';
import { orthonormal } from '../kernels/orthonormal.js';
import { type Shape, showShape, sizeOf } from '../tensor.js';
import { columnsOf, drawInto, filling, type Initializer, rowByRow } from './initializer.js';

/**
 * Every number the same.
 *
 * @param value the number.
 * @returns the initialiser, for the `initializers` of a layer or for `parameter`.
 * @example
 * initializers.constant(0.5)([2, 3], generator(1))[0]; // 0.5
 */
export const constant = (value: number): Initializer =>
  described(
    filling((shape, _, target) =>
      rowByRow(shape, target, (row) => {
        row.fill(value);
      }),
    ),
    'initializers.constant',
    [value],
  );

/**
 * Every number 0.
 *
 * @returns the initialiser, for the `initializers` of a layer or for `parameter`.
 * @example
 * initializers.zeros()([2, 3], generator(1))[0]; // 0
 */
export const zeros = (): Initializer => described(constant(0), 'initializers.zeros', []);

/**
 * Every number 1.
 *
 * @returns the initialiser, for the `initializers` of a layer or for `parameter`.
 * @example
 * initializers.ones()([2, 3], generator(1))[0]; // 1
 */
export const ones = (): Initializer => described(constant(1), 'initializers.ones', []);

/**
 * Normal with mean 0 and the given standard deviation: `N(0, σ²)`. PyTorch's Embedding is `normal(1)`.
 *
 * @param deviation σ, the standard deviation.
 * @returns the initialiser, for the `initializers` of a layer or for `parameter`.
 * @example
 * dense(128, 64, { initializers: { w: initializers.normal(0.02) } })
 */
export const normal = (deviation: number): Initializer =>
  described(
    filling((shape, random, target) => {
      const drawn = new Float64Array(columnsOf(shape));
      return rowByRow(shape, target, (row) => {
        random.normals(drawn);
        for (let k = 0; k < row.length; k += 1) row[k] = deviation * (drawn[k] as number);
      });
    }),
    'initializers.normal',
    [deviation],
  );

/**
 * Uniform in `[−limit, limit)`.
 *
 * @param limit how far from 0 numbers may be.
 * @returns the initialiser, for the `initializers` of a layer or for `parameter`.
 * @example
 * dense(128, 64, { initializers: { w: initializers.uniform(0.1) } })
 */
export const uniform = (limit: number): Initializer =>
  described(
    filling((shape, random, target) =>
      rowByRow(shape, target, (row) => {
        for (let k = 0; k < row.length; k += 1) row[k] = limit * (2 * random.uniform() - 1);
      }),
    ),
    'initializers.uniform',
    [limit],
  );

/**
 * Uniform in `±1/√fan`: what PyTorch draws weights and biases from, with the inputs as fan in Linear and the units as
 * fan in RNN, LSTM and GRU.
 *
 * @param fan inputs of a fully connected layer, units of a recurrent one.
 * @returns the initialiser, for the `initializers` of a layer or for `parameter`.
 * @example
 * const w = initializers.fanUniform(128); // limits ±1/√128
 * dense(128, 64, { initializers: { w, b: w } }) // as PyTorch's Linear
 */
export const fanUniform = (fan: number): Initializer =>
  described(uniform(1 / Math.sqrt(fan)), 'initializers.fanUniform', [fan]);

/**
 * `log u` with u uniform in [1, T − 1): biases with which a gate's unit remembers for some u steps, so that there are
 * units for every span up to T, the longest that matters. Biases of an input gate that goes with such a forget gate are
 * `chrono(T, -1)`.
 *
 * Source: Tallec and Ollivier, Can recurrent neural networks warp time? (2018), eq. 16.
 *
 * @param longest T, in steps.
 * @param sign −1 for the biases of an input gate; 1 by default.
 * @returns the initialiser, for the `initializers` of a layer or for `parameter`.
 * @throws RangeError where T is not a number above 2.
 * @example
 * const { chrono, sideBySide, zeros } = initializers;
 * const b = sideBySide([chrono(400, -1), chrono(400), zeros(), zeros()]);
 * lstm(2, 32, { initializers: { b } })
 */
export const chrono = (longest: number, sign: 1 | -1 = 1): Initializer => {
  if (!(longest > 2)) throw new RangeError(`chrono: the longest span is a number of steps above 2, not ${longest}.`);
  const draw: Initializer = (shape, random) =>
    new Float32Array(sizeOf(shape)).map(() => sign * Math.log(1 + random.uniform() * (longest - 2)));
  return described(draw, 'initializers.chrono', [longest, sign]);
};

/**
 * Uniform in `±√(6 / (fan-in + fan-out))`, which keeps the variance of activations and gradients level.
 *
 * Source: Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks (2010), eq. 16.
 *
 * @returns the initialiser, for the `initializers` of a layer or for `parameter`.
 * @throws RangeError (when drawn) for anything but a matrix or kernels.
 * @example
 * dense(128, 64, { initializers: { w: initializers.glorotUniform() } }) // as by default
 */
export const glorotUniform = (): Initializer =>
  described(
    filling(function* (shape, random, target) {
      const [fanIn, fanOut] = fansOf(shape, 'glorotUniform');
      yield* drawInto(uniform(Math.sqrt(6 / (fanIn + fanOut))), shape, random, target);
    }),
    'initializers.glorotUniform',
    [],
  );

/**
 * Normal with mean 0 and variance `2 / (fan-in + fan-out)`: what {@link glorotUniform} keeps level, from a normal.
 *
 * Source: Glorot and Bengio (2010), equation 12.
 *
 * @returns the initialiser, for the `initializers` of a layer or for `parameter`.
 * @throws RangeError (when drawn) for anything but a matrix or kernels.
 * @example
 * dense(128, 64, { initializers: { w: initializers.glorotNormal() } })
 */
export const glorotNormal = (): Initializer =>
  described(
    filling(function* (shape, random, target) {
      const [fanIn, fanOut] = fansOf(shape, 'glorotNormal');
      yield* drawInto(normal(Math.sqrt(2 / (fanIn + fanOut))), shape, random, target);
    }),
    'initializers.glorotNormal',
    [],
  );

/**
 * Uniform in `±√(6 / fan-in)`: variance `2 / fan-in`, since ReLU lets half of it through.
 *
 * Source: He et al., Delving deep into rectifiers (2015), equation 10.
 *
 * @returns the initialiser, for the `initializers` of a layer or for `parameter`.
 * @throws RangeError (when drawn) for anything but a matrix or kernels.
 * @example
 * dense(128, 64, { activation: activations.relu, initializers: { w: initializers.heUniform() } })
 */
export const heUniform = (): Initializer =>
  described(
    filling(function* (shape, random, target) {
      const [fanIn] = fansOf(shape, 'heUniform');
      yield* drawInto(uniform(Math.sqrt(6 / fanIn)), shape, random, target);
    }),
    'initializers.heUniform',
    [],
  );

/**
 * Normal with mean 0 and variance `2 / fan-in`, since ReLU lets half of it through.
 *
 * Source: He et al., Delving deep into rectifiers (2015), equation 10.
 *
 * @returns the initialiser, for the `initializers` of a layer or for `parameter`.
 * @throws RangeError (when drawn) for anything but a matrix or kernels.
 * @example
 * dense(128, 64, { activation: activations.relu, initializers: { w: initializers.heNormal() } })
 */
export const heNormal = (): Initializer =>
  described(
    filling(function* (shape, random, target) {
      const [fanIn] = fansOf(shape, 'heNormal');
      yield* drawInto(normal(Math.sqrt(2 / fanIn)), shape, random, target);
    }),
    'initializers.heNormal',
    [],
  );

/**
 * The sum of several draws: two biases of another framework of which ours is the sum.
 *
 * @param parts what is drawn, one after the other, and summed.
 * @returns the initialiser, for the `initializers` of a layer or for `parameter`.
 * @example
 * initializers.sumOf([initializers.fanUniform(64), initializers.fanUniform(64)]) // PyTorch's b_ih + b_hh
 */
export const sumOf = (parts: readonly Initializer[]): Initializer =>
  described(
    (shape, random) => {
      const sum = new Float64Array(sizeOf(shape));
      for (const part of parts) {
        const values = part(shape, random);
        for (let k = 0; k < sum.length; k += 1) sum[k] = (sum[k] as number) + (values[k] as number);
      }
      return Float32Array.from(sum);
    },
    'initializers.sumOf',
    [parts],
  );

/**
 * A random matrix with orthonormal rows (columns, where it is taller than wide), uniform over all such matrices,
 * times a gain: repeated multiplication neither explodes nor vanishes.
 *
 * Source: Saxe, McClelland and Ganguli, Exact solutions to the nonlinear dynamics of learning in deep linear neural
 * networks (2014).
 *
 * @param gain what the matrix is multiplied by; 1 by default.
 * @returns the initialiser, for the `initializers` of a layer or for `parameter`.
 * @throws RangeError (when drawn) for anything but a matrix.
 * @example
 * simpleRnn(8, 16, { initializers: { wh: initializers.orthogonal() } })
 */
export const orthogonal = (gain = 1): Initializer =>
  described(
    filling(function* (shape, random, target) {
      const [rows, columns] = matrixOf(shape, 'orthogonal');
      const count = Math.min(rows, columns);
      const length = Math.max(rows, columns);
      yield* orthonormal(machine(), count, length, random.normals, (vector, v) => {
        const { numbers, at, stride } = target;
        // Vectors are the rows, or the columns.
        const [along, across] = rows <= columns ? [1, stride] : [stride, 1];
        const start = at + v * across;
        for (let n = 0; n < length; n += 1) numbers[start + n * along] = gain * (vector[n] as number);
      });
    }),
    'initializers.orthogonal',
    [gain],
  );

/**
 * Blocks of equal width side by side, each drawn by an initialiser of its own: the gates of a cell, whose weights share
 * one matrix `[I, gates · H]` but are matrices of their own.
 *
 * @param blocks initialisers of the blocks, from left to right.
 * @returns the initialiser, for the `initializers` of a layer or for `parameter`.
 * @throws RangeError (when drawn) where the last axis does not divide into the blocks.
 * @example
 * const { ones, sideBySide, zeros } = initializers;
 * sideBySide([zeros(), ones()])([2, 4], generator(1)); // 0 0 1 1 | 0 0 1 1
 */
export const sideBySide = (blocks: readonly Initializer[]): Initializer =>
  described(
    filling(function* (shape, random, target) {
      const part = columnsOf(shape) / blocks.length;
      if (!Number.isInteger(part)) {
        throw new RangeError(
          `sideBySide: ${showShape(shape)} does not divide into ${blocks.length} blocks of one width.`,
        );
      }
      for (const [which, block] of blocks.entries()) {
        yield* drawInto(block, [...shape.slice(0, -1), part], random, {
          get numbers() {
            return target.numbers;
          },
          at: target.at + which * part,
          stride: target.stride,
        });
      }
    }),
    'initializers.sideBySide',
    [blocks],
  );

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
