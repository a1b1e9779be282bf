/** Every choice that decides what comes out: nanoGPT's settings for a CPU, and what the model says. */

/** The model's sizes. */
export interface Shape {
  /** Characters that one character sees. */
  readonly context: number;
  readonly features: number;
  readonly heads: number;
  readonly blocks: number;
}

/** What is learnt, in which order and how fast. */
export interface Course {
  /** Windows in all. */
  readonly steps: number;
  readonly batch: number;
  /** At its peak. */
  readonly learningRate: number;
  readonly seed: number;
}

export const shape: Shape = { context: 64, features: 128, heads: 4, blocks: 4 };
export const course: Course = { steps: 2000, batch: 12, learningRate: 1e-3, seed: 1337 };

export const recipe = {
  /** The learning rate rises for so many steps, then falls along half a cosine to this share of its peak. */
  warmup: 100,
  floor: 0.1,
  beta2: 0.99,
  clipNorm: 1,
  /** The share of the text that is kept from the model until the end. */
  heldOut: 0.1,
  /** Of that, so many characters are scored at most. */
  scored: 200_000,
  length: 500,
  temperature: 0.8,
} as const;
