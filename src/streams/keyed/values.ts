/** What comes for a key: ids or features of one lane, all of one kind but for their steps. */
import {
  checkedNumbers,
  ids,
  isTensor,
  type Numbers,
  type Shape,
  sameShape,
  showShape,
  sizeOf,
  type Tensor,
} from '../../tensor.js';

/** A step of a value, without its axes of time and lanes. */
export interface KeyedStep {
  readonly shape: Shape;
  readonly type: 'int32' | 'float32';
}

export interface Values {
  /** Checks a value, which is as the first one was. @throws TypeError, RangeError where it is not. */
  check(value: unknown): void;
  /** What a step of the first value was; undefined before it. */
  readonly step: KeyedStep | undefined;
  /** Numbers of a step. */
  readonly width: number;
}

/** A value as errors show it. */
export const showValue = (value: unknown): string =>
  isTensor(value)
    ? `${value.type} ${Array.isArray(value.shape) ? showShape(value.shape) : String(value.shape)}`
    : typeof value;

/** What a step of a value is. */
export const stepOf = (value: Tensor | number): KeyedStep =>
  typeof value === 'number'
    ? { shape: [], type: 'int32' }
    : { shape: value.shape.slice(2), type: value.type === 'int32' ? 'int32' : 'float32' };

/** How many steps a value has. */
export const stepsIn = (value: Tensor | number): number => (typeof value === 'number' ? 1 : (value.shape[0] as number));

/** One step of a value, as a signal. */
export function stepAt(value: Tensor | number, step: number): Tensor {
  if (typeof value === 'number') return ids([1, 1], [value]);
  const width = value.data.length / stepsIn(value);
  return {
    ...value,
    shape: [1, ...value.shape.slice(1)],
    data: value.data.slice(step * width, (step + 1) * width) as Numbers,
  };
}

/** Values of one subscription, or their targets, by the name that errors give them. */
export function values(operation: string, name = 'value'): Values {
  let step: KeyedStep | undefined;
  let width = 1;

  const fits = (value: Tensor, { shape, type }: KeyedStep) =>
    (value.type === 'int32') === (type === 'int32') && sameShape(value.shape.slice(2), shape);

  return {
    check(value) {
      const isNumber = typeof value === 'number';
      if (isNumber) {
        if ((value | 0) !== value)
          throw new RangeError(`${operation}: a number is an id, a whole number of 32 bits, not ${value}.`);
      } else {
        const numbers = isTensor(value) ? checkedNumbers(value, operation) : undefined;
        const [steps, lanes] = isTensor(value) ? value.shape : [];
        if (numbers === undefined || steps === undefined || steps < 1 || lanes !== 1) {
          throw new TypeError(
            `${operation}: a ${name} is an id, or steps of one lane, ids [T, 1] or features [T, 1, F], but got ${showValue(value)}.`,
          );
        }
      }
      if (step === undefined) {
        step = stepOf(value as Tensor | number);
        width = sizeOf(step.shape);
        return;
      }
      if (isNumber ? step.type === 'int32' && step.shape.length === 0 : fits(value as Tensor, step)) return;
      throw new TypeError(
        `${operation}: ${showValue(value)} comes after ${name}s of ${step.type} ${showShape(['T', 1, ...step.shape] as unknown as Shape)}; ` +
          `${name}s of all keys are alike but for their steps.`,
      );
    },
    get step() {
      return step;
    },
    get width() {
      return width;
    },
  };
}
