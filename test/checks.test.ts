import { describe, expect, it } from 'vitest';
import { requireChoice, requireCount, shown } from '../src/checks.js';

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

it.each<[unknown, string | RegExp]>([
  ['a', '"a"'],
  ['\n"', '"\\n\\""'],
  ['x'.repeat(80), `"${'x'.repeat(79)}…`],
  [undefined, 'undefined'],
  [null, 'null'],
  [Number.NaN, 'NaN'],
  [2n, '2'],
  [Symbol('s'), 'Symbol(s)'],
  [() => 1, 'a function'],
  [[1, 'a', null], '[1,"a",null]'],
  [[[[1]]], '[[…]]'],
  [Array.from({ length: 1000 }), /^\[undefined,.{69}…$/],
  [{ a: { b: {} } }, '{"a":{"b":…}}'],
  [{ toString: 1, valueOf: 2 }, '{"toString":1,"valueOf":2}'],
  [Object.create(null), '{}'],
  [JSON.parse(`${'['.repeat(50_000)}${']'.repeat(50_000)}`), '[[…]]'],
])('shown: a value takes one line at most, whatever it is', (value, line) => {
  if (typeof line === 'string') expect(shown(value)).toBe(line);
  else expect(shown(value)).toMatch(line);
});
