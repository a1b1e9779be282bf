import { concat, concatMap, defer, from, type Observable, type OperatorFunction } from 'rxjs';
import { requireChoice, requireCount } from '../checks.js';
import { checkedOptions, type Names } from '../options.js';
import type { Ids, Tensor } from '../tensor.js';
import { positionNow } from './demand.js';
import { requireRoom } from './options.js';
import { withPositions } from './positioned.js';
import {
  asSignal,
  numbersOf,
  type PredictionOptions,
  requireAlike,
  requireLayout,
  type SignalOf,
  signalLayoutOf,
} from './signals.js';
import type { SignalWindow } from './window.js';

/** Options of {@link windows}. */
export interface WindowsOptions<V = Ids, X = V, Y = X> extends PredictionOptions<V, X, Y> {
  /** Steps of a window, T. */
  readonly length: number;
  /** Whether a last, shorter window is emitted or dropped at completion. Default `'emit'`. */
  readonly partial?: 'emit' | 'drop';
  /** Where a run goes on: so many steps of its source are passed over. Default none. */
  readonly from?: WindowPosition | undefined;
}

/** Where windows go on after one of them. */
export interface WindowPosition {
  /** Where their source goes on, if it says so; otherwise it is to start over. */
  readonly source?: unknown;
  /** Steps from there on that are behind. */
  readonly skip: number;
}

/** Steps for which there is room at first, where windows are longer. */
const FIRST_STEPS = 1024;

/** Rows of one side of windows, inputs or targets, as they come: at most so many steps. */
function rowsLike(signal: Tensor, most: number) {
  const layout = signalLayoutOf(signal);
  const { type, rest, width } = layout;
  // It grows with what comes: a text may be far shorter than a window.
  let rows = numbersOf(type, Math.min(most, FIRST_STEPS) * width);
  return {
    layout,
    /** Puts steps after those that are there. */
    put({ data }: Tensor, from: number, to: number, filled: number): void {
      const wanted = (filled + to - from) * width;
      if (wanted > rows.length) {
        const larger = numbersOf(type, Math.min(most * width, Math.max(wanted, 2 * rows.length)));
        larger.set(rows.subarray(0, filled * width));
        rows = larger;
      }
      rows.set(data.subarray(from * width, to * width), filled * width);
    },
    between: (from: number, to: number): Tensor => ({
      shape: [to - from, ...rest],
      type: type === 'int32' ? 'int32' : 'float32',
      data: rows.slice(from * width, to * width),
    }),
    keepFrom: (from: number, to: number): void => void rows.copyWithin(0, from * width, to * width),
  };
}

/** Collects steps of B lanes and gives a window whenever as many are there as it takes. */
function cutter(length: number, input: Tensor, target: Tensor | undefined) {
  // Where the target is the input one step later, the last target is the next window's first input.
  const ahead = target ? 0 : 1;
  const most = length + ahead;
  const inputs = rowsLike(input, most);
  const targets = target && rowsLike(target, most);
  for (const { layout } of targets ? [inputs, targets] : [inputs]) {
    const [lanes = 1] = layout.rest;
    requireRoom('windows', length, lanes, layout.width / lanes);
  }
  let filled = 0;

  function cut(): SignalWindow<Tensor> {
    const steps = filled - ahead;
    const window = { input: inputs.between(0, steps), target: (targets ?? inputs).between(ahead, filled) };
    inputs.keepFrom(steps, filled);
    filled = ahead;
    return window;
  }

  return {
    ahead,
    /** The windows that become whole, each with how many steps of the signal it took. */
    *push(
      input: Tensor,
      target: Tensor | undefined,
      first: number,
    ): Generator<readonly [window: SignalWindow<Tensor>, steps: number]> {
      requireLayout('windows', inputs.layout, input);
      if (targets && target) requireLayout('windows', targets.layout, target);
      const steps = input.shape[0] as number;
      for (let at = first; at < steps; ) {
        const end = Math.min(steps, at + most - filled);
        inputs.put(input, at, end, filled);
        if (target) targets?.put(target, at, end, filled);
        filled += end - at;
        at = end;
        if (filled === most) yield [cut(), at];
      }
    },
    rest: (): SignalWindow<Tensor>[] => (filled > ahead ? [cut()] : []),
  };
}

/**
 * Windows on a live stream, of ids as of features, for the prediction of the next step: a window's target is its input one step
 * later, and the next window's input starts at this one's last target, so that every step but the first is predicted once. With a
 * `target` each step has what that says.
 *
 * Memory: one window. Signals may be of any length; their boundaries leave no trace.
 *
 * Shapes: ids `[any, B]` → input `[T, B]`, target `[T, B]`; features `[any, B, F]`, or `[F]` for one step of one lane, →
 * `[T, B, F]`.
 *
 * @param options the length, what is predicted from what, and what becomes of the rest.
 * @returns the operator, to be put before `tbptt`.
 * @throws RangeError where the length is not a whole number of at least 1, or no window of it has room in the kernels' memory.
 * @throws TypeError (as an error notification) where a value has no steps, or the number of lanes or of features changes.
 * @throws RangeError (as an error notification) where `target` gives other than a target for each step.
 * @example
 * text$.pipe(tokens(vocab), windows({ length: 32 }), tbptt(model, { loss: crossEntropy(), optimizer: adam(2e-3) }))
 *
 * @example
 * const readings$ = of({ reading: Float32Array.of(0.1, 0.2), alarm: 0 }, { reading: Float32Array.of(0.3, 0.1), alarm: 1 });
 * readings$.pipe(windows({ length: 2, input: ({ reading }) => reading, target: ({ alarm }) => alarm }))
 */
export function windows<V = Ids, X = V, Y = X>(
  options: WindowsOptions<V, X, Y>,
): OperatorFunction<V, SignalWindow<SignalOf<X>, SignalOf<Y>>> {
  const names: Names<WindowsOptions<V, X, Y>> = { length: true, partial: true, from: true, input: true, target: true };
  const {
    length,
    partial = 'emit',
    from: begun = { skip: 0 },
    input = (value: V) => value as V | X,
    target,
  } = checkedOptions('windows', options, names);
  requireCount('windows', 'length', length);
  requireRoom('windows', length, 1);
  requireChoice('windows', 'partial', partial, ['emit', 'drop']);
  requireCount('windows', 'from.skip', begun.skip, 0);
  return (source) =>
    defer(() => {
      let window: ReturnType<typeof cutter> | undefined;
      /** Where the source went on before the latest signal, the steps since then, and those of that signal. */
      let place = begun.source;
      let since = 0;
      let latest = 0;
      let toSkip = begun.skip;
      /** What the source said at the latest signal, which counts from the next one on. */
      let said: unknown;
      const after = (steps: number, ahead: number): WindowPosition => ({
        ...(place !== undefined && { source: place }),
        skip: since + steps - ahead,
      });

      /** What becomes whole by a signal, with the positions after it. */
      function* push(value: V): Generator<readonly [SignalWindow<Tensor>, WindowPosition]> {
        place = said ?? place;
        since = said === undefined ? since + latest : 0;
        said = positionNow();
        const signal = asSignal('windows', input(value));
        const asked = target && asSignal('windows', target(value));
        if (asked) requireAlike('windows', signal, asked);
        latest = signal.shape[0] as number;
        const first = Math.min(toSkip, latest);
        toSkip -= first;
        window ??= cutter(length, signal, asked);
        for (const [cut, steps] of window.push(signal, asked, first)) yield [cut, after(steps, window.ahead)];
      }

      const rest = defer(() =>
        partial === 'emit' && window
          ? window.rest().map((cut) => [cut, after(latest, (window as ReturnType<typeof cutter>).ahead)] as const)
          : [],
      );
      const cuts$ = concat(source.pipe(concatMap((value) => from(push(value)))), rest);
      return cuts$.pipe(withPositions<SignalWindow<Tensor>>()) as Observable<SignalWindow<SignalOf<X>, SignalOf<Y>>>;
    });
}
