/** How a training went, as its report shows it: kept with the run, and never more than fits into a checkpoint. */

/** Figures after so many windows and seconds of the whole run. */
export interface Point {
  readonly steps: number;
  readonly seconds: number;
  readonly nats: number;
}

export interface Sample {
  readonly steps: number;
  readonly seconds: number;
  readonly text: string;
}

export interface HistoryData {
  /** Mean loss of the windows around. */
  readonly training: readonly Point[];
  /** Of the validation part, by the weights of that moment. */
  readonly validation: readonly Point[];
  readonly samples: readonly Sample[];
  /** Samples that were spoken: each draws by a seed of its own. */
  readonly spoken: number;
  /** Windows from one point to the next. */
  readonly every: number;
}

export interface History {
  seen(point: Point): void;
  validated(point: Point): void;
  said(sample: Sample): void;
  data(): HistoryData;
}

/** Of each kind so many are kept at most: then every other one goes, and they come half as often. */
const POINTS = 400;
const SAMPLES = 24;

const none: HistoryData = { training: [], validation: [], samples: [], spoken: 0, every: 1 };

const everyOther = <T>(all: readonly T[]): T[] => all.filter((_, k) => k % 2 === (all.length - 1) % 2);

const rounded = ({ steps, seconds, nats }: Point): Point => ({
  steps,
  seconds: Number(seconds.toFixed(2)),
  nats: Number(nats.toFixed(4)),
});

export function history(from: HistoryData = none): History {
  let { training, validation, samples, spoken, every } = from;
  return {
    seen(point) {
      if (point.steps < (training.at(-1)?.steps ?? 0) + every) return;
      training = [...training, rounded(point)];
      if (training.length <= POINTS) return;
      training = everyOther(training);
      every *= 2;
    },
    validated(point) {
      validation = [...validation, rounded(point)];
      if (validation.length > POINTS) validation = everyOther(validation);
    },
    said(sample) {
      spoken += 1;
      const last = samples.at(-1);
      // Of samples that come quickly the later ones are shown as the last, and no more.
      const isNew = last === undefined || sample.steps - last.steps >= sample.steps / SAMPLES;
      samples = [...(isNew ? samples : samples.slice(0, -1)), sample];
      if (samples.length > SAMPLES) samples = everyOther(samples);
    },
    data: () => ({ training, validation, samples, spoken, every }),
  };
}
