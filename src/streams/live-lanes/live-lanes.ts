import type { Observable, ObservableInput } from 'rxjs';
import { requireChoice, requireCount } from '../../checks.js';
import { checkedOptions, type Names } from '../../options.js';
import type { Ids } from '../../tensor.js';
import { bufferNames } from '../buffer.js';
import type { SignalOf } from '../signals.js';
import { cutInTurn } from './in-turn.js';
import type { LiveWindow } from './live-window.js';
import type { CutOptions, LiveLanesOptions } from './options.js';
import { windowsOfLanes } from './side-by-side.js';

const names = {
  batch: true,
  length: true,
  maxDelayMs: true,
  partial: true,
  waiting: bufferNames,
  joining: bufferNames,
  input: true,
  target: true,
} as const;

const cutNames = { batch: true, length: true, partial: true, input: true, target: true, cut: true } as const;

/**
 * Live sources side by side as the lanes of one window, each at its own pace: of B lanes each belongs to one source until that
 * ends; then the next one that waits takes it, at that very place, where the lane begins afresh.
 *
 * A source may join and leave at any time. Where none waits, what is left of the lane is nobody's, and counts neither for loss nor
 * gradient nor carry. A window is there when each source that has a lane has filled it, or after `maxDelayMs`. It goes into `tbptt`
 * and `resettable` as it is. A source is listened to from
 * its arrival on, and what it says waits; of a list of sources those beyond B are subscribed to when they take their lanes. Its error is that of all; let it end instead by `catchError(() => EMPTY)`.
 *
 * One source, with `cut`: its pieces of so many steps are the lanes, in turn, B pieces side by side. As those of a corpus in
 * `lanes`, they overlap by one step where the next step is the target.
 *
 * Law: outputs, losses (`each`) and carries of a source are bit for bit those of that source alone with the same weights, unless the
 * model looks ahead (`bidirectional`) or draws at random (dropout).
 *
 * Memory: one window, what waits, and of one source B pieces. Sources that are parts of one pull source (`groupBy`) wait for one
 * another with the policy `block`: give them `maxDelayMs`, or have them drop.
 *
 * Shapes: of each source ids `[any, 1]`, an id, features `[any, 1, F]` or `[F]` → input and target `[T, B]`, `[T, B, F]`.
 *
 * @param sources the sources, or a stream of them; or one source, with `cut`.
 * @param options lanes, length, what is predicted from what, and what waits for how long.
 * @returns the windows; each says whose its places are.
 * @throws RangeError, TypeError where an option is impossible.
 * @throws RangeError, TypeError (as error notifications) where a value has no steps of one lane, they are other than those before,
 * or a buffer is full and its source cannot wait.
 * @example
 * const sources$ = of('the river bends', 'and the river').pipe(map((line) => of(line).pipe(tokens(vocab))));
 * liveLanes(sources$, { batch: 2, length: 8, maxDelayMs: 500 })
 *   .pipe(tbptt(model, { loss, optimizer, each: true }))
 *   .subscribe(({ window, each }) => console.log(window.spans, each));
 */
export function liveLanes<V = Ids, X = V, Y = X>(
  sources: Observable<ObservableInput<V>> | readonly ObservableInput<V>[],
  options: LiveLanesOptions<V, X, Y> & { readonly cut?: undefined },
): Observable<LiveWindow<SignalOf<X>, SignalOf<Y>>>;
export function liveLanes<V = Ids, X = V, Y = X>(
  sources: Observable<V>,
  options: CutOptions<V, X, Y>,
): Observable<LiveWindow<SignalOf<X>, SignalOf<Y>>>;
export function liveLanes<V, X, Y>(
  sources: Observable<unknown> | readonly ObservableInput<V>[],
  options: (LiveLanesOptions<V, X, Y> & { readonly cut?: undefined }) | CutOptions<V, X, Y>,
): Observable<LiveWindow<SignalOf<X>, SignalOf<Y>>> {
  const isCut = options?.cut !== undefined;
  checkedOptions<object>('liveLanes', options, (isCut ? cutNames : { ...names, cut: true }) as Names<object>);
  const { batch, length, partial = 'emit', cut } = options;
  requireCount('liveLanes', 'batch', batch);
  requireCount('liveLanes', 'length', length);
  requireChoice('liveLanes', 'partial', partial, ['emit', 'drop']);
  if (cut === undefined) {
    return windowsOfLanes(sources as Observable<ObservableInput<V>>, options) as Observable<
      LiveWindow<SignalOf<X>, SignalOf<Y>>
    >;
  }
  requireCount('liveLanes', 'cut', cut);
  return cutInTurn(sources as Observable<V>, { ...options, partial }) as Observable<
    LiveWindow<SignalOf<X>, SignalOf<Y>>
  >;
}
