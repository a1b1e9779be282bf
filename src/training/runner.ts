/** Who runs the kernels of an update in pieces: the thread that asks for the pieces, or the learner's team. */

import { captureInPieces, inPieces } from '../kernels/capture.js';
import { learnerOf } from '../kernels/learner.js';
import type { Machine } from '../kernels/machine-type.js';
import type { PiecewiseTask } from '../piecewise-task.js';

export interface Runner {
  /** Captures a body, in the pieces that it has, and runs its kernels; what the body gives, once they have run. */
  run<R>(body: () => PiecewiseTask<R>): PiecewiseTask<R>;
  /** Until nothing is written any more by kernels of a task that was ended before its time. */
  settled(): PiecewiseTask<void>;
  /** Calls back when that is so. */
  whenSettled(then: () => void): void;
  /** Ends what is under way; `free` is called when nothing is written any more. */
  release(free: () => void): void;
}

/** A kernel a piece, by the thread that asks for it. */
export const caller = (machine: Machine): Runner => ({
  *run(body) {
    return yield* inPieces(machine, yield* captureInPieces(machine, body()));
  },
  *settled() {},
  whenSettled: (then) => then(),
  release: (free) => free(),
});

/** All kernels as one piece, by the learner. */
export function learner(machine: Machine): Runner {
  const team = learnerOf(machine);
  /** Fulfilled when the kernels that are under way are over. */
  let busy: Promise<void> | undefined;

  function* settled(): PiecewiseTask<void> {
    while (busy !== undefined) yield busy;
  }

  function whenSettled(then: () => void): void {
    if (busy === undefined) then();
    else void busy.then(then);
  }

  return {
    settled,
    whenSettled,
    *run(body) {
      const threads = Math.max(machine.threads, machine.learnerThreads);
      const { result, forks } = yield* captureInPieces(machine, body(), threads);
      // The first program starts threads, which is a piece of its own.
      yield;
      let outcome: () => boolean = () => false;
      busy = team
        .run(forks)
        .then(
          (ran) => {
            outcome = () => ran;
          },
          (reason: unknown) => {
            outcome = () => {
              throw reason;
            };
          },
        )
        .then(() => {
          busy = undefined;
        });
      yield* settled();
      return outcome() ? result : yield* inPieces(machine, { result, forks });
    },
    release(free) {
      team.release();
      whenSettled(free);
    },
  };
}
