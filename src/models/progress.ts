/** What training reports. */
import type { TrainerState } from '../training/trainer-state.js';
import type { RunPlan } from './plan.js';

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

/** What was counted so far, as plain data. */
export interface MeterState {
  readonly sum: number;
  readonly weight: number;
  /** By the names of the metrics; those that do not say it are not there. */
  readonly metrics: Readonly<Record<string, unknown>>;
}

/** The best epoch so far. */
export interface WatchState {
  /** Its figure, less being better. */
  readonly best: number;
  readonly bestEpoch?: number | undefined;
  /** Its weights, where they are to come back. */
  readonly weights?: readonly Float32Array[] | undefined;
}

/** All that a training needs, besides the model's weights and the data, to go on as if it had never stopped: plain data and tensors. */
export interface FitSnapshot {
  /** Sizes of the data, and the options that must be the same again. */
  readonly plan: RunPlan;
  readonly trainer: TrainerState;
  /** How many orders of examples the model had seen before the epoch that is under way. */
  readonly orders: number;
  /** The epochs that have ended. */
  readonly records: readonly EpochRecord[];
  /** Batches of the epoch that is under way. */
  readonly batch: number;
  /** What that epoch has taken so far. */
  readonly seconds: number;
  /** What the batches of that epoch came to; undefined between two epochs. */
  readonly counted?: MeterState | undefined;
  /** What early stopping has seen. */
  readonly watched?: WatchState | undefined;
  /** Whether early stopping has ended the training. */
  readonly stopped: boolean;
}

interface Course extends Evaluation {
  /** Updates so far, those of earlier trainings of the model included. */
  readonly step: number;
  /**
   * What this training needs, besides the model's weights and the data, to go on: option `from` of `fit`. A copy, to be called while the
   * progress is being handled.
   *
   * @throws Error where more has been learnt since, or the best weights have come back since.
   */
  snapshot(): FitSnapshot;
  readonly epoch: number;
  readonly epochs: number;
  /** Examples learnt from so far, all epochs. */
  readonly samples: number;
  /** Over about the last second. */
  readonly samplesPerSecond: number;
  /** If no early stopping comes in between. */
  readonly secondsLeft: number;
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
