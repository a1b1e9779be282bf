import { describe, it } from 'vitest';
import { gru } from '../../src/cells/gru.js';
import { type LstmCellOptions, lstm } from '../../src/cells/lstm.js';
import { residualRnn } from '../../src/cells/residual-rnn.js';
import { noCarry } from '../../src/layer.js';
import { dense } from '../../src/layers/dense.js';
import { expectCase, signals } from './hold.js';
import { caseOf, entry, golden } from './load.js';

const cases = golden('variants');
const [inputs, units] = [4, 5];

describe('recurrences written down in PyTorch', () => {
  it('gru that resets before the product, as whole windows', () => {
    const figures = caseOf(cases, 'GRU, reset before');
    const layer = gru(inputs, units, { reset: 'before' });
    expectCase(figures, layer.params, figures.parameters, figures.gradients, signals(figures), (ops, given) => {
      const [y, { h }] = layer.apply(ops, { h: entry(given, 'h') }, entry(given, 'x'));
      return { y, h };
    });
  });

  it.each(
    (['learned', 'none', 'coupled'] as const).flatMap((forget): readonly (readonly [string, LstmCellOptions])[] => [
      [`LSTM, ${forget}`, { forget }],
      [`LSTM, ${forget}, peepholes`, { forget, peepholes: true }],
    ]),
  )('%s', (name, options) => {
    const figures = caseOf(cases, name);
    const layer = lstm(inputs, units, options);
    expectCase(figures, layer.params, figures.parameters, figures.gradients, signals(figures), (ops, given) => {
      const [y, carry] = layer.apply(ops, { h: entry(given, 'h'), c: entry(given, 'c') }, entry(given, 'x'));
      return { y, ...carry };
    });
  });

  it.each([
    ['residual', inputs],
    ['residual of input and state', inputs + units],
  ])('residualRnn: %s', (name, width) => {
    const figures = caseOf(cases, name);
    const layer = residualRnn(inputs, units, dense(width, units, { activation: 'tanh' }));
    expectCase(figures, layer.params, figures.parameters, figures.gradients, signals(figures), (ops, given) => {
      const [y, { h }] = layer.apply(ops, { h: entry(given, 'h'), g: noCarry }, entry(given, 'x'));
      return { y, h };
    });
  });
});
