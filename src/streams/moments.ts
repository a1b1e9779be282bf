/** What a run says to what keeps it. */

/** A moment of a run at which all that it needs to go on can be written down: the outcome of an update has them. */
export interface Moment {
  /** Updates so far. */
  readonly step: number;
  /** @throws Error where the run has gone on since, and the state of then is gone. */
  snapshot(): unknown;
}

export const isMoment = (value: unknown): value is Moment =>
  typeof (value as Moment | undefined)?.snapshot === 'function' && typeof (value as Moment).step === 'number';

/** What keeps a run. */
export interface Hearer {
  /** A moment between two of the run's values. */
  moment(moment: Moment): void;
  /** The run has failed, and weights that are not those of the last moment are about to be put into the model. */
  failed(): void;
}

let current: { readonly params: unknown; readonly hearer: Hearer } | undefined;

/** Subscribes to a source, whose run of a model of these parameters says to `hearer` what its values do not. */
export function hearing<R>(params: unknown, hearer: Hearer, subscribe: () => R): R {
  const before = current;
  current = { params, hearer };
  try {
    return subscribe();
  } finally {
    current = before;
  }
}

/** Who keeps a run of that model, which is being subscribed to now. */
export const hearerOf = ({ params }: { readonly params: unknown }): Hearer | undefined =>
  current?.params === params ? current?.hearer : undefined;
