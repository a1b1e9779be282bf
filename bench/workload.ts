/** One figure to measure. */
export interface Case {
  readonly name: string;
  readonly unit: 'GFLOP/s' | 'chars/s' | 'words/s' | 'images/s' | 'steps/s' | 'us/char';
  /** Floating-point operations for each unit of work (or for each character, where the unit is a time). */
  readonly flop: number;
  /** Bytes of weights that each unit of work has to read, where that is what takes the time: one lane, step by step. */
  readonly bytes?: number;
  /** Units of work a step does. */
  readonly work: number;
  /** Holds the result against plain float64. @throws Error where it is wrong. */
  check(): void;
  step(): void;
  /** One repetition of a case that is not a rate: a figure in its unit. */
  measure?(seconds: number): number;
  /** Gives back what it holds. */
  release?(): void;
}

export interface Workload {
  readonly id: string;
  readonly title: string;
  cases(): readonly Case[];
}
