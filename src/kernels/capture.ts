/** Capture: a body's kernels written down instead of being run, so that they can run later, in pieces or somewhere else. */
import type { PiecewiseTask } from '../piecewise-task.js';
import type { Capture, Fork, Machine } from './machine-type.js';
import { ARGUMENT_WORDS } from './program.js';
import { staying } from './staying.js';

/** A body's result, and the forks that are yet to be run before its numbers are there. */
export interface Captured<R> {
  readonly result: R;
  readonly forks: readonly Fork[];
}

/**
 * Runs a body whose forks are written down. Its tensors are places whose shapes are known and whose numbers are not; where
 * it looks at numbers all the same, the forks so far run first. It may write numbers of its own into places of its window.
 * No parameter may grow meanwhile.
 *
 * @param threads of the team that will run the forks, at least as many as of the caller's.
 */
export function capture<R>(
  machine: Machine,
  body: (capture: Capture) => R,
  threads: number = machine.threads,
): Captured<R> {
  const own: Capture = { forks: [], done: 0, looks: 0, threads };
  return { result: written(machine, own, () => body(own)), forks: own.forks.slice(own.done) };
}

/**
 * The same of a body in pieces. Between two of them nothing is written down, so that others may run what they like; what they must
 * not do is move or overwrite what the body has to do with.
 */
export function* captureInPieces<R>(
  machine: Machine,
  body: PiecewiseTask<R>,
  threads: number = machine.threads,
): PiecewiseTask<Captured<R>> {
  const own: Capture = { forks: [], done: 0, looks: 0, threads };
  for (;;) {
    const piece = written(machine, own, () => body.next());
    if (piece.done) return { result: piece.value, forks: own.forks.slice(own.done) };
    yield piece.value;
  }
}

/** Runs a body, or a piece of one, whose forks are added to a capture. */
function written<R>(machine: Machine, own: Capture, body: () => R): R {
  return atOnce(machine, () => {
    clearArguments(machine);
    try {
      machine.capturing = own;
      return staying(machine, body);
    } finally {
      machine.capturing = undefined;
    }
  });
}

/** Runs a body whose forks run at once, after those that have been captured so far. */
export function atOnce<R>(machine: Machine, body: () => R): R {
  machine.settle();
  return uncaptured(machine, body);
}

/**
 * Runs a body whose kernels have nothing to do with those around it, such as the draw of a parameter that is met for the
 * first time: they run at once, and are not written down.
 */
export function uncaptured<R>(machine: Machine, body: () => R): R {
  const outer = machine.capturing;
  if (outer === undefined) return body();
  try {
    machine.capturing = undefined;
    return body();
  } finally {
    machine.capturing = outer;
    clearArguments(machine);
  }
}

/** Words that a job does not give are the same whenever it is written down. */
function clearArguments({ ints, arguments: from }: Machine): void {
  ints.fill(0, from, from + ARGUMENT_WORDS);
}

/** Runs what was captured, all of it. */
export function run<R>(machine: Machine, { result, forks }: Captured<R>): R {
  for (const fork of forks) machine.runFork(fork);
  return result;
}

/** Runs what was captured, a fork a piece. */
export function* inPieces<R>(machine: Machine, { result, forks }: Captured<R>): PiecewiseTask<R> {
  for (const fork of forks) {
    yield;
    machine.runFork(fork);
  }
  return result;
}
