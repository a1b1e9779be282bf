/** Checks of sizes and options: a wrong one is an error where it is given, not a surprise later; and how messages show it. */
import { isTensor } from './tensor.js';
import { shownPart } from './tree.js';

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
  const got = typeof value === 'object' ? shown(value) : value;
  throw new RangeError(`${operation}: ${name} is a whole number ${range}, not ${got}.`);
}

/**
 * @throws RangeError where a value is no number, or none that fits: what only becomes one in a comparison, as the text '0.1', would fail far
 * later, or count as another.
 */
export function requireNumber(
  operation: string,
  name: string,
  value: number,
  is: string,
  fits: (value: number) => boolean,
): void {
  if (typeof value === 'number' && fits(value)) return;
  throw new RangeError(`${operation}: ${name} is ${is}, not ${shown(value)}.`);
}

/** The factors a step between which units begin to forget. @throws RangeError where they are not two numbers in order. */
export function requireDecays(
  operation: string,
  decays: readonly [low: number, high: number],
): readonly [low: number, high: number] {
  const isPair = Array.isArray(decays) && decays.length === 2 && decays.every((each) => typeof each === 'number');
  if (isPair && decays[0] > 0 && decays[0] <= decays[1] && decays[1] < 1) return decays;
  const got = Array.isArray(decays) ? `[${decays.map(shown).join(', ')}]` : shown(decays);
  throw new RangeError(`${operation}: decays are two numbers above 0 and below 1, the smaller one first, not ${got}.`);
}

/** @throws TypeError where an option is none of its choices. */
export function requireChoice(operation: string, name: string, value: unknown, choices: readonly string[]): void {
  if (choices.some((choice) => choice === value)) return;
  const listed = choices.map((choice) => `'${choice}'`).join(' or ');
  throw new TypeError(`${operation}: ${name} is ${listed}, not ${shown(value)}.`);
}

const LONGEST = 80;
const MOST_MEMBERS = 20;
const DEEPEST = 2;

/**
 * A value as a message shows it: like JSON, no longer than a line, and the same for whatever it is. `String` and
 * `JSON.stringify` fail for some of what comes out of a file: at a `toString` that is a number, and far down in lists of lists.
 */
export function shown(value: unknown): string {
  const text = written(value, DEEPEST);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

function written(value: unknown, depth: number): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, LONGEST + 1));
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object' || value === null) return String(value);
  if (depth === 0) return '…';
  if (Array.isArray(value)) {
    return `[${value
      .slice(0, MOST_MEMBERS)
      .map((item) => written(item, depth - 1))
      .join(',')}]`;
  }
  const members = Object.entries(value).slice(0, MOST_MEMBERS);
  return `{${members.map(([name, member]) => `${written(name, 0)}:${written(member, depth - 1)}`).join(',')}}`;
}

/** @throws TypeError where something is of another kind than an operation takes. */
export function requireKind(operation: string, fits: boolean, takes: string, got: unknown, remedy: string): void {
  if (!fits) throw new TypeError(`${operation}: takes ${takes}, but got ${shownKind(got)}; ${remedy}.`);
}

const shownKind = (got: unknown): string => {
  if (typeof got === 'function') return 'a function';
  return typeof got === 'string' ? shown(got) : shownPart(got);
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

/** The most milliseconds that a timer has: of more it makes 1. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;
