import { describe, expect, test } from 'vitest';
import type { Setting } from '../../bench/bars.js';
import { lines, prefixed, records } from '../../bench/report.js';
import type { Outcome } from '../../bench/run.js';
import type { Case } from '../../bench/workload.js';

const setting: Setting = { kind: 'E', tier: 'wide', threads: 2, processors: 2 };
const generation: Case = {
  name: 'W5 lstm128x1',
  unit: 'us/char',
  flop: 213_000,
  bytes: 426_496,
  work: 1,
  check: () => undefined,
  step: () => undefined,
};
const outcome: Outcome = {
  ours: {
    median: 10,
    min: 9,
    max: 11,
    gflops: 21.3,
    share: 0.1,
    traffic: { gbytes: 42.65, bandwidth: 85.3, share: 0.5 },
    bar: 20,
  },
  theirs: [{ peer: 'torch 1/2', figure: { median: 300, min: 290, max: 310 }, ratio: 30 }],
  absent: [
    { peer: 'brain.js', why: 'unknown' },
    { peer: 'tfjs cpu', why: 'out of memory' },
  ],
  comparison: { ratio: 30, against: 'torch 1/2', bar: 20, reached: true },
};

test('numbers get the prefix that leaves one to three digits before the point', () => {
  expect(prefixed(1_426_176, 'FLOP')).toBe('1.43 MFLOP');
  expect(prefixed(2 ** 31, 'FLOP')).toBe('2.15 GFLOP');
  expect(prefixed(426_496, 'B')).toBe('426 kB');
  expect(prefixed(640, 'B')).toBe('640 B');
});

describe('a case', () => {
  test('for people: the work, the shares, the peers, the bar', () => {
    const text = lines(generation, outcome).join('\n');
    expect(text).toMatch(/213 kFLOP a character: 21.3 GFLOP\/s, 10 % of the peak/);
    expect(text).toMatch(/426 kB of weights a character: 42.65 GB\/s, 50 % of the 85.3 GB\/s measured/);
    expect(text).toMatch(/torch 1\/2 +300 us\/char +\(290 … 310\) +× 30.00/);
    expect(text).toMatch(/not a case of brain.js\n {2}tfjs cpu failed: out of memory/);
    expect(text).toMatch(/× 30.00 torch 1\/2; bar 20 ×: reached$/);
  });

  test('falls short of a bar in so many words, and names the bar where no peer ran', () => {
    const short = { ...outcome, comparison: { ratio: 5, against: 'torch 1/2', bar: 20, reached: false } };
    expect(lines(generation, short).at(-1)).toMatch(/bar 20 ×: short$/);
    const { comparison: _, ...alone } = { ...outcome, theirs: [], absent: [] };
    expect(lines(generation, alone).at(-1)).toBe('  bar: 20 × PyTorch');
  });

  test('for machines: one record for each figure, and the comparison', () => {
    expect(records(generation, outcome, setting)).toEqual([
      {
        peer: 'oxbow',
        threads: 2,
        tier: 'wide',
        workload: 'W5 lstm128x1',
        unit: 'us/char',
        median: 10,
        min: 9,
        max: 11,
        flop: 213_000,
        gflops: 21.3,
        share: 0.1,
        bytes: 426_496,
        gbytes: 42.65,
        bandwidth: 85.3,
        bandwidthShare: 0.5,
        bar: 20,
      },
      { peer: 'torch 1/2', workload: 'W5 lstm128x1', unit: 'us/char', median: 300, min: 290, max: 310, ratio: 30 },
      { peer: 'brain.js', workload: 'W5 lstm128x1', error: 'unknown' },
      { peer: 'tfjs cpu', workload: 'W5 lstm128x1', error: 'out of memory' },
      { workload: 'W5 lstm128x1', kind: 'E', ratio: 30, against: 'torch 1/2', bar: 20, reached: true },
    ]);
  });

  test('a product counts the operations of all of it', () => {
    const product: Case = { ...generation, name: 'W1 512x512x512', unit: 'GFLOP/s', flop: 1e9, work: 0.268435456 };
    const { traffic: _, ...ours } = outcome.ours;
    expect(lines(product, { ...outcome, ours })[1]).toMatch(/^ {2}268 MFLOP a product/);
    expect(records(product, { ...outcome, ours }, setting)[0]).toMatchObject({ flop: 268_435_456 });
  });
});
