/** The golden figures, and where PyTorch's parameters lie in ours. README.md beside this file has the fields. */
import { readFileSync } from 'node:fs';
import { type Ids, ids, type Tensor, tensor } from '../../src/tensor.js';

/** A tensor as the files have it. */
export interface Figures {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

export type Named<T> = Readonly<Record<string, T>>;

export interface GoldenCase {
  readonly name: string;
  readonly parameters: Named<Figures>;
  readonly inputs: Named<Figures>;
  readonly outputs: Named<Figures>;
  readonly mix: Named<Figures>;
  readonly gradients: Named<Figures>;
}

/** A case whose lanes may have lengths of their own. */
export interface PaddedCase extends GoldenCase {
  readonly lengths: readonly number[];
}

export interface GoldenTrajectory {
  readonly name: string;
  readonly settings: Named<number | null>;
  readonly losses: readonly number[];
  readonly gradientNorms: readonly number[];
  readonly after: readonly { readonly steps: number; readonly w: Figures; readonly b: Figures }[];
}

/** 100 steps of an optimizer over batches in turn. */
export interface BatchTrajectory {
  readonly name: string;
  readonly problem: string;
  readonly settings: Named<number | boolean>;
  readonly losses: readonly number[];
  readonly after: readonly { readonly steps: number; readonly w: Figures; readonly b: Figures }[];
}

export interface GoldenFiles {
  readonly feedforward: {
    readonly optimizers: {
      readonly problems: Named<Named<Figures>>;
      readonly trajectories: readonly BatchTrajectory[];
    };
    readonly activations: readonly GoldenCase[];
  };
  readonly cells: readonly GoldenCase[];
  readonly recurrent: readonly PaddedCase[];
  readonly layers: readonly GoldenCase[];
  readonly images: readonly GoldenCase[];
  readonly nets: {
    readonly leNet5: {
      readonly logits: Figures;
      readonly loss: Figures;
      /** Of each parameter's gradient its product with `made` numbers, and its norm. */
      readonly slopes: readonly (readonly [product: number, norm: number])[];
    };
    readonly alexNet: readonly {
      readonly side: number;
      readonly narrower: number;
      readonly classes: number;
      readonly weights: number;
      readonly logits: Figures;
      readonly slopes: readonly (readonly [product: number, norm: number])[];
    }[];
  };
  readonly attention: readonly GoldenCase[];
  readonly transformers: readonly GoldenCase[];
  readonly variants: readonly GoldenCase[];
  readonly losses: readonly GoldenCase[];
  readonly optimizers: { readonly problem: Named<Figures>; readonly trajectories: readonly GoldenTrajectory[] };
  readonly clipping: {
    readonly gradients: Named<Figures>;
    readonly cases: readonly { readonly clipNorm: number; readonly norm: number; readonly clipped: Named<Figures> }[];
  };
}

/** One of the files. */
export function golden<K extends keyof GoldenFiles>(file: K): GoldenFiles[K] {
  return JSON.parse(readFileSync(new URL(`${file}.json`, import.meta.url), 'utf8')) as GoldenFiles[K];
}

/** The entry of that name; a name that is not there is an error, not a test that passes. */
export function entry<T>(record: Named<T>, name: string): T {
  const value = record[name];
  if (value === undefined)
    throw new RangeError(`golden: there is no "${name}" among ${Object.keys(record).join(', ')}.`);
  return value;
}

/** The case of that name. */
export function caseOf<T extends { readonly name: string }>(cases: readonly T[], name: string): T {
  return entry(Object.fromEntries(cases.map((each) => [each.name, each])), name);
}

/** Figures as a float64 tensor. */
export const numbersOf = ({ shape, data }: Figures): Tensor => tensor(shape, Float64Array.from(data));

/** Figures as ids. */
export const idsOf = ({ shape, data }: Figures): Ids => ids(shape, data);

/** `[R, C]` → `[C, R]`: PyTorch's weights are `[outputs, inputs]`, ours `[inputs, outputs]`. */
export function transpose({ shape, data }: Figures): Figures {
  const [rows = 0, columns = 0] = shape;
  const turned = Array.from(
    { length: data.length },
    (_, k) => data[(k % rows) * columns + Math.floor(k / rows)] as number,
  );
  return { shape: [columns, rows], data: turned };
}

/** Axes in another order. */
export function permute({ shape, data }: Figures, axes: readonly number[]): Figures {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((size, length) => size * length, 1));
  const turned = axes.map((axis) => shape[axis] as number);
  const numbers = data.map((_, k) => {
    let [rest, from] = [k, 0];
    for (let axis = axes.length - 1; axis >= 0; axis -= 1) {
      const length = turned[axis] as number;
      from += (rest % length) * (strides[axes[axis] as number] as number);
      rest = Math.floor(rest / length);
    }
    return data[from] as number;
  });
  return { shape: turned, data: numbers };
}

/** Blocks of equal size along the first axis, in another order; PyTorch's gates lie there. */
export function reorder({ shape, data }: Figures, order: readonly number[], of: number = order.length): Figures {
  const size = data.length / of;
  const [rows = 0, ...rest] = shape;
  return {
    shape: [(rows / of) * order.length, ...rest],
    data: order.flatMap((block) => data.slice(block * size, (block + 1) * size)),
  };
}

export const add = (a: Figures, b: Figures): Figures => ({
  shape: a.shape,
  data: a.data.map((value, k) => value + (b.data[k] as number)),
});

/**
 * Parameters of one layer of PyTorch's RNN or LSTM by our names. Its gates have our order, i f g o; its two biases
 * always stand together, so that ours is their sum.
 */
export const recurrentWeights = (torch: Named<Figures>, layer: number | string = 0): Named<Figures> => ({
  wx: transpose(entry(torch, `weight_ih_l${layer}`)),
  wh: transpose(entry(torch, `weight_hh_l${layer}`)),
  b: add(entry(torch, `bias_ih_l${layer}`), entry(torch, `bias_hh_l${layer}`)),
});

/** The same for gradients: a sum passes its gradient on to both biases, so that either one's is ours. */
export const recurrentGradients = (torch: Named<Figures>, layer: number | string = 0): Named<Figures> => ({
  ...recurrentWeights(torch, layer),
  b: entry(torch, `bias_ih_l${layer}`),
});

/** PyTorch's GRU has its gates in the order r z n; ours is z r n. */
const zrn = (torch: Figures): Figures => reorder(torch, [1, 0, 2]);

/** Parameters of PyTorch's GRU by our names: of its recurrent bias the part of n stands by itself, inside r ⊙ (…). */
export function gruWeights(torch: Named<Figures>, layer: number | string = 0): Named<Figures> {
  const recurrent = zrn(entry(torch, `bias_hh_l${layer}`));
  const units = recurrent.data.length / 3;
  const outside = { ...recurrent, data: recurrent.data.map((value, k) => (k < 2 * units ? value : 0)) };
  return {
    wx: transpose(zrn(entry(torch, `weight_ih_l${layer}`))),
    wh: transpose(zrn(entry(torch, `weight_hh_l${layer}`))),
    b: add(zrn(entry(torch, `bias_ih_l${layer}`)), outside),
    bn: reorder(recurrent, [2], 3),
  };
}

export const gruGradients = (torch: Named<Figures>, layer: number | string = 0): Named<Figures> => ({
  ...gruWeights(torch, layer),
  b: zrn(entry(torch, `bias_ih_l${layer}`)),
});
