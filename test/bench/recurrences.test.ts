import { expect, test } from 'vitest';
import { recurrenceLines } from '../../bench/recurrences.js';

test('the table has a row for each recurrence, beside the first one round by round', () => {
  const row = { units: 128, parameters: 239_000 };
  const lines = recurrenceLines([
    { ...row, name: 'LSTM', learning: [100, 50, 80], stepping: [10, 10, 10] },
    { ...row, name: 'minGRU', parameters: 60_000, learning: [200, 150, 200], stepping: [5, 5, 6] },
  ]);
  expect(lines[1]).toMatch(/^Two layers of 128 units \(Embedding 64, Dense 65, Adam, T 64, B 32\), beside the LSTM's$/);
  expect(lines[3]).toMatch(/^LSTM +239,000 +80 +× 1\.00 +10 +× 1\.00$/);
  expect(lines[4]).toMatch(/^minGRU +60,000 +200 +× 2\.50 +5 +× 0\.50$/);
});
