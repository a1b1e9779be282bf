/** What a task is: sequences to learn from, and an exam on sequences that were not learnt from. */
import type { Loss, Padded, RandomGenerator, SignalWindow, Tensor } from 'oxbow';
import type { ModelName } from '../recipe.js';

export const taskNames = ['slots', 'parity', 'reber', 'reber-long', 'adding-100', 'adding-400', 'copying'] as const;
export type TaskName = (typeof taskNames)[number];

/** A figure of an exam, and what is thought of it. */
export interface Grade {
  readonly figure: number;
  readonly passed: boolean;
}

export interface Exam {
  readonly input: Padded;
  grade(prediction: Tensor): Grade;
}

export interface Task {
  readonly name: TaskName;
  /** What is to be learnt, in one line. */
  readonly about: string;
  /** What the figure is, and when it passes. */
  readonly measure: string;
  /** Ids of so many symbols, or features. */
  readonly input: { readonly symbols: number } | { readonly features: number };
  readonly outputs: number;
  readonly loss: Loss;
  /** The longest span that something has to be remembered for, in steps: gates start accordingly. */
  readonly span: number;
  /** Updates after which a model that has not passed has failed. */
  readonly updates: number;
  readonly units: number;
  readonly learningRates: Readonly<Record<ModelName, number>>;
  /** Sequences to learn from, drawn again each time. */
  window(random: RandomGenerator): SignalWindow<Padded>;
  exam(random: RandomGenerator): Exam;
  show(figure: number): string;
  /** What a model that has been trained says to a few examples, line by line. */
  examples?(predict: (input: Padded) => Tensor): readonly string[];
}

export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** Which class is the likeliest, `[T, B, V]` at step t of lane b. */
export function likeliest({ shape, data }: Tensor, t: number, b: number, among?: readonly number[]): number {
  const [, lanes = 0, classes = 0] = shape;
  const at = (t * lanes + b) * classes;
  const choices = among ?? Array.from({ length: classes }, (_, k) => k);
  return choices.reduce((best, k) => ((data[at + k] as number) > (data[at + best] as number) ? k : best));
}

export const drawMany = <T>(count: number, draw: () => T): readonly T[] => Array.from({ length: count }, draw);

export const oneOf = <T>(random: RandomGenerator, values: readonly T[]): T => values[random.below(values.length)] as T;
