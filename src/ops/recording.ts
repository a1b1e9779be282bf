/**
 * Recording: what a step of a model does to the machine, written down as two programs that can be run again. What
 * follows from the parameters alone (packed weights, an embedding multiplied by a layer's weights) is prepared once for
 * all steps until the weights change; the rest is the step itself. What neither the output nor the carry depends on is
 * left out.
 */

import type { Capture, Fork } from '../kernels/machine-type.js';
import { type Ids, isList, isTensor, type Numbers, type Tensor } from '../tensor.js';
import type { Ops } from './ops.js';

interface Entry {
  readonly operands: readonly unknown[];
  readonly results: readonly unknown[];
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
  /** For a workspace: called for each signal that was copied in. */
  copied(place: Tensor): void;
  /** Runs something that ends the step. */
  last(run: () => void): void;
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

/** A recorder of one step that is being captured, in which the given tensors differ from step to step. */
export function recorder(capture: Capture, inputs: readonly Tensor[]): Recorder {
  const moving = new Set<unknown>(inputs);
  const limits = new Map<Tensor, number>();
  /** What ids that were counted here are below. */
  const counted = new Map<unknown, number>();
  const entries: Entry[] = [];
  const ending: Entry = { operands: [], results: [], moving: true };
  /** What each fork belongs to. */
  const owners: Entry[] = [];
  const copies: Tensor[] = [];
  let repeatable = true;

  /** Runs something whose forks belong to an entry, but for those that belong to one within it. */
  function owning<R>(entry: Entry, run: () => R): R {
    const [first, looks] = [capture.forks.length, capture.looks];
    const result = run();
    for (let k = first; k < capture.forks.length; k += 1) owners[k] ??= entry;
    // What a primitive looks at follows from what it is given.
    capture.looks = looks;
    return result;
  }

  function wrap(of: object, name: string, run: (...args: readonly unknown[]) => unknown) {
    return (...args: readonly unknown[]) => {
      const operands = args.flatMap((arg) => (isList(arg) ? arg : [arg])).filter(isTensor);
      const results: unknown[] = [];
      const entry = { operands, results, moving: operands.some((operand) => moving.has(operand)) };
      const result = owning(entry, () => run.apply(of, args as unknown[]));
      results.push(...(isList(result) ? result : [result]));
      if (entry.moving) for (const y of results) moving.add(y);
      entries.push(entry);
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
      // Its place is known to the workspace alone, so it counts as a part of what the tensor itself needs.
      const entry = { operands: [x], results: [x], moving: moving.has(x) };
      owning(entry, run);
      entries.push(entry);
    },
    copied(place) {
      copies.push(place);
    },
    last(run) {
      owning(ending, run);
    },
    get repeatable() {
      return repeatable && capture.looks === 0;
    },
    limitOf: (ids) => limits.get(ids) ?? Number.POSITIVE_INFINITY,
    leadingTo(outputs) {
      const wanted = new Set<unknown>(outputs);
      const kept = new Set<Entry>([ending]);
      for (let k = entries.length - 1; k >= 0; k -= 1) {
        const entry = entries[k] as Entry;
        if (!entry.results.some((result) => wanted.has(result))) continue;
        for (const operand of entry.operands) wanted.add(operand);
        kept.add(entry);
      }
      const forksOf = (moving: boolean) =>
        capture.forks.filter((_, k) => {
          const owner = owners[k];
          return owner !== undefined && owner.moving === moving && kept.has(owner);
        });
      return { preparation: forksOf(false), step: forksOf(true), constants: copies.map(({ data }) => data.slice()) };
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
