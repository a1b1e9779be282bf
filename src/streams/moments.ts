/** What a run says to whoever keeps it. */

/** A moment of a run at which all that it needs to go on can be written down: the outcome of an update has them. */
export interface Moment {
  /** Updates so far. */
  readonly step: number;
  /** @throws Error where the run has gone on since, and the state of then is gone. */
  snapshot(): unknown;
}

export const isMoment = (value: unknown): value is Moment =>
  typeof (value as Moment | undefined)?.snapshot === 'function' && typeof (value as Moment).step === 'number';

interface Hearer {
  readonly model: unknown;
  hear(moment: Moment): void;
}

let hearer: Hearer | undefined;

/** Subscribes to a source, whose run of that model says its moments to `hear`: those too that come between two of its values. */
export function hearing<R>(model: unknown, hear: Hearer['hear'], subscribe: () => R): R {
  const before = hearer;
  hearer = { model, hear };
  try {
    return subscribe();
  } finally {
    hearer = before;
  }
}

/** Who hears of a run of that model, which is being subscribed to now, between two of its values. */
export const hearerOf = (model: unknown): Hearer['hear'] | undefined =>
  hearer?.model === model ? hearer?.hear : undefined;
