import { isRecord, requireCount, requireKind } from '../../checks.js';
import type { GeneratorState } from '../../random.js';
import type { TrainerState } from '../../training/trainer-state.js';
import { type RunPlan, requireSamePlan } from '../plan.js';
import { areWeightsOf, distinctOf, type WeightAverageState } from '../weight-average.js';
import type { Tagger } from './tagger.js';

/** Where a training of a tagger stands: plain data and tensors. */
export interface FitTaggerSnapshot {
  /** How much data there is, and the options that must be the same again. */
  readonly plan: RunPlan;
  /** Epochs that have ended. */
  readonly epochs: number;
  readonly seconds: number;
  /** What is needed to go on; undefined where all epochs have ended, and the model has its best weights. */
  readonly open?:
    | {
        readonly trainer: TrainerState;
        /** Batches of the epoch that is under way, the sum of what they add to its loss, and how many of them were learnt from. */
        readonly batch: number;
        readonly loss: number;
        readonly learnt: number;
        /** The generator of orders before that epoch's, and that of what is substituted. */
        readonly orders: GeneratorState;
        readonly substituted: GeneratorState;
        readonly mean: WeightAverageState;
        /** The best epoch's score and weights, where one has ended. */
        readonly best?: { readonly score: number; readonly weights: readonly Float32Array[] } | undefined;
      }
    | undefined;
}

/** What a training that has epochs left needs to go on. */
export type OpenFit = NonNullable<FitTaggerSnapshot['open']>;

/** @throws TypeError, RangeError where a snapshot is none, or is of other utterances or options. */
export function checkFitTaggerSnapshot({ params }: Tagger, from: FitTaggerSnapshot, plan: RunPlan): void {
  requireKind('fitTagger', isRecord(from), 'from as snapshot() gave it', from, 'leave it out to start afresh');
  requireSamePlan('fitTagger', from.plan, plan);
  requireCount('fitTagger', 'from.epochs', from.epochs, 0, plan.epochs as number);
  const { open, epochs } = from;
  const sound = open
    ? isRecord(open) &&
      typeof open.loss === 'number' &&
      (open.best === undefined || areWeightsOf(distinctOf(params), open.best?.weights))
    : epochs === plan.epochs;
  requireKind('fitTagger', sound, 'from as snapshot() gave it', from, 'leave it out to start afresh');
  if (open) requireCount('fitTagger', 'from.open.batch', open.batch, 0);
}
