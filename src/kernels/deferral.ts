/** Kernels that are run later, one by one, so that whoever waits for them may do something else in between. */
import type { Course } from '../course.js';
import type { Machine } from './machine.js';
import type { Scope } from './place.js';
import { ARGUMENT_WORDS } from './program.js';
import { staying } from './staying.js';

/** Runs what was put off. */
function catchUp(machine: Machine): void {
  const forks = machine.deferred?.splice(0) ?? [];
  atOnce(machine, () => {
    for (const fork of forks) machine.runDeferred(fork);
  });
}

/** Runs a body whose kernels run at once, after those that were put off. */
export function afterDeferred<R>(machine: Machine, body: () => R): R {
  if (machine.deferred === undefined) return body();
  catchUp(machine);
  return atOnce(machine, body);
}

/**
 * Runs a body whose kernels have nothing to do with those around it, such as the draw of a parameter that is met for the
 * first time: they are neither put off nor written down.
 */
export function aside<R>(machine: Machine, body: () => R): R {
  const { recorded } = machine;
  machine.recorded = undefined;
  try {
    return atOnce(machine, body);
  } finally {
    machine.recorded = recorded;
    // As a fork that was written down leaves them.
    if (recorded !== undefined) machine.ints.fill(0, machine.arguments, machine.arguments + ARGUMENT_WORDS);
  }
}

function atOnce<R>(machine: Machine, body: () => R): R {
  const outer = machine.deferred;
  machine.deferred = undefined;
  try {
    return body();
  } finally {
    machine.deferred = outer;
  }
}

/**
 * A body in pieces: first what it does in JavaScript, while its kernels are put off, then a kernel each. Where it looks at
 * numbers of the scope, what was put off runs first.
 */
export function* deferring<R>(machine: Machine, scope: Scope, body: () => R): Course<R> {
  const forks: Machine['deferred'] = [];
  machine.deferred = forks;
  scope.read = () => catchUp(machine);
  let result: R;
  try {
    // No parameter may grow while kernels that know its place are yet to run.
    result = staying(machine, body);
  } finally {
    machine.deferred = undefined;
    scope.read = undefined;
  }
  for (const fork of forks) {
    yield;
    machine.runDeferred(fork);
  }
  return result;
}
