import * as E from 'fp-ts/lib/Either.js';
import { expect, test } from 'vitest';
import { parseOptions } from '../../examples/char-rnn/options.js';
import { recipe } from '../../examples/char-rnn/recipe.js';

function parsed(...args: readonly string[]) {
  const options = parseOptions(args);
  if (E.isLeft(options) || options.right === 'help') throw new Error(JSON.stringify(options));
  return options.right;
}

const refused: readonly (readonly [args: readonly string[], message: RegExp])[] = [
  [['text.txt'], /too many arguments/],
  [['--file'], /argument missing/],
  [['--cell', 'transformer'], /--cell.*Allowed choices are rnn, lstm, gru/],
  [['--optimizer', 'lion'], /--optimizer.*Allowed choices are sgd, momentum, rmsprop, adam/],
  [['--tier', 'narrow'], /--tier.*Allowed choices are wide, fma, simd/],
  [['--units', '2.5'], /--units.*whole number of at least 1/],
  [['--layers', ''], /--layers.*whole number of at least 1/],
  [['--batch', '1e99'], /--batch.*whole number of at least 1/],
  [['--embed', '-1'], /--embed.*whole number of at least 0/],
  [['--lr', '-1'], /--lr.*number above 0/],
  [['--lr', 'Infinity'], /--lr.*number above 0/],
  [['--seconds', 'ten'], /--seconds.*number above 0/],
  [['--temperature', '0'], /--temperature.*number above 0/],
  [['--stdin', '--file', 'verse.txt'], /--stdin does not go with --file/],
  [['--stdin', '--epochs', '2'], /--stdin does not go with --epochs/],
  [['--stdin', '--batch', '2'], /--stdin does not go with --batch/],
];
test.each(refused)('%j is refused', (args, message) => {
  expect(parseOptions(args)).toMatchObject(E.left({ message: expect.stringMatching(message) }));
});

test('without options the run is as long as the recipe says', () => {
  expect(parsed()).toMatchObject({ file: undefined, recipe: { stdin: false }, plan: undefined });
});

test('epochs and streams set their own end, unless there is a time as well', () => {
  expect(parsed('--epochs', '3')).toMatchObject({ plan: { seconds: null, epochs: 3 } });
  expect(parsed('--epochs', '3', '--seconds', '9')).toMatchObject({ plan: { seconds: 9, epochs: 3 } });
  expect(parsed('--stdin').plan).toBe(undefined);
  expect(parsed('--stdin', '--seconds', '9').plan).toEqual({ seconds: 9, epochs: null });
});

test('each optimizer has a rate of its own, unless one is given', () => {
  expect(parsed('--optimizer', 'sgd').recipe.learningRate).toBe(recipe.learningRates.sgd);
  expect(parsed('--optimizer', 'sgd', '--lr', '0.5').recipe.learningRate).toBe(0.5);
});

test('what was not asked for is left to the usual recipe, or to that of a run', () => {
  const { recipe: own, asked } = parsed('--units', '32');
  expect(own).toMatchObject({ ...recipe.model, units: 32, length: recipe.length });
  expect(asked).toEqual({ units: 32 });
});
