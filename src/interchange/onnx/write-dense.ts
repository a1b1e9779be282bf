/** Layers that take each moment by itself, and activations. */
import { cannot, type Emitter, Real, type Signal } from './emitter.js';
import type { Options, Thing } from './nodes.js';

/** `x·w + b`, the weights of a path. */
export function linear(e: Emitter, path: string, x: Signal): Signal {
  const at = (name: string) => (path === '' ? name : `${path}.${name}`);
  const place = path || 'dense';
  const product = e.node(place, 'MatMul', [x.name, e.parameter(at('w'))]);
  const name = e.has(at('b')) ? e.node(place, 'Add', [product, e.parameter(at('b'))]) : product;
  return { name, axes: [...x.axes.slice(0, -1), e.weight(at('w')).shape[1] as number] };
}

/** An activation by its name or as it is described; the signal itself where there is none. */
export function bent(e: Emitter, place: string, choice: Thing | string | undefined, x: Signal): Signal {
  if (choice === undefined) return x;
  const name = typeof choice === 'string' ? choice : choice.$.replace(/^activations\./, '');
  const alpha = typeof choice === 'string' ? undefined : (choice.args[0] as number | undefined);
  const make = Object.hasOwn(bends, name) ? bends[name] : undefined;
  if (make === undefined) {
    return cannot(
      `${place}, activation`,
      `${name} is a function of one's own, which has no form in ONNX; take one of activations`,
    );
  }
  return { ...x, name: make(e, place || name, x.name, alpha) };
}

type Bend = (e: Emitter, place: string, x: string, alpha: number | undefined) => string;

const sigmoid: Bend = (e, place, x) => e.node(place, 'Sigmoid', [x]);

const bends: Readonly<Record<string, Bend>> = {
  logistic: sigmoid,
  sigmoid,
  tanh: (e, place, x) => e.node(place, 'Tanh', [x]),
  relu: (e, place, x) => e.node(place, 'Relu', [x]),
  leakyRelu: (e, place, x, alpha = 0.01) => e.node(place, 'LeakyRelu', [x], { alpha: new Real(alpha) }),
  elu: (e, place, x, alpha = 1) => e.node(place, 'Elu', [x], { alpha: new Real(alpha) }),
  softplus: (e, place, x) => e.node(place, 'Softplus', [x]),
  softmax: (e, place, x) => e.node(place, 'Softmax', [x], { axis: -1 }),
  // As PyTorch writes it down, so that readers know it again.
  gelu(e, place, x) {
    const part = e.node(place, 'Add', [
      e.node(place, 'Erf', [e.node(place, 'Div', [x, e.number(Math.SQRT2)])]),
      e.number(1),
    ]);
    return e.node(place, 'Mul', [e.node(place, 'Mul', [x, part]), e.number(0.5)]);
  },
  geluTanh(e, place, x) {
    const cube = e.node(place, 'Mul', [e.node(place, 'Mul', [x, x]), x]);
    const inner = e.node(place, 'Add', [x, e.node(place, 'Mul', [cube, e.number(0.044715)])]);
    const bend = e.node(place, 'Tanh', [e.node(place, 'Mul', [inner, e.number(Math.sqrt(2 / Math.PI))])]);
    const part = e.node(place, 'Add', [bend, e.number(1)]);
    return e.node(place, 'Mul', [e.node(place, 'Mul', [x, part]), e.number(0.5)]);
  },
};

/** Layer normalisation over the features. */
export const normalised = (e: Emitter, path: string, x: Signal, epsilon: number): Signal => {
  const at = (name: string) => (path === '' ? name : `${path}.${name}`);
  const name = e.node(
    path || 'layerNorm',
    'LayerNormalization',
    [x.name, e.parameter(at('gain')), e.parameter(at('bias'))],
    {
      axis: -1,
      epsilon: new Real(epsilon),
    },
  );
  return { ...x, name };
};

/** `x_c / (k + α Σ x_j²)^β`, the sums over a channel's neighbours by a product with ones where they are near. */
export function responseNormalised(e: Emitter, path: string, x: Signal, channels: number, options: Options): Signal {
  const place = path || 'localResponseNorm';
  const { size = 5, k = 2, alpha = 1e-4, beta = 0.75 } = options as Readonly<Record<string, number | undefined>>;
  const before = Math.floor(size / 2);
  const near = Float32Array.from({ length: channels * channels }, (_, at) => {
    const distance = Math.floor(at / channels) - (at % channels);
    return distance >= -before && distance < size - before ? 1 : 0;
  });
  const sums = e.node(place, 'MatMul', [
    e.node(place, 'Mul', [x.name, x.name]),
    e.constant(`${place}.near`, [channels, channels], near),
  ]);
  const whole = e.node(place, 'Add', [e.node(place, 'Mul', [sums, e.number(alpha)]), e.number(k)]);
  const power = e.node(place, 'Exp', [e.node(place, 'Mul', [e.node(place, 'Log', [whole]), e.number(-beta)])]);
  return { ...x, name: e.node(place, 'Mul', [x.name, power]) };
}
