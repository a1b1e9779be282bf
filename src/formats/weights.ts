/** A model's parameters as tensors by name, out of the model and back into it. */

import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import { isRecord, requireKind } from '../checks.js';
import { OxbowError, saidOf, type WeightsError } from '../errors.js';
import { copied } from '../kernels/in-place.js';
import { growTogether } from '../parameters/growth.js';
import { type Parameter, type Params, parametersOf } from '../parameters/parameter.js';
import { restoredTensor, type Shape, showShape, type Tensor } from '../tensor.js';
import { orThrow } from './or-throw.js';

/**
 * The parameters by path, each a copy: training on does not change it.
 *
 * @param params those of the model.
 * @returns tensors by path, float32, in arrays of their own.
 * @example
 * weightsOf(model.params)['rnn.wx']; // { shape: [8, 64], type: 'float32', data: … }
 */
export function weightsOf(params: Params): Readonly<Record<string, Tensor>> {
  return Object.fromEntries(
    parametersOf(params).map(([path, { shape, type, place }]) => [
      path,
      { shape, type, data: copied(place.data as Float32Array) },
    ]),
  );
}

/**
 * Puts tensors into the parameters of the same names. Names, shapes and types are all checked before the first weight
 * changes; what does not fit is listed in full. A parameter that grows takes a longer tensor and grows to its shape.
 *
 * @param params those of the model.
 * @param tensors by path, as `weightsOf` gives them.
 * @throws OxbowError, a {@link WeightsError}, where they are of another model.
 * @example
 * const before = weightsOf(model.params);
 * loadWeights(model.params, before); // training since then is undone
 */
export function loadWeights(params: Params, tensors: Readonly<Record<string, Tensor>>): void {
  orThrow(loadWeightsEither(params, tensors));
}

/**
 * {@link loadWeights} for fp-ts: what does not fit is a value.
 *
 * @param params those of the model.
 * @param tensors by path, as `weightsOf` gives them.
 * @returns right nothing, left the error that `loadWeights` throws; no weight has changed then.
 * @throws TypeError where the tensors are no record.
 * @example
 * loadWeightsEither(model.params, {})._tag; // 'Left'
 */
export function loadWeightsEither(
  params: Params,
  tensors: Readonly<Record<string, Tensor>>,
): E.Either<WeightsError, void> {
  requireKind(
    'loadWeights',
    isRecord(tensors),
    'a record of tensors by their paths',
    tensors,
    'give what weightsOf gave',
  );
  return pipe(putWeights(params, tensors), E.mapLeft(saidOf('loadWeights')));
}

/** Puts tensors into parameters on behalf of an operation, whose name the message has not. */
export function putWeights(params: Params, tensors: Readonly<Record<string, Tensor>>): E.Either<WeightsError, void> {
  const parameters = new Map(parametersOf(params));
  const missing = [...parameters.keys()].filter((path) => !Object.hasOwn(tensors, path));
  const unexpected = Object.keys(tensors).filter((path) => !parameters.has(path));
  const sound = new Map<string, Tensor>();
  const misshapen = [...parameters].flatMap(([path, parameter]) => {
    const given = Object.hasOwn(tensors, path) ? tensors[path] : undefined;
    if (given === undefined) return Object.hasOwn(tensors, path) ? [`${path} is ${String(given)}`] : [];
    const checked = E.tryCatch(() => restoredTensor(given, path), E.toError);
    if (E.isLeft(checked)) return [checked.left.message.replace(/\.$/, '')];
    sound.set(path, checked.right);
    if (given.type === 'float32' && canTake(parameter, given.shape)) return [];
    return [`${path} is float32 ${showShape(parameter.shape)}, not ${given.type} ${showShape(given.shape)}`];
  });
  if (missing.length + unexpected.length + misshapen.length > 0) {
    const lists = { missing, unexpected, misshapen };
    return E.left(
      new OxbowError<WeightsError>({
        _tag: 'WeightsMismatch',
        ...lists,
        message: `the weights are of another model: ${show(lists)}; make the model as it was when they were saved.`,
      }),
    );
  }
  growTogether(
    [...parameters].flatMap(([path, parameter]) =>
      parameter.grows.map((axis) => [parameter, axis, sound.get(path)?.shape[axis] as number] as const),
    ),
  );
  for (const [path, parameter] of parameters) parameter.assign((sound.get(path) as Tensor).data);
  return E.right(undefined);
}

/** Whether the shape is the parameter's, or one that it can grow to. */
function canTake({ shape, grows }: Parameter, wanted: Shape): boolean {
  return (
    wanted.length === shape.length &&
    wanted.every((length, axis) => length === shape[axis] || (grows.includes(axis) && length > (shape[axis] as number)))
  );
}

function show(lists: Readonly<Record<string, readonly string[]>>): string {
  return Object.entries(lists)
    .filter(([, names]) => names.length > 0)
    .map(([what, names]) => `${what}: ${names.join(', ')}`)
    .join('; ');
}
