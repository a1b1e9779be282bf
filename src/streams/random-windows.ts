import type { Observable } from 'rxjs';
import { isRecord, requireCount, requireKind } from '../checks.js';
import { checkedOptions, type Names } from '../options.js';
import { generator } from '../random.js';
import type { Ids, Tensor } from '../tensor.js';
import { nextTurn } from './event-loop.js';
import { fromAsync } from './from-async.js';
import { requireRoom } from './options.js';
import { withPositions } from './positioned.js';
import { corpusOf, type PredictionOptions, type SignalOf, type StepsLike } from './signals.js';
import type { SignalWindow } from './window.js';

/** Options of {@link randomWindows}. */
export interface RandomWindowsOptions<X = Int32Array | Tensor, Y = Ids>
  extends Pick<PredictionOptions<X, X, Y>, 'target'> {
  /** Steps of a window, T. */
  readonly length: number;
  /** Lanes, B: as many places of the text, side by side. */
  readonly batch: number;
  /** How many windows. */
  readonly count: number;
  readonly seed?: number;
  /** The window to begin with; its places are those that it has in the whole run. Default the first. */
  readonly from?: Pick<RandomWindow, 'index'> | undefined;
}

/** A window of random places that stands alone. */
export interface RandomWindow<X extends Tensor = Ids, Y extends Tensor = X> extends SignalWindow<X, Y> {
  readonly alone: true;
  /** Its number, from 0. */
  readonly index: number;
}

/**
 * Windows of a text drawn at random, for models that learn from windows that stand alone: each lane starts at a place of its
 * own, all places being equally likely.
 *
 * Shapes: N ids → `count` times input `[T, B]`, target `[T, B]`, the input one step later or what `target` says; features
 * `[N, 1, F]` → `[T, B, F]`. Each subscription draws
 * the same places.
 *
 * @param corpus ids or features of one lane.
 * @param options lanes, length, how many windows, what is predicted, and the seed.
 * @returns the windows.
 * @throws TypeError where the corpus has several lanes, or is neither ids nor features.
 * @throws RangeError where an option is not a whole number of at least 1, the text is too short for a window, or a
 * window has no room in the kernels' memory.
 * @example
 * randomWindows(vocab.encode(corpus), { length: 64, batch: 12, count: 2000 }).pipe(tbptt(model, { loss, optimizer }))
 */
export function randomWindows<X extends Int32Array | Tensor, Y extends StepsLike = X>(
  corpus: X,
  options: RandomWindowsOptions<NoInfer<X>, Y>,
): Observable<RandomWindow<SignalOf<X>, SignalOf<Y>>> {
  const names: Names<RandomWindowsOptions<NoInfer<X>, Y>> = {
    length: true,
    batch: true,
    count: true,
    seed: true,
    from: true,
    target: true,
  };
  const {
    length,
    batch,
    count,
    seed = 0,
    from = { index: 0 },
    target,
  } = checkedOptions('randomWindows', options, names);
  requireCount('randomWindows', 'length', length);
  requireCount('randomWindows', 'batch', batch);
  requireCount('randomWindows', 'count', count);
  requireKind('randomWindows', isRecord(from), 'a window to begin with', from, 'give { index }');
  requireCount('randomWindows', 'from.index', from.index, 0, count);
  requireRoom('randomWindows', length, batch);
  const steps = corpusOf('randomWindows', corpus, target);
  const places = steps.count - length + 1;
  if (places < 1) {
    throw new RangeError(
      `randomWindows: ${steps.count + steps.ahead} symbols are too few for a window of ${length} and its targets; ` +
        'give a longer text or a smaller length.',
    );
  }
  async function* draw(): AsyncGenerator<
    readonly [RandomWindow<SignalOf<X>, SignalOf<Y>>, Pick<RandomWindow, 'index'>]
  > {
    const random = generator(seed, 'windows');
    for (let index = 0; index < count; index += 1) {
      const starts = Int32Array.from({ length: batch }, () => random.below(places));
      if (index < from.index) continue;
      yield [{ ...steps.at(starts, length), alone: true, index }, { index: index + 1 }];
      await nextTurn();
    }
  }
  return fromAsync(draw).pipe(withPositions());
}
