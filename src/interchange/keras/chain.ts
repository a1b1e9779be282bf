/** The layers of a model in their order: those of a Sequential one, or of a Functional one whose graph is a chain. */

import { refused } from '../format.js';
import { Config, type Fields, isFields, quoted, type Reading } from './config.js';

/** A layer, and where it is among its model's. */
export interface ChainLayer {
  readonly config: Config;
  /** Its group in a file of weights: `layers/lstm_1`. */
  readonly group: string;
}

/** Models within one another, and layers in all of them together: more than any model has. */
const DEEPEST = 16;
const MOST_LAYERS = 10_000;

/** Keras' name for a class in paths: `SimpleRNN` is `simple_rnn`. */
export const snakeCase = (name: string): string =>
  name
    .replace(/\W+/g, '')
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();

/** Names by class and number, as groups have them: `dense`, `dense_1`. */
export function groupNames(): (className: string) => string {
  const counts = new Map<string, number>();
  return (className) => {
    const name = snakeCase(className);
    const count = counts.get(name) ?? 0;
    counts.set(name, count + 1);
    return count === 0 ? name : `${name}_${count}`;
  };
}

/**
 * The layers of a model one after another, models within it among them.
 *
 * @throws OxbowError, an InterchangeError, where it is no model, or its graph is no chain.
 */
export function chainOf(reading: Reading, model: unknown, place = 'the model', depth = 0): readonly ChainLayer[] {
  const refuse = (reason: string, at = place): never => {
    throw refused('importModel', reading.title, at, reason);
  };
  if (!isFields(model)) return refuse('its config is no record');
  const { class_name: kind } = model;
  const { fields, list } = layersOf(model, refuse);
  if (depth > DEEPEST) refuse(`more than ${DEEPEST} models are within one another`);
  if (kind !== 'Sequential' && kind !== 'Functional' && kind !== 'Model') {
    refuse(`${quoted(kind)} is not Sequential or Functional; a class of one's own says nothing of its layers' order`);
  }
  if (list.length > MOST_LAYERS) refuse(`it has ${list.length} layers`);
  if (fields.trainable === false) reading.left.push(`${place}.trainable: it is learnt like any other here`);
  const nameOf = groupNames();
  const layers = list.map((each, at) => {
    const where = `${place}: layer ${at}`;
    if (!isFields(each) || typeof each.class_name !== 'string' || !isFields(each.config)) {
      return refuse('it has no class_name and config', where);
    }
    const own = each.config.name ?? each.name;
    const name = typeof own === 'string' && own !== '' ? own : where;
    return { each, name, className: each.class_name, config: each.config, group: `layers/${nameOf(each.class_name)}` };
  });
  if (kind !== 'Sequential') checkChain(layers, fields, refuse);
  return layers.flatMap(({ each, name, className, config, group }) => {
    if (className !== 'Sequential' && className !== 'Functional' && className !== 'Model') {
      return [{ config: new Config(reading, name, className, config), group }];
    }
    const inner = chainOf(reading, each, name, depth + 1);
    // What it takes is what the layers before give.
    const rest =
      depth === 0 && each === list[0] ? inner : inner.filter((layer) => layer.config.className !== 'InputLayer');
    return rest.map((layer) => ({ config: layer.config, group: `${group}/${layer.group}` }));
  });
}

type Refuse = (reason: string, at?: string) => never;

/** The list of layers, which files of Keras 1 have as the config itself. */
function layersOf({ config }: Fields, refuse: Refuse): { readonly fields: Fields; readonly list: readonly unknown[] } {
  if (Array.isArray(config)) return { fields: {}, list: config };
  if (!isFields(config) || !Array.isArray(config.layers) || config.layers.length === 0) {
    return refuse('its config has no list of layers');
  }
  return { fields: config, list: config.layers };
}

interface Node {
  readonly each: Fields;
  readonly name: string;
  readonly className: string;
}

/** @throws OxbowError where a layer takes something else than what the one before it gives. */
function checkChain(layers: readonly Node[], fields: Fields, refuse: Refuse): void {
  const chain =
    'the graph is no chain; here layers come one after another, so build it of residual, stack and the like, and load its weights';
  layers.forEach(({ each, name, className }, at) => {
    const takes = sourcesOf(each.inbound_nodes, name, refuse);
    if (at === 0 && className === 'InputLayer' && takes.length === 0) return;
    const before = layers[at - 1];
    if (takes.length !== 1 || before === undefined || takes[0] !== before.name) {
      refuse(`it takes ${quoted(takes)}, but ${quoted(before?.name ?? null)} comes before it: ${chain}`, name);
    }
  });
  for (const [key, node] of [
    ['input_layers', layers[0]],
    ['output_layers', layers.at(-1)],
  ] as const) {
    // `[name, 0, 0]`, or a list with one such entry.
    const given = fields[key];
    const names = Array.isArray(given)
      ? typeof given[0] === 'string'
        ? [given[0]]
        : given.map((one) => one?.[0])
      : [];
    if (names.length !== 1 || names[0] !== node?.name) refuse(`${key} are ${quoted(given)}: ${chain}`);
  }
}

/** The layers that a layer is called on: in Keras 3 tensors with their history, before and in TensorFlow.js lists of names. */
function sourcesOf(nodes: unknown, name: string, refuse: Refuse): readonly unknown[] {
  if (nodes === undefined || nodes === null) return [];
  if (!Array.isArray(nodes) || nodes.length > 1)
    return refuse('it is called more than once, with the same weights', name);
  const [node] = nodes as unknown[];
  if (node === undefined) return [];
  if (Array.isArray(node)) {
    return node.map((one) => {
      if (!Array.isArray(one)) return refuse(`it is called on ${quoted(one)}`, name);
      checkArguments(one[3], name, refuse);
      return one[0];
    });
  }
  if (!isFields(node) || !Array.isArray(node.args)) return refuse(`it is called on ${quoted(node)}`, name);
  checkArguments(node.kwargs, name, refuse);
  return node.args.flat().map((one: unknown) => {
    const history = isFields(one) && isFields(one.config) ? one.config.keras_history : undefined;
    return Array.isArray(history) ? history[0] : refuse(`it is called on ${quoted(one)}`, name);
  });
}

function checkArguments(given: unknown, name: string, refuse: Refuse): void {
  if (given === undefined || given === null) return;
  for (const [key, value] of Object.entries(isFields(given) ? given : { it: given })) {
    if (value !== null && value !== false) refuse(`it is called with ${key}=${quoted(value)}`, name);
  }
}
