/** A training step of a convolutional net, held against the reference. */
import { crossEntropy, ids, leNet5, parametersOf, reference, sgd, tape, tensor, trainer } from '../../src/index.js';
import { generator } from '../../src/random.js';
import type { Case, Workload } from '../workload.js';

const BATCH = 64;
const SIDE = 28;

/** Multiply-adds of an image forwards, twice; the gradient of the image itself is not worked out. */
const forward = 2 * (24 * 24 * 25 * 6 + 8 * 8 * 150 * 16 + 256 * 120 + 120 * 84 + 84 * 10);
const flop = 3 * forward - 2 * 24 * 24 * 25 * 6;

function leNetCase(): Case {
  const model = leNet5({ seed: 1 });
  const random = generator(1);
  const pixels = Float32Array.from({ length: BATCH * SIDE * SIDE }, () => random.uniform());
  const input = tensor([1, BATCH, SIDE, SIDE, 1], pixels);
  const target = ids(
    [1, BATCH],
    Int32Array.from({ length: BATCH }, () => random.below(10)),
  );
  const { learn, release } = trainer(model, { loss: crossEntropy(), optimizer: sgd(0.01) });
  const carry = model.initial(BATCH);
  return {
    name: 'W6 lenet5',
    unit: 'images/s',
    flop,
    work: BATCH,
    check() {
      const two = tensor([1, 2, SIDE, SIDE, 1], pixels.slice(0, 2 * SIDE * SIDE));
      const labels = ids([1, 2], target.data.slice(0, 2));
      const probe = trainer(model, { loss: crossEntropy(), optimizer: sgd(0) });
      const got = probe.learn({ carry: model.initial(2), input: two, target: labels });
      probe.release();
      const parameters = parametersOf(model.params).map(([, parameter]) => parameter);
      const ops = tape(reference(), parameters);
      const loss = crossEntropy()(ops, model.apply(ops, model.initial(2), two)[0], labels);
      const squares = ops.gradients(loss).flatMap(({ data }) => Array.from(data, (slope) => slope * slope));
      const norm = Math.sqrt(squares.reduce((sum, square) => sum + square, 0));
      const exact = loss.data[0] as number;
      if (!(Math.abs(got.loss - exact) <= 1e-5 * exact && Math.abs(got.gradientNorm - norm) <= 1e-4 * norm)) {
        throw new Error(`W6: loss ${got.loss} and norm ${got.gradientNorm} instead of ${exact} and ${norm}`);
      }
    },
    step() {
      learn({ carry, input, target });
    },
    release,
  };
}

/** Training of convolutional nets. */
export const convolution: readonly Workload[] = [
  { id: 'W6', title: 'LeNet-5 on 28×28×1, B 64, SGD', cases: () => [leNetCase()] },
];
