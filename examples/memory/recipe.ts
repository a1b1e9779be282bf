/** Every choice that decides what comes out and belongs to no task alone. */
export const modelNames = ['mlp', 'rnn', 'lstm', 'gru', 'minGru', 'minLstm', 'griffin', 'gatedDeltaNet'] as const;
export type ModelName = (typeof modelNames)[number];

export const recipe = {
  seed: 1,
  clipNorm: 1,
  /** Updates between two exams; a model that passes one is done. */
  examEvery: 100,
  /** Units of the net that has no memory, where the task's own are fewer. */
  mlpUnits: 64,
} as const;
