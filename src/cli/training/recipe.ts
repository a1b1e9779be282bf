/** Every choice of `oxbow train` that decides what comes out, in one place. */
import { type Coder, symbolsOf } from '../../streams/coder.js';

export const recipe = {
  model: { cell: 'lstm', units: 256, layers: 1, embed: 64 },
  /** Steps of a window and lanes read side by side. */
  length: 64,
  batch: 16,
  optimizer: 'adam',
  /** Each optimizer's own, at its peak; it falls along half a cosine to `floor` of that by the end of the course. */
  learningRates: { sgd: 1, momentum: 0.2, rmsprop: 2e-3, adam: 4e-3 },
  floor: 0.02,
  clipNorm: 5,
  seconds: 60,
  /** The share of the text that is kept from the model until the end. */
  heldOut: 0.1,
  /** Of those held out, so many characters are scored at most. */
  scored: 200_000,
  seed: 42,
  keep: 'model',
  /** Seconds from one checkpoint to the next. */
  saveEvery: 30,
  /** A sample now and then. */
  sample: { symbols: 100, everySeconds: 6, last: 300, temperature: 0.8 },
} as const;

/** What a model goes on from where nothing is given: the first of these whose symbols it knows. */
const prompts = ['The ', ' ', '\n'];

export const usualPrompt = (coder: Coder): string =>
  prompts.find((text) => [...text].every((symbol) => symbolsOf(coder)?.includes(symbol) ?? true)) ?? coder.decode([0]);
