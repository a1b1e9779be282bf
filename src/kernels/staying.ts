/** While numbers are in use, what holds them stays where it is. */
import type { Machine } from './machine-type.js';

/** Runs a body in which no parameter grows, and nothing that it uses gives way to others. */
export function staying<R>(machine: Machine, body: () => R): R {
  const outside = machine.windows;
  if (outside === 0) machine.holdings.opened();
  // Where the stack is full whatever is called fails, so nothing is called between counting and counting back.
  try {
    machine.windows = outside + 1;
    return body();
  } finally {
    machine.windows = outside;
  }
}
