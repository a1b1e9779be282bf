import { expect, test } from 'vitest';
import { kitLines } from '../../bench/kit.js';

test('a piece stands beside the plain cell, with its bar where it has one', () => {
  const figure = (median: number) => ({ median, min: median / 2, max: 2 * median });
  const [, plain, within, beyond] = kitLines([
    { side: 'plain', time: figure(40), ratio: figure(1) },
    { side: 'layerNorm', time: figure(50), ratio: figure(1.25) },
    { side: 'dropConnect', time: figure(60), ratio: figure(1.5) },
  ]);
  expect(plain).toMatch(/^plain +40 ms {2}× 1\.00 {2}\(0\.50 … 2\.00\)$/);
  expect(within).toMatch(/× 1\.25 .*; bar 1\.3: reached$/);
  expect(beyond).toMatch(/× 1\.50 .*; bar 1\.3: short$/);
});
