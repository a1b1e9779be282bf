import { describe, expect, it } from 'vitest';
import { parametersOf } from '../../src/backprop/parameter.js';
import { reference } from '../../src/backprop/reference.js';
import { gru } from '../../src/cells/gru.js';
import { lstm } from '../../src/cells/lstm.js';
import { simpleRnn } from '../../src/cells/simple-rnn.js';
import { stacked } from '../../src/cells/stacked.js';
import { draw } from '../backprop/differences.js';

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
});
