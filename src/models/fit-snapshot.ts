/** Whether a training can go on where another one stood. */
import { isRecord, requireCount, requireKind } from '../checks.js';
import { type RunPlan, requireSamePlan } from './plan.js';
import type { FitSnapshot } from './progress.js';

/** @throws TypeError, RangeError where a snapshot is none, or is of other data or options. */
export function checkFitSnapshot(from: FitSnapshot | undefined, plan: RunPlan): void {
  if (from === undefined) return;
  requireKind('fit', isRecord(from), 'from as snapshot() gave it', from, 'leave it out to start afresh');
  requireSamePlan('fit', from.plan, plan);
  const { records, counted, batch, orders, seconds } = from;
  const isEvaluation = (value: unknown) => isRecord(value) && isRecord(value.metrics);
  const sound =
    Array.isArray(records) &&
    records.every(isEvaluation) &&
    (batch > 0 ? isEvaluation(counted) : counted === undefined) &&
    typeof seconds === 'number';
  requireKind('fit', sound, 'from as snapshot() gave it', from, 'leave it out to start afresh');
  requireCount('fit', 'from.batch', batch, 0);
  requireCount('fit', 'from.orders', orders, 0);
}
