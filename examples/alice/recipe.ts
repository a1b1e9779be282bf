/** Every choice that decides what comes out, in one place: the lecture's numbers, and Keras' where it gives none. */

export type ModelName = 'characters' | 'words';

/** Windows of ten characters, one-hot, and the prediction of the eleventh. */
export const characters = {
  length: 10,
  units: 128,
  batch: 128,
  /** Keras' own numbers. */
  learningRate: 1e-3,
  rmsprop: { decay: 0.9, epsilon: 1e-7 },
  /** Characters after each iteration. */
  said: 100,
} as const;

/** The next word at every step. */
export const words = {
  length: 30,
  features: 500,
  units: 500,
  dropout: 0.5,
  batch: 20,
  learningRate: 1e-3,
  /** The share of the windows that is looked at only, from the end of the text. */
  heldOut: 0.1,
  /** Words after each iteration. */
  said: 20,
} as const;

export const iterations = 25;
export const seed = 42;
/** As `curl -O` leaves it: the text is no part of this package. */
export const file = '11-0.txt';
export const source = 'https://www.gutenberg.org/files/11/11-0.txt';
