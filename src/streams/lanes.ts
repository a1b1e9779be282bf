import type { Observable } from 'rxjs';
import { requireChoice, requireCount } from '../checks.js';
import { checkedOptions, type Names } from '../options.js';
import type { Ids, Tensor } from '../tensor.js';
import { nextTurn } from './event-loop.js';
import { fromAsync } from './from-async.js';
import { withPositions } from './positioned.js';
import { corpusOf, type PredictionOptions, type SignalOf, type StepsLike } from './signals.js';
import type { SignalWindow } from './window.js';

/** Options of {@link lanes}. */
export interface LanesOptions<X = Int32Array | Tensor, Y = Ids> extends Pick<PredictionOptions<X, X, Y>, 'target'> {
  /** Lanes, B. */
  readonly batch: number;
  /** Steps of a window, T. */
  readonly length: number;
  /** How often to go through the corpus; `Infinity` never ends. Default 1. */
  readonly epochs?: number;
  /** Whether the shorter window at the end of an epoch is emitted or dropped. Default `'emit'`. */
  readonly partial?: 'emit' | 'drop';
  /** The window to begin with; one past an epoch's last is the next epoch's first. Default the corpus' first. */
  readonly from?: Pick<LaneWindow, 'epoch' | 'index'>;
}

// What it begins from may be a whole window.
const names = { target: true, batch: true, length: true, epochs: true, partial: true, from: true } as const;

/** A window, and where in the corpus it is. */
export interface LaneWindow<X extends Tensor = Ids, Y extends Tensor = X> extends SignalWindow<X, Y> {
  /** Pass through the corpus, from 1. */
  readonly epoch: number;
  /** Place of the window in its epoch, from 0. */
  readonly index: number;
  /** Windows of an epoch. */
  readonly count: number;
}

/**
 * A corpus cut into B contiguous lanes that are read side by side in windows of T steps, for the prediction of the next step, or of
 * what `target` says of each.
 *
 * Of N symbols lane b has the steps `b·n … (b+1)·n`, `n = ⌊(N − 1) / B⌋`; its last target is the first input of lane
 * b + 1. With a `target` of its own every step has one, and n is `⌊N / B⌋`. The carry runs on from window to window; each epoch's first window asks for a reset of all lanes, and no other
 * does, also where `from` makes it the first of the run: the windows from there on are those of the whole run.
 *
 * A pull source: a window is cut when the pipeline has dealt with the one before and the event loop has had a turn.
 *
 * Shapes: ids `[N, 1]` → input `[T, B]`, target `[T, B]`; features `[N, 1, F]` → `[T, B, F]`.
 *
 * @param corpus ids or features of one lane.
 * @param options lanes, length, epochs, what is predicted, and where to begin.
 * @returns the windows, each with its place in the corpus.
 * @throws RangeError where an option is not a whole number of at least 1, a lane is shorter than a window, or there is
 * no window at `from`.
 * @throws RangeError where `target` gives other than a target for each step.
 * @throws TypeError where the corpus has several lanes, or is neither ids nor features.
 * @example
 * lanes(vocab.encode(corpus), { batch: 4, length: 32, epochs: 5 }).pipe(
 *   tbptt(model, { loss: crossEntropy(), optimizer: adam(2e-3) }),
 * )
 */
export function lanes<X extends Int32Array | Tensor, Y extends StepsLike = X>(
  corpus: X,
  options: LanesOptions<NoInfer<X>, Y>,
): Observable<LaneWindow<SignalOf<X>, SignalOf<Y>>> {
  const checked = checkedOptions('lanes', options, names as Names<LanesOptions<NoInfer<X>, Y>>);
  const { batch, length, epochs = 1, partial = 'emit', target, from = { epoch: 1, index: 0 } } = checked;
  requireCount('lanes', 'batch', batch);
  requireCount('lanes', 'length', length);
  if (epochs !== Number.POSITIVE_INFINITY) requireCount('lanes', 'epochs', epochs);
  requireChoice('lanes', 'partial', partial, ['emit', 'drop']);
  const steps = corpusOf('lanes', corpus, target);
  const laneLength = Math.max(0, Math.floor(steps.count / batch));
  if (laneLength < length) {
    throw new RangeError(
      `lanes: ${steps.count + steps.ahead} symbols in ${batch} lanes are ${laneLength} steps each, less than a window of ` +
        `${length}; give at least ${batch * length + steps.ahead} symbols, or fewer lanes, or shorter windows.`,
    );
  }
  const count = partial === 'emit' ? Math.ceil(laneLength / length) : Math.floor(laneLength / length);
  requireCount('lanes', 'from.epoch', from.epoch);
  requireCount('lanes', 'from.index', from.index, 0);
  if (from.epoch > epochs || from.index > count) {
    throw new RangeError(
      `lanes: there is no window ${from.index} of epoch ${from.epoch} to begin with; there are ${epochs} epochs of ` +
        `${count} windows, counted from 1 and from 0.`,
    );
  }

  type Placed = readonly [LaneWindow<SignalOf<X>, SignalOf<Y>>, Pick<LaneWindow, 'epoch' | 'index'>];

  async function* read(): AsyncGenerator<Placed> {
    for (let epoch = from.epoch; epoch <= epochs; epoch += 1) {
      for (let index = epoch === from.epoch ? from.index : 0; index < count; index += 1) {
        const at = index * length;
        const places = Array.from({ length: batch }, (_, lane) => lane * laneLength + at);
        const window = { ...steps.at(places, Math.min(length, laneLength - at)), epoch, index, count };
        const reset = index === 0 && { reset: new Array<boolean>(batch).fill(true) };
        yield [
          { ...window, ...reset },
          { epoch, index: index + 1 },
        ];
        await nextTurn();
      }
    }
  }
  return fromAsync(read).pipe(withPositions());
}
