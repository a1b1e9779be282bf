import { lastValueFrom, of, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { bidirectional } from '../../src/cells/bidirectional.js';
import { gru } from '../../src/cells/gru.js';
import { lstm } from '../../src/cells/lstm.js';
import { masked } from '../../src/cells/masked.js';
import { simpleRnn } from '../../src/cells/simple-rnn.js';
import { unroll } from '../../src/cells/unroll.js';
import { dense } from '../../src/layers/dense.js';
import { dropout } from '../../src/layers/dropout.js';
import { embedding } from '../../src/layers/embedding.js';
import type { Ops } from '../../src/ops/ops.js';
import { reference } from '../../src/ops/reference.js';
import { inWindow, toSignal } from '../../src/ops/window.js';
import { parametersOf } from '../../src/parameters/parameter.js';
import { stack } from '../../src/stack.js';
import { ids, type Tensor, tensor, zeros } from '../../src/tensor.js';
import { draw, expectGradients, scatterParameters } from '../backprop/differences.js';

/** Running sums: forwards the sum so far, backwards what is still to come. */
const sums = () =>
  unroll<{ readonly h: Tensor }>({
    kind: 'sums',
    inputs: 1,
    units: 1,
    params: {},
    initial: (batch) => ({ h: zeros([batch, 1]) }),
    step(ops, { h }, x) {
      const next = ops.add(h, x);
      return [next, { h: next }];
    },
  });

const signal = tensor([3, 2, 1], [1, 10, 2, 20, 4, 40]);

describe('bidirectional', () => {
  it('reads from both ends, and puts both beside each other', () => {
    const [y, carry] = bidirectional(sums(), sums()).apply(
      reference(),
      bidirectional(sums(), sums()).initial(2),
      signal,
    );
    expect(y.shape).toEqual([3, 2, 2]);
    expect([...y.data]).toEqual([1, 7, 10, 70, 3, 6, 30, 60, 7, 4, 70, 40]);
    expect([...carry.forward.h.data, ...carry.backward.h.data]).toEqual([7, 70, 7, 70]);
  });

  it('merges as it is told', () => {
    const layer = bidirectional(sums(), sums(), { merge: (ops, f, b) => ops.add(f, b), outputs: 1 });
    const [y] = layer.apply(reference(), layer.initial(2), signal);
    expect([...y.data]).toEqual([8, 80, 9, 90, 11, 110]);
    expect(layer.outputs).toBe(1);
  });

  it('gives what either direction comes to in the end', () => {
    const layer = bidirectional(sums(), sums(), { last: true });
    const [y, carry] = layer.apply(reference(), layer.initial(2), signal);
    expect(y.shape).toEqual([1, 2, 2]);
    expect([...y.data]).toEqual([7, 7, 70, 70]);
    expect([...carry.forward.h.data, ...carry.backward.h.data]).toEqual([7, 70, 7, 70]);
    const own = masked(layer).apply(reference(), layer.initial(2), { ...signal, lengths: [2, 3] })[0];
    expect([...own.data]).toEqual([3, 3, 70, 70]);
  });

  it.each([1, 5])('is in the end each direction by itself, of %d steps', (steps) => {
    const [forward, backward] = [lstm(3, 2), gru(3, 4)];
    const layer = bidirectional(forward, backward, { last: true });
    scatterParameters(layer.params);
    const ops = reference();
    const x = draw([steps, 2, 3], 'x');
    const turned = ops.concat([...ops.split(x, 0, new Array<number>(steps).fill(1))].reverse(), 0);
    const end = (y: Tensor) => ops.split(y, 0, [steps - 1, 1])[1] as Tensor;
    const expected = ops.concat(
      [end(forward.apply(ops, forward.initial(2), x)[0]), end(backward.apply(ops, backward.initial(2), turned)[0])],
      2,
    );
    const [y] = layer.apply(ops, layer.initial(2), x);
    expect(y).toEqual(expected);
    expect(inWindow((eager) => toSignal(layer.apply(eager, layer.initial(2), x)[0])).data[0]).toBeCloseTo(
      expected.data[0] as number,
      6,
    );
    expectGradients(
      [...parametersOf(layer.params).map(([, parameter]) => parameter), x],
      (each) => layer.apply(each, layer.initial(2), x)[0],
    );
  });

  it('starts the backward direction at the end of each lane', () => {
    const layer = masked(bidirectional(sums(), sums()));
    const [y, carry] = layer.apply(reference(), layer.initial(2), { ...signal, lengths: [2, 3] });
    expect([...y.data]).toEqual([1, 3, 10, 70, 3, 2, 30, 60, 0, 0, 70, 40]);
    expect([...carry.forward.h.data, ...carry.backward.h.data]).toEqual([3, 70, 3, 70]);
  });

  it('goes on forwards and starts afresh backwards in a stream of windows', async () => {
    const window = (...values: number[]) => tensor([values.length, 1, 1], values);
    const outputs$ = of(window(1, 2), window(4, 8)).pipe(bidirectional(sums(), sums()), toArray());
    expect((await lastValueFrom(outputs$)).map(({ data }) => [...data])).toEqual([
      [1, 3, 3, 2],
      [7, 12, 15, 8],
    ]);
  });

  it('still draws another mask for each window backwards', () => {
    const layer = stack({ both: bidirectional(dropout(0.5), dropout(0.5)) }, { seed: 1 });
    const ones = tensor([1, 1, 64], new Float64Array(64).fill(1));
    const [first, second] = [0, 1].map(
      (step) => layer.apply(reference({ training: true, step }), layer.initial(1), ones)[0],
    ) as [Tensor, Tensor];
    const backward = (y: Tensor) => [...y.data.slice(64)];
    expect(backward(second)).not.toEqual(backward(first));
    expect(backward(first)).not.toEqual([...first.data.slice(0, 64)]);
  });

  it.each([
    ['RNN', () => bidirectional(simpleRnn(2, 3), simpleRnn(2, 3))],
    ['LSTM and GRU', () => bidirectional(lstm(2, 3), gru(2, 2))],
    ['layers that remember nothing', () => bidirectional(dense(2, 3), dense(2, 1))],
  ] as const)('has the right gradients, full and padded: %s', (_, make) => {
    const layer = make();
    const parameters = scatterParameters(layer.params);
    const x = draw([4, 3, 2], 'x');
    const run = (ops: Ops) => layer.apply(ops, layer.initial(3) as never, x)[0];
    expectGradients([...parameters, x], run);
    expectGradients([...parameters, x], (ops) => run({ ...ops, lengths: [2, 4, 1] }));
  });

  it('reverses ids too', () => {
    const layer = stack({ both: bidirectional(embedding(4, 1), stack({ e: embedding(4, 1), s: sums() })) });
    const named = new Map(parametersOf(layer.params));
    named.get('both.forward.table')?.assign([1, 2, 4, 8]);
    named.get('both.backward.e.table')?.assign([1, 2, 4, 8]);
    const x = ids([3, 1], [0, 1, 3]);
    const [y] = inWindow((ops) => toSignal(layer.apply(ops, layer.initial(1), x)));
    expect([...y.data]).toEqual([1, 11, 2, 10, 8, 8]);
  });

  it('tells its widths and names its parameters by direction', () => {
    const layer = bidirectional(lstm(2, 3), gru(2, 4));
    expect([layer.inputs, layer.outputs]).toEqual([2, 7]);
    expect(parametersOf(layer.params).map(([name]) => name)).toEqual(
      ['wx', 'wh', 'b']
        .map((name) => `forward.${name}`)
        .concat(['wx', 'b', 'wh', 'bn'].map((name) => `backward.${name}`)),
    );
    expect(() => stack({ both: bidirectional(lstm(2, 3), gru(2, 4)), head: dense(6, 1) })).toThrow(
      'stack: "both" (bidirectional) gives 7 features, but "head" (dense) takes 6; make the two equal.',
    );
  });

  it('refuses directions that cannot read the same signal', () => {
    expect(() => bidirectional(lstm(2, 3), lstm(3, 3))).toThrow(
      'bidirectional: forward (lstm) takes 2 features, but backward (lstm) takes 3; both read the same signal, so make ' +
        'the two equal.',
    );
  });
});
