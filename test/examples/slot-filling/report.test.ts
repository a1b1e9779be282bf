import { scoreSlots } from 'oxbow';
import { describe, expect, it } from 'vitest';
import {
  confusionTable,
  showSpread,
  slotTable,
  sparkline,
  spreadOf,
  summary,
} from '../../../examples/slot-filling/report.js';
import { painter, showUtterance } from '../../../examples/slot-filling/show.js';

const scores = scoreSlots(
  [
    { tags: ['B-toloc', 'O', 'O'], intent: 'flight' },
    { tags: ['B-date', 'I-date', 'O'], intent: 'fare' },
  ],
  [
    { tags: ['B-fromloc', 'O', 'B-date'], intent: 'flight' },
    { tags: ['B-date', 'I-date', 'I-date'], intent: 'flight' },
  ],
);

describe('figures', () => {
  it('are a table, all slots in its last row', () => {
    expect(slotTable(scores)).toEqual([
      'slot     precision  recall    F1  there  found  right',
      'date          0.00    0.00  0.00      2      1      0',
      'fromloc       0.00    0.00  0.00      1      0      0',
      'toloc         0.00    0.00  0.00      0      1      0',
      'all           0.00    0.00  0.00      3      2      0',
    ]);
  });

  it('say what was taken for what', () => {
    expect(confusionTable(scores).map((line) => line.trim().split(/ {2,}/))).toEqual([
      ['date', '→ nothing', '1'],
      ['date', '→ the same, from or to another word', '1'],
      ['fromloc', '→ toloc', '1'],
    ]);
    expect(confusionTable(scores, 1)).toHaveLength(1);
    expect(confusionTable(scoreSlots([], []))).toEqual([]);
  });

  it('are summed up in a line', () => {
    expect(summary(scores)).toBe('F1 0.00 (precision 0.00, recall 0.00) · intents 50.00 · utterances all right 0.00');
    const without = scoreSlots([{ tags: ['B-to'] }], [{ tags: ['B-to'] }]);
    expect(summary(without)).toBe('F1 100.00 (precision 100.00, recall 100.00) · utterances all right 100.00');
  });

  it('of several seeds have a mean and a spread', () => {
    expect(spreadOf([0.94, 0.96, 0.95])).toEqual({
      mean: expect.closeTo(0.95, 12),
      deviation: expect.closeTo(0.01, 12),
    });
    expect(showSpread(spreadOf([0.95]))).toBe('95.00 ± 0.00');
  });

  it('are a curve', () => {
    expect(sparkline([0, 0.5, 0.99, 1])).toBe('▁▅██');
  });
});

describe('an utterance', () => {
  const words = ['arrive', 'New', 'York', 'on', 'May', '2nd'];
  const tags = ['O', 'B-toloc', 'I-toloc', 'O', 'B-date', 'I-date'];

  it('is shown with its slots', () => {
    expect(showUtterance(words, tags, painter(false))).toBe('arrive [New York toloc] on [May 2nd date]');
    expect(showUtterance(['hi'], ['O'], painter(false))).toBe('hi');
    expect(showUtterance([], [], painter(false))).toBe('');
  });

  it('has a colour for each kind of slot, the same each time', () => {
    const paint = painter(true);
    const shown = showUtterance(words, tags, paint);
    expect(shown).toBe('arrive \u001b[32m[New York toloc]\u001b[39m on \u001b[33m[May 2nd date]\u001b[39m');
    expect(paint('x', 'date')).toBe('\u001b[33mx\u001b[39m');
  });
});
