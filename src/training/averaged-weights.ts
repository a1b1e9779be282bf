/** The mean of weights, which `averaged` keeps, out of a trainer's state and into a model. */
import { isRecord, requireKind, requireModel } from '../checks.js';
import { type Parameter, type Params, parametersOf } from '../parameters/parameter.js';
import { below } from '../path.js';
import { restoredTensor, sameShape, showShape, type Tensor } from '../tensor.js';
import type { Trainable } from './forward.js';
import { AVERAGE } from './optimizers/averaged.js';
import { checkSteps, type TrainerState } from './trainer-state.js';

/** Each parameter's mean. */
function meansOf(operation: string, params: Params, state: TrainerState): Map<Parameter, Tensor> {
  const fits = isRecord(state) && isRecord(state.slots);
  requireKind(operation, fits, 'the state of a trainer', state, 'give what state() gave');
  checkSteps(operation, state);
  if (state.step === 0) throw new RangeError(`${operation}: the state is one before the first update; learn first.`);
  const means = new Map<Parameter, Tensor>();
  const paths = new Map<Parameter, string>();
  for (const [path, parameter] of parametersOf(params)) {
    paths.set(parameter, path);
    const name = below(path, AVERAGE);
    // A parameter at two places is kept under one of them.
    if (!Object.hasOwn(state.slots, name)) continue;
    const mean = restoredTensor(state.slots[name] as Tensor, `${operation}: the state's ${name}`);
    if (!sameShape(mean.shape, parameter.shape)) {
      throw new RangeError(
        `${operation}: the state's ${name} is ${showShape(mean.shape)}, and the model's ${showShape(parameter.shape)}; ` +
          'give the state of this model as it is.',
      );
    }
    means.set(parameter, mean);
  }
  const without = [...paths].find(([parameter]) => !means.has(parameter));
  if (without !== undefined) {
    throw new RangeError(
      `${operation}: the state has no mean of ${without[1]}; train this model with averaged(…), and give the state of that.`,
    );
  }
  return means;
}

/**
 * The mean of the weights that an {@link averaged} optimizer has kept, by path, for a second model or a file.
 *
 * Equation: a of `averaged`.
 * Source: Polyak and Juditsky (1992).
 *
 * @param params those of the model.
 * @param state of its trainer, from `state()`, or `snapshot().state` of `tbptt`.
 * @returns tensors by path, as `weightsOf` gives the weights themselves.
 * @throws RangeError where the state is one before the first update, has no means, or is of another model.
 * @throws TypeError where it is no state.
 * @example
 * const learning = trainer(model, { loss: crossEntropy(), optimizer: averaged(adam(2e-3)) });
 * learning.learn({ carry: model.initial(2), input, target });
 * const second = averagedWeights(model.params, learning.state());
 * loadWeights(model.params, second); // or another model's of the same kind
 */
export function averagedWeights(params: Params, state: TrainerState): Readonly<Record<string, Tensor>> {
  const means = meansOf('averagedWeights', params, state);
  return Object.fromEntries(
    parametersOf(params).map(([path, parameter]) => {
      const { shape, type, data } = means.get(parameter) as Tensor;
      return [path, { shape, type, data: data.slice() }];
    }),
  );
}

/**
 * Does something with the mean of the weights in a model's place of them, and puts the weights back, whatever comes of it.
 *
 * Equation: w ← a of `averaged`; then w as it was.
 * Source: Polyak and Juditsky (1992).
 *
 * @param model the model.
 * @param state of its trainer, from `state()`, or `snapshot().state` of `tbptt`.
 * @param body what is done, at once: what goes on later takes a second model with {@link averagedWeights}.
 * @returns what the body gives.
 * @throws RangeError where the state is one before the first update, has no means, or is of another model.
 * @throws TypeError where it is no state, or the body gives a promise.
 * @example
 * const learning = trainer(model, { loss: crossEntropy(), optimizer: averaged(adam(2e-3)) });
 * learning.learn({ carry: model.initial(2), input, target });
 * withAveraged(model, learning.state(), () => evaluate(model, model.initial(2), input));
 */
export function withAveraged<S, X, Y, R>(
  model: Pick<Trainable<S, X, Y>, 'params' | 'apply'>,
  state: TrainerState,
  body: () => R,
): R {
  requireModel('withAveraged', model);
  const means = meansOf('withAveraged', model.params, state);
  const weights = [...means.keys()].map((parameter) => [parameter, parameter.data] as const);
  try {
    for (const [parameter, { data }] of means) parameter.assign(data);
    const result = body();
    if (typeof (result as { then?: unknown } | undefined)?.then === 'function') {
      throw new TypeError(
        'withAveraged: the body gives a promise, which would go on with the weights themselves; load averagedWeights into a ' +
          'second model for that.',
      );
    }
    return result;
  } finally {
    for (const [parameter, numbers] of weights) parameter.assign(numbers);
  }
}
