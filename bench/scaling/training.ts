/** Time of a training window of the language model against T, B, H and the number of threads. */
import { adam, configure } from '../../src/index.js';
import { type Figure, rate, summary } from '../measure.js';
import type { Case } from '../workload.js';
import { forwardFlop, type LanguageModel, languageModel, trainingCase } from '../workloads/models.js';

/** What is varied; the others stay as they are here. */
export interface Point {
  readonly T: number;
  readonly B: number;
  readonly H: number;
  readonly threads: number;
}

export type Axis = keyof Point;

const base = { T: 64, B: 32, H: 128 };

export interface Series {
  readonly axis: Axis;
  readonly points: readonly Point[];
}

/** One more thread at a time; from four on twice as many, and all of them. */
function threadCounts(most: number): readonly number[] {
  const counts = [1, 2, 3, 4, 8, 16, 32].filter((count) => count < most);
  return [...counts, most];
}

export function series(threads: number): readonly Series[] {
  const vary = (axis: Axis, values: readonly number[]): Series => ({
    axis,
    points: values.map((value) => ({ ...base, threads, [axis]: value })),
  });
  return [
    vary('T', [16, 32, 64, 128, 256]),
    vary('B', [1, 4, 16, 64, 256]),
    vary('H', [64, 128, 256, 512, 1024]),
    vary('threads', threadCounts(threads)),
  ];
}

function caseOf({ T, B, H }: Point): Case {
  const model: LanguageModel = { cell: 'lstm', symbols: 65, features: 64, units: H, layers: 2 };
  return trainingCase(languageModel(model), {
    name: `T ${T}, B ${B}, H ${H}`,
    unit: 'chars/s',
    steps: T,
    batch: B,
    symbols: 65,
    flop: 3 * forwardFlop(model),
    optimizer: adam(1e-3),
    clipNorm: 5,
  });
}

export interface Measured {
  readonly point: Point;
  /** Milliseconds a window. */
  readonly time: Figure;
  /** Characters a second. */
  readonly speed: number;
  readonly gflops: number;
}

/** Measures a point; leaves the number of threads as the point has it. @throws Error where its result is wrong. */
export function measurePoint(point: Point, repetitions: number, seconds: number): Measured {
  configure({ threads: point.threads });
  const one = caseOf(point);
  one.check();
  rate(one.step, 1, seconds);
  const time = summary(Array.from({ length: repetitions }, () => 1000 / rate(one.step, 1, seconds)));
  one.release?.();
  const speed = (1000 * one.work) / time.median;
  return { point, time, speed, gflops: (speed * one.flop) / 1e9 };
}
