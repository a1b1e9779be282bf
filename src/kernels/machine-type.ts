/** What a machine is to those who use it, and what it is asked to run. */

import type { Tier } from '../host/host.js';
import type { Arena } from './arena.js';
import type { Heap } from './heap.js';
import type { Holdings } from './holding.js';
import type { MemoryUse } from './memory-limit.js';

/** A fork in the words of a program's entry: job, items, grain, nothing, arguments. */
export type Fork = Int32Array;

export interface Program {
  readonly address: number;
  readonly forks: number;
}

/** What is being written down. */
export interface Capture {
  /** All forks so far, in their order. */
  readonly forks: Fork[];
  /** How many of them have been run, since somebody looked at numbers. */
  done: number;
  /** How often somebody did. */
  looks: number;
  /** Threads of the team that it is for. */
  readonly threads: number;
}

/** A team that a thread of its own leads. */
export interface LedTeam {
  readonly threads: number;
  /** Whether it takes further programs. */
  readonly sound: boolean;
  /**
   * Runs a program, and says whether it did: not where its leader cannot be started here. One at a time: the next one may
   * come when the promise is settled.
   *
   * Rejects with an Error that names the worker where one is lost; the team is of no use afterwards.
   */
  run(program: Program): Promise<boolean>;
  /** Ends its threads; what is under way rejects. */
  stop(): void;
}

/** The machine as its users see it: its memory, the team that runs the kernels over it, and what is being run. */
export interface Machine {
  readonly tier: Tier;
  /** Threads that share the work; where forks are captured, of the team that they are for. */
  readonly threads: number;
  /** Threads of a team that learns. */
  readonly learnerThreads: number;
  readonly shared: boolean;
  /** The whole memory as numbers; another array after it has grown. */
  readonly floats: Float32Array;
  readonly ints: Int32Array;
  readonly doubles: Float64Array;
  readonly heap: Heap;
  /** Blocks that give way where memory is short. */
  readonly holdings: Holdings;
  /** What the kernels' memory is in use for. */
  readonly memory: MemoryUse;
  /** Memory of the window that is open. */
  readonly arena: Arena;
  /** Index of the kernels' arguments in `ints` and `floats`. */
  readonly arguments: number;
  /** Runs a job, by its number, over items in chunks of at least `grain`; its arguments were written before, by `fork`. */
  run(job: number, items: number, grain: number): void;
  /** Windows that are open, one within another. */
  windows: number;
  /** Where forks are written down instead of being run; `capture` sets it. */
  capturing: Capture | undefined;
  /** Runs what has been captured so far, for somebody who looks at numbers. */
  settle(): void;
  /** Runs a fork that was written down. */
  runFork(fork: Fork): void;
  replay(program: Program): void;
  /** A further team over the same memory, of the tier of now, which a thread of its own leads. */
  led(threads: number): LedTeam;
}
