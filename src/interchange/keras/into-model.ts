/** A model that was read, as one of another description with the same layers: in a stack rather than sequential, say. */

import { OxbowError } from '../../errors.js';
import { putWeights, weightsOf } from '../../formats/weights.js';
import type { Core } from '../../layer.js';
import { type Params, parametersOf } from '../../parameters/parameter.js';
import { build } from '../../runs/build.js';
import type { ModelDescription } from '../../runs/description.js';
import { sameShape, showShape } from '../../tensor.js';
import { refused } from '../format.js';

type Model = Core<unknown, never, unknown> & { readonly params: Params };

const lastOf = (path: string) => path.slice(path.lastIndexOf('.') + 1);

/** @throws OxbowError, an InterchangeError, where the two have other parameters than each other, in the order of their layers. */
export function intoModel(title: string, model: Core<unknown, never, unknown>, as: ModelDescription): Model {
  const wanted = build<Model>(as);
  const given = Object.entries(weightsOf(model.params));
  const paths = parametersOf(wanted.params);
  const refuse = (place: string, reason: string, cause?: unknown): never => {
    throw refused('importModel', title, place, reason, cause);
  };
  if (given.length !== paths.length) {
    refuse('as', `the file's layers have ${given.length} parameters, and those of { as } have ${paths.length}`);
  }
  const weights = paths.map(([path, { shape }], k) => {
    const [own, value] = given[k] as (typeof given)[number];
    if (lastOf(own) === lastOf(path) && sameShape(value.shape, shape)) return [path, value] as const;
    return refuse(path, `it is ${showShape(shape)}, but its place in the file has ${own} ${showShape(value.shape)}`);
  });
  const put = putWeights(wanted.params, Object.fromEntries(weights));
  if (put._tag === 'Right') return wanted;
  throw put.left instanceof OxbowError ? refused('importModel', title, 'as', put.left.message, put.left) : put.left;
}
