/** Convolution and pooling: ONNX has channels before places and the batch first, so that axes are exchanged around each. */
import { zerosAround } from '../../layers/convolution-2d.js';
import type { Tensor } from '../../tensor.js';
import type { Emitter, Signal } from './emitter.js';
import type { Options } from './nodes.js';

type Pair = readonly [number, number];

export const pairOf = (value: unknown): Pair =>
  Array.isArray(value) ? (value as unknown as Pair) : [Number(value), Number(value)];

/** Kernels `[…, C, O]` as `[O, C, …]`; flipped ones turned. */
function kernelsOf({ shape, data }: Tensor, flipped: boolean): Float32Array {
  const [channels = 0, outputs = 0] = shape.slice(-2);
  const places = shape.slice(0, -2).reduce((a, b) => a * b, 1);
  const made = new Float32Array(data.length);
  for (let p = 0; p < places; p += 1) {
    // All axes turned are the places in the other order.
    const from = flipped ? places - 1 - p : p;
    for (let c = 0; c < channels; c += 1) {
      for (let o = 0; o < outputs; o += 1)
        made[(o * channels + c) * places + p] = data[(from * channels + c) * outputs + o] as number;
    }
  }
  return made;
}

/** A node over `[N, C, H, W]` that is given images `[T, B, H, W, C]`. */
function overImages(
  e: Emitter,
  place: string,
  x: Signal,
  run: (name: string) => string,
  channels: number | string,
): Signal {
  const shape = e.node(place, 'Shape', [x.name]);
  const part = (of: string, from: number, to: number) => e.node(place, 'Slice', [of, e.ints([from]), e.ints([to])]);
  const flat = e.node(place, 'Concat', [e.ints([-1]), part(shape, 2, 5)], { axis: 0 });
  const images = e.node(place, 'Transpose', [e.node(place, 'Reshape', [x.name, flat])], { perm: [0, 3, 1, 2] });
  const y = e.node(place, 'Transpose', [run(images)], { perm: [0, 2, 3, 1] });
  const after = e.node(place, 'Concat', [part(shape, 0, 2), part(e.node(place, 'Shape', [y]), 1, 4)], { axis: 0 });
  const name = e.node(place, 'Reshape', [y, after]);
  return { name, axes: [...x.axes.slice(0, 2), `${place}.height`, `${place}.width`, channels] };
}

/** A node over `[B, C, T]` that is given a sequence `[T, B, C]`. */
function overSteps(
  e: Emitter,
  place: string,
  x: Signal,
  run: (name: string) => string,
  channels: number | string,
  steps: number | string,
): Signal {
  const y = run(e.node(place, 'Transpose', [x.name], { perm: [1, 2, 0] }));
  return { name: e.node(place, 'Transpose', [y], { perm: [2, 0, 1] }), axes: [steps, x.axes[1] as string, channels] };
}

const biases = (e: Emitter, path: string): string[] => (e.has(path) ? [e.parameter(path)] : []);

export function convolution2d(e: Emitter, path: string, x: Signal, size: unknown, options: Options): Signal {
  const at = (name: string) => (path === '' ? name : `${path}.${name}`);
  const place = path || 'convolution2d';
  const { stride = 1, padding = 'valid', groups = 1, flipped } = options;
  const w = e.weight(at('w'));
  const [rows = 0, columns = 0, channels = 0, outputs = 0] = w.shape;
  const kernels = e.numbers(at('W'), [outputs, channels, rows, columns], kernelsOf(w, flipped === true));
  const [down, across] = (Array.isArray(padding) ? padding : [padding, padding]) as ('valid' | number)[];
  const [[above, below], [before, after]] = [zerosAround(rows, down ?? 0), zerosAround(columns, across ?? 0)];
  const attributes = {
    kernel_shape: [...pairOf(size)],
    strides: [...pairOf(stride)],
    pads: [above, before, below, after],
    group: Number(groups),
  };
  return overImages(
    e,
    place,
    x,
    (name) => e.node(place, 'Conv', [name, kernels, ...biases(e, at('b'))], attributes),
    outputs,
  );
}

export function convolution1d(e: Emitter, path: string, x: Signal, options: Options): Signal {
  const at = (name: string) => (path === '' ? name : `${path}.${name}`);
  const place = path || 'convolution1d';
  const { stride = 1, padding = 'causal', flipped } = options;
  const w = e.weight(at('w'));
  const [size = 0, inputs = 0, outputs = 0] = w.shape;
  const kernels = e.numbers(at('W'), [outputs, inputs, size], kernelsOf(w, flipped === true));
  const causal = padding === 'causal';
  const zeros = causal ? [0, 0] : zerosAround(size, padding as 'valid');
  let whole = x;
  // A kernel of one step has no past: its carry is empty, and nothing that a graph could be given.
  if (causal && size > 1) {
    const [past, leave] = e.carry(at('past'), ['batch', size - 1, inputs]);
    const before = e.node(place, 'Transpose', [past.name], { perm: [1, 0, 2] });
    whole = { name: e.node(place, 'Concat', [before, x.name], { axis: 0 }), axes: x.axes };
    const newest = e.node(place, 'Slice', [whole.name, e.ints([1 - size]), e.ints([2 ** 31 - 1]), e.ints([0])]);
    leave(e.node(place, 'Transpose', [newest], { perm: [1, 0, 2] }));
  }
  const attributes = { kernel_shape: [size], strides: [Number(stride)], pads: [...zeros] };
  const run = (name: string) => e.node(place, 'Conv', [name, kernels, ...biases(e, at('b'))], attributes);
  return overSteps(e, place, whole, run, outputs, causal ? (x.axes[0] as string) : `${place}.time`);
}

export function pooling(e: Emitter, path: string, kind: string, x: Signal, size: unknown, options: Options): Signal {
  const place = path || kind;
  const type = kind.startsWith('max') ? 'MaxPool' : 'AveragePool';
  const stride = options.stride ?? (size as number);
  if (kind.endsWith('2d')) {
    const attributes = { kernel_shape: [...pairOf(size)], strides: [...pairOf(stride)] };
    return overImages(e, place, x, (name) => e.node(place, type, [name], attributes), x.axes[4] as string);
  }
  const attributes = { kernel_shape: [Number(size)], strides: [Number(stride)] };
  return overSteps(
    e,
    place,
    x,
    (name) => e.node(place, type, [name], attributes),
    x.axes[2] as string,
    `${place}.time`,
  );
}
