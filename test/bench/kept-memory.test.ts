import { expect, it } from 'vitest';
import { growthOf, type KeptMemory } from '../../bench/kept-memory.js';

const MIB = 2 ** 20;
/** Samples of which one kind is as given, and the others stay. */
const samples = (kind: keyof KeptMemory, of: (k: number) => number): readonly KeptMemory[] =>
  Array.from({ length: 60 }, (_, k) => ({
    'live heap': 40 * MIB,
    "kernels' memory": 10 * MIB,
    'resident set': 200 * MIB,
    [kind]: of(k) * MIB,
  }));

it.each<readonly [what: string, kind: keyof KeptMemory, of: (k: number) => number, tooMuch: boolean]>([
  ['a live heap that stays', 'live heap', () => 40, false],
  ['a live heap that leaks a tenth', 'live heap', (k) => 40 + k / 10, true],
  ['what is under way, which comes and goes', 'live heap', (k) => 40 + 10 * (k % 5), false],
  ["kernels' memory that leaks", "kernels' memory", (k) => 10 + k / 50, true],
  ['a resident set that wanders by a tenth', 'resident set', (k) => 200 + k / 3, false],
  ['a resident set that leaks by far more', 'resident set', (k) => 200 + 2 * k, true],
])('%s', (_, kind, of, tooMuch) => {
  for (const growth of growthOf(samples(kind, of), 5)) {
    expect([growth.kind, growth.tooMuch]).toEqual([growth.kind, growth.kind === kind && tooMuch]);
  }
});

it('too few samples are no proof that nothing leaks', () => {
  expect(growthOf(samples('live heap', () => 40).slice(0, 4), 5).every(({ tooMuch }) => tooMuch)).toBe(true);
});
