import { defer, filter, finalize, type OperatorFunction } from 'rxjs';
import { requireSameLanes, restored, startFrom } from '../carry.js';
import { overLiveLanes } from '../cells/masked.js';
import { isRecord, requireCount, requireKind } from '../checks.js';
import { batchOf, type Core } from '../layer.js';
import { checkLengths, lengthsWith, restartsWith } from '../ops/lengths.js';
import { checkedOptions } from '../options.js';
import type { PiecewiseTask } from '../piecewise-task.js';
import { isTensor, type Tensor } from '../tensor.js';
import { type Learned, type TrainerOptions, trainer, trainerNames } from '../training/trainer.js';
import type { TrainerState } from '../training/trainer-state.js';
import type { TrainingWindow } from '../training/training-window.js';
import { shownPart } from '../tree.js';
import { type BadWindowOptions, badWindowNames, badWindows, checkBadWindowOptions } from './bad-windows.js';
import { historyOf, type PastSteps, type StepHistory } from './history.js';
import { afterResets, type Resets } from './reset.js';
import { stepsOf } from './steps.js';
import { type NamedSymbol, symbolGrowth } from './symbol-growth.js';
import type { Vocabulary } from './symbols.js';
import type { Tokenizer } from './tokenizer/tokenizer.js';
import { type TrainingStep, trainingSteps } from './training-step.js';
import {
  checkUpdatesOptions,
  eachUpdated,
  type UpdatesOptions,
  updatesAtOnce,
  updatesNames,
  withThread,
} from './updates.js';
import type { SignalWindow } from './window.js';

/** The options of {@link tbptt}. */
export interface TbpttOptions<S> extends TrainerOptions, UpdatesOptions, BadWindowOptions {
  /** Steps that gradients flow back through, at least the window's length k1. Default k1. */
  readonly k2?: number;
  /** The carry to start from, as an earlier run emitted it. Default the zero carry. */
  readonly carry?: S;
  /** Where a run goes on that was stopped, as `snapshot()` of its last step gave it; it has state and carry too. */
  readonly from?: TbpttSnapshot<S> | undefined;
  /**
   * Where it is an open vocabulary, the model grows by symbols that are new before the window in which they first appear is learnt.
   * In the place of a target that is not known yet the escape is learnt.
   */
  readonly vocab?: Vocabulary | Tokenizer | undefined;
}

/** All that a run needs to go on as if it had never stopped, but for the weights. */
export interface TbpttSnapshot<S> {
  readonly state: TrainerState;
  readonly carry: S;
  /** The steps before, where gradients flow back into them (k2 above k1). */
  readonly past?: PastSteps<S>;
}

/** The outcome of a window for `tbptt`: what it taught, and all that is needed to go on after it. */
export interface TbpttStep<S, W = SignalWindow> extends TrainingStep<S, W> {
  /**
   * By an open vocabulary: the symbols that were not known where they were to be predicted, and what it takes to name them. The loss has
   * the escape in their places, so all bits of the window are `loss · T·B / ln 2 + Σ bits`.
   */
  readonly named?: readonly NamedSymbol[];
  /**
   * A copy of what this run needs, besides the weights, to go on: `tbptt(model, { loss, optimizer, from })`. Call it while the step is
   * being handled, as `state`.
   *
   * @throws Error where the optimizer is no longer at this step.
   */
  snapshot(): TbpttSnapshot<S>;
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
 * Windows of `liveLanes` are taken as they are: lanes begin afresh within them, and nobody's places count for nothing.
 *
 * A window that stands `alone` starts from the zero carry and leaves none behind.
 *
 * A window that cannot be learnt from leaves no trace; option `badWindow` says whether the stream goes on.
 *
 * Each subscription has an optimizer state of its own and releases it at the end; the weights are the model's.
 *
 * Law: a run that was cut after any window and goes on with the weights and the `snapshot()` of that step gives bit for bit what
 * the uninterrupted run gives; with k2 = k1 its `carry` and `state()` are enough.
 *
 * @param model whose weights are changed with each window.
 * @param options loss and optimizer, and what else there is to say of updates and of where to start.
 * @returns an operator: what each window taught, after its update.
 * @throws TypeError where an option is not known.
 * @throws RangeError where k2 is not a whole number of at least 1, or an option of the trainer is impossible.
 * @throws RangeError (as an error notification) where the first window is longer than k2.
 * @throws OxbowError `BadWindow` (as an error notification) where a window cannot be learnt from and the run is to stop.
 * @throws TypeError, RangeError (as error notifications) where `carry` is not one of the model for the stream's lanes.
 * @example
 * text$.pipe(
 *   tokens(vocab),
 *   windows({ length: 32 }),
 *   tbptt(model, { loss: crossEntropy(), optimizer: adam(2e-3), clipNorm: 5 }),
 * ).subscribe(({ loss, tokensPerSecond }) => console.log(loss, tokensPerSecond));
 *
 * @example
 * // Where a run ended, so that `tbptt(model, { loss, optimizer, from })` goes on from there.
 * const from = await lastValueFrom(
 *   windows$.pipe(
 *     tbptt(model, { loss, optimizer }),
 *     last(),
 *     map((step) => step.snapshot()),
 *   ),
 * );
 */
export function tbptt<S, X extends Tensor, W extends SignalWindow<X>>(
  model: Core<S, X>,
  options: TbpttOptions<S>,
): OperatorFunction<W, TbpttStep<S, W>> {
  const names = {
    k2: true,
    carry: true,
    from: true,
    vocab: true,
    ...updatesNames,
    ...trainerNames,
    ...badWindowNames,
  } as const;
  const checked = withThread(checkedOptions('tbptt', options, names));
  const { k2, from, slice: _, waiting: _too, badWindow: _three, rollback: _four, bad: _five, vocab, ...rest } = checked;
  if (from !== undefined && (rest.state !== undefined || rest.carry !== undefined)) {
    throw new TypeError('tbptt: from has state and carry in it; leave those out, or leave from out.');
  }
  if (from !== undefined)
    requireKind('tbptt', isRecord(from), 'a run to go on from', from, 'give what snapshot() gave');
  const { carry, state: own, ...training } = rest;
  const [begun, state, past] = from === undefined ? [carry, own] : [from.carry, from.state, from.past];
  if (k2 !== undefined) requireCount('tbptt', 'k2', k2);
  checkUpdatesOptions('tbptt', checked);
  checkBadWindowOptions('tbptt', checked);
  const growth = symbolGrowth('tbptt', model.params, vocab);
  const sync = updatesAtOnce(checked);
  const core = overLiveLanes(model);
  return (source) =>
    defer(() => {
      const learner = trainer(core, { ...training, state, observe: () => () => windows.sound() });
      const windows = badWindows('tbptt', checked, { params: core.params, learner, keep, snapshot });
      const progress = trainingSteps<S>('tbptt', learner, windows, state?.tokens);
      let history: StepHistory<S, X> | undefined;
      let zero: S | undefined;
      let lanes: number | undefined;
      /** Whether a lane had no more to say in the last window: what comes next does not follow its last step at once. */
      let paused = false;
      /** Lanes that were to begin afresh with windows that were left out. */
      let owed: Resets | undefined;
      /** Lanes that have begun afresh since there was something to go back to. */
      let begunSince: Resets | undefined;
      /** What the window that is learnt from starts from. */
      let entering: Pick<StepHistory<S, X>, 'carry' | 'past'> | undefined;

      /** Before the window that is learnt from. */
      const standing = () => (history ?? entering) as Pick<StepHistory<S, X>, 'carry' | 'past'>;

      /** What stands before the window that is learnt from, to go back to. */
      function keep(): () => void {
        const before = { paused, owed };
        const { carry, past } = standing();
        const [putTokensBack, putSymbolsBack] = [progress.keep(), growth.keep()];
        begunSince = undefined;
        return () => {
          paused = before.paused;
          owed = either(before.owed, begunSince);
          history = historyOf(core, carry, past);
          putTokensBack();
          putSymbolsBack();
        };
      }

      function snapshot(): TbpttSnapshot<S> {
        const { carry, past } = standing();
        const state = progress.state();
        if (!owed?.includes(true)) return snapshotOf(state, carry, past);
        return { state, carry: afterResets('tbptt', model, carry, owed) };
      }

      function snapshotOf(state: TrainerState, carry: S, past: PastSteps<S> | undefined): TbpttSnapshot<S> {
        return { state, carry, ...(k2 !== undefined && !paused && past !== undefined && { past }) };
      }

      function* update(window: TrainingWindow<S, X, Tensor>): PiecewiseTask<Learned<S>> {
        return sync ? learner.learn(window) : yield* learner.learnInPieces(window);
      }

      /** The steps before the first window, where the run goes on from there. */
      function before(start: S | undefined, batch: number): PastSteps<S, X> | undefined {
        if (start === undefined || past === undefined || k2 === undefined) return undefined;
        return checkedPast(model, past, batch);
      }

      function outcome(window: W, result: Omit<Learned<S>, 'carry'>, named?: readonly NamedSymbol[]): TbpttStep<S, W> {
        const step = progress.step(window, result);
        return {
          ...step,
          ...(named && { named }),
          snapshot: () => snapshotOf(step.state(), step.carry, history?.past),
        };
      }

      /** Nothing goes on from a window that stands alone. */
      function* alone(input: X, target: Tensor, batch: number) {
        const carry = zero ?? model.initial(batch);
        entering = { carry, past: undefined };
        const result = yield* update({ carry, input, target, alone: true });
        [zero, history, owed] = [carry, undefined, undefined];
        begunSince = everyLane(batch);
        return result;
      }

      function* learn(window: W): PiecewiseTask<TbpttStep<S, W>> {
        const isWindow = isRecord(window) && [window.input, window.target].every((part) => isRecord(part));
        requireKind('tbptt', isWindow, 'windows { input, target }', window, 'put it after windows() or lanes()');
        const { input } = window;
        const steps = stepsOf(input);
        if (k2 !== undefined && steps > k2) {
          throw new RangeError(
            `tbptt: gradients are to flow back through k2 = ${k2} steps, but the window has ${steps}; choose a k2 of ` +
              `at least ${steps}, or windows({ length: ${k2} }).`,
          );
        }
        const batch = batchOf(input);
        requireSameLanes('tbptt', lanes, batch);
        progress.begin();
        return yield* growth.learn(window, learner, function* (target, named) {
          const result = window.alone ? yield* alone(input, target, batch) : yield* goOn(window, target, batch);
          lanes = batch;
          return outcome(window, result, named);
        });
      }

      function* goOn({ input, reset }: W, target: Tensor, batch: number) {
        // A carry of other lanes is not one to start from, whatever the first window asks for.
        const start = lanes === undefined ? begun : undefined;
        // Nothing of this stands before the window has been learnt from.
        let next = history ?? historyOf(core, startFrom('tbptt', model, start, batch), before(start, batch));
        entering = next;
        const afresh = either(reset, owed?.length === batch ? owed : undefined);
        if (afresh?.includes(true)) next = historyOf(core, afterResets('tbptt', model, next.carry, afresh));
        else if (paused) next = historyOf(core, next.carry);
        const pauses =
          restartsWith(input) !== undefined && checkLengths(lengthsWith(input), input, 'tbptt') !== undefined;
        const result = yield* next.extend(input, k2 ?? stepsOf(input), (stretch) => update({ ...stretch, target }));
        [history, paused, owed] = [next, pauses, undefined];
        begunSince = either(begunSince, either(afresh, beginsWithin(input)));
        return result;
      }

      /** Its steps are not there for the lanes that began in it: they begin with the next window. */
      function leaveOut(window: W): void {
        if (!isTensor(window?.input) || window.input.shape[1] !== (lanes ?? window.input.shape[1])) return;
        const { input, reset, alone } = window;
        const flags = alone ? everyLane(batchOf(input)) : Array.isArray(reset) ? reset : undefined;
        owed = either(owed, either(flags, beginsWithin(input)));
      }

      function attempt(window: W): PiecewiseTask<TbpttStep<S, W> | undefined> {
        const live = isTensor(window?.input) && restartsWith(window.input) !== undefined;
        return windows.attempt(() => learn(window), { live, leftOut: () => leaveOut(window) });
      }

      return source.pipe(
        eachUpdated('tbptt', checked, attempt),
        filter((step) => step !== undefined),
        finalize(learner.release),
      );
    });
}

const everyLane = (batch: number): Resets => new Array<boolean>(batch).fill(true);

/** Lanes that begin afresh within a signal. */
const beginsWithin = (input: Tensor): Resets | undefined => restartsWith(input)?.map((steps) => steps.length > 0);

/** Lanes of either; flags that are not of as many lanes count for nothing. */
function either(a: Resets | undefined, b: Resets | undefined): Resets | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a.map((flag, lane) => flag || b[lane] === true);
}

/** @throws TypeError, RangeError where it is not the past of this model's lanes. */
function checkedPast<S, X extends Tensor>(model: Core<S, X>, past: PastSteps<S>, batch: number): PastSteps<S, X> {
  const { input, carries } = restored(past, 'tbptt: the past') ?? {};
  const steps = isTensor(input) ? stepsOf(input) : 0;
  const places = Array.isArray(carries) ? carries.map((each) => each?.step) : [];
  const inOrder = places[0] === 0 && places.every((step, k) => Number.isInteger(step) && step > (places[k - 1] ?? -1));
  if (!isTensor(input) || input.shape[1] !== batch || !inOrder || (places.at(-1) as number) > steps) {
    throw new TypeError(
      `tbptt: the past is { input, carries } of ${batch} lanes, as snapshot() gave it; got ${shownPart(past)}; leave it out to go on ` +
        'without it.',
    );
  }
  return {
    input: input as X,
    carries: carries.map(({ step, carry }) => ({ step, carry: startFrom('tbptt', model, carry, batch) })),
  };
}
