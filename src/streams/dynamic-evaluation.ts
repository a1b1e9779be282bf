import { concat, defer, finalize, last, map, type Observable, type OperatorFunction, of } from 'rxjs';
import { requireSameLanes, startFrom } from '../carry.js';
import { isRecord, requireCount, requireKind, requireModel, requireNumber } from '../checks.js';
import { loadWeights, weightsOf } from '../formats/weights.js';
import { machine } from '../kernels/machine.js';
import { batchOf, type Core } from '../layer.js';
import { toSignal } from '../ops/window.js';
import { checkedOptions, type Names } from '../options.js';
import { parametersOf, releaseAll } from '../parameters/parameter.js';
import type { PiecewiseTask } from '../piecewise-task.js';
import { type Ids, ids, isTensor, restoredTensor, sizeOf, type Tensor, tensor } from '../tensor.js';
import { apart } from '../training/apart.js';
import { crossEntropy } from '../training/losses/cross-entropy.js';
import type { Optimizer } from '../training/optimizers/optimizer.js';
import type { Schedule } from '../training/schedules.js';
import { trainer } from '../training/trainer.js';
import type { TrainerState } from '../training/trainer-state.js';
import { counting, type GradientSquares, plainRule, type Roots, rootsOf, scaledRule } from './dynamic-rules.js';
import { natsOf } from './logits.js';
import { ESCAPE, escaping, isOpen } from './open-vocabulary.js';
import type { Vocabulary } from './symbols.js';
import type { Tokenizer } from './tokenizer/tokenizer.js';
import {
  checkUpdatesOptions,
  eachUpdated,
  type UpdatesOptions,
  updatesAtOnce,
  updatesNames,
  withThread,
} from './updates.js';
import type { SymbolWindow } from './window.js';
import { windows } from './windows.js';

/** All that a dynamic evaluation needs to go on as if it had never stopped, but for the trained model. */
export interface DynamicEvaluationSnapshot<S> {
  /** The weights of the moment, by path. */
  readonly weights: Readonly<Record<string, Tensor>>;
  /** The trained weights, and what else the rule keeps. */
  readonly state: TrainerState;
  readonly carry: S;
  /** The last symbol of each lane, `[1, B]`, which the next one follows. */
  readonly last: Ids;
}

/** The options of {@link dynamicEvaluation}. */
export interface DynamicEvaluationOptions<S> extends UpdatesOptions {
  /** η; with 0 the model stays as it was trained. */
  readonly learningRate: number | Schedule;
  /** λ, from 0 to 1: how much of the way back to the trained weights each update goes. Default 0. */
  readonly decay?: number | undefined;
  /** What {@link gradientSquares} found in the training text: each weight then has a rate and a decay of its own. */
  readonly squares?: GradientSquares | undefined;
  /** ε of the rule with `squares`. Default 1e-5. */
  readonly epsilon?: number | undefined;
  /** Steps of a window, T: after each there is an update. Default 20. */
  readonly length?: number | undefined;
  /** Gradients whose global norm is greater are scaled down to it. By default none are. */
  readonly clipNorm?: number | undefined;
  /** Where a stream goes on that was stopped, as `snapshot()` of its last window gave it: with the symbols after those. */
  readonly from?: DynamicEvaluationSnapshot<S> | undefined;
  /**
   * The vocabulary of the ids: where it is open, a symbol that it does not know is the escape, which costs what it takes to name the symbol, too.
   * No symbol becomes known meanwhile.
   */
  readonly vocab?: Vocabulary | Tokenizer | undefined;
}

/** Symbols that were scored, and then learnt from. */
export interface DynamicStep<S> {
  /** Updates so far, this one included. */
  readonly step: number;
  /** Bits of each symbol of the window's target, `[T, B]`, by the weights before this update. */
  readonly surprisal: Tensor;
  readonly window: SymbolWindow;
  /** Global norm of the gradient, before clipping. */
  readonly gradientNorm: number;
  /**
   * A copy of what this stream needs to go on: option `from`. Call it while the step is being handled.
   *
   * @throws Error where there has been another update since, or the stream has ended.
   */
  snapshot(): DynamicEvaluationSnapshot<S>;
}

/**
 * Scores each symbol by a model that adapts to the stream: after each window it takes a step along the gradient of what it has just
 * read, and decays back to the trained weights.
 *
 * Equation: each symbol costs `−log₂ p(x_t | x_<t; θ_i)` by the weights before the update of its window i; then, with
 * `g = ∇L(θ_i)` of the window's mean loss and θ_g the trained weights,
 * `θ_{i+1} = θ_i − η g + λ (θ_g − θ_i)`; with `squares`, which are the mean `MS` of g² over training windows,
 * `θ_{i+1} = θ_i − η g ⊘ (√MS + ε) + min(λ √MS / r, 1) ⊙ (θ_g − θ_i)`, r being the mean of √MS over all weights
 * (where all are 0, none comes back).
 *
 * Source: Krause, Kahembwe, Murray and Renals (2018), “Dynamic evaluation of neural sequence models”, equations 5 to 8.
 *
 * The model's weights stay as they are: each subscription has a copy of its own, and several over one model adapt by themselves. It
 * runs as where it predicts, without dropout. Growth of the model after the subscription does not show in it.
 *
 * Shapes: ids `[any, B]` → surprisal `[T, B]` of each symbol but the first of the stream, of which nothing is known. The carry
 * lives as long as the subscription; gradients flow back through a window.
 *
 * Memory: three times the weights, with `squares` four times.
 *
 * Laws: with a learning rate of 0 the scores are those of `surprisal`, bit for bit; chunks of the stream leave no trace; a stream
 * that was cut after any window and goes on with its `snapshot()` gives the same bits.
 *
 * @param model of ids `[T, B]`, that gives logits `[T, B, V]`.
 * @param options rate, decay, squares, and how long a window is.
 * @returns an operator: the bits of each window's symbols, and its snapshot.
 * @throws TypeError where an option is not known, or `squares` are not of this model.
 * @throws RangeError where a rate, decay or length is impossible.
 * @throws RangeError (as an error notification) where the model has diverged, or a symbol is not among its V.
 * @throws OxbowError `WeightsMismatch` (as an error notification) where `from` is of another model.
 * @example
 * text$.pipe(
 *   tokens(vocab),
 *   dynamicEvaluation(model, { learningRate: 0.1, decay: 0.02, length: 20 }),
 * ).subscribe(({ surprisal }) => console.log(surprisal.data));
 *
 * @example
 * // With a rate of its own for each weight, from windows that the model was trained on.
 * const squares = await lastValueFrom(windows$.pipe(gradientSquares(model)));
 * ids$.pipe(dynamicEvaluation(model, { learningRate: 2e-3, decay: 0.02, squares }));
 */
export function dynamicEvaluation<S>(
  model: Core<S, Ids, Tensor>,
  options: DynamicEvaluationOptions<S>,
): OperatorFunction<Ids, DynamicStep<S>> {
  requireModel('dynamicEvaluation', model);
  const checked = withThread(checkedOptions('dynamicEvaluation', options, names as Names<DynamicEvaluationOptions<S>>));
  const { learningRate, decay = 0, squares, epsilon, length = 20, clipNorm, from, vocab } = checked;
  const isShare = (share: number) => share >= 0 && share <= 1;
  requireNumber('dynamicEvaluation', 'decay', decay, 'a share of the way back, from 0 to 1', isShare);
  requireCount('dynamicEvaluation', 'length', length);
  if (clipNorm !== undefined) {
    requireNumber('dynamicEvaluation', 'clipNorm', clipNorm, 'a number above 0, or left out', (norm) => norm > 0);
  }
  checkUpdatesOptions('dynamicEvaluation', checked);
  if (from !== undefined) requireSnapshot(from);
  const roots = squares && rootsOf(model.params, squares);
  const rule = roots === undefined ? plainRule(learningRate, decay) : scaledRule(learningRate, decay, epsilon, roots);
  return (source) =>
    defer(() => {
      // The copy has the symbols of this moment: what others let the model learn meanwhile is unknown to it.
      const escaped = escaping(vocab);
      const naming = isOpen(vocab) ? vocab.naming() : 0;
      const pass = passOver('dynamicEvaluation', model, checked, { optimizer: rule, clipNorm, roots, from });
      function* scored(window: SymbolWindow): PiecewiseTask<DynamicStep<S>> {
        const { observed: logits, gradientNorm, carry } = yield* pass.learn(window);
        const { step } = pass;
        return {
          step,
          surprisal: surprises(logits, window.target, naming),
          window,
          gradientNorm,
          snapshot() {
            if (pass.step !== step) {
              throw new Error(
                `dynamicEvaluation: the snapshot after step ${step} is wanted, but step ${pass.step} has been learnt since; ` +
                  'call snapshot() while the step is being handled.',
              );
            }
            if (pass.ended) {
              throw new Error(
                `dynamicEvaluation: the snapshot after step ${step} is wanted, but the stream has ended and its weights are given back; ` +
                  'call snapshot() while the step is being handled: map((step) => step.snapshot()).',
              );
            }
            return { weights: pass.weights(), state: pass.state(), carry, last: lastOf(window) };
          },
        };
      }
      const all$: Observable<Ids> =
        from === undefined
          ? source
          : concat(of(restoredTensor(from.last, 'dynamicEvaluation: from.last') as Ids), source);
      return all$.pipe(
        map(escaped),
        windows({ length }),
        eachUpdated('dynamicEvaluation', checked, scored),
        finalize(pass.release),
      );
    });
}

/** A snapshot may come out of a file: one that lacks a part would go on from the beginning, or decay to other weights. */
function requireSnapshot(from: DynamicEvaluationSnapshot<unknown>): void {
  const remedy = 'give what snapshot() gave';
  requireKind('dynamicEvaluation', isRecord(from), 'a stream to go on from', from, remedy);
  for (const part of ['weights', 'state', 'carry', 'last'] as const) {
    const isThere = typeof from[part] === 'object' && from[part] !== null;
    requireKind('dynamicEvaluation', isThere, `a stream to go on from with its ${part}`, from[part], remedy);
  }
}

/** The options of {@link gradientSquares}. */
export interface GradientSquaresOptions extends UpdatesOptions {}

const names: Names<DynamicEvaluationOptions<unknown>> = {
  learningRate: true,
  decay: true,
  squares: true,
  epsilon: true,
  length: true,
  clipNorm: true,
  from: true,
  vocab: true,
  ...updatesNames,
};

/**
 * The mean of each weight's squared gradient over windows, which says how far {@link dynamicEvaluation} may move it. Nothing is learnt;
 * the carry runs on from window to window.
 *
 * Equation: `MS = 1/N Σ_k (∇L_k)²`, L_k being the mean loss of window k.
 *
 * Source: Krause et al. (2018), “Dynamic evaluation of neural sequence models”, equation 6.
 *
 * Shapes: windows of ids `[T, B]` → a tensor of its shape for each parameter, by path. Windows are best as long, and of as many lanes,
 * as those of the evaluation: the more symbols a gradient is the mean of, the smaller are its squares.
 *
 * @param model of ids `[T, B]`, that gives logits `[T, B, V]`; its weights stay as they are.
 * @param options who runs the kernels, as for `tbptt`.
 * @returns an operator: one record, when the windows have ended.
 * @throws TypeError where an option is not known; as an error notification, where a window is none.
 * @throws EmptyError (as an error notification) where there is no window.
 * @example
 * const squares = await lastValueFrom(windows$.pipe(gradientSquares(model)));
 * squares['head.w'].shape; // [16, 11]
 */
export function gradientSquares<S>(
  model: Core<S, Ids, Tensor>,
  options: GradientSquaresOptions = {},
): OperatorFunction<SymbolWindow, GradientSquares> {
  requireModel('gradientSquares', model);
  const checked = withThread(checkedOptions('gradientSquares', options, updatesNames));
  checkUpdatesOptions('gradientSquares', checked);
  return (source) =>
    defer(() => {
      const pass = passOver('gradientSquares', model, checked, { optimizer: counting });
      const found = (): GradientSquares => {
        const { slots } = pass.state();
        return Object.fromEntries(pass.paths.map((path) => [path, slots[`${path}.mean`] as Tensor]));
      };
      return source.pipe(
        eachUpdated('gradientSquares', checked, pass.learn),
        last(),
        map(found),
        finalize(pass.release),
      );
    });
}

/** What a pass starts from, and what becomes of gradients. */
interface Passing<S> {
  readonly optimizer: Optimizer;
  readonly clipNorm?: number | undefined;
  readonly roots?: Roots | undefined;
  readonly from?: DynamicEvaluationSnapshot<S> | undefined;
}

/** Learns from windows, one after the other, by weights of its own. */
function passOver<S>(
  operation: string,
  model: Core<S, Ids, Tensor>,
  options: UpdatesOptions,
  { optimizer: rule, clipNorm, roots, from }: Passing<S>,
) {
  const own = apart(model);
  const paths = parametersOf(own.params).map(([path]) => path);
  if (from !== undefined) loadWeights(own.params, from.weights);
  const slots = () =>
    Object.fromEntries(
      Object.entries(weightsOf(own.params)).flatMap(([path, trained]) => [
        [`${path}.trained`, trained],
        ...(roots ? [[`${path}.root`, roots.byPath[path]]] : []),
      ]),
    );
  const sync = updatesAtOnce(options);
  const learner = trainer(own, {
    loss: crossEntropy(),
    optimizer: rule,
    clipNorm,
    thread: options.thread,
    state: from?.state ?? (rule === counting ? undefined : { step: 0, slots: slots() }),
    observe:
      (_, { prediction }: { readonly prediction: Tensor }) =>
      () =>
        toSignal(prediction),
  });
  let carry: S | undefined;
  let before: number | undefined;
  let ended = false;
  return {
    paths,
    get ended() {
      return ended;
    },
    get step() {
      return learner.steps;
    },
    state: () => learner.state(),
    weights: () => weightsOf(own.params),
    *learn(window: SymbolWindow) {
      const isWindow = isRecord(window) && isTensor(window.input) && isTensor(window.target);
      requireKind(operation, isWindow, 'windows { input, target }', window, 'put it after windows()');
      const { input, target } = window;
      const lanes = batchOf(input);
      requireSameLanes(operation, before, lanes);
      before = lanes;
      const entering = carry ?? startFrom(operation, model, from?.carry, lanes);
      const given = { carry: entering, input, target };
      const learned = sync ? learner.learn(given) : yield* learner.learnInPieces(given);
      carry = learned.finalCarry;
      return { ...learned, carry };
    },
    release() {
      ended = true;
      learner.release();
      // Where kernels may still be at it, memory goes when nobody holds the weights any more.
      if (sync && machine().windows === 0) releaseAll(own.params);
    },
  };
}

/** Bits of each target by the logits of the step before it; `naming` are those of a symbol that an escape stands for. */
function surprises({ shape, data }: Tensor, target: Ids, naming: number): Tensor {
  const symbols = shape.at(-1) as number;
  const nats = (id: number, k: number) => natsOf('dynamicEvaluation', data, id, k * symbols, symbols);
  return tensor(
    target.shape,
    Float32Array.from(target.data, (id, k) => nats(id, k) / Math.LN2 + (id === ESCAPE ? naming : 0)),
  );
}

/** The last symbol of each lane. */
function lastOf({ target: { shape, data } }: SymbolWindow): Ids {
  const lanes = shape[1] as number;
  return ids([1, lanes], data.slice(sizeOf(shape) - lanes));
}
