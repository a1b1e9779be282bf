/** The parts of a text: what is learnt, validated and held out. */
import { describe, expect, it } from 'vitest';
import { split } from '../../../src/cli/training/text.js';
import { vocabulary } from '../../../src/streams/vocabulary.js';

const vocab = vocabulary('ab');
const parts = (count: number, length: number, heldOut: number, validation: number) =>
  split('a'.repeat(count), vocab, { length, batch: 4, heldOut, validation });

describe('a text that is too short', () => {
  it.each([
    [0, 64, 0.1, 0],
    [1, 64, 0.1, 0],
    [70, 64, 0.1, 0],
    [20, 64, 0.1, 0.05],
    [100, 64, 0.49, 0.49],
    [4, 1, 0.1, 0],
    [5, 1, 0.5, 0.45],
    [900, 1000, 0.001, 0],
  ])(
    'of %i symbols for windows of %i, with %f and %f kept from the model: as long as it is told, it is long enough',
    (count, length, ...kept) => {
      let message = '';
      try {
        parts(count, length, ...kept);
      } catch (error) {
        message = (error as Error).message;
      }
      expect(message).toMatch(count === 1 ? /^the text has 1 symbol,/ : new RegExp(`^the text has ${count} symbols,`));
      const least = Number(/give at least (\d+)/.exec(message)?.[1]);
      expect(least).toBeGreaterThan(count);
      expect(() => parts(least - 1, length, ...kept)).toThrow(/too short/);
      const { training, validation, heldOut } = parts(least, length, ...kept);
      expect(training.length).toBeGreaterThan(length);
      expect(training.length + validation.length + heldOut.length).toBe(least);
    },
  );
});
