import { describe, expect, it } from 'vitest';
import { noCarry } from '../../src/layer.js';
import { dense } from '../../src/layers/dense.js';
import * as activations from '../../src/ops/activations.js';
import { heNormal } from '../../src/parameters/initializers.js';
import { parametersOf } from '../../src/parameters/parameter.js';
import { stack } from '../../src/stack.js';
import { tensor } from '../../src/tensor.js';
import { squaredError } from '../../src/training/losses/squared-error.js';
import { adam } from '../../src/training/optimizers/adam.js';
import { adamw } from '../../src/training/optimizers/adamw.js';
import { adasecant } from '../../src/training/optimizers/adasecant.js';
import { chain } from '../../src/training/optimizers/chain.js';
import { clipByGlobalNorm, clipByValue } from '../../src/training/optimizers/clipping.js';
import { nesterov } from '../../src/training/optimizers/nesterov.js';
import type { Optimizer, Preparation } from '../../src/training/optimizers/optimizer.js';
import { sgd } from '../../src/training/optimizers/sgd.js';
import { vsgd } from '../../src/training/optimizers/vsgd.js';
import { weightDecay } from '../../src/training/optimizers/weight-decay.js';
import { trainer } from '../../src/training/trainer.js';
import { entry } from '../golden/load.js';

const input = tensor([1, 2, 3], [1, -2, 0.5, 0.25, 1.5, -1]);
const target = tensor([1, 2, 2], [3, -1, 2, 4]);

/** Where weights and biases are after some steps, and what the last one told. */
function trained(optimizer: Optimizer, clipNorm?: number, steps = 3) {
  const model = dense(3, 2, { seed: 5 });
  const { learn } = trainer(model, { loss: squaredError(), optimizer, clipNorm });
  let learned = learn({ carry: noCarry, input, target });
  for (let k = 1; k < steps; k += 1) learned = learn({ carry: noCarry, input, target });
  const { w, b } = Object.fromEntries(parametersOf(model.params));
  return { w: [...(w?.data ?? [])], b: [...(b?.data ?? [])], learned };
}

describe('chain', () => {
  it("with clipByGlobalNorm is the trainer's clipNorm, bit for bit", () => {
    const [chained, short] = [trained(chain(clipByGlobalNorm(0.5), adam(0.1))), trained(adam(0.1), 0.5)];
    expect([chained.w, chained.b]).toEqual([short.w, short.b]);
    expect(chained.learned.gradientNorm).toBe(short.learned.gradientNorm);
    expect(chained.w).not.toEqual(trained(adam(0.1)).w);
  });

  it('clips first where the trainer clips too, and chains within chains run outermost first', () => {
    const parts = [weightDecay(0.3), clipByValue(0.2)] as const;
    const nested = chain(parts[0], chain(parts[1], sgd(0.1)));
    expect(trained(nested).w).toEqual(trained(chain(...parts, sgd(0.1))).w);
    const clipped = chain(clipByGlobalNorm(0.5), ...parts, sgd(0.1));
    expect(trained(nested, 0.5).w).toEqual(trained(clipped).w);
    expect(trained(chain(parts[1], parts[0], sgd(0.1))).w).not.toEqual(trained(nested).w);
  });

  it('keeps the order of two norms: the gradient, then what decay made of it', () => {
    const optimizer = chain(clipByGlobalNorm(0.5), weightDecay(10), clipByGlobalNorm(0.1), sgd(1));
    const { w, b } = trained(optimizer, undefined, 1);
    const start = parametersOf(dense(3, 2, { seed: 5 }).params)[0]?.[1].data as Float32Array;
    const steps = w.map((value, k) => value - (start[k] as number));
    expect(Math.hypot(...steps, ...b)).toBeCloseTo(0.1, 6);
    // Decay outweighs the clipped gradient by far: the step is nearly along the weights.
    const along = steps.reduce((sum, x, k) => sum - x * (start[k] as number), 0) / Math.hypot(...start);
    expect(along).toBeGreaterThan(0.09);
  });

  it('refuses what is no chain', () => {
    expect(() => chain(clipByValue(1) as unknown as Optimizer)).toThrow('the last part moves the weights');
    expect(() => chain(sgd(1) as unknown as Preparation, adam(1))).toThrow('sgd moves the weights, so it comes last');
    expect(() => clipByGlobalNorm(0)).toThrow('clipByGlobalNorm: the limit is a number above 0, not 0.');
    expect(() => clipByValue(Number.NaN)).toThrow(RangeError);
    expect(() => weightDecay(-1)).toThrow('weightDecay: decay is a number from 0 up, not -1.');
    expect(() => vsgd({ samples: 0 })).toThrow('samples is a whole number of at least 1');
    expect(() => vsgd({ slowStart: 0.5 })).toThrow('slowStart is a number from 1 up');
    expect(() => nesterov(1, { decay: 1 })).toThrow('nesterov: decay is a number in [0, 1)');
    expect(() => trained(adamw(2, { decay: 1 }))).toThrow('η λ is at most 1, not 2 at step 0');
    expect(() => adasecant({ mostCorrection: 0 })).toThrow(RangeError);
  });
});

describe('weights decay, biases do not', () => {
  // A gradient of 0: only decay moves anything.
  const still = (optimizer: Optimizer) => {
    const model = dense(3, 2, { seed: 5, initializers: { b: () => Float32Array.of(4, -8) } });
    const { w, b } = Object.fromEntries(parametersOf(model.params));
    const before = [...(w?.data ?? [])];
    const { learn } = trainer(model, { loss: (ops, y) => ops.affine(ops.sumTo(y, []), 0, 0), optimizer });
    learn({ carry: noCarry, input, target });
    return { shrunk: w?.data.map((value, k) => value / (before[k] as number)), b: [...(b?.data ?? [])] };
  };

  it.each([
    ['weightDecay', (biases: boolean) => chain(weightDecay(0.5, { biases }), sgd(0.5))],
    ['adamw', (biases: boolean) => adamw(0.5, { decay: 0.5, biases })],
  ] as const)('by %s, unless they are to', (_, optimizer) => {
    for (const biases of [false, true]) {
      const { shrunk, b } = still(optimizer(biases));
      for (const share of shrunk ?? []) expect(share).toBeCloseTo(0.75, 6);
      expect(b).toEqual(biases ? [3, -6] : [4, -8]);
    }
  });
});

describe('norms by parameter', () => {
  it('are those of the gradients, and make up the global one', () => {
    const { learned } = trained(sgd(0.1), undefined, 1);
    const norms = learned.gradientNorms;
    expect(Object.keys(norms)).toEqual(['w', 'b']);
    expect(Math.hypot(...Object.values(norms))).toBeCloseTo(learned.gradientNorm, 5);
    expect(learned.gradientNorm).toBeGreaterThan(1);
  });

  it('show gradients vanish through ten logistic layers, and not through ten rectifiers', () => {
    const shares = [activations.logistic, activations.relu].map((f) => {
      const layer = () => dense(16, 16, { activation: f, initializers: { w: heNormal() } });
      const hidden = Object.fromEntries(Array.from({ length: 10 }, (_, k) => [`hidden${k + 1}`, layer()]));
      const model = stack({ ...hidden, head: dense(16, 1) }, { seed: 2 });
      const { learn } = trainer(model, { loss: squaredError(), optimizer: sgd(0) });
      const x = tensor(
        [1, 8, 16],
        Float32Array.from({ length: 128 }, (_, k) => Math.sin(k * 1.7)),
      );
      const y = tensor(
        [1, 8, 1],
        Float32Array.from({ length: 8 }, (_, k) => Math.cos(k)),
      );
      const norms = learn({ carry: model.initial(8), input: x, target: y }).gradientNorms;
      return entry(norms, 'hidden1.w') / entry(norms, 'hidden10.w');
    });
    expect(shares[0]).toBeLessThan(1e-3);
    expect(shares[1]).toBeGreaterThan(0.1);
  });
});
