/**
 * A checkpoint's numbers copied into one block of the kernels' memory, in the order of its file: by the threads that learn, between
 * two updates. They are written from there.
 */
import type { Checkpoint } from '../formats/checkpoint.js';
import { sorted } from '../formats/checkpoint.js';
import { settled } from '../formats/checkpoint-file.js';
import { atOnce } from '../kernels/capture.js';
import { inPlace, type Keeper } from '../kernels/in-place.js';
import { copyNumbers } from '../kernels/kernels.js';
import { machine } from '../kernels/machine.js';
import type { Machine } from '../kernels/machine-type.js';
import { staying } from '../kernels/staying.js';
import { type Params, parametersOf, versionOf } from '../parameters/parameter.js';
import { inOnePiece, type PiecewiseTask } from '../piecewise-task.js';
import type { Tensor } from '../tensor.js';

/** A checkpoint whose numbers are on their way. */
export interface Copying {
  readonly checkpoint: Checkpoint;
  /** Ends when the numbers are there; false where weights were changed meanwhile, so that they are of no use. */
  readonly task: PiecewiseTask<boolean>;
  /** Gives the memory back, as soon as nothing is written there any more. */
  free(): void;
}

/**
 * Copies a checkpoint's numbers: in turn with the updates of a trainer that learns in pieces, or else at once.
 *
 * @param make makes the checkpoint; it is called at once, and reads numbers where they lie.
 */
export function copying(params: Params, make: () => Checkpoint): Copying {
  const home = machine();
  // What has been read stays where it is while more is read.
  return staying(home, () => {
    const { result, keeper } = inPlace(make);
    const placed = inBlock(home, result);
    if (placed === undefined) return { checkpoint: settled(result), task: inOnePiece(() => true), free() {} };
    const { checkpoint, copy } = placed;
    let quiet = true;
    const free = () => home.heap.free(placed.address);
    if (keeper === undefined) {
      atOnce(home, copy);
      return { checkpoint, task: inOnePiece(() => true), free };
    }
    const task = copiedBy(keeper, params, copy, (isQuiet) => {
      quiet = isQuiet;
    });
    return { checkpoint, task, free: () => (quiet ? free() : keeper.settled(free)) };
  });
}

/** Copies between two updates. */
function copiedBy(
  keeper: Keeper,
  params: Params,
  copy: () => void,
  quiet: (isQuiet: boolean) => void,
): PiecewiseTask<boolean> {
  const parameters = parametersOf(params).map(([, each]) => each);
  const version = versionOf(parameters);
  const leave = [keeper.stay(), ...parameters.map((each) => each.stay())];
  return (function* () {
    quiet(false);
    try {
      return yield* keeper.run(copy, () => {
        quiet(true);
        return versionOf(parameters) === version;
      });
    } finally {
      for (const each of leave) each();
    }
  })();
}

/** The checkpoint as it is to be, and what copies its numbers there; undefined where there is no room, or none that lasts. */
function inBlock(home: Machine, { tensors, metadata }: Checkpoint) {
  const { buffer } = home.floats;
  const ordered = sorted(tensors);
  const bytes = ordered.reduce((sum, [, { data }]) => sum + data.byteLength, 0);
  const { used, limit } = home.memory;
  // As much again is left to windows: a run must not fail for want of what its files take. Memory that is not shared is elsewhere once
  // it has grown.
  const address = home.shared && used + 2 * bytes <= limit ? home.heap.allocateSpare(bytes) : undefined;
  if (address === undefined) return undefined;
  const moves: (readonly [from: number, to: number, size: number])[] = [];
  let at = address;
  const placed = ordered.map(([name, { shape, type, data }]) => {
    const all = type === 'int32' ? home.ints : home.floats;
    const there = all.subarray(at / 4, at / 4 + data.length);
    if (data.buffer === buffer) moves.push([data.byteOffset, at, data.length]);
    else there.set(data);
    at += data.byteLength;
    return [name, { shape, type, data: there } as Tensor] as const;
  });
  return {
    address,
    checkpoint: { tensors: Object.fromEntries(placed), metadata },
    copy() {
      for (const [from, to, size] of moves) copyNumbers(home, from, to, size);
    },
  };
}
