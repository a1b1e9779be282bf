import { lastValueFrom, of, throwError, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { gru } from '../src/cells/gru.js';
import { lstm } from '../src/cells/lstm.js';
import { noCarry } from '../src/layer.js';
import { dense } from '../src/layers/dense.js';
import { dropout } from '../src/layers/dropout.js';
import { embedding } from '../src/layers/embedding.js';
import { reference } from '../src/ops/reference.js';
import { type Parameter, parametersOf } from '../src/parameters/parameter.js';
import { stack } from '../src/stack.js';
import { ids, zeros } from '../src/tensor.js';
import { draw, expectGradients, scatterParameters } from './backprop/differences.js';

const model = (seed = 42) => stack({ embed: embedding(5, 3), rnn: lstm(3, 4), head: dense(4, 5) }, { seed });
const named = (of: { readonly params: Parameters<typeof parametersOf>[0] }): ReadonlyMap<string, Parameter> =>
  new Map(parametersOf(of.params));
const values = (of: Parameters<typeof named>[0]) =>
  Object.fromEntries([...named(of)].map(([path, parameter]) => [path, [...parameter.data]]));

describe('stack', () => {
  it('is its layers one after another, their carries by name', () => {
    const { ops, x } = { ops: reference(), x: ids([3, 2], [0, 1, 2, 3, 4, 0]) };
    const [embed, rnn, head] = [embedding(5, 3), lstm(3, 4), dense(4, 5)] as const;
    const whole = stack({ embed, rnn, head }, { seed: 1 });
    const [embedded] = embed.apply(ops, noCarry, x);
    const [y, after] = rnn.apply(ops, rnn.initial(2), embedded);
    const [logits] = head.apply(ops, noCarry, y);
    expect(whole.apply(ops, whole.initial(2), x)).toEqual([logits, { embed: {}, rnn: after, head: {} }]);
  });

  it('has the right gradients', () => {
    const whole = model();
    const x = ids([2, 2], [4, 1, 0, 4]);
    expectGradients(scatterParameters(whole.params), (ops) => whole.apply(ops, whole.initial(2), x)[0]);
  });

  it('knows its own widths, through layers that give what they take', () => {
    const inner = stack({ drop: dropout(0.5), head: dense(4, 5), again: dropout(0.5) });
    expect([inner.inputs, inner.outputs]).toEqual([4, 5]);
    const through = stack({ a: dropout(0.1), b: dropout(0.2) });
    expect([through.inputs, through.outputs]).toEqual([undefined, 'inputs']);
    expect(model().inputs).toBeUndefined();
  });

  it('refuses layers that do not fit, naming both', () => {
    expect(() => stack({ rnn: lstm(64, 256), head: dense(128, 65) })).toThrow(
      'stack: "rnn" (lstm) gives 256 features, but "head" (dense) takes 128; make the two equal.',
    );
    expect(() => stack({ embed: embedding(9, 3), drop: dropout(0.5), inner: stack({ rnn: gru(4, 4) }) })).toThrow(
      'stack: "embed" (embedding) gives 3 features, but "inner" (stack) takes 4; make the two equal.',
    );
  });

  it.each([
    ['0', /stack: "0" cannot name a layer, since integers change a record's order/],
    ['12', /"12" cannot name a layer/],
    ['', /"" cannot name a layer/],
    ['a.b', /"a\.b" cannot name a layer, since dots/],
  ])('refuses the name "%s"', (name, message) => {
    expect(() => stack({ [name]: dense(1, 1) })).toThrow(message);
  });

  it('refuses to be of nothing', () => {
    expect(() => stack({})).toThrow(/stack: needs one layer at least/);
  });

  it('may have one layer in two places, whose gradients add up', () => {
    const shared = dense(2, 2);
    const tied = stack({ below: shared, inner: stack({ above: shared }) });
    const x = draw([2, 2, 2], 'x');
    const watched = [...scatterParameters(shared.params), x];
    expectGradients(watched, (ops) => tied.apply(ops, tied.initial(2), x)[0]);
  });
});

describe('seeds by path', () => {
  it('names parameters by their path in the whole model', () => {
    const whole = stack({ inner: stack({ rnn: gru(2, 3) }), head: dense(3, 2) }, { seed: 1 });
    for (const [path, parameter] of named(whole)) expect(parameter.path).toBe(path);
    expect([...named(whole).keys()]).toEqual(
      ['wx', 'b', 'wh', 'bn'].map((p) => `inner.rnn.${p}`).concat('head.w', 'head.b'),
    );
  });

  it('draws the same weights from the same seed, and others from another', () => {
    expect(values(model(1))).toEqual(values(model(1)));
    expect(values(model(1))['rnn.wx']).not.toEqual(values(model(2))['rnn.wx']);
  });

  it('draws different weights for like layers', () => {
    const twins = values(stack({ a: dense(2, 2), b: dense(2, 2) }, { seed: 1 }));
    expect(twins['a.w']).not.toEqual(twins['b.w']);
  });

  it('changes no weights where a layer is added', () => {
    const longer = stack(
      { embed: embedding(5, 3), between: dense(3, 3), rnn: lstm(3, 4), drop: dropout(0.5), head: dense(4, 5) },
      { seed: 42 },
    );
    expect(values(longer)).toMatchObject(values(model()));
  });

  it('keeps weights that were drawn before', () => {
    const rnn = lstm(3, 4, { seed: 9 });
    const before = values(rnn);
    stack({ rnn }, { seed: 1 });
    expect(values(rnn)).toEqual(before);
  });
});

describe('a stack as an operator', () => {
  const signals = [ids([2, 1], [0, 1]), ids([1, 1], [2])] as const;
  const outputs = (whole: ReturnType<typeof model>) => lastValueFrom(of(...signals).pipe(whole, toArray()));

  it('carries on from signal to signal: two signals give what one gives', async () => {
    const whole = model();
    const [first, second] = await outputs(whole);
    const joined = await lastValueFrom(of(ids([3, 1], [0, 1, 2])).pipe(whole));
    const parts = [...(first?.data ?? []), ...(second?.data ?? [])];
    expect(parts).toHaveLength(15);
    parts.forEach((value, k) => {
      expect(value).toBeCloseTo(joined.data[k] as number, 5);
    });
  });

  it('starts afresh with each subscription', async () => {
    const whole = model();
    expect(await outputs(whole)).toEqual(await outputs(whole));
  });

  it('shares weights between subscriptions, and never carry', async () => {
    const whole = model();
    const before = await outputs(whole);
    await lastValueFrom(of(ids([4, 1], [4, 4, 4, 4])).pipe(whole));
    expect(await outputs(whole)).toEqual(before);
    named(whole).get('head.b')?.assign([100, 0, 0, 0, 0]);
    const [changed] = await outputs(whole);
    expect(changed?.data[0]).toBeGreaterThan(90);
  });

  it('notifies of errors in the stream, never throws', async () => {
    const failed = lastValueFrom(of(ids([1, 1], [0]), ids([1, 1], [7])).pipe(model()));
    await expect(failed).rejects.toThrow(/id 7 at position 0/);
    const upstream = lastValueFrom(throwError(() => new Error('upstream')).pipe(stack({ head: dense(1, 1) })));
    await expect(upstream).rejects.toThrow('upstream');
    const lanes = of(zeros([1, 1, 2]), zeros([1, 3, 2])).pipe(stack({ head: dense(2, 1) }));
    await expect(lastValueFrom(lanes)).rejects.toThrow(/keeps its number of lanes, but 1 became 3/);
  });

  it('gives the same on float64 windows of one as on one window', () => {
    const [whole, ops] = [model(), reference()];
    const x = ids([3, 2], [0, 1, 2, 3, 4, 0]);
    const [all, last] = whole.apply(ops, whole.initial(2), x);
    let carry = whole.initial(2);
    const parts = [0, 1, 2].map((t) => {
      const [y, next] = whole.apply(ops, carry, ids([1, 2], x.data.slice(2 * t, 2 * t + 2)));
      carry = next;
      return y;
    });
    expect(ops.concat(parts, 0)).toEqual(all);
    expect(carry).toEqual(last);
  });
});
