import { requireCount } from '../../checks.js';
import { described } from '../../description.js';
import { Rule, SparsePolicy } from '../../kernels/jobs.js';
import { checkedOptions } from '../../options.js';
import { type Optimizer, positive } from './optimizer.js';

/** Options of {@link vsgd}. */
export interface VsgdOptions {
  /** n₀, windows whose gradients are averaged before the weights first move; 10 by default. */
  readonly samples?: number;
  /** C ≥ 1, by which v and h are overestimated at first: a slow start; 2 by default. */
  readonly slowStart?: number;
  /** The least shift of a weight that shows its curvature, below which float32 does not tell the two gradients apart; 1e-6 by default. */
  readonly leastShift?: number;
}

/**
 * vSGD ("no more pesky learning rates"), element by element, its curvature from finite differences: the rate that would
 * lower the expected loss most. It needs no learning rate.
 *
 * With k ← (1 − 1/τ) k + x/τ written k ←τ x, g the window's gradient at w and g⁺ the same window's at w + m (w + g at first):
 * c = |(g − g⁺) / m|; τ ← τ + 1 where |g − m| > 2 √(v − m²) or |c − h| > 2 √(u − h²);
 * m ←τ g; v ←τ g²; h ←τ c; u ←τ c²;
 * η = (h + ε) / (u + ε) · m² / v; τ ← (1 − m² / v) τ + 1; w ← w − η g; ε = 10⁻⁹.
 *
 * For the first n₀ windows the averages are plain means and w stays; then v and h are multiplied by C and u by C², and
 * τ = n₀. Where a weight was shifted by less than the least shift, h and u stay as they are.
 *
 * This is vSGD-l of the first paper with the second one's curvature, outliers and factor h / u, whose second gradient on
 * the same window makes it twice as dear; the first paper's own curvature (bbprop) would need a second way back through
 * every operation. A window counts as one sample (n = 1), since its gradients come summed. C = 2 and n₀ = 10 are those
 * of the authors' own implementation; the first paper proposes a tenth of the number of weights, and a thousandth of
 * the data.
 *
 * Source: Schaul, Zhang and LeCun, "No More Pesky Learning Rates", 2013, algorithm 1; Schaul and LeCun, "Adaptive learning
 * rates and parallelization for stochastic, sparse, non-smooth gradients", 2013, algorithm 1 (vSGD-fd).
 *
 * @param options n₀, C and the least shift.
 * @returns the optimizer, for `trainer`, `tbptt`, `learnTags`, `compile`, or the end of a `chain`.
 * @throws RangeError where n₀ is not a whole number above 0, C below 1 or the least shift negative.
 * @throws TypeError where an option is not known.
 * @example
 * tbptt(model, { loss: crossEntropy(), optimizer: vsgd() })
 */
export function vsgd(options: VsgdOptions = {}): Optimizer {
  checkedOptions('vsgd', options, { samples: true, slowStart: true, leastShift: true });
  const { samples = 10, slowStart = 2 } = options;
  requireCount('vsgd', 'samples', samples);
  if (!(slowStart >= 1 && slowStart < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`vsgd: slowStart is a number from 1 up, not ${slowStart}.`);
  }
  const least = positive('vsgd', 'leastShift', options.leastShift ?? 1e-6);
  return described(
    {
      kind: 'vsgd',
      slots: ['mean', 'meanSquare', 'curvature', 'curvatureSquare', 'memory'],
      // A weight that comes later has no windows to collect: its averages start with its first gradient.
      firstGained: { memory: 1 },
      least: { meanSquare: 0, curvature: 0, curvatureSquare: 0, memory: 1 },
      lookAhead: { rule: Rule.probe, arrays: 2, when: 'between', numbers: (step) => [step === 0 ? 1 : 0] },
      rule: Rule.vsgd,
      sparsePolicy: SparsePolicy.moves,
      learningRate: () => 1,
      numbers(step) {
        const more = step === samples - 1 ? slowStart : 1;
        const collects = step < samples ? 1 : 0;
        return [collects, 1 / (step + 1), more, more * more, least, 1e-9, 1, 4, 0, samples, 1e-30];
      },
    },
    'vsgd',
    [options],
  );
}
