/** Updates in pieces, between which others may change the ground that they stand on. */

import { type Arena, arena } from '../kernels/arena.js';
import type { Machine } from '../kernels/machine-type.js';
import { staying } from '../kernels/staying.js';
import { type OpenWindow, openWindow } from '../ops/window.js';
import { versionOf } from '../parameters/parameter.js';
import type { PiecewiseTask } from '../piecewise-task.js';
import type { Runner } from './runner.js';
import type { Kept } from './trained.js';
import type { TrainingWindow } from './training-window.js';
import type { Learned, Updates } from './update.js';

/** How often weights may change under an update in pieces; then the rest is done at once, so that it comes to an end. */
const MOST_OVERTAKEN = 2;

/** What updates in pieces need of their trainer. */
export interface AttemptContext<S, X, Z, O> {
  readonly home: Machine;
  readonly kept: Kept;
  readonly updates: Updates<S, X, Z, O>;
  /** Where they have their windows, since those of others come and go meanwhile. */
  readonly rooms: Arena[];
  readonly runner: Runner;
  /** @throws Error where the trainer is of no use any more. */
  requireHeld(): void;
}

/** Attempts until one comes to something. */
export function* attempts<S, X, Z, O>(
  ground: AttemptContext<S, X, Z, O>,
  window: TrainingWindow<S, X, Z>,
): PiecewiseTask<Learned<S, O>> {
  const { home, kept, rooms, runner, requireHeld } = ground;
  const [room = arena(home.heap)] = rooms;
  rooms[0] = room;
  yield* made(ground);
  for (let overtaken = 0; ; ) {
    // An attempt that came to nothing may have left kernels under way.
    yield* runner.settled();
    requireHeld();
    // What a task left that could not be closed, where the stack was full.
    room.release({ block: 0, offset: 0 });
    kept.follow();
    const learned = yield* attempt(ground, window, room, overtaken === MOST_OVERTAKEN);
    if (learned === 'overtaken') overtaken += 1;
    else if (learned !== 'elsewhere') return learned;
  }
}

/** Makes what is used for the first time, little by little. */
function* made<S, X, Z, O>({
  kept: { parameters, table },
  requireHeld,
}: AttemptContext<S, X, Z, O>): PiecewiseTask<void> {
  for (const part of [...parameters.map((parameter) => parameter.drawing()), table.clearing()]) {
    while (part.next().done !== true) {
      yield;
      requireHeld();
    }
  }
}

/** An update in pieces; nothing comes of it where the ground that it stands on has changed in between, which `atOnce` it cannot. */
function* attempt<S, X, Z, O>(
  { home, kept, updates, runner, requireHeld }: AttemptContext<S, X, Z, O>,
  window: TrainingWindow<S, X, Z>,
  within: Arena,
  atOnce: boolean,
): PiecewiseTask<Learned<S, O> | 'elsewhere' | 'overtaken'> {
  // Packed weights are for the tier's width, and working memory for so many threads.
  const { tier, threads } = home;
  // Kernels that are yet to run know where weights lie, and what is kept of them.
  const leave = kept.stay();
  const version = versionOf(kept.parameters);
  let open: OpenWindow | undefined;
  try {
    open = openWindow(within);
    const { space } = open;
    if (atOnce) return staying(home, () => updates.atOnce(window, space));
    const pieces = updates.update(space, window, runner.run);
    for (;;) {
      const piece = staying(home, () => pieces.next());
      if (piece.done) return piece.value;
      yield piece.value;
      requireHeld();
      if (home.tier !== tier || home.threads !== threads) return 'elsewhere';
      if (versionOf(kept.parameters) !== version) return 'overtaken';
    }
  } finally {
    leave();
    open?.close();
  }
}
