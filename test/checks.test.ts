import { describe, expect, it } from 'vitest';
import { requireChoice, requireCount } from '../src/checks.js';

describe('requireCount', () => {
  it.each<[number, number?, number?]>([[1], [7], [0, 0], [2, 2], [64, 1, 64]])('takes %d', (value, least, most) => {
    expect(() => requireCount('tbptt', 'k2', value, least, most)).not.toThrow();
  });

  it.each<[unknown, number | undefined, number | undefined, string]>([
    [0, undefined, undefined, 'tbptt: k2 is a whole number of at least 1, not 0.'],
    [1.5, undefined, undefined, 'tbptt: k2 is a whole number of at least 1, not 1.5.'],
    [Number.NaN, 0, undefined, 'tbptt: k2 is a whole number of at least 0, not NaN.'],
    [Number.POSITIVE_INFINITY, 1, undefined, 'tbptt: k2 is a whole number of at least 1, not Infinity.'],
    ['2', 1, 64, 'tbptt: k2 is a whole number from 1 to 64, not 2.'],
    [65, 1, 64, 'tbptt: k2 is a whole number from 1 to 64, not 65.'],
  ])('refuses %s by name and range', (value, least, most, message) => {
    expect(() => requireCount('tbptt', 'k2', value as number, least, most)).toThrow(new RangeError(message));
  });
});

it('requireChoice names the choices', () => {
  expect(() => requireChoice('windows', 'end', 'drop', ['drop', 'keep'])).not.toThrow();
  expect(() => requireChoice('windows', 'end', 7, ['drop', 'keep'])).toThrow(
    new TypeError("windows: end is 'drop' or 'keep', not 7."),
  );
});
