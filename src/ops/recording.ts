/**
 * Recording: what a step of a model does to the machine, written down as two programs that can be run again. What
 * follows from the parameters alone (packed weights, an embedding multiplied by a layer's weights) is prepared once for
 * all steps until the weights change; the rest is the step itself. What neither the output nor the carry depends on is
 * left out.
 */

import { ARGUMENT_WORDS, type Fork } from '../kernels/program.js';
import { type Ids, isList, isTensor, type Numbers, type Tensor } from '../tensor.js';
import type { Workspace } from './eager/workspace.js';
import type { Ops } from './ops.js';

interface Entry {
  readonly operands: readonly unknown[];
  readonly results: readonly unknown[];
  readonly forks: readonly Fork[];
  /** Whether it depends on what differs from step to step. */
  readonly moving: boolean;
}

/** What was written down. */
export interface Recorded {
  /** To be run before the first step, and again after the weights have changed. */
  readonly preparation: readonly Fork[];
  readonly step: readonly Fork[];
  /** The numbers that were copied in. */
  readonly constants: readonly Numbers[];
}

export interface Recorder {
  /** Ops that run on others and write down what they do. */
  over(ops: Ops): Ops;
  /** For a workspace: runs what is worked out of one tensor alone. */
  apart(x: Tensor, run: () => void): void;
  /** For a workspace: told of signals that were copied in. */
  copied(place: Tensor): void;
  /** Runs something that ends the step, and writes it down. */
  last(run: () => void): void;
  /** Told that somebody looks at numbers. */
  looked(): void;
  /** What ids of an input must be below, as the operations upon it demand. */
  limitOf(ids: Tensor): number;
  /**
   * Whether the step may be run again as it was written down: not where the model's own code looked at numbers, nor
   * where other ids than an input's are looked up, since what those must be below cannot be checked beforehand.
   */
  readonly repeatable: boolean;
  /** What leads to the given tensors, and the end. */
  leadingTo(outputs: readonly Tensor[]): Recorded;
}

/** A recorder of one step, in which the given tensors differ from step to step. */
export function recorder(machine: Workspace['machine'], inputs: readonly Tensor[]): Recorder {
  const moving = new Set<unknown>(inputs);
  const limits = new Map<Tensor, number>();
  /** What ids that were counted here are below. */
  const counted = new Map<unknown, number>();
  const entries: Entry[] = [];
  const ending: Fork[] = [];
  const copies: Tensor[] = [];
  let busy = false;
  let repeatable = true;
  // Words that the first fork does not give.
  machine.ints.fill(0, machine.arguments, machine.arguments + ARGUMENT_WORDS);

  function writeDown<R>(forks: Fork[], run: () => R): R {
    const [outer, wasBusy] = [machine.recorded, busy];
    machine.recorded = forks;
    busy = true;
    try {
      return run();
    } finally {
      machine.recorded = outer;
      busy = wasBusy;
    }
  }

  function wrap(of: object, name: string, run: (...args: readonly unknown[]) => unknown) {
    return (...args: readonly unknown[]) => {
      const forks: Fork[] = [];
      const result = writeDown(forks, () => run.apply(of, args as unknown[]));
      const operands = args.flatMap((arg) => (isList(arg) ? arg : [arg])).filter(isTensor);
      const results = isList(result) ? result : [result];
      const moves = operands.some((operand) => moving.has(operand));
      if (moves) for (const y of results) moving.add(y);
      entries.push({ operands, results, forks, moving: moves });
      if (name === 'countFrom') counted.set(result, args[2] as number);
      if (name === 'gather') limit(args[1] as Ids, (args[0] as Tensor).shape[0] as number);
      if (name === 'oneHot') limit(args[0] as Ids, args[1] as number);
      return result;
    };
  }

  function limit(ids: Ids, below: number): void {
    if (inputs.includes(ids)) limits.set(ids, Math.min(below, limits.get(ids) ?? below));
    else if (moving.has(ids) && !((counted.get(ids) ?? Number.POSITIVE_INFINITY) <= below)) repeatable = false;
  }

  function wrapAll<T extends object>(ops: T): T {
    return Object.fromEntries(
      Object.entries(ops).map(([name, value]) => [name, typeof value === 'function' ? wrap(ops, name, value) : value]),
    ) as T;
  }

  return {
    over(ops) {
      const wrapped: Ops = {
        ...wrapAll(ops),
        ...(ops.recurrences && { recurrences: wrapAll(ops.recurrences) }),
        // What it is composed of is written down one by one, so that what ids must be below is known.
        custom: (operands, rule) => rule.forward(wrapped, ...operands),
      };
      return wrapped;
    },
    apart(x, run) {
      const forks: Fork[] = [];
      writeDown(forks, run);
      // Its place is known to the workspace alone, so it counts as a part of what the tensor itself needs.
      entries.push({ operands: [x], results: [x], forks, moving: moving.has(x) });
    },
    copied(place) {
      copies.push(place);
    },
    last(run) {
      writeDown(ending, run);
    },
    looked() {
      if (!busy) repeatable = false;
    },
    get repeatable() {
      return repeatable;
    },
    limitOf: (ids) => limits.get(ids) ?? Number.POSITIVE_INFINITY,
    leadingTo(outputs) {
      const wanted = new Set<unknown>(outputs);
      const kept: Entry[] = [];
      for (let k = entries.length - 1; k >= 0; k -= 1) {
        const entry = entries[k] as Entry;
        if (!entry.results.some((result) => wanted.has(result))) continue;
        for (const operand of entry.operands) wanted.add(operand);
        kept.unshift(entry);
      }
      const forksOf = (which: boolean) => kept.filter((entry) => entry.moving === which).flatMap(({ forks }) => forks);
      const constants = copies.map(({ data }) => data.slice());
      return { preparation: forksOf(false), step: [...forksOf(true), ...ending], constants };
    },
  };
}

/** Whether the same was written down twice. */
export function sameRecords(a: Recorded, b: Recorded): boolean {
  return (['preparation', 'step', 'constants'] as const).every(
    (part) =>
      a[part].length === b[part].length &&
      a[part].every((words, k) => {
        const others = b[part][k] as Numbers;
        return words.length === others.length && words.every((word, place) => Object.is(word, others[place]));
      }),
  );
}
