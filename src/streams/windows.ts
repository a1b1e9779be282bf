import { concat, concatMap, defer, from, type OperatorFunction } from 'rxjs';
import { requireSameLanes } from '../carry.js';
import { requireChoice, requireCount } from '../checks.js';
import { checkedOptions } from '../options.js';
import { type Ids, ids } from '../tensor.js';
import { requireRoom } from './options.js';
import { type SymbolWindow, stepsAndLanes } from './window.js';

/** The options of {@link windows}. */
export interface WindowsOptions {
  /** Steps of a window, T. */
  readonly length: number;
  /** Whether a last, shorter window is emitted or dropped at completion. Default `'emit'`. */
  readonly partial?: 'emit' | 'drop';
}

/** Steps for which there is room at first, where windows are longer. */
const FIRST_STEPS = 1024;

/** Collects steps of B lanes and gives a window whenever T + 1 of them are there. */
function cutter(length: number, lanes: number) {
  requireRoom('windows', length, lanes);
  const most = (length + 1) * lanes;
  // It grows with what comes: a text may be far shorter than a window.
  let rows = new Int32Array(Math.min(most, FIRST_STEPS * lanes));
  let filled = 0;

  function makeRoom(more: number): void {
    const wanted = Math.min(most, filled * lanes + more);
    if (wanted <= rows.length) return;
    const larger = new Int32Array(Math.min(most, Math.max(wanted, 2 * rows.length)));
    larger.set(rows.subarray(0, filled * lanes));
    rows = larger;
  }

  function cut(): SymbolWindow {
    const steps = filled - 1;
    const window = {
      input: ids([steps, lanes], rows.slice(0, steps * lanes)),
      target: ids([steps, lanes], rows.slice(lanes, filled * lanes)),
    };
    // The last target is the next window's first input.
    rows.copyWithin(0, steps * lanes, filled * lanes);
    filled = 1;
    return window;
  }

  return {
    lanes,
    *push(data: Int32Array): Generator<SymbolWindow> {
      for (let at = 0; at < data.length; ) {
        const taken = data.subarray(at, at + most - filled * lanes);
        makeRoom(taken.length);
        rows.set(taken, filled * lanes);
        filled += taken.length / lanes;
        at += taken.length;
        if (filled > length) yield cut();
      }
    },
    rest: (): SymbolWindow[] => (filled > 1 ? [cut()] : []),
  };
}

/**
 * Windows for next-symbol prediction on a live stream: a window's target is its input one step later, and the next
 * window's input starts at this one's last target, so that every symbol but the first is predicted once.
 *
 * Memory: one window. Signals may be of any length; their boundaries leave no trace.
 *
 * Shapes: `[any, B]` → input `[T, B]`, target `[T, B]`.
 *
 * @param options steps of a window, and what becomes of the last.
 * @returns an operator: windows of ids.
 * @throws TypeError where an option is not known.
 * @throws RangeError where the length is not a whole number of at least 1, or no window of it has room in the kernels' memory.
 * @throws TypeError (as an error notification) where a signal is not `[T, B]`, or the number of lanes changes.
 * @example
 * text$.pipe(tokens(vocab), windows({ length: 32 }), tbptt(model, { loss: crossEntropy(), optimizer: adam(2e-3) }))
 */
export function windows(options: WindowsOptions): OperatorFunction<Ids, SymbolWindow> {
  const { length, partial = 'emit' } = checkedOptions('windows', options, { length: true, partial: true });
  requireCount('windows', 'length', length);
  requireRoom('windows', length, 1);
  requireChoice('windows', 'partial', partial, ['emit', 'drop']);
  return (source) =>
    defer(() => {
      let window: ReturnType<typeof cutter> | undefined;
      const push = (signal: Ids) => {
        const [, lanes] = stepsAndLanes('windows', signal);
        requireSameLanes('windows', window?.lanes, lanes);
        window ??= cutter(length, lanes);
        return from(window.push(signal.data));
      };
      const rest = defer(() => (partial === 'emit' && window ? window.rest() : []));
      return concat(source.pipe(concatMap(push)), rest);
    });
}
