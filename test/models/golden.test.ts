import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { tape } from '../../src/backprop/tape.js';
import { noCarry } from '../../src/layer.js';
import { dense } from '../../src/layers/dense.js';
import { sequential } from '../../src/models/sequential.js';
import { reference } from '../../src/ops/reference.js';
import { inWindow } from '../../src/ops/window.js';
import { parametersOf } from '../../src/parameters/parameter.js';
import { tensor } from '../../src/tensor.js';
import { categoricalCrossEntropy } from '../../src/training/losses/categorical-cross-entropy.js';
import { crossEntropy } from '../../src/training/losses/cross-entropy.js';
import { withL2 } from '../../src/training/losses/l2.js';
import type { Reduction } from '../../src/training/losses/loss.js';
import { squaredError } from '../../src/training/losses/squared-error.js';
import { sgd } from '../../src/training/optimizers/sgd.js';
import { trainer } from '../../src/training/trainer.js';
import { entry, type Figures, idsOf, type Named, numbersOf } from '../golden/load.js';

interface GoldenModels {
  readonly losses: readonly {
    readonly name: string;
    readonly inputs: Named<Figures>;
    readonly loss: number;
    readonly gradient: Figures;
  }[];
  readonly decay: {
    readonly problem: Named<Figures>;
    readonly learningRate: number;
    readonly lambda: number;
    readonly after: readonly { readonly steps: number; readonly w: Figures; readonly b: Figures }[];
  };
}

const { losses, decay } = JSON.parse(
  readFileSync(new URL('../golden/models.json', import.meta.url), 'utf8'),
) as GoldenModels;

const lossOf = (name: string) => {
  const [kind, reduction] = name.split(', ') as [string, Reduction];
  if (kind === 'squared') return squaredError({ reduction });
  return kind === 'ids' ? crossEntropy({ reduction }) : categoricalCrossEntropy({ reduction });
};

describe("losses and gradients are PyTorch's", () => {
  it.each(losses)('$name', ({ name, inputs, loss: expected, gradient }) => {
    const loss = lossOf(name);
    const [prediction, given] = [numbersOf(entry(inputs, 'prediction')), entry(inputs, 'target')];
    const target = name.startsWith('ids') ? idsOf(given) : numbersOf(given);
    const held = (got: number, wanted: number, tolerance: number) =>
      expect(Math.abs(got - wanted)).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(wanted)));

    const exact = tape(reference(), [prediction]);
    const value = loss(exact, prediction, target);
    held(value.data[0] as number, expected, 1e-11);
    exact.gradients(value)[0]?.data.forEach((slope, k) => {
      held(slope, gradient.data[k] as number, 1e-11);
    });
    inWindow((eager) => {
      const ops = tape(eager, [prediction]);
      const y = loss(ops, prediction, target);
      held(y.data[0] as number, expected, 1e-6);
      ops.gradients(y)[0]?.data.forEach((slope, k) => {
        held(slope, gradient.data[k] as number, 1e-6);
      });
    });
  });
});

describe("the L2 penalty under plain SGD is PyTorch's weight_decay on weights alone", () => {
  const { problem, learningRate, lambda, after } = decay;
  const float = (name: string) => {
    const { shape, data } = entry(problem, name);
    return tensor(shape, Float32Array.from(data));
  };
  const withProblem = <M extends { readonly params: Parameters<typeof parametersOf>[0] }>(model: M): M => {
    for (const [path, parameter] of parametersOf(model.params)) {
      parameter.assign(entry(problem, path.split('.').at(-1) as string).data);
    }
    return model;
  };
  const expectWeights = (model: { readonly params: Parameters<typeof parametersOf>[0] }, steps: number) => {
    const figures = after.find((each) => each.steps === steps) as (typeof after)[number];
    for (const [path, { data }] of parametersOf(model.params)) {
      figures[path.split('.').at(-1) as 'w' | 'b'].data.forEach((expected, k) => {
        expect(Math.abs((data[k] as number) - expected), `${path}[${k}] after ${steps} steps`).toBeLessThan(2e-6);
      });
    }
  };

  it('in a trainer', () => {
    const model = withProblem(dense(3, 2));
    const loss = withL2(squaredError(), model.params, lambda);
    const { learn } = trainer(model, { loss, optimizer: sgd(learningRate) });
    for (let step = 1; step <= 30; step += 1) {
      learn({ carry: noCarry, input: float('x'), target: float('target') });
      if (step % 10 === 0) expectWeights(model, step);
    }
  });

  it('in a compiled model', async () => {
    const model = withProblem(sequential([dense(3, 2)])).compile({
      loss: squaredError(),
      optimizer: sgd(learningRate),
      l2: lambda,
    });
    // The two steps of four lanes are eight examples.
    const x = tensor([8, 3], float('x').data);
    const y = tensor([8, 2], float('target').data);
    for (const steps of [10, 20, 30]) {
      await model.fit(x, y, { epochs: 10, batch: 8 });
      expectWeights(model, steps);
    }
  });
});
