/** Every choice that decides what comes out, in one place. */

/** Utterances of folders, read several times. */
export const offline = {
  model: { features: 100, units: 200, characters: { maps: 50 }, dropout: 0.5 },
  batch: 16,
  epochs: 30,
  /** Adam's at the first update; it falls along half a cosine to `floor` of that by the last one. */
  learningRate: 2e-3,
  floor: 0.05,
  clipNorm: 5,
  /** Utterances that are tagged side by side. */
  evaluationBatch: 64,
} as const;

/** Utterances that are learnt from as they arrive, each once. */
export const online = {
  model: { features: 64, units: 100, characters: { maps: 50 }, dropout: 0.1 },
  learningRate: 2e-3,
  clipNorm: 5,
  /** What is kept of the past, and how many of it are learnt from along with each utterance. */
  replay: { size: 500, mix: 7 },
} as const;

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
