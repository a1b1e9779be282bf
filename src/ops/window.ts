/**
 * Windows: the span in which tensors are places in the kernels' memory. All of them are released together at its end;
 * what is to outlive it is copied out by `toSignal`.
 */

import type { Arena } from '../kernels/arena.js';
import { atOnce } from '../kernels/capture.js';
import { machine } from '../kernels/machine.js';
import type { Scope } from '../kernels/scope.js';
import { staying } from '../kernels/staying.js';
import * as tree from '../tree.js';
import { eager } from './eager/index.js';
import { type Workspace, workspace } from './eager/workspace.js';
import { throughLookups } from './lookups.js';
import type { Ops } from './ops.js';

/** A window that is open until it is closed. */
export interface OpenWindow {
  readonly space: Workspace;
  readonly scope: Scope;
  close(): void;
}

/**
 * The Ops of a window: the kernels; over these what writes down what they do, to take gradients (`tape`) or to run it again
 * (`recorder`); and over that, lookups, so that the work that they save is not written down either.
 */
export function windowOps<O extends Ops = Ops>(space: Workspace, writing = (kernels: Ops) => kernels as O): O {
  return throughLookups(writing(eager(space)));
}

/**
 * A window in an arena of its own, which may stay open while others come and go. Unlike `inWindow` it does not keep
 * parameters from growing: code that leaves it open checks whether they have.
 */
export function openWindow(arena: Arena): OpenWindow {
  const mark = arena.mark();
  const scope: Scope = { open: true };
  const space = workspace(machine(), scope, { arena });
  return {
    space,
    scope,
    close() {
      scope.open = false;
      arena.release(mark);
    },
  };
}

/**
 * Runs a body within a window of its own. Its tensors are released when it returns; windows may nest.
 *
 * @param body what is run; it takes the Ops of the window, and its workspace.
 * @returns what the body returned; tensors that are to outlive the window go through `toSignal`.
 * @example
 * const y = inWindow((ops) => toSignal(ops.tanh(x)));
 */
export function inWindow<R>(body: (ops: Ops, space: Workspace) => R): R {
  const home = machine();
  return staying(home, () => {
    let window: OpenWindow | undefined;
    // Where the stack is full, whatever is called fails, closing too: so closing the scope calls nothing, and memory that could
    // not be given back is taken back by the next outermost window.
    try {
      if (home.windows === 1) home.arena.release({ block: 0, offset: 0 });
      window = openWindow(home.arena);
      const { space } = window;
      return atOnce(home, () => body(windowOps(space), space));
    } finally {
      if (window !== undefined) {
        window.scope.open = false;
        window.close();
      }
    }
  });
}

/**
 * The same numbers, records and lists, every tensor copied into a float32 or int32 array of its own.
 *
 * @param value a tensor, or records and lists of tensors.
 * @returns the copy, which outlives the window.
 * @example
 * inWindow((ops) => toSignal(ops.relu(tensor([2], [-1, 3])))).data[1]; // 3
 */
export function toSignal<T>(value: T): T {
  return tree.map(value, (x) => {
    const { shape, data } = x;
    if (data instanceof Int32Array) return { shape, type: 'int32', data: data.slice() };
    return { shape, type: 'float32', data: data instanceof Float32Array ? data.slice() : Float32Array.from(data) };
  });
}
