import type { Figure } from './measure.js';

/** One figure to measure. */
export interface Case {
  readonly name: string;
  readonly unit: 'GFLOP/s' | 'chars/s' | 'words/s' | 'steps/s' | 'us/char';
  /** Floating-point operations for each unit of work (or for each character, where the unit is a time). */
  readonly flop: number;
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

/** What a case came to, in the form the peers print too. */
export interface Result extends Figure {
  readonly peer: string;
  readonly threads: number;
  readonly tier?: string;
  readonly workload: string;
  readonly unit: string;
  /** GFLOP/s reached, and its share of the measured peak. */
  readonly gflops?: number;
  readonly share?: number;
}
