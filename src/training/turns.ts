/** Tasks that change the same things: one after the other, no matter who runs them. */
import type { PiecewiseTask } from '../piecewise-task.js';

interface Turn {
  /** Does a piece of the first task in line that is not over. */
  advance(): Promise<void> | undefined;
  over: boolean;
}

/** The last in line for each thing. */
const last = new WeakMap<object, Turn>();

/**
 * A task that comes after those that are under way over any of the same things. Nobody waits: a piece of one that is in
 * line is a piece of the first in line, so that any of them that goes on makes all of them go on, and one that is done at once does first
 * what is before it. What comes of a piece goes to whom its task belongs to. Each has its turn when those before it
 * are over: none is overtaken for ever by a quicker one.
 */
export function* inLine<R>(things: readonly object[], task: PiecewiseTask<R>): PiecewiseTask<R> {
  const before = [...new Set(things.flatMap((thing) => last.get(thing) ?? []))];
  let outcome: (() => R) | undefined;
  const turn: Turn = {
    over: false,
    advance() {
      while (before[0]?.over) before.shift();
      if (before[0] !== undefined) {
        return before[0].advance();
      }
      try {
        const piece = task.next();
        if (!piece.done) return piece.value;
        outcome = () => piece.value;
      } catch (error) {
        outcome = () => {
          throw error;
        };
      }
      leave();
      return undefined;
    },
  };

  function leave(): void {
    turn.over = true;
    for (const thing of things) if (last.get(thing) === turn) last.delete(thing);
  }

  for (const thing of things) last.set(thing, turn);
  try {
    for (;;) {
      // Others may have come to its end.
      const elsewhere = turn.over ? undefined : turn.advance();
      if (outcome !== undefined) return outcome();
      yield elsewhere;
    }
  } finally {
    if (!turn.over) {
      leave();
      task.return(undefined as R);
    }
  }
}
