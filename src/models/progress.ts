/** What training reports. */
import type { BadWindowCounts } from '../streams/bad-windows.js';

/** Figures by the names of the metrics. */
export type Figures = Readonly<Record<string, number>>;

/** What `evaluate` finds. */
export interface Evaluation {
  /** The loss on the data, as the loss reduces it; an L2 penalty is not counted in. */
  readonly loss: number;
  readonly metrics: Figures;
}

/** One epoch, in the end. */
export interface EpochRecord extends Evaluation {
  /** From 1. Each batch was counted as it was learnt from, so the figures are those of the weights on the way. */
  readonly epoch: number;
  /** Of the weights at the epoch's end, where there is validation data. */
  readonly validation?: Evaluation;
  /** Wall-clock time, validation included. */
  readonly seconds: number;
}

/** A whole training. */
export interface History {
  readonly epochs: readonly EpochRecord[];
  /** Whether it ended since validation no longer got better. */
  readonly stoppedEarly: boolean;
  /** The epoch at which what early stopping looks at was best. */
  readonly bestEpoch?: number;
}

interface Course extends Evaluation {
  readonly epoch: number;
  readonly epochs: number;
  /** Examples learnt from so far, all epochs. */
  readonly samples: number;
  /** Over about the last second. */
  readonly samplesPerSecond: number;
  /** If no early stopping comes in between. */
  readonly secondsLeft: number;
  /** Batches that could not be learnt from so far, and were left out. */
  readonly bad: BadWindowCounts;
}

/** A batch was learnt from; `loss` and `metrics` are those of the epoch so far. */
export interface BatchProgress extends Course {
  readonly kind: 'batch';
  /** From 1 within the epoch. */
  readonly batch: number;
  readonly batches: number;
  /** Of this batch alone. */
  readonly batchLoss: number;
  /** Global norm of the gradient (of the penalty too), before clipping. */
  readonly gradientNorm: number;
  readonly learningRate: number;
}

/** An epoch ended. */
export interface EpochProgress extends Course {
  readonly kind: 'epoch';
  readonly validation?: Evaluation;
  /** All epochs up to this one. */
  readonly history: History;
}

/** What a model's `fit` emits; `kind` says which it is. */
export type FitProgress = BatchProgress | EpochProgress;
