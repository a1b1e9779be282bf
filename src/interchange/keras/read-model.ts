/** A model of Keras' layers as one of ours: its chain, from what its input is to what it gives. */

import { host } from '#host';
import { OxbowError } from '../../errors.js';
import { putWeights } from '../../formats/weights.js';
import type { Core } from '../../layer.js';
import type { Params } from '../../parameters/parameter.js';
import { build } from '../../runs/build.js';
import type { Json } from '../../runs/description.js';
import type { Tensor } from '../../tensor.js';
import { refused } from '../format.js';
import { type ChainLayer, chainOf } from './chain.js';
import { type Config, quoted, type Reading } from './config.js';
import { readLayer } from './read-layers.js';
import type { Signal, Size } from './signal.js';
import { type LayerWeights, type Part, thing } from './weights.js';

/** Weights of a file by its layers. */
export interface WeightsFile {
  of(layer: ChainLayer): LayerWeights;
  /** @throws OxbowError, an InterchangeError, where there are layers that nobody asked for. */
  done?(layers: readonly ChainLayer[]): void;
}

/** @throws OxbowError, an InterchangeError, that names the place. */
export function readModel(title: string, model: unknown, file: WeightsFile): Core<unknown, never, unknown> {
  const reading: Reading = { title, left: [] };
  const layers = chainOf(reading, model);
  let signal = inputOf(reading, model, layers);
  const isSequence = signal.steps !== undefined || (takesIds(layers) && signal.shape.length === 1);
  const parts: Part[] = [];
  for (const layer of layers) {
    const { config } = layer;
    if (config.className === 'InputLayer') {
      config.only('sparse', [false]);
      config.only('ragged', [false]);
      config.value('optional');
      config.done();
      continue;
    }
    const step = readLayer(config, signal, file.of(layer));
    parts.push(...step.parts);
    signal = step.signal;
  }
  file.done?.(layers);
  if (parts.length === 0) throw refused('importModel', title, 'the model', 'it has no layer that does something');
  const { padding } = signal;
  const options = { input: isSequence ? 'sequence' : 'example', ...(padding !== undefined && { padding }) };
  const core = made(reading, parts, options);
  for (const each of reading.left) {
    host.warn(`importModel: ${title}: not taken over: ${each}.`, 'OXBOW_NOT_IMPORTED');
  }
  return core;
}

/** The layer that decides what the input is. */
const firstOf = (layers: readonly ChainLayer[]) =>
  layers.find(({ config }) => config.className !== 'InputLayer')?.config;

const takesIds = (layers: readonly ChainLayer[]): boolean => firstOf(layers)?.className === 'Embedding';

/** The shape that a model is built for, its batch first. */
function shapeOf(layers: readonly ChainLayer[], model: unknown): readonly Size[] | undefined {
  const [first] = layers;
  const config = (model as { readonly config: { readonly build_input_shape?: unknown } }).config;
  const own = first?.config;
  const given = own?.value('batch_shape') ?? own?.value('batch_input_shape') ?? config.build_input_shape;
  const isShape = (value: unknown): value is readonly Size[] =>
    Array.isArray(value) &&
    value.length > 0 &&
    value.length <= 5 &&
    value.every((size) => size === null || (Number.isSafeInteger(size) && size > 0));
  if (given === undefined || given === null) return undefined;
  return isShape(given) ? given : own?.refuse(`${quoted(given)} is no shape`, 'batch_shape');
}

/** What flows into the first layer. */
function inputOf(reading: Reading, model: unknown, layers: readonly ChainLayer[]): Signal {
  const shape = shapeOf(layers, model);
  const first = firstOf(layers);
  if (first === undefined) throw refused('importModel', reading.title, 'the model', 'it has no layers');
  if (shape === undefined) {
    if (first.className === 'Embedding') return { steps: undefined, shape: [null], mask: 'none', first: true };
    return first.refuse('the model does not say what it takes, as it was not built; call it once before it is saved');
  }
  const [, ...axes] = shape;
  const isSequence =
    !takesIds(layers) && (axes.length === 2 || axes.length === 4 || (axes.length === 3 && isDistributed(first)));
  const [steps, ...rest] = axes;
  if (axes.length === 0 && first.className !== 'Embedding')
    first.refuse(`it takes ${quoted(shape)}, without features`, 'batch_shape');
  return isSequence
    ? { steps: steps as Size, shape: rest, mask: 'none', first: true }
    : { steps: undefined, shape: axes, mask: 'none', first: true };
}

const isDistributed = ({ className }: Config): boolean => className === 'TimeDistributed';

/** The layers as one model, with their weights. */
function made(reading: Reading, parts: readonly Part[], options: Json): Core<unknown, never, unknown> {
  const counts = new Map<string, number>();
  const weights: [string, Tensor][] = parts.flatMap((part) => {
    const { $ } = part.description;
    const count = (counts.get($) ?? 0) + 1;
    counts.set($, count);
    return Object.entries(part.weights).map(([path, value]): [string, Tensor] => [`${$}${count}.${path}`, value]);
  });
  const description = thing(
    'sequential',
    parts.map((part) => part.description as Json),
    options,
  );
  try {
    const core = build<Core<unknown, never, unknown> & { readonly params: Params }>(description);
    const put = putWeights(core.params, Object.fromEntries(weights));
    if (put._tag === 'Left') throw put.left;
    return core;
  } catch (error) {
    if (!(error instanceof OxbowError) && !(error instanceof RangeError)) throw error;
    throw refused('importModel', reading.title, 'the model', error.message, error);
  }
}
