/** A trainer: a model, a loss and an optimizer, and what the optimizer keeps. One call learns from one window. */
import { tape } from '../backprop/tape.js';
import type { Course } from '../course.js';
import { capture, inPieces } from '../kernels/capture.js';
import { machine } from '../kernels/machine.js';
import { type Region, region } from '../kernels/region.js';
import type { Squares, Step } from '../kernels/spans.js';
import { staying } from '../kernels/staying.js';
import type { Workspace } from '../ops/eager/workspace.js';
import { inWindow, type OpenWindow, openWindow, toSignal, windowOps } from '../ops/window.js';
import { versionOf } from '../parameters/parameter.js';
import type { Tensor } from '../tensor.js';
import { type Forward, forward, type Trainable } from './forward.js';
import { type Away, comingBack } from './look-ahead.js';
import type { Loss } from './losses/loss.js';
import { clipByGlobalNorm } from './optimizers/clipping.js';
import type { Optimizer } from './optimizers/optimizer.js';
import { prepare, requireBearable, scaled } from './optimizers/preparing.js';
import { kept as keptFor } from './trained.js';
import type { TrainerState } from './trainer-state.js';
import { checkedWindow, requireFinite, requireFiniteStart, type TrainingWindow } from './training-window.js';
import { inLine } from './turns.js';

/** How often weights may change under an update in pieces; then the rest is done at once, lest it start over for ever. */
const MOST_OVERTAKEN = 2;

export interface TrainerOptions<Y = Tensor, Z = Tensor> {
  readonly loss: Loss<Y, Z>;
  readonly optimizer: Optimizer;
  /** Gradients whose global norm is greater are scaled down to it, before all that the optimizer does; by default none are. */
  readonly clipNorm?: number | undefined;
  /** What the optimizer kept in an earlier run, from `state()`. */
  readonly state?: TrainerState | undefined;
}

export interface Learned<S> {
  /** The loss of the weights as they were before this update. */
  readonly loss: number;
  /** Global norm of the gradient, before clipping. */
  readonly gradientNorm: number;
  /**
   * The norm of each parameter's gradient by its path, before clipping: where gradients vanish or explode on their way
   * back through a deep net, this shows it.
   */
  readonly gradientNorms: Readonly<Record<string, number>>;
  readonly learningRate: number;
  /** The carry after `carryAfter` steps. */
  readonly carry: S;
  /** The carry after the last step; by default `carry` itself. */
  readonly finalCarry: S;
}

export interface Trainer<S, X = Tensor, Z = Tensor> {
  /**
   * Forward, gradients, clipping, update. Nothing changes where it throws.
   *
   * @throws RangeError where the loss or the gradient is not finite.
   * @throws Error where an update in pieces is under way, or the trainer was released.
   */
  learn(window: TrainingWindow<S, X, Z>): Learned<S>;
  /**
   * The same update in pieces, of which the last one alone changes weights: between them others may use the model. Where
   * they change its weights (an update at once, `assign`, growth), or the machine's tier or threads, it starts over; where
   * weights have changed under it twice, the rest is one piece, so that it comes to its end whatever others do. Updates in
   * pieces of the same parameters come one after the other, in the order of their first pieces: a piece of one that is in line
   * does a piece of the first. An optimizer that moves weights aside has one piece. One that is not gone through with is to
   * be ended by `return()`.
   *
   * @throws as `learn`, by `next`.
   */
  course(window: TrainingWindow<S, X, Z>): Course<Learned<S>>;
  /** Updates so far. */
  readonly steps: number;
  /** A copy of what the optimizer keeps. */
  state(): TrainerState;
  /** Gives back the optimizer's memory; the trainer is of no use afterwards. */
  release(): void;
  /** `release`, for `using`. */
  [Symbol.dispose](): void;
}

/**
 * A trainer of a model.
 *
 * @throws RangeError where clipNorm is not a number above 0, or `state` is not of this model and optimizer, or holds what no
 * training can have left.
 * @example
 * const { learn } = trainer(model, { loss: crossEntropy(), optimizer: adam(2e-3), clipNorm: 5 });
 * const { loss, carry } = learn({ carry: model.initial(32), input, target });
 */
export function trainer<S, X = Tensor, Y = Tensor, Z = Tensor>(
  model: Trainable<S, X, Y>,
  options: TrainerOptions<Y, Z>,
): Trainer<S, X, Z> {
  const { loss, optimizer, clipNorm, state } = options;
  if (clipNorm !== undefined && !(clipNorm > 0)) {
    throw new RangeError(`trainer: clipNorm is a number above 0, not ${clipNorm}; leave it out for no clipping.`);
  }
  const { aside, preparations: own = [] } = optimizer;
  const preparations = clipNorm === undefined ? own : [clipByGlobalNorm(clipNorm), ...own];
  const home = machine();
  const kept = keptFor(home, model.params, optimizer, state);
  const { parameters, trained } = kept;
  let step = state?.step ?? 0;
  let released = false;
  let underWay = false;
  /** Where courses have their windows, since those of others come and go meanwhile. */
  const rooms: Region[] = [];

  /** A gradient, and the sums of its squares once their fork has run. */
  interface Gradient extends Forward<S> {
    readonly taken: Step;
    readonly sums: () => Squares;
  }

  /** What a window comes to, and its gradient: everything before weights change. */
  function gradientOf(space: Workspace, window: TrainingWindow<S, X, Z>): Gradient {
    const ops = windowOps(space, (kernels) => tape(kernels, parameters, step));
    const after = forward(ops, model, loss, window);
    const taken = kept.step(space, ops.gradients(after.loss));
    return { ...after, taken, sums: taken.squares() };
  }

  /** The sums of a gradient's squares. @throws RangeError where they or the loss are not finite. */
  function finite({ loss: { data }, sums }: Gradient, window: TrainingWindow<S, X, Z>) {
    const squares = sums();
    const [value, norm] = [data[0] as number, Math.sqrt(squares.total)];
    if (!Number.isFinite(value) || !Number.isFinite(norm)) {
      requireFinite(model.kind, 'the input', window.input);
      requireFinite(model.kind, 'the target', window.target);
      requireFiniteStart(model.kind, window.carry, trained);
      throw new RangeError(
        `trainer: at step ${step} the loss of ${model.kind} is ${value} and its gradient's norm ${norm}; ` +
          'the weights were left as they are. Lower the learning rate, or clip the gradient.',
      );
    }
    return { squares, value, norm };
  }

  /** The update, which alone changes weights. */
  function updated(window: TrainingWindow<S, X, Z>, gradient: Gradient, away?: Away): Learned<S> {
    const { taken, carry, finalCarry } = gradient;
    const { squares, value, norm } = finite(gradient, window);
    const learningRate = optimizer.learningRate(step);
    const carryOut = window.alone ? window.carry : toSignal(carry);
    const finalOut = window.alone || finalCarry === carry ? carryOut : toSignal(finalCarry);
    const prepared = scaled(optimizer, prepare(preparations, taken, squares), taken, squares);
    const { stages, scale } = prepared;
    requireBearable(optimizer, learningRate, prepared, taken, squares);
    const { rule, idle } = optimizer;
    const update = { rule, idle, numbers: optimizer.numbers(step), stages, scale };
    if (aside?.when === 'between') {
      away?.(taken, prepared);
      // Other weights: packed and multiplied anew, in a window of its own.
      inWindow((_, space) => {
        const there = gradientOf(space, window);
        requireBearable(optimizer, learningRate, prepared, there.taken, finite(there, window).squares);
        there.taken.update(update);
      });
    } else {
      taken.update(update);
    }
    step += 1;
    for (const parameter of parameters) parameter.written();
    return {
      loss: value,
      gradientNorm: norm,
      gradientNorms: Object.fromEntries(trained.map(({ path }, k) => [path, Math.sqrt(squares.each[k] as number)])),
      learningRate,
      carry: carryOut,
      finalCarry: finalOut,
    };
  }

  /** Makes ready for a window, which comes from outside. */
  function begin(given: TrainingWindow<S, X, Z>): TrainingWindow<S, X, Z> {
    if (released) throw new Error('trainer: it was released; make a new one.');
    if (underWay) throw new Error('trainer: an update in pieces is under way; end it before the next one begins.');
    const window = checkedWindow(model.kind, given);
    kept.follow();
    return window;
  }

  function learn(given: TrainingWindow<S, X, Z>): Learned<S> {
    const window = begin(given);
    return comingBack(optimizer, kept, step, (away) =>
      inWindow((_, space) => {
        if (aside?.when === 'before') away(kept.standing(space), { stages: [], scale: 1 });
        return updated(window, gradientOf(space, window), away);
      }),
    );
  }

  /** An update in pieces; nothing comes of it where the ground that it stands on has changed in between, which `atOnce` it cannot. */
  function* attempt(
    window: TrainingWindow<S, X, Z>,
    within: Region,
    atOnce: boolean,
  ): Course<Learned<S> | 'elsewhere' | 'overtaken'> {
    // Packed weights are for the tier's width, and working memory for so many threads.
    const { tier, threads } = home;
    // Kernels that are yet to run know where weights lie, and what is kept of them.
    const leave = [...parameters.map((parameter) => parameter.stay()), kept.spans.stay()];
    const version = versionOf(parameters);
    let open: OpenWindow | undefined;
    try {
      open = openWindow(within);
      const { space } = open;
      if (atOnce) return staying(home, () => updated(window, gradientOf(space, window)));
      const pieces = inPieces(
        home,
        capture(home, () => gradientOf(space, window)),
      );
      for (;;) {
        const piece = staying(home, () => pieces.next());
        if (piece.done) return staying(home, () => updated(window, piece.value));
        yield;
        if (released) throw new Error('trainer: it was released while an update was under way; nothing was changed.');
        if (home.tier !== tier || home.threads !== threads) return 'elsewhere';
        if (versionOf(parameters) !== version) return 'overtaken';
      }
    } finally {
      for (const each of leave) each();
      open?.close();
    }
  }

  /** Attempts until one comes to something. */
  function* attempts(window: TrainingWindow<S, X, Z>): Course<Learned<S>> {
    const [room = region(home.heap)] = rooms;
    rooms[0] = room;
    // What a course left that could not be closed, where the stack was full.
    room.release({ block: 0, offset: 0 });
    for (let overtaken = 0; ; ) {
      kept.follow();
      const learned = yield* attempt(window, room, overtaken === MOST_OVERTAKEN);
      if (learned === 'overtaken') overtaken += 1;
      else if (learned !== 'elsewhere') return learned;
    }
  }

  function* course(given: TrainingWindow<S, X, Z>): Course<Learned<S>> {
    // Nor can it be captured within what is captured itself.
    if (aside !== undefined || home.capturing !== undefined) return learn(given);
    const window = begin(given);
    try {
      underWay = true;
      return yield* inLine(parameters, attempts(window));
    } finally {
      underWay = false;
    }
  }

  const self: Trainer<S, X, Z> = {
    learn,
    course,
    get steps() {
      return step;
    },
    state() {
      if (released) throw new Error('trainer: it was released, and what it kept with it.');
      kept.follow();
      return { step, slots: kept.slots() };
    },
    release() {
      if (released) return;
      released = true;
      abandoned.unregister(self);
      kept.spans.free();
      giveBack(rooms);
    },
    [Symbol.dispose]: () => self.release(),
  };
  // A trainer that nobody holds any more gives its memory back all the same.
  abandoned.register(self, rooms, self);
  return self;
}

function giveBack(rooms: readonly Region[]): void {
  for (const { free } of rooms) free();
}

const abandoned = new FinalizationRegistry<readonly Region[]>(giveBack);
