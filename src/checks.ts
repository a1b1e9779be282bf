/** Checks of sizes and options: a wrong one is an error where it is given, not a surprise later. */
import { isTensor } from './tensor.js';
import { shown } from './tree.js';

/** What is larger than the largest memory of the kernels, 4 GiB of float32, cannot be computed with. */
export const MOST_NUMBERS = 2 ** 30;

/** @throws RangeError where a value is not a whole number of at least `least`, and of at most `most` where there is one. */
export function requireCount(
  operation: string,
  name: string,
  value: number,
  least = 1,
  most = Number.POSITIVE_INFINITY,
): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  const range = most === Number.POSITIVE_INFINITY ? `of at least ${least}` : `from ${least} to ${most}`;
  throw new RangeError(`${operation}: ${name} is a whole number ${range}, not ${value}.`);
}

/** @throws TypeError where an option is none of its choices. */
export function requireChoice(operation: string, name: string, value: unknown, choices: readonly string[]): void {
  if (choices.some((choice) => choice === value)) return;
  const listed = choices.map((choice) => `'${choice}'`).join(' or ');
  throw new TypeError(`${operation}: ${name} is ${listed}, not ${JSON.stringify(value)}.`);
}

/** @throws TypeError where something is of another kind than an operation takes. */
export function requireKind(operation: string, fits: boolean, takes: string, got: unknown, remedy: string): void {
  if (!fits) throw new TypeError(`${operation}: takes ${takes}, but got ${shownKind(got)}; ${remedy}.`);
}

const shownKind = (got: unknown): string => {
  if (typeof got === 'function') return 'a function';
  return typeof got === 'string' ? JSON.stringify(got) : shown(got);
};

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const isListOf = (type: 'string' | 'object', value: unknown): boolean =>
  Array.isArray(value) && value.every((item) => typeof item === type && item !== null);

/** @throws TypeError where a value is no tensor. */
export function requireTensor(operation: string, value: unknown, takes: string, remedy: string): void {
  requireKind(operation, isTensor(value), takes, value, remedy);
}

/** @throws TypeError where a value is no model: it has no parameters, or nothing that applies them. */
export function requireModel(operation: string, value: unknown, applied = 'apply'): void {
  const { params, [applied]: apply } = Object(value) as Readonly<Record<string, unknown>>;
  const takes = applied === 'apply' ? 'a model' : 'a cell';
  const remedy = applied === 'apply' ? 'give a layer, or a stack of layers' : 'give one such as lstmCell() makes';
  requireKind(operation, isRecord(params) && typeof apply === 'function', takes, value, remedy);
}
