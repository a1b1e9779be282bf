import { from, lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { bidirectional } from '../../src/cells/bidirectional.js';
import { gru } from '../../src/cells/gru.js';
import { lstm } from '../../src/cells/lstm.js';
import { masked } from '../../src/cells/masked.js';
import { residualRnn } from '../../src/cells/residual-rnn.js';
import { simpleRnn } from '../../src/cells/simple-rnn.js';
import { stacked } from '../../src/cells/stacked.js';
import { type Core, type Layer, layer, noCarry } from '../../src/layer.js';
import { causalAttention } from '../../src/layers/attention.js';
import { convolution1d } from '../../src/layers/convolution-1d.js';
import { dense } from '../../src/layers/dense.js';
import { dropout } from '../../src/layers/dropout.js';
import { embedding } from '../../src/layers/embedding.js';
import { lastStep } from '../../src/layers/last-step.js';
import { maxPooling1d, meanPooling1d } from '../../src/layers/pooling.js';
import { learnedPositions } from '../../src/layers/positions.js';
import { residual } from '../../src/layers/residual.js';
import { scaledDotProductAttention } from '../../src/layers/scaled-dot-product.js';
import { causalBlock } from '../../src/layers/transformer-blocks.js';
import type { Ops } from '../../src/ops/ops.js';
import { reference } from '../../src/ops/reference.js';
import { inWindow, toSignal } from '../../src/ops/window.js';
import { parametersOf } from '../../src/parameters/parameter.js';
import { stack } from '../../src/stack.js';
import { padded } from '../../src/streams/padded.js';
import { tbptt } from '../../src/streams/tbptt.js';
import { type Tensor, tensor } from '../../src/tensor.js';
import { crossEntropy } from '../../src/training/losses/cross-entropy.js';
import { sgd } from '../../src/training/optimizers/sgd.js';
import { draw, expectGradients, scatterParameters } from '../backprop/differences.js';
import type { Any } from './masked-layers.js';

const [steps, inputs, units] = [6, 3, 4];
const lengths = [3, 6, 1, 3, 0];
const lanes = lengths.length;

const layers: Readonly<Record<string, () => Layer<unknown>>> = {
  simpleRnn: () => simpleRnn(inputs, units),
  lstm: () => lstm(inputs, units),
  'lstm, coupled, peepholes': () => lstm(inputs, units, { forget: 'coupled', peepholes: true }),
  gru: () => gru(inputs, units),
  'gru, reset before': () => gru(inputs, units, { reset: 'before' }),
  residual: () => residualRnn(inputs, units, dense(inputs + units, units)),
  bidirectional: () => bidirectional(lstm(inputs, units), gru(inputs, units)),
  stacked: () => stacked([bidirectional(lstm(inputs, 2), lstm(inputs, 2)), gru(units, units)], { residual: true }),
};

const mapCarry = (carry: unknown, change: (t: Tensor) => unknown): unknown =>
  Object.fromEntries(
    Object.entries(carry as Record<string, unknown>).map(([name, value]) => [
      name,
      'shape' in (value as object) ? change(value as Tensor) : mapCarry(value, change),
    ]),
  );

/** One lane of `[T, B, F]`, its first steps alone. */
function alone({ shape, data }: Tensor, lane: number, length: number): Tensor {
  const [, batch = 0, width = 0] = shape;
  const rows = Array.from({ length }, (_, t) => [
    ...data.slice((t * batch + lane) * width, (t * batch + lane + 1) * width),
  ]);
  return tensor([length, 1, width], data instanceof Float64Array ? Float64Array.from(rows.flat()) : rows.flat());
}

const laneOf =
  (lane: number) =>
  ({ shape: [batch = 0, ...rest], data }: Tensor): Tensor =>
    tensor([1, ...rest], data.slice((lane * data.length) / batch, ((lane + 1) * data.length) / batch));

const through = (on: string, layer: Core<unknown, Tensor>, carry: unknown, x: Tensor) =>
  on === 'kernels' ? inWindow((ops) => toSignal(layer.apply(ops, carry, x))) : layer.apply(reference(), carry, x);

describe.each(Object.entries(layers))('%s over lanes of several lengths', (name, make) => {
  const layer = make();
  const parameters = scatterParameters(layer.params);
  const x = draw([steps, lanes, inputs], 'x');
  const carry = mapCarry(layer.initial(lanes), ({ shape }) => draw(shape, 'carry'));
  const both = /bidirectional|stacked/.test(name);

  it.each(['reference', 'kernels'])('is each lane alone, bit for bit, on the %s', (on) => {
    const given = on === 'kernels' ? toSignal(x) : x;
    const entering = on === 'kernels' ? toSignal(carry) : carry;
    const [y, after] = through(
      on,
      masked(layer) as Core<unknown, Tensor>,
      entering,
      Object.assign({ ...given }, { lengths }),
    );
    lengths.forEach((length, lane) => {
      if (length === 0) {
        if (!both) expect(mapCarry(after, laneOf(lane))).toEqual(mapCarry(entering, laneOf(lane)));
        return;
      }
      const [own, last] = through(on, layer, mapCarry(entering, laneOf(lane)), alone(given, lane, length));
      expect(alone(y, lane, length)).toEqual(toPlain(own));
      expect(mapCarry(after, laneOf(lane))).toEqual(last);
      const padding = alone(y, lane, steps).data.slice(length * (y.shape[2] as number));
      expect(padding.every((value) => value === 0)).toBe(true);
    });
  });

  it('has the right gradients, of final states too', () => {
    const entered: Tensor[] = [];
    mapCarry(carry, (t) => entered.push(t));
    const watched = both ? [...parameters, x] : [...parameters, x, ...entered];
    expectGradients(watched, (ops: Ops) => {
      const [y, after] = masked(layer).apply(ops, carry, Object.assign(x, { lengths }));
      const parts = [y];
      mapCarry(after, (t) => parts.push(t));
      return ops.concat(
        parts.map((t) => ops.reshape(t, [t.data.length])),
        0,
      );
    });
  });
});

const toPlain = ({ shape, data }: Tensor): Tensor => tensor(shape, data);

describe('masked', () => {
  const model = stack({ embed: embedding(5, 3), rnn: lstm(3, 4), head: dense(4, 3) }, { seed: 1 });

  it('shares the weights of its layer, by their names', () => {
    expect(parametersOf(masked(model).params)).toEqual(parametersOf(model.params));
    expect(parametersOf(masked(model).params).map(([, { path }]) => path)).toEqual(
      parametersOf(model.params).map(([name]) => name),
    );
  });

  it('learns from a padded window what the lanes alone teach, each counted by its targets', async () => {
    const sequences = [
      { input: [1, 2, 3], target: [0, -1, 2] },
      { input: [4], target: [1] },
      { input: [0, 0, 2, 2, 1], target: [2, 1, 0, 1, 1] },
    ];
    const fresh = () => stack({ embed: embedding(5, 3), rnn: lstm(3, 4), head: dense(4, 3) }, { seed: 1 });
    const learnt = await lastValueFrom(
      from([padded(sequences)]).pipe(tbptt(masked(fresh()), { loss: crossEntropy(), optimizer: sgd(0.1) }), toArray()),
    );
    const counts = [2, 1, 5];
    const losses = sequences.map((sequence) => {
      const { input, target } = padded([sequence]);
      const lone = fresh();
      const ops = reference();
      return crossEntropy()(ops, lone.apply(ops, lone.initial(1), input)[0], target).data[0] as number;
    });
    const mean = losses.reduce((sum, loss, k) => sum + loss * (counts[k] as number), 0) / 8;
    expect(learnt[0]?.loss).toBeCloseTo(mean, 6);
  });

  const own = layer({
    kind: 'every second',
    params: {},
    initial: () => noCarry,
    apply: (ops, carry, x: Tensor) => [ops.split(x, 0, [1, (x.shape[0] as number) - 1])[0] as Tensor, carry],
  });
  it.each<[string, Any, readonly number[], string]>([
    ['a lane without a last step', lastStep(), [0, 3], 'lastStep: lane 0 has no step of its own'],
    [
      'that too in both directions',
      bidirectional(gru(3, 2), gru(3, 2), { last: true }),
      [2, 0],
      'bidirectional: lane 1',
    ],
    [
      'a lane too short',
      convolution1d(3, 2, 3, { padding: 'valid' }),
      [2, 3],
      'convolution1d: takes 3 steps at once, but lane 0 has 2',
    ],
    [
      'that in a stack',
      stack({ pool: meanPooling1d(3) }),
      [3, 1],
      '"pool" (meanPooling1d): meanPooling1d: takes 3 steps at once, but lane 1 has 1',
    ],
    [
      'that in both directions',
      bidirectional(maxPooling1d(2), maxPooling1d(2)),
      [1, 3],
      'maxPooling1d: takes 2 steps at once',
    ],
    ['a layer that gives other steps', own, [1, 3], 'every second: cannot be masked, since it gives 1 steps for 3'],
    [
      'that in a stack',
      stack({ own, head: dense(3, 2) }),
      [1, 3],
      '"own" (every second): every second: cannot be masked',
    ],
    [
      'more steps than positions',
      learnedPositions(2, 3),
      [1, 3],
      'learnedPositions: has 2 positions, but the window has 3',
    ],
  ])('refuses %s', (_, inner, given, message) => {
    const x = Object.assign(draw([3, 2, 3], 'x'), { lengths: given });
    const run = () => masked(inner).apply(reference(), inner.initial(2), x);
    expect(run).toThrow(message);
  });

  it('refuses directions in which a lane has other steps', () => {
    const inner = bidirectional(maxPooling1d(2), convolution1d(3, 3, 4, { padding: 'valid' }));
    const x = Object.assign(draw([6, 2, 3], 'x'), { lengths: [4, 6] });
    expect(() => masked(inner).apply(reference(), inner.initial(2), x)).toThrow(
      'bidirectional: forward (maxPooling1d) gives lanes of 2,3 steps, but backward (convolution1d) of 1,3; make the two equal.',
    );
  });

  it.each<[string, () => Any]>([
    ['causalAttention', () => causalAttention(4, 2, { context: 3 })],
    ['causalBlock', () => causalBlock(4, 2, { context: 9 })],
    ['convolution1d', () => convolution1d(4, 3, 4)],
    ['learnedPositions', () => learnedPositions(9, 4)],
  ])('leaves the carry of a lane without a step as it was: %s', (_, make) => {
    const inner = make();
    const [, carry] = inner.apply(reference(), inner.initial(2), draw([2, 2, 4], 'before'));
    const x = Object.assign(draw([3, 2, 4], 'x'), { lengths: [0, 2] });
    const [, after] = masked(inner).apply(reference(), carry, x);
    expect(mapCarry(after, laneOf(0))).toEqual(mapCarry(carry, laneOf(0)));
    expect(mapCarry(after, laneOf(1))).not.toEqual(mapCarry(carry, laneOf(1)));
  });

  it('cannot tell which keys of its own are padding', () => {
    const x = draw([3, 2, 4], 'x');
    const inner = scaledDotProductAttention();
    const run = () => inner.apply({ ...reference(), lengths: [1, 3] }, noCarry, { queries: x, keys: x, values: x });
    expect(run).toThrow('scaledDotProductAttention: in a padded window it cannot tell which keys are padding');
  });

  it.each([
    ['dropout', () => dropout(0.5)],
    ['stacked', () => stacked([gru(3, 3), gru(3, 3)], { dropout: 0.5 })],
    ['feed-forward parts', () => residual(stack({ drop: dropout(0.5, { mask: 'window' }), rnn: lstm(3, 3) }))],
  ])('drops at a real step what it drops there with more padding: %s', (_, make) => {
    const inner = make() as Layer<unknown>;
    const [few, more] = [draw([4, 2, 3], 'x'), draw([9, 2, 3], 'x')];
    const run = (x: Tensor) =>
      masked(inner).apply(reference({ training: true }), inner.initial(2), Object.assign(x, { lengths: [2, 4] }))[0];
    // Drawn one after the other, so the first steps are the same numbers.
    const [y, longer] = [run(few), run(more)];
    for (const [lane, length] of [2, 4].entries()) expect(alone(longer, lane, length)).toEqual(alone(y, lane, length));
  });

  it('learns from windows in two parts, each lane to its own end', async () => {
    const sequences = [
      { input: [1, 2, 3, 4], target: [0, 1, 2, 0] },
      { input: [4], target: [1] },
    ];
    const learn = async (more: object) => {
      const fresh = stack({ embed: embedding(5, 3), rnn: lstm(3, 4), head: dense(4, 3) }, { seed: 1 });
      const steps = await lastValueFrom(
        from([padded(sequences)]).pipe(
          tbptt(masked(fresh), { loss: crossEntropy(), optimizer: sgd(0.1), ...more }),
          toArray(),
        ),
      );
      return steps.map(({ loss, gradientNorm }) => [loss, gradientNorm]);
    };
    const [[loss, norm] = []] = await learn({ k2: 6 });
    const [[whole, same] = []] = await learn({});
    expect(loss).toBe(whole);
    expect(norm).toBeCloseTo(same as number, 5);
  });

  it('refuses to go on after padding', async () => {
    const fresh = stack({ embed: embedding(5, 3), rnn: lstm(3, 4), head: dense(4, 3) }, { seed: 1 });
    const { reset: _, ...window } = padded([
      { input: [1, 2], target: [0, 1] },
      { input: [4], target: [1] },
    ]);
    const learning = from([window, window]).pipe(
      tbptt(masked(fresh), { loss: crossEntropy(), optimizer: sgd(0.1), k2: 4 }),
    );
    await expect(lastValueFrom(learning)).rejects.toThrow('lane 1 of a padded window ended after 1 of 2 steps');
  });

  it('refuses signals without lengths, or with impossible ones', () => {
    const { input } = padded([{ input: [1, 2], target: [0, 0] }]);
    const apply = (x: typeof input) => () => masked(model).apply(reference(), model.initial(1), x);
    const { lengths: _, ...bare } = input;
    expect(apply(bare as typeof input)).toThrow(
      'masked: the signal [2, 1] has no lengths; make it by padded(), or use the stack as it is.',
    );
    expect(apply({ ...input, lengths: [3] })).toThrow(
      'masked: [2, 1] takes 1 lengths from 0 to 2, but got [3]; give one for each lane.',
    );
    expect(apply({ ...input, lengths: [1, 1] })).toThrow(RangeError);
    expect(apply({ ...input, lengths: [0.5] })).toThrow(RangeError);
  });
});
