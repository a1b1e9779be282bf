import { defer, finalize, type OperatorFunction } from 'rxjs';
import { requireSameLanes, startFrom } from '../carry.js';
import { isRecord, requireCount, requireKind } from '../checks.js';
import { batchOf, type Core } from '../layer.js';
import { checkedOptions } from '../options.js';
import type { PiecewiseTask } from '../piecewise-task.js';
import type { Tensor } from '../tensor.js';
import { type Learned, type TrainerOptions, trainer, trainerNames } from '../training/trainer.js';
import type { TrainerState } from '../training/trainer-state.js';
import type { TrainingWindow } from '../training/training-window.js';
import { type History, historyOf } from './history.js';
import { afterResets } from './reset.js';
import { stepsOf } from './steps.js';
import { throughput } from './throughput.js';
import { atOnce, checkUpdatesOptions, type UpdatesOptions, updates, updatesNames } from './updates.js';
import type { SignalWindow } from './window.js';

export interface TbpttOptions<S> extends TrainerOptions, UpdatesOptions {
  /** Steps that gradients flow back through, at least the window's length k1. Default k1. */
  readonly k2?: number;
  /** The carry to start from, as an earlier run emitted it. Default the zero carry. */
  readonly carry?: S;
}

/** What one window taught. */
export interface TrainingStep<S, W = SignalWindow> {
  /** Updates so far, this one included. */
  readonly step: number;
  /** The window's loss, of the weights as they were before this update. */
  readonly loss: number;
  /** Global norm of the gradient, before clipping. */
  readonly gradientNorm: number;
  /** The norm of each parameter's gradient by its path, before clipping. */
  readonly gradientNorms: Readonly<Record<string, number>>;
  readonly learningRate: number;
  /** Targets learnt from so far, T·B for each window; a run that goes on from a state goes on counting. */
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
  /** The window itself, with what its source tells beside it (epoch, index). */
  readonly window: W;
}

/**
 * Truncated backpropagation through time over a stream of windows, one update of the model's weights for each.
 *
 * The loss counts the window's k1 steps; its gradient flows back through the last k2 ≥ k1, `∂L/∂θ` of the stretch from
 * k2 steps back with the carry there held constant. The carry runs on from window to window. Where k2 > k1 the steps
 * before the window are computed again with the weights of this moment, from the carry that was found k2 steps back
 * when the stretch before ran through it. While fewer than k2 steps have passed, gradients flow back through those.
 *
 * Source: Williams and Peng (1990), BPTT(h; h′) with h = k2 and h′ = k1; Sutskever (2013), §2.8.6, for the names.
 *
 * Shapes: input `[T, B, …]`, target `[T, B, …]`; k1 is T. Carry: kept between windows. `reset` starts the flagged lanes
 * afresh; it also ends the history of the others, whose carry goes on but whose gradients flow back no further.
 *
 * A window that stands `alone` starts from the zero carry and leaves none behind.
 *
 * Each subscription has an optimizer state of its own and releases it at the end; the weights are the model's.
 *
 * Law: with k2 = k1, a run that was cut after any window and goes on with the weights, `carry` and `state()` of that
 * step gives bit for bit what the uninterrupted run gives. (Where k2 > k1, the steps before the cut are not kept.)
 *
 * @throws RangeError where k2 is not a whole number of at least 1, or an option of the trainer is impossible.
 * @throws RangeError (as an error notification) where a window is longer than k2, or the loss is not finite.
 * @throws TypeError, RangeError (as error notifications) where `carry` is not one of the model for the stream's lanes.
 * @throws TypeError (as an error notification) where the number of lanes changes.
 * @example
 * text$.pipe(
 *   tokens(vocab),
 *   windows({ length: 32 }),
 *   tbptt(model, { loss: crossEntropy(), optimizer: adam(2e-3), clipNorm: 5 }),
 * ).subscribe(({ loss, tokensPerSecond }) => console.log(loss, tokensPerSecond));
 *
 * @example
 * // Where a run ended, so that `tbptt(model, { loss, optimizer, state, carry })` goes on from there.
 * const { state, carry } = await lastValueFrom(
 *   windows$.pipe(
 *     tbptt(model, { loss, optimizer }),
 *     last(),
 *     map((step) => ({ state: step.state(), carry: step.carry })),
 *   ),
 * );
 */
export function tbptt<S, X extends Tensor, W extends SignalWindow<X>>(
  model: Core<S, X>,
  options: TbpttOptions<S>,
): OperatorFunction<W, TrainingStep<S, W>> {
  const checked = checkedOptions('tbptt', options, { k2: true, carry: true, ...updatesNames, ...trainerNames });
  const { k2, carry: from, slice: _, waiting: _too, ...training } = checked;
  const { state } = training;
  if (k2 !== undefined) requireCount('tbptt', 'k2', k2);
  checkUpdatesOptions('tbptt', checked);
  const sync = atOnce(checked);
  return (source) =>
    defer(() => {
      const learner = trainer(model, training);
      let history: History<S, X> | undefined;
      let zero: S | undefined;
      let lanes: number | undefined;
      let rate: ReturnType<typeof throughput> | undefined;
      let tokens = state?.tokens ?? 0;

      function* update(window: TrainingWindow<S, X, Tensor>): PiecewiseTask<Learned<S>> {
        return sync ? learner.learn(window) : yield* learner.learnInPieces(window);
      }

      function stateAfter(step: number, tokens: number): TrainerState {
        if (learner.steps === step) return { ...learner.state(), tokens };
        throw new Error(
          `tbptt: the state after step ${step} is wanted, but step ${learner.steps} has been learnt since; call state() ` +
            'while the step is being handled.',
        );
      }

      /** Nothing goes on from a window that stands alone. */
      function alone({ input, target }: W, batch: number) {
        zero ??= model.initial(batch);
        history = undefined;
        return update({ carry: zero, input, target, alone: true });
      }

      function* learn(window: W): PiecewiseTask<TrainingStep<S, W>> {
        const isWindow = isRecord(window) && [window.input, window.target].every((part) => isRecord(part));
        requireKind('tbptt', isWindow, 'windows { input, target }', window, 'put it after windows() or lanes()');
        const { input, target, reset } = window;
        const steps = stepsOf(input);
        if (k2 !== undefined && steps > k2) {
          throw new RangeError(
            `tbptt: gradients are to flow back through k2 = ${k2} steps, but the window has ${steps}; choose a k2 of ` +
              `at least ${steps}, or windows({ length: ${k2} }).`,
          );
        }
        const batch = batchOf(input);
        requireSameLanes('tbptt', lanes, batch);
        // A carry of other lanes is not one to start from, whatever the first window asks for.
        const start = lanes === undefined && !window.alone ? from : undefined;
        lanes = batch;
        rate ??= throughput();
        if (window.alone) return told(window, yield* alone(window, batch));
        history ??= historyOf(model, startFrom('tbptt', model, start, batch));
        if (reset?.includes(true)) history = historyOf(model, afterResets('tbptt', model, history.carry, reset));
        const result = yield* history.extend(input, k2 ?? steps, (stretch) => update({ ...stretch, target }));
        return told(window, result);
      }

      function told(window: W, result: Omit<Learned<S>, 'carry'>): TrainingStep<S, W> {
        const { loss, gradientNorm, gradientNorms, learningRate, finalCarry } = result;
        const count = stepsOf(window.target) * batchOf(window.target);
        rate ??= throughput();
        tokens += count;
        const total = tokens;
        const step = learner.steps;
        return {
          step,
          loss,
          gradientNorm,
          gradientNorms,
          learningRate,
          tokens,
          tokensPerSecond: rate(count),
          carry: finalCarry,
          state: () => stateAfter(step, total),
          window,
        };
      }

      return source.pipe(updates('tbptt', checked, learn), finalize(learner.release));
    });
}
