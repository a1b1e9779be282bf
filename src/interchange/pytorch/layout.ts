/** Where the numbers of PyTorch's tensors lie in ours, and the other way round. */
import { type Shape, sizeOf, type Tensor } from '../../tensor.js';

const float32 = (shape: Shape, data: Float32Array): Tensor => ({ shape, type: 'float32', data });

/** Axes in another order. */
export function permuted({ shape, data }: Tensor, axes: readonly number[]): Tensor {
  const sizes = axes.map((axis) => shape[axis] as number);
  const strides = axes.map((axis) => sizeOf(shape.slice(axis + 1)));
  const turned = new Float32Array(data.length);
  const at = new Array<number>(axes.length).fill(0);
  let from = 0;
  for (let k = 0; k < turned.length; k += 1) {
    turned[k] = data[from] as number;
    for (let axis = axes.length - 1; axis >= 0; axis -= 1) {
      at[axis] = (at[axis] as number) + 1;
      from += strides[axis] as number;
      if ((at[axis] as number) < (sizes[axis] as number)) break;
      from -= (at[axis] as number) * (strides[axis] as number);
      at[axis] = 0;
    }
  }
  return float32(sizes, turned);
}

const reshaped = ({ data }: Tensor, shape: Shape): Tensor => float32(shape, data as Float32Array);

/** Equal parts along the first axis. */
function parts({ shape: [rows = 0, ...rest], data }: Tensor, count: number): readonly Tensor[] {
  const size = data.length / count;
  return Array.from({ length: count }, (_, k) =>
    float32([rows / count, ...rest], (data as Float32Array).subarray(k * size, (k + 1) * size)),
  );
}

/** Tensors one below the other. */
function joined(tensors: readonly Tensor[]): Tensor {
  const data = new Float32Array(tensors.reduce((sum, each) => sum + each.data.length, 0));
  let at = 0;
  for (const each of tensors) {
    data.set(each.data, at);
    at += each.data.length;
  }
  const rows = tensors.reduce((sum, { shape }) => sum + (shape[0] as number), 0);
  return float32([rows, ...(tensors[0] as Tensor).shape.slice(1)], data);
}

/** Equal parts along the first axis, in another order. */
const reordered = (tensor: Tensor, order: readonly number[]): Tensor => {
  const all = parts(tensor, order.length);
  return joined(order.map((k) => all[k] as Tensor));
};

const summed = (a: Tensor, b: Tensor): Tensor =>
  float32(
    a.shape,
    (a.data as Float32Array).map((value, k) => value + (b.data[k] as number)),
  );

/** Some of a module's tensors, which are some of our weights. */
export interface Link {
  /** In the module: `weight_ih_l0`. */
  readonly names: readonly string[];
  /** In our model: `rnn.wx`. */
  readonly paths: readonly string[];
  /** The module's tensors, in the order of the names. */
  toTorch(ours: readonly Tensor[]): readonly Tensor[];
  /** Our weights, in the order of the paths. */
  toOurs(torch: readonly Tensor[]): readonly Tensor[];
  /** What stands for a module without these tensors, as one without biases has zeros; else they have to be there. */
  without?(ours: readonly Tensor[]): readonly Tensor[];
}

const one = (
  name: string,
  path: string,
  toTorch: (ours: Tensor) => Tensor,
  toOurs: (torch: Tensor) => Tensor = toTorch,
): Link => ({
  names: [name],
  paths: [path],
  toTorch: ([ours]) => [toTorch(ours as Tensor)],
  toOurs: ([torch]) => [toOurs(torch as Tensor)],
});

const zerosLike = (ours: readonly Tensor[]) =>
  ours.map(({ shape, data }) => float32(shape, new Float32Array(data.length)));

/** The same numbers in the same order. */
export const same = (name: string, path: string): Link => one(name, path, (tensor) => tensor);

/** `[outputs, inputs]` there, `[inputs, outputs]` here. */
export const matrix = (name: string, path: string): Link => one(name, path, (tensor) => permuted(tensor, [1, 0]));

/** Axes in another order; `axes` are ours as PyTorch has them. */
export const turned = (name: string, path: string, axes: readonly number[]): Link =>
  one(
    name,
    path,
    (ours) => permuted(ours, axes),
    (torch) =>
      permuted(
        torch,
        axes.map((_, axis) => axes.indexOf(axis)),
      ),
  );

/** A matrix behind images that were flattened: channels first there, `[C, H·W]`, and last here, `[H·W, C]`. */
export const matrixOfImages = (name: string, path: string, channels: number): Link =>
  one(
    name,
    path,
    (ours) => {
      const [inputs = 0, units = 0] = ours.shape;
      const turnedOver = permuted(reshaped(ours, [inputs / channels, channels, units]), [2, 1, 0]);
      return reshaped(turnedOver, [units, inputs]);
    },
    (torch) => {
      const [units = 0, inputs = 0] = torch.shape;
      const turnedOver = permuted(reshaped(torch, [units, channels, inputs / channels]), [2, 1, 0]);
      return reshaped(turnedOver, [inputs, units]);
    },
  );

/** The matrix of several gates; `order` has, for each of PyTorch's, which of ours it is. It is its own inverse. */
export const gates = (name: string, path: string, order: readonly number[]): Link =>
  one(
    name,
    path,
    (ours) => reordered(permuted(ours, [1, 0]), order),
    (torch) => permuted(reordered(torch, order), [1, 0]),
  );

/** Two biases that always stand together: ours is their sum, and the first of them, the other being 0. */
export const biases = (suffix: string, path: string): Link => ({
  names: [`bias_ih_${suffix}`, `bias_hh_${suffix}`],
  paths: [path],
  toTorch: ([b]) => [b as Tensor, ...zerosLike([b as Tensor])],
  toOurs: ([ih, hh]) => [summed(ih as Tensor, hh as Tensor)],
  without: zerosLike,
});

/** Those of a GRU: of its recurrent bias the part of n stands by itself, within r ⊙ (…), and is our `bn`. */
export const gruBiases = (suffix: string, b: string, bn: string, order: readonly number[]): Link => ({
  names: [`bias_ih_${suffix}`, `bias_hh_${suffix}`],
  paths: [b, bn],
  toTorch: ([sum, ofN]) => {
    const none = zerosLike([ofN as Tensor, ofN as Tensor]);
    return [reordered(sum as Tensor, order), joined([...none, ofN as Tensor])];
  },
  toOurs: ([ih, hh]) => {
    const [r, z, n] = parts(hh as Tensor, 3) as unknown as readonly [Tensor, Tensor, Tensor];
    const outside = joined([r, z, ...zerosLike([n])]);
    return [reordered(summed(ih as Tensor, outside), order), reshaped(n, n.shape)];
  },
  without: zerosLike,
});

/** Matrices or biases of the three projections of an attention, one below the other. */
export const projections = (name: string, paths: readonly string[]): Link => {
  const turn = (each: Tensor) => (each.shape.length === 2 ? permuted(each, [1, 0]) : each);
  return {
    names: [name],
    paths,
    toTorch: (ours) => [joined(ours.map(turn))],
    toOurs: ([torch]) => parts(torch as Tensor, paths.length).map(turn),
  };
};

/** The same numbers under a second name, as of tied weights: they have to be equal where both are there. */
export const again = (name: string, path: string): Link => ({ ...same(name, path), without: (ours) => ours });
