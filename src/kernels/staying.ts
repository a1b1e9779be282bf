/** While numbers are in use, what holds them stays where it is. */
import type { Machine } from './machine.js';

/** Runs a body in which no parameter grows, and nothing that it uses gives way to others. */
export function staying<R>(machine: Machine, body: () => R): R {
  if (machine.windows === 0) machine.holdings.opened();
  machine.windows += 1;
  try {
    return body();
  } finally {
    machine.windows -= 1;
  }
}
