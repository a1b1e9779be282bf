/** A described model as Keras' config and variables: layers one after another. */

import type { Json, ModelDescription } from '../../runs/description.js';
import { showShape, type Tensor, zeros } from '../../tensor.js';
import { type Described, refused } from '../format.js';
import { groupNames } from './chain.js';
import type { NewFile } from './hdf5.js';
import type { Size } from './signal.js';
import {
  baseOf,
  cellOf,
  type Given,
  isCell,
  optionsOf,
  type Shapes,
  serialised,
  type Written,
  writeBidirectional,
  writeLayer,
} from './write-layers.js';

/** The options of `exportModel` where the format is `keras`. */
export interface KerasWriteOptions {
  /**
   * The axes of one example without the batch: `[28, 28, 1]`, or `[null, 8]` for sequences of any length. By default as far as the first
   * layers tell; images have to say it, since Keras makes its layers for their sizes.
   */
  readonly inputShape?: readonly Size[];
}

/** A layer of the chain, and the path of its weights. */
interface Link {
  readonly path: string;
  readonly description: ModelDescription;
}

interface Chain {
  readonly links: readonly Link[];
  readonly options: Readonly<Record<string, Json>>;
}

type Refuse = (place: string, reason: string) => never;

const isThing = (json: unknown): json is ModelDescription =>
  typeof json === 'object' && json !== null && '$' in json && 'args' in json;

/** The layers one after another, those within stacks among them. */
function chainOf(description: ModelDescription, path: string, refuse: Refuse): Chain {
  const { $, args } = description;
  const below = (name: string) => (path === '' ? name : `${path}.${name}`);
  const all = (named: readonly (readonly [string, unknown])[]): readonly Link[] =>
    named.flatMap(([name, each]) => {
      if (!isThing(each)) return refuse(below(name), 'it is no layer that is described');
      return chainOf(each, below(name), refuse).links;
    });
  const options = (args[1] ?? {}) as Readonly<Record<string, Json>>;
  if ($ === 'sequential.compile') return chainOf(args[0] as ModelDescription, path, refuse);
  if ($ === 'stack') return { links: all(Object.entries(args[0] as object)), options: {} };
  if ($ === 'sequential') {
    const counts = new Map<string, number>();
    const named = (args[0] as readonly ModelDescription[]).map((each) => {
      const kind = kindOf(each);
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
      return [`${kind}${counts.get(kind)}`, each] as const;
    });
    return { links: all(named), options: path === '' ? options : {} };
  }
  if ($ === 'stacked') {
    if (options.residual === true) refuse(below('residual'), 'a graph with ways past a layer is no chain');
    const { dropout } = options;
    const { rate, ...form } =
      typeof dropout === 'object' ? (dropout as Readonly<Record<string, Json>>) : { rate: dropout };
    const layers = (args[0] as readonly ModelDescription[]).flatMap((each, k) => [
      ...(k > 0 && rate !== undefined ? [[`drop${k}`, { $: 'dropout', args: [rate as Json, form] }] as const] : []),
      [`layer${k + 1}`, each] as const,
    ]);
    return { links: all(layers), options: {} };
  }
  return {
    links: [{ path, description: $ === 'unroll' ? ofCell(args[0] as ModelDescription) : description }],
    options: {},
  };
}

/** What `sequential` calls a layer: by its kind, which is its factory's name but for those that are named after what they are made of. */
function kindOf({ $, args }: ModelDescription): string {
  const [inner] = args;
  if (($ === 'masked' || $ === 'unroll') && isThing(inner)) return kindOf($ === 'unroll' ? ofCell(inner) : inner);
  return $ === 'sequential.compile' ? 'sequential' : $;
}

/** A layer of a cell is the one that is called after it. */
const ofCell = (cell: ModelDescription): ModelDescription => ({ ...cell, $: cell.$.replace(/Cell$/, '') });

/** Layers that look at several steps: what flows into them are sequences. */
const overTime = new Set(['bidirectional', 'lastStep', 'reverse', 'convolution1d', 'maxPooling1d', 'meanPooling1d']);
const overImages = new Set(['convolution2d', 'maxPooling2d', 'meanPooling2d']);
const isOverTime = ({ description }: Link) =>
  overTime.has(description.$) ||
  isCell(description) ||
  (description.$ === 'flatten' && optionsOf(description, 0).time === true);

/** The input's axes, where nobody says them. */
function inputOf({ links, options }: Chain, given: readonly Size[] | undefined, refuse: Refuse): Shapes {
  const isIds = links[0]?.description.$ === 'embedding';
  const isSequence = options.input === undefined ? isIds || links.some(isOverTime) : options.input === 'sequence';
  if (given !== undefined) {
    const fits = Array.isArray(given) && given.every((size) => size === null || (Number.isInteger(size) && size > 0));
    if (!fits) refuse('inputShape', `${JSON.stringify(given)} is no list of sizes; give [null, 8], say`);
    return isSequence ? { steps: given[0] ?? null, shape: given.slice(1) } : { steps: undefined, shape: given };
  }
  const steps = isSequence ? null : undefined;
  if (isIds) return { steps, shape: [] };
  const widthOf = ({ $, args: [width] }: ModelDescription) =>
    $ === 'dropout' ? undefined : isThing(width) ? width.args[0] : width;
  const first = links.find(({ description }) => typeof widthOf(description) === 'number');
  const features = first && (widthOf(first.description) as number);
  if (first === undefined || features === undefined || /Pooling/.test(first.description.$)) {
    return refuse('inputShape', 'no layer says what it takes; give one example’s axes');
  }
  return { steps, shape: overImages.has(first.description.$) ? [null, null, features] : [features] };
}

/** What of Keras makes a model: its config, and the variables by their paths. */
export interface WrittenModel extends NewFile {
  readonly config: unknown;
}

/** The model's description, and where its variables are wanted too its weights. */
interface Source {
  readonly description: ModelDescription;
  readonly weights: Described['weights'] | undefined;
}

/** @throws OxbowError, an InterchangeError, that names the layer which Keras does not have. */
export function writtenModel(
  title: string,
  operation: string,
  source: Source,
  { inputShape }: KerasWriteOptions,
): WrittenModel {
  const refuse: Refuse = (place, reason) => {
    throw refused(operation, title, place === '' ? 'the model' : place, reason);
  };
  const chain = chainOf(source.description, '', refuse);
  const { links, options } = chain;
  const nameOf = groupNames();
  const arrays: [string, Tensor][] = [];
  const groups: [string, string][] = [];
  const layers: unknown[] = [];
  let flow = inputOf(chain, inputShape, refuse);
  const axesOf = ({ steps, shape }: Shapes): readonly Size[] => [
    null,
    ...(steps === undefined ? [] : [steps]),
    ...shape,
  ];
  const built = axesOf(flow);
  const isIds = links[0]?.description.$ === 'embedding';
  const input = { batch_shape: built, dtype: isIds ? 'int32' : 'float32', sparse: false, name: 'input_layer' };
  layers.push(serialised('keras.layers', 'InputLayer', input));

  function put(link: Link, { className, config, arrays: own, gives }: Written, suffix = ''): void {
    // Whatever is not known of sequences is done at each step by itself.
    const isEach = flow.steps !== undefined && gives.steps !== undefined && eachStep.has(className);
    const name = `${link.path.replaceAll('.', '_') || className.toLowerCase()}${suffix}`;
    const inner = { ...baseOf(isEach ? `${name}_each` : name), ...config };
    const outer = isEach ? 'TimeDistributed' : className;
    const group = `layers/${nameOf(outer)}`;
    const whole = isEach ? { ...baseOf(name), layer: serialised('keras.layers', className, inner) } : inner;
    layers.push(serialised('keras.layers', outer, whole, axesOf(flow)));
    groups.push([`${group}/vars`, name]);
    for (const [place, values] of own) {
      const path = [group, ...(isEach ? ['layer'] : []), ...(place === '' ? [] : [place]), 'vars'].join('/');
      arrays.push(...values.map((value, k): [string, Tensor] => [`${path}/${k}`, value]));
    }
    flow = gives;
  }

  const { padding } = options;
  if (typeof padding === 'number') {
    const stops = links.find(({ description }, k) => {
      const ends = description.$ === 'bidirectional' && links.slice(k + 1).some(isOverTime);
      return ends || /^(?:convolution|maxPooling|meanPooling|flatten|reverse)/.test(description.$);
    });
    if (stops) refuse(stops.path, 'Keras has no mask there, so that padding would be read; leave padding out');
    if (isIds && padding !== 0) refuse('padding', `${padding}: Keras has 0 for padding`);
    if (!isIds)
      put(
        { path: 'masking', description: { $: 'masking', args: [] } },
        { className: 'Masking', config: { mask_value: padding }, arrays: [], gives: flow },
      );
  }

  let turned: Link | undefined;
  let taken = -1;
  for (const [k, link] of links.entries()) {
    if (k === taken) continue;
    const { path, description } = link;
    const { $, args } = description;
    const given: Given = {
      description,
      input: flow,
      weight(own) {
        const full = path === '' ? own : `${path}.${own}`;
        return source.weights === undefined ? zeros([1]) : (source.weights[full] ?? refuse(full, 'it has no weights'));
      },
      refuse: (reason, attribute) => refuse(attribute === undefined ? path : `${path}.${attribute}`, reason),
    };
    checkWidth(link, flow, given);
    if (turned !== undefined && !isCell(description))
      refuse(turned.path, 'Keras reads backwards in recurrent layers alone');
    if ($ === 'reverse') {
      turned = link;
      continue;
    }
    if (isCell(description)) {
      const next = links[k + 1];
      const isLast = next?.description.$ === 'lastStep';
      if (isLast) taken = k + 1;
      const { className, config, units, values } = cellOf(given, description, '');
      put(link, {
        className,
        config: { ...config, return_sequences: !isLast, go_backwards: turned !== undefined },
        arrays: [['cell', values]],
        gives: { steps: isLast ? undefined : flow.steps, shape: [units] },
      });
      turned = undefined;
      continue;
    }
    if ($ === 'embedding') {
      if (k > 0) refuse(path, 'it is not the first layer');
      const [symbols, features] = given.weight('table').shape;
      // A table that has grown has more rows than it was made with.
      const config = {
        input_dim: features === undefined ? args[0] : symbols,
        output_dim: args[1],
        mask_zero: padding === 0,
      };
      put(link, {
        className: 'Embedding',
        config,
        arrays: [['', [given.weight('table')]]],
        gives: { ...flow, shape: [args[1] as number] },
      });
      continue;
    }
    const written = $ === 'bidirectional' ? [writeBidirectional(given)] : writeLayer(given);
    if (written === undefined) {
      const remedy =
        $ === 'lastStep'
          ? 'it is Keras’ return_sequences=False directly after a recurrent layer alone'
          : 'Keras has no such layer in a chain';
      return refuse(path, `${$}: ${remedy}`);
    }
    for (const [n, each] of written.entries()) put(link, each, n === 0 ? '' : '_bend');
  }
  if (turned !== undefined) refuse(turned.path, 'Keras reads backwards in recurrent layers alone');
  const config = { ...baseOf('sequential'), layers, build_input_shape: built };
  return {
    config: serialised('keras', 'Sequential', config, built),
    arrays: source.weights === undefined ? [] : arrays,
    groups,
  };
}

/** What Keras wraps in TimeDistributed over sequences; its other layers do each step by themselves. */
const eachStep = new Set(['Flatten', 'Conv2D', 'MaxPooling2D', 'AveragePooling2D']);

/** @throws OxbowError where Keras would make a layer of other features than it has. */
function checkWidth({ description }: Link, { shape }: Shapes, { refuse }: Given): void {
  const [inputs] = description.args;
  if (
    !['dense', 'layerNorm', 'prelu', 'convolution1d', 'convolution2d'].includes(description.$) &&
    !isCell(description)
  )
    return;
  const there = shape.at(-1);
  if (there === inputs) return;
  refuse(
    there === null || there === undefined
      ? 'Keras makes its layers for known sizes, and those before this one do not tell; give { inputShape }'
      : `it takes ${String(inputs)} features, but of { inputShape } there come ${showShape(shape as readonly number[])}`,
  );
}
