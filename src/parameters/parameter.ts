/**
 * Parameters: named tensors that learn.
 *
 * A parameter's first value is a function of a seed and the parameter's own path. Both are known only when the layer
 * has found its place in a model, so a parameter is *named* while the model is put together and *drawn* when its
 * numbers are first asked for. A parameter that was drawn already (trained, loaded) keeps its numbers when its layer is
 * put into a further model.
 */
import { lengthen, lengthenings } from '../kernels/lines.js';
import { machine } from '../kernels/machine.js';
import { Place, type Scope } from '../kernels/place.js';
import { type Generator, generator } from '../random.js';
import { checkShape, listed, type Shape, showShape, sizeOf, type Tensor } from '../tensor.js';
import { RandomKey } from './random-key.js';

/** Draws a parameter's first value. */
export type Initializer = (shape: Shape, random: Generator) => Float32Array;

export interface ParameterOptions {
  /** Axes along which it may grow while it is in use; none by default. */
  readonly grows?: readonly number[];
}

/** Parameters by name; nested as the layers are. The joined names are the path, `rnn.wx`. */
export interface Params {
  readonly [name: string]: Parameter | RandomKey | Params;
}

// A parameter's memory goes back when nobody holds the parameter any more.
const abandoned = new FinalizationRegistry<number>((address) => machine().heap.free(address));

export class Parameter implements Tensor {
  readonly type = 'float32';
  /** Axes along which it may grow. */
  readonly grows: readonly number[];
  readonly #initializer: Initializer;
  #shape: Shape;
  #seed = 0;
  #path = '';
  #place: Place | undefined;
  #scope: Scope = { open: true, owner: this };
  /** How many numbers its block of memory holds. */
  #room = 0;
  #version = 0;
  /** What was last read of it, and its version then. */
  #read: { readonly numbers: WeakRef<Float32Array>; readonly version: number } | undefined;

  constructor(shape: Shape, initializer: Initializer, { grows = [] }: ParameterOptions = {}) {
    checkShape(shape, 'parameter');
    this.#shape = shape;
    this.#initializer = initializer;
    this.grows = grows;
  }

  /** Its shape at this moment; a new array each time it has grown. */
  get shape(): Shape {
    return this.#shape;
  }

  /** How often it has had other numbers: by an update, `assign`, or as it grew. */
  get version(): number {
    return this.#version;
  }

  /** Counts that other numbers were written to its place. */
  written(): void {
    this.#version += 1;
  }

  /** Where the parameter stands in its model: `rnn.wx`. */
  get path(): string {
    return this.#path;
  }

  /** Gives the parameter its path and seed; the outermost model names it last. Without a seed the one it has stays. */
  name(path: string, seed: number | undefined): void {
    this.#path = path;
    if (seed !== undefined) this.#seed = seed;
  }

  /** Where its numbers lie in the kernels' memory; drawn when first asked for. */
  get place(): Place {
    if (this.#place === undefined) {
      const values = this.#drawn(this.#shape, this.#path);
      const home = machine();
      const address = home.heap.allocate(4 * values.length);
      home.floats.set(values, address / 4);
      this.#room = values.length;
      this.#place = new Place(home, address, this.#shape, 'float32', this.#scope);
      abandoned.register(this, address, this);
    }
    return this.#place;
  }

  /**
   * Its numbers at this moment, in an array of their own: what becomes of the parameter later, or of the memory it was in,
   * does not show there. `assign` gives it others.
   */
  get data(): Float32Array {
    // Whoever reads number by number gets one copy, as long as nothing has changed.
    const known = this.#read?.version === this.#version ? this.#read.numbers.deref() : undefined;
    if (known !== undefined) return known;
    const numbers = this.place.data.slice() as Float32Array;
    this.#read = { numbers: new WeakRef(numbers), version: this.#version };
    return numbers;
  }

  /** First numbers of a shape, as many as it has. */
  #drawn(shape: Shape, path: string): Float32Array {
    const values = this.#initializer(shape, generator(this.#seed, path));
    if (values.length === sizeOf(shape)) return values;
    throw new RangeError(
      `parameter: the initialiser of ${path || 'a parameter'} gave ${values.length} numbers for ${showShape(shape)}; it ` +
        `gives ${sizeOf(shape)}.`,
    );
  }

  /**
   * Makes an axis longer, between windows. The numbers it has stay as they are, bit for bit. Each line that is new, what
   * one index of the axis selects, is drawn as a parameter of that line alone, from a generator that follows from the
   * seed, the path, the axis and the line's index: lines are the same whether they come one by one or at once.
   *
   * Memory is taken ahead, twice what is wanted, so that to grow by ones is cheap. Trainers and steppers follow by
   * themselves.
   *
   * Shapes: `[R, C] → [R′, C]` along axis 0, `[R, C′]` along axis 1.
   *
   * @throws RangeError where the parameter does not grow along the axis, or is longer already.
   * @throws Error within a window, whose tensors have the shapes and places of before.
   * @example
   * const table = parameter([1, 64], initializers.normal(1), { grows: [0] });
   * table.grow(0, 2); // [2, 64]
   */
  grow(axis: number, length: number): void {
    const what = this.#path || 'the parameter';
    const before = this.#shape;
    const short = before[axis] ?? 0;
    if (!this.grows.includes(axis) || !Number.isSafeInteger(length) || length < short) {
      throw new RangeError(
        `grow: ${what} is ${showShape(before)} and grows along ${this.grows.length > 0 ? `axis ${this.grows}` : 'no axis'}, ` +
          `so its axis ${axis} cannot become ${length} long; say { grows: [${axis}] } where it is made, and never less.`,
      );
    }
    if (length === short) return;
    const home = machine();
    if (home.windows > 0) {
      throw new Error(`grow: ${what} is in use by a window that is open; let it grow before the window or after it.`);
    }
    const { address: from } = this.place;
    const after = before.map((size, k) => (k === axis ? length : size));
    const to = this.#roomFor(sizeOf(after), from);
    for (const step of lengthenings(before, after)) lengthen(home.floats, from / 4, to / 4, step, 0);
    if (to !== from) home.heap.free(from);
    const [pieces, inner] = [sizeOf(before.slice(0, axis)), sizeOf(before.slice(axis + 1))];
    const line = before.map((size, k) => (k === axis ? 1 : size));
    for (let index = short; index < length; index += 1) {
      const values = this.#drawn(line, `${this.#path}[${axis}: ${index}]`);
      for (let piece = 0; piece < pieces; piece += 1) {
        const at = to / 4 + (piece * length + index) * inner;
        for (let k = 0; k < inner; k += 1) home.floats[at + k] = values[piece * inner + k] as number;
      }
    }
    this.#shape = after;
    this.#scope.open = false;
    this.#scope = { open: true, owner: this };
    this.#place = new Place(home, to, after, 'float32', this.#scope);
    this.written();
  }

  /** Where so many numbers have room: where they are, or in a new block. */
  #roomFor(size: number, address: number): number {
    if (size <= this.#room) return address;
    this.#room = 2 * size;
    const block = machine().heap.allocate(4 * this.#room);
    abandoned.unregister(this);
    abandoned.register(this, block, this);
    return block;
  }

  /**
   * Puts other numbers into the parameter (loading a checkpoint, tests).
   *
   * @throws RangeError where the count is wrong.
   * @throws TypeError where it is no list of numbers.
   */
  assign(values: ArrayLike<number>): void {
    const what = `assign: ${this.#path || 'the parameter'}`;
    const { data } = this.place;
    data.set(listed(values, this.shape, what));
    this.written();
  }
}

/** A parameter of a shape, drawn by an initialiser once its seed and path are known. */
export function parameter(shape: Shape, initializer: Initializer, options?: ParameterOptions): Parameter {
  return new Parameter(shape, initializer, options);
}

/** All parameters with their paths inside `params`, in order. */
export function parametersOf(params: Params, prefix = ''): readonly (readonly [path: string, parameter: Parameter])[] {
  return Object.entries(params).flatMap(([name, value]) => {
    if (value instanceof RandomKey) return [];
    return value instanceof Parameter ? [[prefix + name, value] as const] : parametersOf(value, `${prefix}${name}.`);
  });
}

/** The path of a part. */
export const below = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);

/** Gives all parameters and random keys in `params` their paths, below the given one, and the seed if there is one. */
export function nameAll(params: Params, path: string, seed: number | undefined): void {
  for (const [name, value] of Object.entries(params)) {
    if (value instanceof RandomKey) value.name(path, seed);
    else if (value instanceof Parameter) value.name(below(path, name), seed);
    else nameAll(value, below(path, name), seed);
  }
}

/** How often any of the parameters has had other numbers: what follows from them is worked out anew when it has risen. */
export function versionOf(parameters: readonly Parameter[]): number {
  let version = 0;
  for (const parameter of parameters) version += parameter.version;
  return version;
}

/** Makes all parameters so long along each axis that they grow along. */
export function growAll(params: Params, length: number): void {
  for (const [, each] of parametersOf(params)) for (const axis of each.grows) each.grow(axis, length);
}
