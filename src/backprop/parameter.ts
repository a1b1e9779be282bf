/**
 * Parameters: named tensors that learn.
 *
 * A parameter's first value is a function of a seed and the parameter's own path. Both are known only when the layer
 * has found its place in a model, so a parameter is *named* while the model is put together and *drawn* when its
 * numbers are first asked for. A parameter that was drawn already (trained, loaded) keeps its numbers when its layer is
 * put into a further model.
 */
import { machine } from '../kernels/machine.js';
import { forever, Place } from '../kernels/place.js';
import { type Generator, generator } from '../random.js';
import { type Shape, showShape, sizeOf, type Tensor } from '../tensor.js';

/** Draws a parameter's first value. */
export type Initializer = (shape: Shape, random: Generator) => Float32Array;

/** Parameters by name; nested as the layers are. The joined names are the path, `rnn.wx`. */
export interface Params {
  readonly [name: string]: Parameter | Params;
}

// A parameter's memory goes back when nobody holds the parameter any more.
const abandoned = new FinalizationRegistry<number>((address) => machine().heap.free(address));

export class Parameter implements Tensor {
  readonly type = 'float32';
  readonly shape: Shape;
  readonly #initializer: Initializer;
  #seed = 0;
  #path = '';
  #place: Place | undefined;

  constructor(shape: Shape, initializer: Initializer) {
    this.shape = shape;
    this.#initializer = initializer;
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
      const values = this.#initializer(this.shape, generator(this.#seed, this.#path));
      const home = machine();
      const address = home.heap.allocate(4 * values.length);
      home.floats.set(values, address / 4);
      this.#place = new Place(home, address, this.shape, 'float32', forever);
      abandoned.register(this, address);
    }
    return this.#place;
  }

  get data(): Float32Array {
    return this.place.data as Float32Array;
  }

  /**
   * Puts other numbers into the parameter (loading a checkpoint, tests).
   *
   * @throws RangeError where the count is wrong.
   */
  assign(values: ArrayLike<number>): void {
    if (values.length !== sizeOf(this.shape)) {
      throw new RangeError(
        `assign: ${this.#path || 'the parameter'} has shape ${showShape(this.shape)}, that is ` +
          `${sizeOf(this.shape)} numbers, but ${values.length} were given.`,
      );
    }
    this.data.set(values);
    machine().weights += 1;
  }
}

/** A parameter of a shape, drawn by an initialiser once its seed and path are known. */
export function parameter(shape: Shape, initializer: Initializer): Parameter {
  return new Parameter(shape, initializer);
}

/** All parameters with their paths inside `params`, in order. */
export function parametersOf(params: Params, prefix = ''): readonly (readonly [path: string, parameter: Parameter])[] {
  return Object.entries(params).flatMap(([name, value]) =>
    value instanceof Parameter ? [[prefix + name, value] as const] : parametersOf(value, `${prefix}${name}.`),
  );
}
