/** Every choice that decides what comes out, in one place. */
import type { TaggerOptions } from 'oxbow';

/** Utterances of folders, read several times. What is not said here is the library's default. */
export const offline = {
  model: { features: 100, units: 200, dropout: 0.4, hashed: {} },
  training: { batch: 16, learningRate: 3e-3, clipNorm: 5, substitute: { share: 0.3 } },
  epochs: 35,
  /** Without a folder to choose the epoch on, it is chosen on one utterance in so many. */
  chooseOn: 10,
} as const;

/** Utterances that are learnt from as they arrive, each once. */
export interface OnlineRecipe {
  readonly model: Pick<TaggerOptions, 'features' | 'units' | 'dropout'>;
  readonly learningRate: number;
  readonly clipNorm: number;
  /** What is kept of the past, and how many of it are learnt from along with each utterance. */
  readonly replay: { readonly size: number; readonly per: number };
}

/** Requests of the grammar are soon understood: a small net is enough. */
export const onGrammar: OnlineRecipe = {
  model: { features: 64, units: 100, dropout: 0.1 },
  learningRate: 2e-3,
  clipNorm: 5,
  replay: { size: 1000, per: 7 },
};

/** Utterances of people are not; 5,000 is about as many as ATIS has. */
export const onFolder: OnlineRecipe = {
  model: { features: 100, units: 200, dropout: 0.5 },
  learningRate: 2e-3,
  clipNorm: 5,
  replay: { size: 5000, per: 8 },
};

/** What is corrected by hand is meant to be learnt at once: again until it is, but not for ever. */
export const talking = { learningRate: 2e-3, most: 20 } as const;

/** Utterances of the grammar. */
export const stream = {
  utterances: 2000,
  /** Utterances of a mark on the curve. */
  block: 100,
} as const;

/** One domain, then the other. */
export const forgetting = {
  utterances: 2000,
  /** Utterances of each domain that are never learnt from, on which is seen what is left. */
  heldOut: 500,
} as const;
