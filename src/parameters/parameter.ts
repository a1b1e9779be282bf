/**
 * Parameters: named tensors that learn.
 *
 * A parameter's first value is a function of a seed and the parameter's own path. Both are known only when the layer
 * has found its place in a model, so a parameter is *named* while the model is put together and *drawn* when its
 * numbers are first asked for. A parameter that was drawn already (trained, loaded) keeps its numbers when its layer is
 * put into a further model.
 */

import { BufferView } from '../kernels/buffer-view.js';
import type { Want } from '../kernels/heap.js';
import type { Holding } from '../kernels/holding.js';
import { lengthenings, shorten } from '../kernels/lines.js';
import { machine } from '../kernels/machine.js';
import { checkedOptions } from '../options.js';
import { below } from '../path.js';
import { finish, type PiecewiseTask } from '../piecewise-task.js';
import { generator } from '../random.js';
import { checkShape, listed, type Shape, sameShape, showShape, sizeOf, type Tensor } from '../tensor.js';
import { leaves } from '../tree.js';
import { type AxisGrowth, axisLinesOf, grownShape, type Planned, putLines } from './growing.js';
import { columnsOf, drawInto, drawn, type Initializer } from './initializer.js';
import { RandomKey } from './random-key.js';

export type { Initializer } from './initializer.js';

/** Options of {@link parameter}. */
export interface ParameterOptions {
  /** Axes along which it may grow while it is in use; none by default. */
  readonly grows?: readonly number[];
}

/** Parameters by name; nested as the layers are. The joined names are the path, `rnn.wx`. */
export interface Params {
  readonly [name: string]: Parameter | RandomKey | Params;
}

/**
 * A tensor that learns: it is drawn once from its seed and path, an optimizer changes its numbers in place, and it may grow.
 *
 * @example
 * model.params.head.w.path; // 'head.w'
 */
export class Parameter implements Tensor {
  readonly type = 'float32';
  /** Axes along which it may grow. */
  readonly grows: readonly number[];
  readonly #initializer: Initializer;
  #shape: Shape;
  #seed = 0;
  #path = '';
  #holding: Holding | undefined;
  /** Its draw, while that is under way. */
  #drawing: PiecewiseTask<Holding> | undefined;
  #place: BufferView | undefined;
  #released = false;
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

  /** How often it has had other numbers or another place: by an update, `assign`, or as it grew. */
  get version(): number {
    return this.#version + (this.#holding?.moves ?? 0);
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
  get place(): BufferView {
    if (this.#holding === undefined) finish(this.drawing());
    const { address, scope } = this.#holding as Holding;
    if (this.#place?.scope !== scope)
      this.#place = new BufferView(machine(), address, this.#shape, 'float32', scope, this);
    return this.#place;
  }

  /** Whether its numbers are there. */
  get isDrawn(): boolean {
    return this.#holding !== undefined;
  }

  /** Draws its numbers, unless they are there, in pieces; asking for its place meanwhile has the rest done at once. */
  *drawing(): PiecewiseTask<void> {
    while (this.#holding === undefined) {
      this.#drawing ??= this.#drawn();
      const piece = this.#next(this.#drawing);
      if (piece.done) this.#holding = piece.value;
      else yield;
    }
  }

  #next(drawing: PiecewiseTask<Holding>): ReturnType<PiecewiseTask<Holding>['next']> {
    let over = true;
    try {
      const piece = drawing.next();
      over = piece.done === true;
      return piece;
    } finally {
      if (over) this.#drawing = undefined;
    }
  }

  /** Memory for its numbers. @throws RangeError where there is too little. */
  #taken(): Holding {
    const what = this.#path || 'the parameter';
    if (this.#released) throw new Error(`${what}: it was released, and its numbers with it; make a new model.`);
    return machine().holdings.take(4 * sizeOf(this.#shape), wantOf(what, this.#shape));
  }

  *#drawn(): PiecewiseTask<Holding> {
    const home = machine();
    // Before anything is drawn: what is too large is refused at once.
    const holding = this.#taken();
    const leave = holding.stay();
    let complete = false;
    try {
      const target = {
        get numbers() {
          return home.floats;
        },
        at: holding.address / 4,
        stride: columnsOf(this.#shape),
      };
      yield* drawInto(this.#initializer, this.#shape, generator(this.#seed, this.#path), target, this.#path);
      complete = true;
      return holding;
    } finally {
      leave();
      if (!complete) holding.free();
    }
  }

  /** Keeps its numbers where they lie until the function that is returned is called. */
  stay(): () => void {
    void this.place;
    return (this.#holding as Holding).stay();
  }

  /**
   * Gives its memory back; it is of no use afterwards.
   *
   * @throws Error within a window.
   */
  release(): void {
    if (machine().windows > 0) {
      throw new Error(
        `release: ${this.#path || 'the parameter'} is in use by a window that is open; release it afterwards.`,
      );
    }
    this.#released = true;
    // Code that noted its address is to look again, and be refused.
    this.#version = this.version + 1;
    this.#drawing?.return(undefined as never);
    this.#drawing = undefined;
    this.#holding?.free();
    this.#holding = undefined;
    this.#place = undefined;
  }

  [Symbol.dispose](): void {
    this.release();
  }

  /**
   * Its numbers at this moment, in an array of their own: what becomes of the parameter later, or of the memory it was in,
   * does not show there. `assign` gives it others.
   */
  get data(): Float32Array {
    // Code that reads number by number gets one copy, as long as nothing has changed.
    const known = this.#read?.version === this.version ? this.#read.numbers.deref() : undefined;
    if (known !== undefined) return known;
    const numbers = this.place.data.slice() as Float32Array;
    this.#read = { numbers: new WeakRef(numbers), version: this.version };
    return numbers;
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
   * @throws RangeError where the parameter does not grow along the axis, is longer already, or there is too little memory;
   * then nothing has changed.
   * @throws Error within a window, whose tensors have the shapes and places of before.
   * @example
   * const table = parameter([1, 64], initializers.normal(1), { grows: [0] });
   * table.grow(0, 2); // [2, 64]
   */
  grow(axis: number, length: number): void {
    this.planned([[axis, length]])?.commit();
  }

  /**
   * Makes axes that have grown shorter again, between windows: the lines that it keeps stay as they are, bit for bit, and those that it
   * loses are drawn as at first where it grows again.
   *
   * Shapes: `[R′, C′] → [R, C]`, R ≤ R′ and C ≤ C′ along the axes that it grows along.
   *
   * @throws RangeError where it is no shape that this one can have grown from.
   * @throws Error within a window, whose tensors have the shapes of before.
   * @example
   * const table = parameter([1, 64], initializers.normal(1), { grows: [0] });
   * table.grow(0, 2);
   * table.shorten([1, 64]);
   */
  shorten(shape: Shape): void {
    const what = this.#path || 'the parameter';
    const before = this.#shape;
    checkShape(shape, 'shorten');
    if (shape.length !== before.length) {
      throw new RangeError(
        `shorten: ${what} is ${showShape(before)}, which cannot become ${showShape(shape)}; give one of as many axes.`,
      );
    }
    const longer = shape.flatMap((size, axis): AxisGrowth[] =>
      size === before[axis] ? [] : [[axis, before[axis] as number]],
    );
    if (longer.length === 0) return;
    grownShape(what, shape, this.grows, longer);
    const home = machine();
    requireNoWindow('shorten', what);
    const { address } = this.place;
    for (const step of lengthenings(shape, before).toReversed()) shorten(home.floats, address / 4, step);
    (this.#holding as Holding).renew();
    this.#shape = [...shape];
    this.written();
  }

  /** Checks growths, one after the other, takes the memory and draws what is new, so that nothing can fail any more. */
  planned(growths: readonly AxisGrowth[]): Planned | undefined {
    const what = this.#path || 'the parameter';
    const before = this.#shape;
    const after = grownShape(what, before, this.grows, growths);
    if (sameShape(before, after)) return undefined;
    const home = machine();
    requireNoWindow('grow', what);
    void this.place;
    const holding = this.#holding as Holding;
    const bytes = 4 * sizeOf(after);
    const larger = bytes > holding.bytes ? holding.enlarge(bytes, wantOf(what, after)) : undefined;
    try {
      const lines = axisLinesOf(before, growths, (line, axis, index) => {
        const path = `${this.#path}[${axis}: ${index}]`;
        return drawn(this.#initializer, line, generator(this.#seed, path), path);
      });
      return {
        commit: () => {
          larger?.put();
          const at = holding.address / 4;
          for (const each of lines) putLines(home.floats, at, each);
          holding.renew();
          this.#shape = after;
          this.written();
        },
        cancel: () => larger?.cancel(),
      };
    } catch (error) {
      larger?.cancel();
      throw error;
    }
  }

  /**
   * Puts other numbers into the parameter (loading a checkpoint, tests).
   *
   * @throws RangeError where the count is wrong.
   * @throws TypeError where it is no list of numbers.
   */
  assign(values: ArrayLike<number>): void {
    const numbers = listed(values, this.shape, `assign: ${this.#path || 'the parameter'}`);
    // What all others take the place of need not be drawn.
    if (this.#drawing === undefined) this.#holding ??= this.#taken();
    this.place.data.set(numbers);
    this.written();
  }
}

/**
 * A parameter of a shape, drawn by an initialiser once its seed and path are known.
 *
 * @param shape its sizes, from the outermost axis to the innermost.
 * @param initializer what draws its first value.
 * @param options axes along which it may grow.
 * @returns the parameter, for the `params` of a `layer`.
 * @throws RangeError where the shape is not a list of sizes.
 * @throws TypeError where an option is not known.
 * @example
 * const gain = parameter([8], initializers.ones());
 * layer({ kind: 'gain', params: { gain }, initial: () => noCarry, apply: (ops, carry, x: Tensor) => [ops.multiply(x, gain), carry] });
 */
export function parameter(shape: Shape, initializer: Initializer, options: ParameterOptions = {}): Parameter {
  return new Parameter(shape, initializer, checkedOptions('parameter', options, { grows: true }));
}

/**
 * All parameters with their paths inside `params`, in order.
 *
 * @param params parameters by name, nested as the layers are.
 * @returns pairs of path and parameter.
 * @example
 * parametersOf(model.params)[0]?.[0]; // 'embed.table'
 */
export const parametersOf = (params: Params): readonly (readonly [path: string, parameter: Parameter])[] =>
  leaves(params) as readonly (readonly [path: string, parameter: Parameter])[];

/** Gives all parameters and random keys in `params` their paths, below the given one, and the seed if there is one. */
export function nameAll(params: Params, path: string, seed: number | undefined): void {
  for (const [name, value] of Object.entries(params)) {
    if (value instanceof RandomKey) value.name(path, seed);
    else if (value instanceof Parameter) value.name(below(path, name), seed);
    else nameAll(value, below(path, name), seed);
  }
}

/** How often any of the parameters has had other numbers: what follows from them is computed again when it has risen. */
export function versionOf(parameters: readonly Parameter[]): number {
  let version = 0;
  for (const parameter of parameters) version += parameter.version;
  return version;
}

function requireNoWindow(operation: 'grow' | 'shorten', what: string): void {
  if (machine().windows === 0) return;
  throw new Error(
    `${operation}: ${what} is in use by a window that is open; let it ${operation} before the window or after it.`,
  );
}

const wantOf = (what: string, shape: Shape): Want => ({
  what: `${what} ${showShape(shape)}`,
  remedy: 'make the model smaller',
});

/** Gives the memory of all parameters back. @throws Error within a window. */
export function releaseAll(params: Params): void {
  for (const [, each] of parametersOf(params)) each.release();
}
