/** Every choice that decides what comes out, in one place. */

/** Digits, and how many of them a sequence has. */
export const symbols = 10;
export const [shortest, longest] = [4, 10];

export const tasks = {
  reverse: (sequence: readonly number[]) => sequence.toReversed(),
  sort: (sequence: readonly number[]) => sequence.toSorted((a, b) => a - b),
};

export type TaskName = keyof typeof tasks;
export const taskNames = Object.keys(tasks) as readonly TaskName[];

export const recipe = {
  steps: 700,
  seed: 1,
  batch: 64,
  model: { features: 64, heads: 4, blocks: 2 },
  /** The learning rate rises for so many steps, then falls along half a cosine. */
  warmup: 100,
  learningRate: 2e-3,
  floor: 1e-5,
  clipNorm: 1,
  /** Batches of the exam, and how many of its sequences are shown. */
  exam: 16,
  shown: 3,
} as const;
