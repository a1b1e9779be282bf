/** Kernels that are run later, one by one, so that whoever waits for them may do something else in between. */
import type { Course } from '../course.js';
import type { Machine } from './machine.js';
import type { Scope } from './place.js';

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
  const outside = machine.windows;
  let result: R;
  try {
    machine.deferred = forks;
    // No parameter may grow while kernels that know its place are yet to run.
    machine.windows = outside + 1;
    scope.read = () => catchUp(machine);
    result = body();
  } finally {
    machine.deferred = undefined;
    machine.windows = outside;
    scope.read = undefined;
  }
  for (const fork of forks) {
    yield;
    machine.runDeferred(fork);
  }
  return result;
}
