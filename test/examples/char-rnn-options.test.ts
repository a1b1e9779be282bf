import * as E from 'fp-ts/lib/Either.js';
import { expect, test } from 'vitest';
import { parseOptions } from '../../examples/char-rnn/options.js';
import { completed } from '../../src/cli/training/recipe-options.js';
import { learningRates, quick, recipeNames, recipes } from '../../src/cli/training/recipes.js';

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
  [['--stdin', '--windows', 'random'], /--stdin does not go with --windows random/],
  [['--stdin', '--eval', '--load', 'a'], /--stdin does not go with --eval/],
  [['--stdin', '--dynamic'], /--stdin does not go with --dynamic: what is piped in holds nothing out/],
  [['--stdin', '--tune-dynamic'], /--stdin does not go with --tune-dynamic/],
  [['--stdin', '--held-out', '0.2'], /--stdin does not go with --held-out/],
  [['--stdin', '--validation', '0.1', '--resume', '--save', 'a'], /--stdin does not go with --validation/],
  [['--recipe', 'online-log', '--file', 'verse.txt'], /--recipe online-log does not go with --file/],
  [['--tune-dynamic'], /--tune-dynamic needs a validation part to choose by; give --validation 0\.05 too/],
  [['--recipe', 'slow'], /--recipe.*Allowed choices are quick, shakespeare, online-log/],
  [['--recipe', 'online-log', '--epochs', '2'], /--stdin does not go with --epochs/],
  [['--schedule', 'linear'], /--schedule.*Allowed choices are constant, cosine, oneCycle/],
  [['--windows', 'all'], /--windows.*Allowed choices are lanes, random/],
  [['--dynamic-rule', 'adam'], /--dynamic-rule.*Allowed choices are plain, rms/],
  [['--steps', '0'], /--steps.*whole number of at least 1/],
  [['--drop-connect', '1'], /--drop-connect.*from 0 to below 1/],
  [['--drop-between', '-0.1'], /--drop-between.*from 0 to below 1/],
  [['--smoothing', '1'], /--smoothing.*from 0 to below 1/],
  [['--weight-decay', '-1'], /--weight-decay.*from 0 up/],
  [['--ar', 'much'], /--ar.*from 0 up/],
  [['--floor', '0'], /--floor.*above 0 and at most 1/],
  [['--clip', '0'], /--clip.*above 0/],
  [['--held-out', '0.6'], /--held-out.*above 0 and at most 0\.5/],
  [['--validation', '1'], /--validation.*from 0 to below 1/],
  [['--held-out', '0.5', '--validation', '0.5'], /--held-out 0\.5 and --validation 0\.5 leave nothing/],
  [['--weight-decay', '0.1'], /--weight-decay is that of adamw/],
  [
    ['--drop-connect', '0.1', '--cell', 'gatedDeltaNet'],
    /gatedDeltaNet has none; give another cell, or --drop-connect 0/,
  ],
  [['--drop-connect', '0.1', '--cell', 'griffin'], /griffin has none; give another cell, or --drop-connect 0/],
  [['--recipe', 'shakespeare', '--optimizer', 'sgd'], /give --optimizer adamw, or --weight-decay 0/],
  [['--tied', '--embed', '0'], /--tied takes the vectors of an embedding/],
  [['--eval'], /--eval scores a run that is there; say which one by --load/],
  [['--eval', '--resume'], /--eval learns nothing/],
  [['--report'], /argument missing/],
];
test.each(refused)('%j is refused', (args, message) => {
  expect(parseOptions(args)).toMatchObject(E.left({ message: expect.stringMatching(message) }));
});

test('without options it says nothing of a recipe or an end', () => {
  expect(parsed()).toMatchObject({ file: undefined, asked: {}, plan: undefined });
});

const whole = (...args: readonly string[]) => completed(parsed(...args).asked);

test('any end that is given is the only one', () => {
  expect(parsed('--epochs', '3')).toMatchObject({ plan: { seconds: null, epochs: 3, steps: null } });
  expect(parsed('--epochs', '3', '--seconds', '9')).toMatchObject({ plan: { seconds: 9, epochs: 3, steps: null } });
  expect(parsed('--stdin').plan).toBe(undefined);
  expect(whole('--stdin', '--seconds', '9')).toMatchObject({ seconds: 9, epochs: null, stdin: true });
  expect(whole('--recipe', 'shakespeare', '--steps', '9')).toMatchObject({ seconds: null, epochs: null, steps: 9 });
});

test('each optimizer has a rate of its own, unless one is given', () => {
  expect(whole('--optimizer', 'sgd').learningRate).toBe(learningRates.sgd);
  expect(whole('--optimizer', 'sgd', '--lr', '0.5').learningRate).toBe(0.5);
});

test('what was not asked for is left to the usual recipe', () => {
  expect(parsed('--units', '32').asked).toEqual({ units: 32 });
  expect(whole('--units', '32')).toEqual({ ...quick, units: 32 });
  expect(whole('--stdin')).toEqual(recipes['online-log'].recipe);
});

test.each(recipeNames)('%s is a recipe, of which any value may be given otherwise', (name) => {
  const { recipe } = recipes[name];
  expect(whole('--recipe', name)).toEqual(recipe);
  expect(whole('--recipe', name, '--units', '7', '--no-tied', '--drop-connect', '0.5')).toEqual({
    ...recipe,
    units: 7,
    tied: false,
    dropConnect: 0.5,
  });
});
