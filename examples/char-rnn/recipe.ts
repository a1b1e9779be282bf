/** Every choice that decides what comes out, in one place. */
import type { Shape } from './model.js';

/** All that decides what a run learns from a text, but for when it ends. */
export interface CharRecipe extends Shape {
  readonly length: number;
  readonly batch: number;
  readonly optimizer: OptimizerName;
  /** At its peak. */
  readonly learningRate: number;
  /** The share of that which is left by the end. */
  readonly floor: number;
  readonly seed: number;
  /** Whether the text comes from stdin. */
  readonly stdin: boolean;
}

export type OptimizerName = keyof typeof recipe.learningRates;

/** When training is over: whichever comes first of what is not null. */
export interface Plan {
  readonly seconds: number | null;
  readonly epochs: number | null;
}

/** What it does without options. */
export const recipe = {
  model: { cell: 'lstm', units: 256, layers: 1, embed: 64 } satisfies Shape,
  /** Steps of a window and lanes read side by side. */
  length: 64,
  batch: 16,
  optimizer: 'adam',
  /** Each optimizer's own, at its peak; it falls along half a cosine to `floor` of that by the end of training. */
  learningRates: { sgd: 1, momentum: 0.2, rmsprop: 2e-3, adam: 4e-3 },
  floor: 0.02,
  clipNorm: 5,
  seconds: 60,
  /** The share of the text that is kept from the model until the end. */
  heldOut: 0.1,
  /** Of those held out, so many characters are scored at most. */
  scored: 200_000,
  seed: 42,
  save: 'runs/char-rnn',
} as const;

/** Text that arrives line by line: shorter windows, one lane, and a rate that does not fall since there is no end. */
export const listening = { length: 32, learningRate: 0.5 } as const;

/** What the model says. */
export const speech = {
  /** While it trains: a short sample every few seconds. */
  sample: 100,
  everySeconds: 6,
  /** At the end. */
  length: 300,
  temperature: 0.8,
  /** What it continues by default: the first of these whose symbols it knows. */
  prompts: ['The ', ' ', '\n'],
} as const;
