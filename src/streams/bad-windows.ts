/** What becomes of windows that cannot be learnt from. */
import type { NextObserver } from 'rxjs';
import { host } from '#host';
import { requireChoice, requireCount } from '../checks.js';
import { type BadWindowError, OxbowError } from '../errors.js';
import type { Names } from '../options.js';
import type { Params } from '../parameters/parameter.js';
import type { PiecewiseTask } from '../piecewise-task.js';
import { type BadReason, reasonOf } from '../training/bad-reason.js';
import { type Remembered, remembering } from '../training/remembered.js';
import type { Trainer } from '../training/trainer.js';
import { positionNow } from './demand.js';

/** What becomes of a window that cannot be learnt from: an error, nothing, or a step back. */
export type BadWindowPolicy = 'stop' | 'skip' | 'rollback';

/** A window that could not be learnt from. */
export interface BadWindow {
  /** Which of the subscription's windows it was, from 1. */
  readonly window: number;
  /** Where the source goes on after it, if it says so. */
  readonly position: unknown;
  /**
   * Numbers of its own that are not finite (`'data'`); a shape, a type or an id that does not fit (`'misfit'`); a loss, a gradient or an update
   * that is not finite though its numbers are (`'loss'`); weights or a carry that were not before it (`'start'`).
   */
  readonly reason: BadReason;
  readonly error: Error;
  /** What became of it: it was left out, or the run went back too. */
  readonly done: 'skipped' | 'rolledBack';
  /** Updates that the weights have behind them now. */
  readonly step: number;
}

/** How many windows a subscription could not learn from so far. */
export interface BadWindowCounts {
  /** All of them. */
  readonly skipped: number;
  /** After how many of these it went back. */
  readonly rolledBack: number;
}

/** What becomes of windows that cannot be learnt from. */
export interface BadWindowOptions {
  /**
   * `'stop'`: a BadWindow error, which has what the run goes on from. `'skip'`: nothing changes, and the next window follows the one before.
   * `'rollback'`: the same where the window's own data is at fault; where a loss over sound data is not finite, weights and optimizer
   * also go back to a copy in memory. What nobody can mend is an error all the same.
   */
  readonly badWindow?: BadWindowPolicy | undefined;
  /** For `'rollback'`: updates from one copy to the next, default 100, and how often the run goes back to the same one, default 5. */
  readonly rollback?: { readonly every?: number | undefined; readonly most?: number | undefined } | undefined;
  /** Hears of each window that is left out. Where nobody does, the first one is a process warning. */
  readonly bad?: NextObserver<BadWindow> | undefined;
}

export const badWindowNames: Names<BadWindowOptions> = {
  badWindow: true,
  rollback: { every: true, most: true },
  bad: true,
};

const POLICIES = ['stop', 'skip', 'rollback'] as const;
const EVERY = 100;
const MOST = 5;
/** Windows in a row that are no use though their numbers are finite: then it is not they that are wrong. */
const MOST_IN_A_ROW = 100;

/** @throws RangeError, TypeError where an option is impossible; `operation` names it. */
export function checkBadWindowOptions(operation: string, { badWindow, rollback, bad }: BadWindowOptions): void {
  if (badWindow !== undefined) requireChoice(operation, 'badWindow', badWindow, POLICIES);
  if (rollback?.every !== undefined) requireCount(operation, 'rollback.every', rollback.every);
  if (rollback?.most !== undefined) requireCount(operation, 'rollback.most', rollback.most);
  if (rollback !== undefined && badWindow !== undefined && badWindow !== 'rollback') {
    throw new TypeError(
      `${operation}: rollback is for badWindow: 'rollback', not for '${badWindow}'; leave one of them out.`,
    );
  }
  if (bad !== undefined && typeof bad.next !== 'function') {
    throw new TypeError(`${operation}: bad is an observer, { next: (window) => … }.`);
  }
}

/** What learns, and what is its own besides weights and optimizer. */
export interface Ground {
  readonly params: Params;
  readonly learner: Pick<Trainer<never>, 'steps' | 'state' | 'restore'>;
  /** What else there is to go back to, as it stands; what it gives puts it back once weights and optimizer are. */
  keep?(): () => void;
  /** What the run goes on from, for an error. */
  snapshot(): unknown;
}

export interface Attempt {
  readonly live?: boolean;
  /** Where the source goes on, where that is not known now. */
  readonly position?: unknown;
  /** Passes by the window, once weights are what they stay; without what became of it where the run stops. */
  leftOut?(bad?: BadWindow): void;
}

/** The windows of one subscription. */
export interface BadWindows {
  /**
   * Learns from a window: what comes of it, or undefined where it could not be and was left out, once `leftOut` was called. `learn` is
   * to change nothing where it throws. Without a policy given it is `'rollback'` where windows are live.
   */
  attempt<R>(learn: () => PiecewiseTask<R>, how?: Attempt): PiecewiseTask<R | undefined>;
  /** A loss and its gradient are finite, and nothing has changed yet. */
  sound(): undefined;
  /** Leaves out what is no window yet, or throws. */
  refuse(error: unknown): void;
  readonly counts: BadWindowCounts;
}

export function badWindows(operation: string, options: BadWindowOptions, ground: Ground): BadWindows {
  const { learner } = ground;
  const remember = remembering(ground.params, learner);
  const { every = EVERY, most = MOST } = options.rollback ?? {};
  let counts: BadWindowCounts = { skipped: 0, rolledBack: 0 };
  let policy = options.badWindow;
  let windows = 0;
  /** Whether model and stream are known to fit. */
  let proven = false;
  let inARow = 0;
  let kept: { readonly training: Remembered; readonly putBack: (() => void) | undefined } | undefined;
  /** To the same copy. */
  let rollbacks = 0;

  function goBack({ training, putBack }: NonNullable<typeof kept>): void {
    training.putBack();
    putBack?.();
  }

  /** Does what the policy says. @throws where it is to stop, or the error is not the window's. */
  function bear(error: unknown, window: number, position: unknown, leftOut: Attempt['leftOut']): void {
    const reason = reasonOf(error);
    if (reason === undefined || (reason === 'misfit' && !proven)) throw error;
    const stop = (why: string) => {
      const { message } = error as Error;
      leftOut?.();
      throw new OxbowError<BadWindowError>({
        _tag: 'BadWindow',
        window,
        position,
        reason,
        snapshot: ground.snapshot(),
        message: `${operation}: window ${window} cannot be learnt from${why}: ${message}`,
        cause: error,
      });
    };
    if (policy === 'stop') stop('');
    if (reason !== 'data') inARow += 1;
    if (inARow > MOST_IN_A_ROW) stop(`, and ${MOST_IN_A_ROW} before it could not be`);
    const harmed = reason === 'loss' || reason === 'start';
    const back = policy === 'rollback' && harmed ? kept : undefined;
    if (reason === 'start' && back === undefined) stop(', and neither can any other');
    if (back !== undefined) {
      goBack(back);
      if (rollbacks === most) stop(` though the run went back ${most} times to step ${back.training.step}`);
      rollbacks += 1;
    }
    counts = { skipped: counts.skipped + 1, rolledBack: counts.rolledBack + (back ? 1 : 0) };
    const done = back ? 'rolledBack' : 'skipped';
    const left: BadWindow = { window, position, reason, error: error as Error, done, step: learner.steps };
    if (options.bad === undefined && counts.skipped === 1) {
      host.warn(
        `${operation}: window ${window} was left out: ${(error as Error).message} Further ones are not reported; give bad: { next } to hear of them.`,
        'OXBOW_BAD_WINDOW',
      );
    }
    leftOut?.(left);
    options.bad?.next(left);
  }

  function* attempted<R>(
    learn: () => PiecewiseTask<R>,
    { leftOut }: Attempt,
    window: number,
    position: unknown,
  ): PiecewiseTask<R | undefined> {
    try {
      const result = yield* learn();
      proven = true;
      inARow = 0;
      return result;
    } catch (error) {
      bear(error, window, position, leftOut);
      return undefined;
    }
  }

  return {
    attempt(learn, how = {}) {
      policy ??= how.live ? 'rollback' : 'stop';
      windows += 1;
      // Later pieces run where the source's position is no longer known.
      return attempted(learn, how, windows, 'position' in how ? how.position : positionNow());
    },
    sound() {
      if (policy !== 'rollback' || (kept !== undefined && learner.steps - kept.training.step < every)) return undefined;
      kept = { training: remember(), putBack: ground.keep?.() };
      rollbacks = 0;
      return undefined;
    },
    refuse: (error) => bear(error, windows + 1, positionNow(), undefined),
    get counts() {
      return counts;
    },
  };
}
