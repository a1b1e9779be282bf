/** Asks the team for a job: writes the arguments that it is described by, and forks over its items. */
import { type Arguments, Job, type JobName } from './arguments.js';
import { writers } from './generated/writers.js';
import type { Machine } from './machine-type.js';

/** Runs a job over so many items, at least `grain` of them at a time. */
export function fork<J extends JobName>(
  machine: Machine,
  job: J,
  values: Arguments<J>,
  items: number,
  grain: number,
): void {
  writers[job](machine, values);
  machine.run(Job[job], items, grain);
}
