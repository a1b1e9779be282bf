import type { Observable } from 'rxjs';
import { requireChoice, requireCount } from '../checks.js';
import { checkedOptions, type Names } from '../options.js';
import { type Ids, ids } from '../tensor.js';
import { nextTurn } from './event-loop.js';
import { fromAsync } from './from-async.js';
import { type SymbolWindow, stepsAndLanes } from './window.js';

/** The options of {@link lanes}. */
export interface LanesOptions {
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
const names: Names<LanesOptions> = { batch: true, length: true, epochs: true, partial: true, from: true };

/** A window, and where in the corpus it is. */
export interface LaneWindow extends SymbolWindow {
  /** Pass through the corpus, from 1. */
  readonly epoch: number;
  /** Place of the window in its epoch, from 0. */
  readonly index: number;
  /** Windows of an epoch. */
  readonly count: number;
}

function symbolsOf(corpus: Ids | Int32Array): Int32Array {
  if (corpus instanceof Int32Array) return corpus;
  const [, lanes] = stepsAndLanes('lanes', corpus);
  if (lanes === 1) return corpus.data;
  throw new TypeError(`lanes: a corpus is one lane of ids, [N, 1], but got ${lanes} lanes; cut each by itself.`);
}

/** Steps `from` to `from + steps` of every lane, time-major. */
function cut(corpus: Int32Array, batch: number, laneLength: number, from: number, steps: number): Ids {
  const data = new Int32Array(steps * batch);
  for (let t = 0; t < steps; t += 1) {
    for (let b = 0; b < batch; b += 1) data[t * batch + b] = corpus[b * laneLength + from + t] as number;
  }
  return ids([steps, batch], data);
}

/**
 * A corpus cut into B contiguous lanes that are read side by side in windows of T steps, for next-symbol prediction.
 *
 * Of N symbols lane b has the steps `b·n … (b+1)·n`, `n = ⌊(N − 1) / B⌋`; its last target is the first input of lane
 * b + 1. The carry runs on from window to window; each epoch's first window asks for a reset of all lanes, and no other
 * does, also where `from` makes it the first of the run: the windows from there on are those of the whole run.
 *
 * A pull source: a window is cut when the pipeline has dealt with the one before and the event loop has had a turn.
 *
 * Shapes: `[N, 1]` → input `[T, B]`, target `[T, B]`.
 *
 * @param corpus ids, N of them or `[N, 1]`.
 * @param options lanes, steps of a window, epochs, and the window to begin with.
 * @returns windows of all epochs; each subscription begins anew.
 * @throws TypeError where an option is not known.
 * @throws RangeError where an option is not a whole number of at least 1, a lane is shorter than a window, or there is
 * no window at `from`.
 * @throws TypeError where the corpus has several lanes.
 * @example
 * lanes(vocab.encode(corpus), { batch: 4, length: 32, epochs: 5 }).pipe(
 *   tbptt(model, { loss: crossEntropy(), optimizer: adam(2e-3) }),
 * )
 */
export function lanes(corpus: Ids | Int32Array, options: LanesOptions): Observable<LaneWindow> {
  const checked = checkedOptions('lanes', options, names);
  const { batch, length, epochs = 1, partial = 'emit', from = { epoch: 1, index: 0 } } = checked;
  requireCount('lanes', 'batch', batch);
  requireCount('lanes', 'length', length);
  if (epochs !== Number.POSITIVE_INFINITY) requireCount('lanes', 'epochs', epochs);
  requireChoice('lanes', 'partial', partial, ['emit', 'drop']);
  const symbols = symbolsOf(corpus);
  const laneLength = Math.max(0, Math.floor((symbols.length - 1) / batch));
  if (laneLength < length) {
    throw new RangeError(
      `lanes: ${symbols.length} symbols in ${batch} lanes are ${laneLength} steps each, less than a window of ` +
        `${length}; give at least ${batch * length + 1} symbols, or fewer lanes, or shorter windows.`,
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

  async function* read(): AsyncGenerator<LaneWindow> {
    for (let epoch = from.epoch; epoch <= epochs; epoch += 1) {
      for (let index = epoch === from.epoch ? from.index : 0; index < count; index += 1) {
        const at = index * length;
        const steps = Math.min(length, laneLength - at);
        const input = cut(symbols, batch, laneLength, at, steps);
        const target = cut(symbols, batch, laneLength, at + 1, steps);
        const window = { input, target, epoch, index, count };
        yield index === 0 ? { ...window, reset: new Array<boolean>(batch).fill(true) } : window;
        await nextTurn();
      }
    }
  }
  return fromAsync(read);
}
