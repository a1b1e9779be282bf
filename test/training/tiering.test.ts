/**
 * The engine compiles each kernel twice, first quickly and later well. Both must give the same bits, or a run would
 * depend on when the second one was ready. In a file of its own, and thus a process of its own: kernels start cold.
 */
import { describe, expect, it } from 'vitest';
import { tape } from '../../src/backprop/tape.js';
import { gru } from '../../src/cells/gru.js';
import { lstm } from '../../src/cells/lstm.js';
import { simpleRnn } from '../../src/cells/simple-rnn.js';
import { tierNames } from '../../src/host/host.js';
import { configure } from '../../src/kernels/machine.js';
import { type Layer, noCarry } from '../../src/layer.js';
import { dense } from '../../src/layers/dense.js';
import { inWindow } from '../../src/ops/window.js';
import { parametersOf } from '../../src/parameters/parameter.js';
import { squaredError } from '../../src/training/losses/squared-error.js';
import { adam } from '../../src/training/optimizers/adam.js';
import { momentum } from '../../src/training/optimizers/momentum.js';
import type { Optimizer } from '../../src/training/optimizers/optimizer.js';
import { rmsprop } from '../../src/training/optimizers/rmsprop.js';
import { sgd } from '../../src/training/optimizers/sgd.js';
import { trainer } from '../../src/training/trainer.js';
import { draw, scatterParameters } from '../backprop/differences.js';
import { bytesOf } from './training-run.js';

const tiers = tierNames.filter((tier) => tier !== 'wide' || Number(process.versions.node.split('.')[0]) >= 24);

const cells: Readonly<Record<string, Layer<unknown>>> = {
  simpleRnn: simpleRnn(3, 13, { seed: 1 }),
  ...Object.fromEntries(
    (['learned', 'none', 'coupled'] as const).flatMap((forget) =>
      [{}, { peepholes: true }, { layerNorm: true }].map((options) => [
        ['lstm, forget', forget, ...Object.keys(options)].join(' '),
        lstm(3, 13, { seed: 1, forget, ...options }),
      ]),
    ),
  ),
  'gru, reset after': gru(3, 13, { seed: 1 }),
  'gru, reset before': gru(3, 13, { seed: 1, reset: 'before' }),
};
// Peepholes start at 0, which would hide what they do.
for (const { params } of Object.values(cells)) scatterParameters(params);

const optimizers: Readonly<Record<string, Optimizer>> = {
  sgd: sgd(0.1),
  momentum: momentum(0.1, { nesterov: true }),
  rmsprop: rmsprop(0.1),
  adam: adam(0.1),
};

const x = draw([2, 5, 3], 'x');

/** A window of a cell and the way back, as text. */
function window<S>(cell: Layer<S>): string {
  return inWindow((eager) => {
    const parameters = parametersOf(cell.params).map(([, parameter]) => parameter);
    const ops = tape(eager, [...parameters, x]);
    const [y] = cell.apply(ops, cell.initial(5), x);
    const gradients = ops.gradients(ops.sumTo(ops.multiply(y, y), []));
    return [y, ...gradients].map(({ data }) => bytesOf(data)).join(' ');
  });
}

/** Five updates of an optimizer from the same weights, as text. */
function updates(optimizer: Optimizer): string {
  const model = dense(3, 13, { seed: 1 });
  const { learn, release } = trainer(model, { loss: squaredError(), optimizer, clipNorm: 1 });
  const target = draw([2, 5, 13], 'target');
  for (let step = 0; step < 5; step += 1) learn({ carry: noCarry, input: x, target });
  release();
  return parametersOf(model.params)
    .map(([, { data }]) => bytesOf(data))
    .join(' ');
}

for (const tier of tiers) {
  describe(`the first call and the 3,000th, ${tier} tier`, () => {
    it.each(Object.entries(cells))('a window of %s and the way back', (_, cell) => {
      configure({ tier, threads: 1 });
      const first = window(cell);
      for (let call = 0; call < 3_000; call += 1) inWindow((ops) => cell.apply(ops, cell.initial(5), x));
      for (let call = 0; call < 1_000; call += 1) window(cell);
      expect(window(cell)).toBe(first);
    });

    it.each(Object.entries(optimizers))('updates by %s', (_, optimizer) => {
      configure({ tier, threads: 1 });
      const first = updates(optimizer);
      for (let call = 0; call < 600; call += 1) updates(optimizer);
      expect(updates(optimizer)).toBe(first);
    });
  });
}
