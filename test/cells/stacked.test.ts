import { describe, expect, it } from 'vitest';
import { gru } from '../../src/cells/gru.js';
import { lstm } from '../../src/cells/lstm.js';
import { simpleRnn } from '../../src/cells/simple-rnn.js';
import { stacked } from '../../src/cells/stacked.js';
import type { Layer, NoCarry } from '../../src/layer.js';
import { dense } from '../../src/layers/dense.js';
import { dropout } from '../../src/layers/dropout.js';
import { reference } from '../../src/ops/reference.js';
import { zeros } from '../../src/parameters/initializers.js';
import { parametersOf } from '../../src/parameters/parameter.js';
import { stack } from '../../src/stack.js';
import { draw, expectGradients, scatterParameters } from '../backprop/differences.js';

describe('stacked', () => {
  it('feeds each layer with the one below', () => {
    const [below, above] = [lstm(2, 3, { seed: 1 }), gru(3, 4, { seed: 2 })] as const;
    const both = stacked([below, above]);
    const ops = reference();
    const x = draw([5, 2, 2], 'x');
    const [middle, belowCarry] = below.apply(ops, below.initial(2), x);
    const [top, aboveCarry] = above.apply(ops, above.initial(2), middle);
    expect(both.apply(ops, both.initial(2), x)).toEqual([top, { layer1: belowCarry, layer2: aboveCarry }]);
  });

  it('keeps its order beyond nine layers', () => {
    const tower = stacked(Array.from({ length: 11 }, (_, k) => simpleRnn(k + 1, k + 2)));
    const names = Array.from({ length: 11 }, (_, k) => `layer${k + 1}`);
    expect(Object.keys(tower.initial(1))).toEqual(names);
    const [, carry] = tower.apply(reference(), tower.initial(1), draw([1, 1, 1], 'x'));
    expect(Object.keys(carry as object)).toEqual(names);
    expect([tower.inputs, tower.outputs]).toEqual([1, 12]);
  });

  it('names its parameters by position', () => {
    const both = stacked([simpleRnn(1, 2), simpleRnn(2, 2)]);
    expect(parametersOf(both.params).map(([path]) => path)).toEqual(
      ['layer1', 'layer2'].flatMap((layer) => ['wx', 'wh', 'b'].map((name) => `${layer}.${name}`)),
    );
  });

  it('refuses layers that do not fit, naming both', () => {
    expect(() => stacked([lstm(2, 3), gru(4, 4)])).toThrow(
      'stacked: "layer1" (lstm) gives 3 features, but "layer2" (gru) takes 4; make the two equal.',
    );
    expect(() => stacked([])).toThrow(/stacked: needs one layer at least/);
  });

  describe('with dropout between the layers', () => {
    const floors = () => [simpleRnn(2, 8), simpleRnn(8, 8), simpleRnn(8, 3)] as const;
    const x = draw([5, 2, 2], 'x');

    it('is what layers and dropout in turn are', () => {
      const [first, second, third] = floors();
      const tower = stacked([first, second, third], { seed: 3, dropout: 0.5 });
      const carry = tower.initial(2);
      const [y, { layer1, layer2, layer3 }] = tower.apply(reference({ training: true }), carry, x);
      const [drop1, drop2] = [dropout(0.5), dropout(0.5)];
      const inTurn = stack({ layer1: first, drop1, layer2: second, drop2, layer3: third }, { seed: 3 });
      expect(inTurn.apply(reference({ training: true }), inTurn.initial(2), x)).toEqual([
        y,
        { layer1, drop1: {}, layer2, drop2: {}, layer3 },
      ]);
    });

    it('is no other than without when not training', () => {
      const layers = floors();
      const [plain, dropping] = [stacked(layers, { seed: 3 }), stacked(layers, { seed: 3, dropout: 0.5 })];
      const ops = reference();
      expect(dropping.apply(ops, dropping.initial(2), x)[0]).toEqual(plain.apply(ops, plain.initial(2), x)[0]);
    });

    it('takes the forms that dropout has', () => {
      const ops = reference({ training: true });
      const ones = draw([4, 1, 1], 'x', 0);
      const sum = stacked([dense(1, 40), dense(40, 40)], { seed: 3, dropout: { rate: 0.5, mask: 'window' } });
      for (const [name, parameter] of parametersOf(sum.params)) {
        parameter.assign(parameter.data.map((_, k) => (name === 'layer1.b' || k % 41 === 0 ? 1 : 0)));
      }
      const [y] = sum.apply(ops, sum.initial(1), ones);
      const rows = [0, 1, 2, 3].map((t) => [...y.data.slice(40 * t, 40 * t + 40)]);
      expect(rows[3]).toEqual(rows[0]);
      expect(new Set(rows[0])).toContain(2);
    });

    it('has the right gradients', () => {
      const tower = stacked(floors(), { seed: 3, dropout: 0.5, residual: true });
      expectGradients([...scatterParameters(tower.params), x], (ops) => tower.apply(ops, tower.initial(2), x)[0]);
    });

    it('refuses an impossible rate', () => {
      expect(() => stacked(floors(), { dropout: 1 })).toThrow(RangeError);
    });
  });

  describe('with residual links', () => {
    it('adds what enters to what leaves, where the widths are equal', () => {
      const [below, above] = [simpleRnn(2, 3), gru(3, 3)] as const;
      const tower = stacked([below, above], { seed: 1, residual: true });
      const ops = reference();
      const x = draw([4, 2, 2], 'x');
      const [middle] = below.apply(ops, below.initial(2), x);
      const [top] = above.apply(ops, above.initial(2), middle);
      expect(tower.apply(ops, tower.initial(2), x)[0]).toEqual(ops.add(top, middle));
    });

    it('goes past dropout', () => {
      const still = (): Layer<NoCarry> => dense(4, 4, { initializers: { w: zeros() } });
      const tower = stacked([still(), still()], { dropout: 0.9, residual: true });
      const x = draw([3, 2, 4], 'x');
      expect(tower.apply(reference({ training: true }), tower.initial(2), x)[0]).toEqual(x);
    });

    it('refuses layers that none fits around', () => {
      expect(() => stacked([simpleRnn(2, 3), gru(3, 4)], { residual: true })).toThrow(/here there is none; make two/);
    });
  });
});
