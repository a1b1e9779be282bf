/** Activations by Keras' names, and back. */

import type { Json } from '../../runs/description.js';
import { type Config, isFields, quoted } from './config.js';
import { thing } from './weights.js';

/** Keras' names, and what stands for them in a description; `linear` is none. */
const byName: Readonly<Record<string, Json>> = {
  linear: null,
  relu: 'relu',
  sigmoid: 'sigmoid',
  tanh: 'tanh',
  softmax: 'softmax',
  softplus: 'softplus',
  gelu: 'gelu',
  elu: thing('activations.elu', 1),
  leaky_relu: thing('activations.leakyRelu', 0.2),
};

/**
 * What an attribute says: an activation as a description has it, or null where it is the identity.
 *
 * @throws OxbowError, an InterchangeError, where there is no such activation here.
 */
export function activationOf(config: Config, attribute = 'activation', otherwise = 'linear'): Json {
  const given = config.value(attribute) ?? otherwise;
  const name = isFields(given) && given.class_name === 'function' ? given.config : given;
  if (typeof name === 'string' && Object.hasOwn(byName, name)) return byName[name] as Json;
  return config.refuse(
    `${quoted(given)}: the activations here are ${Object.keys(byName).join(', ')}; retrain it with one of these`,
    attribute,
  );
}

/** An activation as option of a layer. */
export const asOption = (activation: Json): { readonly activation?: Json } =>
  activation === null ? {} : { activation };

/** Each description of an activation, with Keras' name of it. */
const names: ReadonlyMap<string, string> = new Map([
  ...Object.entries(byName).map(([name, json]) => [JSON.stringify(json), name] as const),
  ...['logistic', 'tanh', 'relu', 'softplus', 'gelu', 'softmax'].map(
    (name) => [JSON.stringify(thing(`activations.${name}`)), name === 'logistic' ? 'sigmoid' : name] as const,
  ),
  [JSON.stringify('logistic'), 'sigmoid'],
  [JSON.stringify('elu'), 'elu'],
  [JSON.stringify(thing('activations.elu')), 'elu'],
]);

/** Keras' name of a described activation; undefined where it has none. */
export const kerasActivation = (json: Json | undefined): string | undefined =>
  json === undefined ? 'linear' : names.get(JSON.stringify(json));
