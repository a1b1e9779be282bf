import type { Progress } from './progress.js';

/** How a table is measured, and where it is printed. */
export interface TableOptions {
  readonly repetitions: number;
  readonly seconds: number;
  readonly threads: number;
  /** GFLOP/s of all threads. */
  readonly peak: number;
  readonly progress: Progress;
  /** Text for people, records for programs. */
  print(text: readonly string[], records: readonly object[]): void;
}
