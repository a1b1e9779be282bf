/** What operators that learn from windows say of each. */
import { batchOf } from '../layer.js';
import { lengthsWith } from '../ops/lengths.js';
import type { Tensor } from '../tensor.js';
import type { Learned, Trainer } from '../training/trainer.js';
import type { TrainerState } from '../training/trainer-state.js';
import type { BadWindowCounts } from './bad-windows.js';
import { stepsOf } from './steps.js';
import { throughput } from './throughput.js';
import type { SignalWindow } from './window.js';

/** What one window taught. */
export interface TrainingStep<S, W = SignalWindow> {
  /** Updates so far, this one included. */
  readonly step: number;
  /** The window's loss, of the weights as they were before this update. */
  readonly loss: number;
  /** The loss of each position of the same pass, `[T, B]`, before any mean and 0 at padding; there where `each` asked for it. */
  readonly each?: Tensor;
  /** Global norm of the gradient, before clipping. */
  readonly gradientNorm: number;
  /** The norm of each parameter's gradient by its path, before clipping. */
  readonly gradientNorms: Readonly<Record<string, number>>;
  readonly learningRate: number;
  /** Targets learnt from so far, T·B for each window but for padding; a run that goes on from a state goes on counting. */
  readonly tokens: number;
  /** Targets per second of wall-clock time, over about the last second. */
  readonly tokensPerSecond: number;
  /** The carry after the window, an immutable value. */
  readonly carry: S;
  /**
   * A copy of what the optimizer keeps, made when called. Call it while the step is being handled: by the next window
   * the optimizer has gone on, and at the end of the subscription it is gone.
   *
   * @throws Error where the optimizer is no longer at this step.
   */
  state(): TrainerState;
  /** Windows that could not be learnt from so far, and left out. */
  readonly bad: BadWindowCounts;
  /** The window itself, with what else its source says of it (epoch, index). */
  readonly window: W;
}

/** The steps of a subscription, which began with so many targets learnt from. */
export function trainingSteps<S>(
  operation: string,
  learner: Pick<Trainer<S>, 'steps' | 'state'>,
  bad: { readonly counts: BadWindowCounts },
  before = 0,
) {
  let rate: ReturnType<typeof throughput> | undefined;
  let tokens = before;

  function stateAfter(step: number, tokens: number): TrainerState {
    if (learner.steps === step) return { ...learner.state(), tokens };
    throw new Error(
      `${operation}: the state after step ${step} is wanted, but step ${learner.steps} has been learnt since; call state() ` +
        'while the step is being handled.',
    );
  }

  return {
    /** The state after the last step. */
    state: (): TrainerState => stateAfter(learner.steps, tokens),
    /** What puts the count of targets back to what it is now. */
    keep() {
      const kept = tokens;
      return () => {
        tokens = kept;
      };
    },
    /** Time counts from here on, where it does not yet. */
    begin(): void {
      rate ??= throughput();
    },
    /** What is said of a window that has been learnt from. */
    step<W extends SignalWindow<unknown>>(window: W, result: Omit<Learned<S>, 'carry'>): TrainingStep<S, W> {
      const { loss, each, gradientNorm, gradientNorms, learningRate, finalCarry } = result;
      const { target } = window;
      const count = lengthsWith(target)?.reduce((sum, own) => sum + own, 0) ?? stepsOf(target) * batchOf(target);
      rate ??= throughput();
      tokens += count;
      const total = tokens;
      const step = learner.steps;
      return {
        step,
        loss,
        ...(each && { each }),
        gradientNorm,
        gradientNorms,
        learningRate,
        tokens,
        tokensPerSecond: rate(count),
        carry: finalCarry,
        state: () => stateAfter(step, total),
        bad: bad.counts,
        window,
      };
    },
  };
}
