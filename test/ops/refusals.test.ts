import { last, lastValueFrom, map, of, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { gru } from '../../src/cells/gru.js';
import { weightsOf } from '../../src/formats/weights.js';
import { convolution2d } from '../../src/layers/convolution-2d.js';
import { dense } from '../../src/layers/dense.js';
import { dropout } from '../../src/layers/dropout.js';
import { embedding } from '../../src/layers/embedding.js';
import { flatten } from '../../src/layers/flatten.js';
import { type BlockCarry, causalBlock } from '../../src/layers/transformer-blocks.js';
import { stack } from '../../src/stack.js';
import { randomWindows } from '../../src/streams/random-windows.js';
import { tbptt } from '../../src/streams/tbptt.js';
import { ids, tensor } from '../../src/tensor.js';
import { crossEntropy } from '../../src/training/losses/cross-entropy.js';
import { squaredError } from '../../src/training/losses/squared-error.js';
import { adam } from '../../src/training/optimizers/adam.js';
import { sgd } from '../../src/training/optimizers/sgd.js';
import { trainer } from '../../src/training/trainer.js';
import type { TrainingWindow } from '../../src/training/training-window.js';

const model = () => stack({ embed: embedding(4, 3), rnn: gru(3, 5), head: dense(5, 4) }, { seed: 1 });
const images = () => stack({ see: convolution2d(2, 3, 2), flat: flatten(), head: dense(12, 2) }, { seed: 1 });
const numbers = () => stack({ first: dense(2, 3), second: dense(3, 1) }, { seed: 1 });
const two = ids([2, 1], [0, 1]);

type Refused = Pick<TrainingWindow<never, never>, 'target'> & { readonly input: unknown };

/** What a trainer says of a window, once it has left the weights alone. */
function refusal(of: ReturnType<typeof model>, { input, target }: Refused, loss = crossEntropy()): string {
  const { learn } = trainer(of, { loss, optimizer: sgd(1) });
  const before = weightsOf(of.params);
  try {
    learn({ carry: of.initial(1), input: input as typeof two, target });
  } catch (error) {
    expect(weightsOf(of.params)).toEqual(before);
    return String(error);
  }
  return 'nothing';
}

const any = (each: unknown) => each as ReturnType<typeof model>;

describe('a trainer refuses, before any weight changes,', () => {
  it('ids that a layer has no row for, naming it', () => {
    expect(refusal(model(), { input: ids([2, 1], [0, 4]), target: two })).toMatch(/"embed" \(embedding\): .*4/);
  });

  it('labels out of range', () => {
    expect(refusal(model(), { input: two, target: ids([2, 1], [0, 4]) })).toMatch(/crossEntropy: .*4/);
    expect(refusal(model(), { input: two, target: ids([2, 1], [0, -2]) })).toMatch(/crossEntropy: .*-2/);
  });

  it('signals of other features or axes, naming the layer', () => {
    const target = tensor([1, 1, 1], [0]);
    expect(refusal(any(numbers()), { input: tensor([1, 1, 3], [1, 2, 3]), target }, squaredError())).toMatch(
      /"first" \(dense\): dense: takes 2 features, but got \[1, 1, 3\]/,
    );
    expect(
      refusal(any(images()), { input: tensor([1, 1, 3, 3, 1], new Float32Array(9)), target: ids([1, 1], [0]) }),
    ).toMatch(/"see" \(convolution2d\): convolution2d: takes images \[T, B, H, W, 2\]/);
  });

  it('windows whose input and target do not belong together, or are empty', () => {
    expect(refusal(model(), { input: two, target: ids([2, 2], [0, 1, 0, 1]) })).toMatch(/trainer: stack was given/);
    expect(refusal(model(), { input: ids([0, 1], []), target: ids([0, 1], []) })).toMatch(/at least one step/);
  });

  it('NaN in the data, with its place', () => {
    const input = tensor([2, 1, 2], [0, 1, Number.NaN, 0]);
    const target = tensor([2, 1, 1], [0, 1]);
    expect(refusal(any(numbers()), { input, target }, squaredError())).toMatch(
      /the input of stack has NaN at step 1 of lane 0, element 0 of \[2\]; the weights were left as they are/,
    );
    const odd = tensor([2, 1, 1], [0, Number.POSITIVE_INFINITY]);
    expect(refusal(any(numbers()), { input: tensor([2, 1, 2], [1, 2, 3, 4]), target: odd }, squaredError())).toMatch(
      /the target of stack has Infinity at step 1 of lane 0/,
    );
  });

  it('a loss that runs away', () => {
    const input = tensor([1, 1, 2], [3e38, 3e38]);
    expect(refusal(any(numbers()), { input, target: tensor([1, 1, 1], [0]) }, squaredError())).toMatch(
      /the weights were left as they are\. Lower the learning rate/,
    );
  });
});

it('windows longer than the data are refused', () => {
  expect(() => randomWindows(Int32Array.of(0, 1, 2), { length: 3, batch: 2, count: 1 })).toThrow(
    'randomWindows: 3 symbols are too few for a window of 3 and its targets',
  );
});

describe('windows that stand alone', () => {
  const dropping = () =>
    stack(
      {
        embed: embedding(4, 6),
        drop: dropout(0.5),
        block: causalBlock(6, 2, { context: 4, dropout: 0.5 }),
        head: dense(6, 4),
      },
      { seed: 1 },
    );
  const window = {
    input: ids([4, 2], [0, 1, 2, 3, 0, 1, 2, 3]),
    target: ids([4, 2], [1, 2, 3, 0, 1, 2, 3, 0]),
    alone: true,
  };
  const options = { loss: crossEntropy(), optimizer: adam(1e-2) };

  it('have a mask each, and the zero carry', async () => {
    // Weights that stay as they are, so that losses differ by masks alone.
    const still = { loss: crossEntropy(), optimizer: sgd(1e-30) };
    const steps = await lastValueFrom(of(window, window, window).pipe(tbptt(dropping(), still), toArray()));
    expect(new Set(steps.map(({ loss }) => loss)).size).toBe(3);
    for (const { carry } of steps) {
      const { block } = carry as unknown as { block: BlockCarry };
      expect(new Set(block.attention.keys.data)).toEqual(new Set([0]));
    }
  });

  it('go on from where a run was cut, bit for bit', async () => {
    const whole = dropping();
    const all = await lastValueFrom(of(window, window, window, window).pipe(tbptt(whole, options), toArray()));
    const cut = dropping();
    const { state, carry } = await lastValueFrom(
      of(window, window).pipe(
        tbptt(cut, options),
        last(),
        map((step) => ({ state: step.state(), carry: step.carry })),
      ),
    );
    const rest = await lastValueFrom(of(window, window).pipe(tbptt(cut, { ...options, state, carry }), toArray()));
    expect(rest.map(({ loss }) => loss)).toEqual(all.slice(2).map(({ loss }) => loss));
    expect(weightsOf(cut.params)).toEqual(weightsOf(whole.params));
  });
});
