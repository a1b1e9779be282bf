import { described } from '../../description.js';
import { Rule, SparsePolicy } from '../../kernels/jobs.js';
import { checkedOptions } from '../../options.js';
import { epsilonOf, fraction, limitOf, type Optimizer } from './optimizer.js';

/** Options of {@link adasecant}. */
export interface AdasecantOptions {
  /** ρ, the share that stays of the gradient's mean and mean square; 0.95 by default. */
  readonly decay?: number;
  /** What γ, the weight of the mean in the corrected gradient, is at most; 1.8 by default, as in the paper. */
  readonly mostCorrection?: number;
  /** ε under the root mean squares of steps and changes, which makes the first steps; 1e-6 by default. */
  readonly epsilon?: number;
}

/** δ, which keeps norms and ratios from 0. */
const DAMPING = 1e-7;

/**
 * AdaSecant: a learning rate for each weight from the secant of its gradient, steps over changes. It needs no learning
 * rate.
 *
 * g ← g / (‖g‖ + δ), each parameter by its own norm. With k ← (1 − 1/τ) k + x/τ written k ←τ x, and α = g − g₋₁:
 * m ← ρ m + (1 − ρ) g; s ← ρ s + (1 − ρ) g²;
 * γ = min(√N / √(D + δ), γ_most); g̃ = (g + γ m) / (1 + γ);
 * N ←τ ((g − g̃₋₁)(g̃₋₁ − m))²; D ←τ ((m − g)(g̃₋₁ − m))²;
 * a ←τ α; A ←τ α²; η = √(E + ε) / √(A + ε) − C / (A + ε), of E and C as they were; Δ = −η g̃; w ← w + Δ;
 * τ ← 2.2 where |g − m| > 2 √(s − m²) or |α − a| > 2 √(A − a²), else (1 − e² / (E + δ)) τ + 1 + δ, within [1.5, 10⁸];
 * e ←τ Δ; E ←τ Δ²; C ←τ Δ α, each with τ as it was.
 * At first τ = 2.1, E = g², e counts as g in τ, and all else kept is δ.
 *
 * Source: Gulcehre and Bengio, "ADASECANT: Robust Adaptive Secant Method for Stochastic Gradient", 2014, algorithm 1; where
 * it leaves a choice, the implementation the authors published with it: γ from root mean squares, so that it is
 * positive, and of the averages before this step; C of the step and the change before it; a fixed ρ for m and s; no
 * thresholded Adagrad. The 2017 paper ("A Robust Adaptive Stochastic Gradient Method for Deep Learning") extends it.
 *
 * @param options ρ, the most that γ may be, and ε.
 * @returns the optimizer, for `trainer`, `tbptt`, `learnTags`, `compile`, or the end of a `chain`.
 * @throws RangeError where ε or the most correction is not above 0, or ρ outside [0, 1).
 * @throws TypeError where an option is not known.
 * @example
 * tbptt(model, { loss: crossEntropy(), optimizer: adasecant() })
 */
export function adasecant(options: AdasecantOptions = {}): Optimizer {
  checkedOptions('adasecant', options, { decay: true, mostCorrection: true, epsilon: true });
  const decay = fraction('adasecant', 'decay', options.decay ?? 0.95);
  const most = limitOf('adasecant', options.mostCorrection ?? 1.8);
  const epsilon = epsilonOf('adasecant', options.epsilon ?? 1e-6);
  const constants = [decay, 1 - decay, most, DAMPING, epsilon, 1, 4, 2.1, 2.2, 1.5, 1e8, 0];
  return described(
    {
      kind: 'adasecant',
      slots: [
        'mean',
        'meanSquare',
        'change',
        'changeSquare',
        'step',
        'stepSquare',
        'product',
        'numerator',
        'denominator',
        'memory',
        'last',
        'lastCorrected',
      ],
      firstGained: { memory: 2.1 },
      least: { meanSquare: 0, changeSquare: 0, stepSquare: 0, numerator: 0, denominator: 0, memory: 1.5 },
      damping: DAMPING,
      rule: Rule.adasecant,
      sparsePolicy: SparsePolicy.moves,
      learningRate: () => 1,
      numbers: (step) => [step === 0 ? 1 : 0, ...constants],
    },
    'adasecant',
    [options],
  );
}
