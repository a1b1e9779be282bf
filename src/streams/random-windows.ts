import type { Observable } from 'rxjs';
import { requireCount } from '../checks.js';
import { checkedOptions, type Names } from '../options.js';
import { generator } from '../random.js';
import { ids } from '../tensor.js';
import { nextTurn } from './event-loop.js';
import { fromAsync } from './from-async.js';
import { requireRoom } from './options.js';
import type { SymbolWindow } from './window.js';

/** The options of {@link randomWindows}. */
export interface RandomWindowsOptions {
  /** Steps of a window, T. */
  readonly length: number;
  /** Lanes, B: as many places of the text, side by side. */
  readonly batch: number;
  /** How many windows. */
  readonly count: number;
  readonly seed?: number;
}

/** A window of random places that stands alone. */
export interface RandomWindow extends SymbolWindow {
  readonly alone: true;
  /** Its number, from 0. */
  readonly index: number;
}

/**
 * Windows of a text drawn at random, for models that learn from windows that stand alone: each lane starts at a place of its
 * own, all places being equally likely.
 *
 * Shapes: N symbols → `count` times input `[T, B]`, target `[T, B]`, the input one step later. Each subscription draws
 * the same places.
 *
 * @param symbols ids of the text, N of them.
 * @param options steps, lanes, how many windows, and the seed.
 * @returns windows that stand alone.
 * @throws TypeError where an option is not known.
 * @throws RangeError where an option is not a whole number of at least 1, the text is too short for a window, or a
 * window has no room in the kernels' memory.
 * @example
 * randomWindows(vocab.encode(corpus), { length: 64, batch: 12, count: 2000 }).pipe(tbptt(model, { loss, optimizer }))
 */
export function randomWindows(symbols: Int32Array, options: RandomWindowsOptions): Observable<RandomWindow> {
  const names: Names<RandomWindowsOptions> = { length: true, batch: true, count: true, seed: true };
  const { length, batch, count, seed = 0 } = checkedOptions('randomWindows', options, names);
  requireCount('randomWindows', 'length', length);
  requireCount('randomWindows', 'batch', batch);
  requireCount('randomWindows', 'count', count);
  requireRoom('randomWindows', length, batch);
  const places = symbols.length - length;
  if (places < 1) {
    throw new RangeError(
      `randomWindows: ${symbols.length} symbols are too few for a window of ${length} and its targets; ` +
        'give a longer text or a smaller length.',
    );
  }
  async function* draw(): AsyncGenerator<RandomWindow> {
    const random = generator(seed, 'windows');
    for (let index = 0; index < count; index += 1) {
      const starts = Int32Array.from({ length: batch }, () => random.below(places));
      const from = (ahead: number) =>
        Int32Array.from(
          { length: length * batch },
          (_, k) => symbols[(starts[k % batch] as number) + Math.floor(k / batch) + ahead] as number,
        );
      yield { input: ids([length, batch], from(0)), target: ids([length, batch], from(1)), alone: true, index };
      await nextTurn();
    }
  }
  return fromAsync(draw);
}
