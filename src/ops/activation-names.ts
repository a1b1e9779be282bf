import * as activations from './activations.js';

const { logistic, tanh, relu, softplus, gelu, geluTanh, softmax } = activations;

const byName = {
  logistic,
  /** The logistic function as Keras and PyTorch call it. */
  sigmoid: logistic,
  tanh,
  relu,
  leakyRelu: activations.leakyRelu(),
  elu: activations.elu(),
  softplus,
  gelu,
  geluTanh,
  softmax,
} as const;

/** An activation without a number of its own, or with the usual one, by its name. */
export type ActivationName = keyof typeof byName;

/** What a layer takes for its f: a function, or the name of one. */
export type ActivationChoice = activations.Activation | ActivationName;

/** @throws TypeError where there is no activation of that name. */
export function activationOf(operation: string, choice: ActivationChoice): activations.Activation;
export function activationOf(
  operation: string,
  choice: ActivationChoice | undefined,
): activations.Activation | undefined;
export function activationOf(
  operation: string,
  choice: ActivationChoice | undefined,
): activations.Activation | undefined {
  if (typeof choice !== 'string') return choice;
  if (Object.hasOwn(byName, choice)) return byName[choice];
  throw new TypeError(
    `${operation}: there is no activation '${String(choice)}'; take ${Object.keys(byName).join(', ')}, ` +
      'or give a function (ops, z) => ….',
  );
}
