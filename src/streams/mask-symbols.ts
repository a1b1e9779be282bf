import { defer, map, type OperatorFunction } from 'rxjs';
import { requireCount } from '../checks.js';
import { checkedOptions, type Names } from '../options.js';
import { generator } from '../random.js';
import { type Ids, ids } from '../tensor.js';
import { type SymbolWindow, stepsAndLanes } from './window.js';

/** The options of {@link maskSymbols}. */
export interface MaskSymbolsOptions {
  /** Symbols that there are, the mask not counted. */
  readonly symbols: number;
  /** The id that hides a symbol; default `symbols`, the one after the last. */
  readonly mask?: number;
  /** Share of the symbols that are to be predicted; default 0.15. */
  readonly rate?: number;
  readonly seed?: number;
}

/**
 * Hides symbols at random for a model that learns to predict them from what is around them.
 *
 * Of the symbols a share `rate` becomes targets; of these 80 % are replaced by the mask, 10 % by a random symbol, and 10 %
 * stay. Everywhere else the target is −1, which cross-entropy leaves out. A window in which chance chose none has its
 * first symbol hidden.
 * Source: the lecture's BERT; Devlin et al., BERT: pre-training of deep bidirectional Transformers (2019), §3.1.
 *
 * Shapes: ids `[T, B]` → input `[T, B]`, target `[T, B]`. Each subscription draws the same places.
 *
 * @param options how many symbols there are, which id hides them, how many are hidden, and the seed.
 * @returns an operator: windows that stand alone.
 * @throws TypeError where an option is not known.
 * @throws RangeError where the number of symbols or the rate is impossible.
 * @throws TypeError (as an error notification) where a signal is not `[T, B]`.
 * @example
 * const masked = bert({ symbols: vocab.size + 1, length: 64, features: 8, heads: 2, blocks: 1, seed: 1 });
 * ids$.pipe(maskSymbols({ symbols: vocab.size }), tbptt(masked, { loss, optimizer }))
 */
export function maskSymbols(options: MaskSymbolsOptions): OperatorFunction<Ids, SymbolWindow> {
  const names: Names<MaskSymbolsOptions> = { symbols: true, mask: true, rate: true, seed: true };
  const { symbols, mask = symbols, rate = 0.15, seed = 0 } = checkedOptions('maskSymbols', options, names);
  requireCount('maskSymbols', 'symbols', symbols);
  if (!(rate > 0 && rate <= 1)) {
    throw new RangeError(`maskSymbols: the rate is a share of symbols to hide, above 0 to 1, not ${rate}.`);
  }
  return (source) =>
    defer(() => {
      const random = generator(seed, 'mask');
      return source.pipe(
        map((signal) => {
          const shape = stepsAndLanes('maskSymbols', signal);
          const input = signal.data.slice();
          const target = new Int32Array(input.length).fill(-1);
          input.forEach((symbol, k) => {
            if (random.uniform() >= rate) return;
            target[k] = symbol;
            const chance = random.uniform();
            if (chance < 0.8) input[k] = mask;
            else if (chance < 0.9) input[k] = random.below(symbols);
          });
          if (input.length > 0 && target.every((id) => id === -1)) {
            target[0] = input[0] as number;
            input[0] = mask;
          }
          return { input: ids(shape, input), target: ids(shape, target), alone: true };
        }),
      );
    });
}
