/**
 * Programs: forks that were written down, arguments and all, so that they can be run again by one call. What a model
 * does at each step of a stream is the same every time, over the same addresses; only the numbers there differ.
 */
import { ARGS, CONTROL_BYTES, ENTRY_ARGS, ENTRY_BYTES } from './control.js';
import type { Fork, Machine, Program } from './machine-type.js';

export const ARGUMENT_WORDS = (CONTROL_BYTES - ARGS) / 4;

/** The fork that is about to run, its arguments as they stand. */
export function forkOf({ ints, arguments: base }: Machine, job: number, items: number, grain: number): Fork {
  const fork = new Int32Array(ENTRY_BYTES / 4);
  fork.set([job, items, grain]);
  fork.set(ints.subarray(base, base + ARGUMENT_WORDS), ENTRY_ARGS / 4);
  return fork;
}

/** The words that a fork's arguments are. */
export const argumentsOf = (fork: Fork): Int32Array => fork.subarray(ENTRY_ARGS / 4, ENTRY_ARGS / 4 + ARGUMENT_WORDS);

/** Writes forks into the machine's memory, as a program. */
export function program(machine: Machine, forks: readonly Fork[]): Program {
  const address = machine.heap.allocate(Math.max(1, forks.length) * ENTRY_BYTES);
  forks.forEach((fork, k) => {
    machine.ints.set(fork, (address + k * ENTRY_BYTES) / 4);
  });
  return { address, forks: forks.length };
}
