/** Weights of layers, wherever a file has them. */

import type { Json, ModelDescription } from '../../runs/description.js';
import { type Shape, sameShape, showShape, type Tensor, tensor } from '../../tensor.js';
import type { Config } from './config.js';

/** What a file has for one layer. */
export interface LayerWeights {
  /**
   * The next tensors, in the order in which Keras makes them.
   *
   * @param inner where they are within the layer's group, as Keras 3 has it: `cell`, `forward_layer/cell`.
   * @param names what they are, for errors; as many as are wanted.
   * @throws OxbowError, an InterchangeError, where there are others.
   */
  take(config: Config, inner: string, names: readonly string[]): readonly Tensor[];
  /** @throws OxbowError, an InterchangeError, where there is more than was asked for. */
  done(config: Config): void;
}

/** A layer here, and its weights by their paths within it. */
export interface Part {
  readonly description: ModelDescription;
  readonly weights: Readonly<Record<string, Tensor>>;
}

/** A description of a thing without weights. */
export const thing = ($: string, ...args: readonly Json[]): ModelDescription => ({ $, args });

/** @throws OxbowError, an InterchangeError, where a tensor has another shape than the config says. */
export function shaped(config: Config, name: string, given: Tensor | undefined, shape: Shape): Tensor {
  if (given !== undefined && sameShape(given.shape, shape)) return given;
  return config.refuse(`the config makes it ${showShape(shape)}, but it is ${showShape(given?.shape ?? [])}`, name);
}

/** Columns of a matrix, or elements of a list, from one to another. */
export function columns({ shape, data }: Tensor, from: number, to: number): Tensor {
  const width = shape.at(-1) as number;
  const rows = data.length / width;
  const cut = new Float32Array(rows * (to - from));
  for (let row = 0; row < rows; row += 1) {
    cut.set((data as Float32Array).subarray(row * width + from, row * width + to), row * (to - from));
  }
  return tensor([...shape.slice(0, -1), to - from], cut);
}

/** Matrices with the same rows, or lists, side by side. */
export function beside(parts: readonly Tensor[]): Tensor {
  const widths = parts.map(({ shape }) => shape.at(-1) as number);
  const width = widths.reduce((sum, each) => sum + each, 0);
  const [{ shape, data }] = parts as [Tensor];
  const rows = data.length / (widths[0] as number);
  const whole = new Float32Array(rows * width);
  let at = 0;
  parts.forEach((part, k) => {
    const own = widths[k] as number;
    for (let row = 0; row < rows; row += 1) {
      whole.set((part.data as Float32Array).subarray(row * own, (row + 1) * own), row * width + at);
    }
    at += own;
  });
  return tensor([...shape.slice(0, -1), width], whole);
}
