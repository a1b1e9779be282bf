/** What a run is of, besides its model: it goes on with the same. */
import { isRecord, requireKind, shown } from '../checks.js';

/** Sizes of the data, and options that decide what is learnt when. */
export type RunPlan = Readonly<Record<string, string | number | boolean>>;

/**
 * @throws TypeError where there is no plan to compare with.
 * @throws RangeError where a run that goes on is given other data or options than it had.
 */
export function requireSamePlan(operation: string, before: unknown, now: RunPlan): void {
  requireKind(operation, isRecord(before), 'from as snapshot() gave it', before, 'leave it out to start afresh');
  for (const [name, value] of Object.entries(now)) {
    const was = (before as RunPlan)[name];
    if (was === value) continue;
    throw new RangeError(
      `${operation}: from is of a run with ${name} ${shown(was)}, but this one has ${shown(value)}; give it the same data and ` +
        'options again, or leave from out to start afresh.',
    );
  }
}
