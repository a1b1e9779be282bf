import { describe, expect, it } from 'vitest';
import { chunksOf } from '../../../src/models/metrics/chunks.js';

/** `to 1-3` for each chunk. */
const shown = (tags: string): string =>
  chunksOf(tags === '' ? [] : tags.split(' '))
    .map(({ type, start, end }) => `${type} ${start}-${end}`)
    .join(', ');

describe('the chunks of tags', () => {
  it.each([
    ['', ''],
    ['O O', ''],
    ['B-to', 'to 0-1'],
    ['O B-to I-to O', 'to 1-3'],
    ['B-to B-to I-to', 'to 0-1, to 1-3'],
    ['B-to B-from', 'to 0-1, from 1-2'],
    // Types have hyphens and dots of their own.
    ['B-depart-date.day I-depart-date.day', 'depart-date.day 0-2'],
  ])('%j, in IOB2, are %j', (tags, chunks) => {
    expect(shown(tags)).toBe(chunks);
  });

  it.each([
    ['I-to I-to', 'to 0-2'],
    ['O I-to O', 'to 1-2'],
    ['B-to I-from I-from', 'to 0-1, from 1-3'],
    ['I-to B-to I-to', 'to 0-1, to 1-3'],
    ['I-to I-from B-from', 'to 0-1, from 1-2, from 2-3'],
  ])('%j, malformed in IOB2 or well-formed in IOB1, are %j', (tags, chunks) => {
    expect(shown(tags)).toBe(chunks);
  });

  it.each([
    ['I-to E-to E-to', 'to 0-2, to 2-3'],
    ['O E-to I-to', 'to 1-2, to 2-3'],
    ['[-to ]-to O', 'to 0-1, to 1-2'],
    ['B-to .-to O', 'to 0-2'],
    // Not a prefix that conlleval knows.
    ['S-to S-to', 'to 0-2'],
    ['B I O', ' 0-2'],
    ['B-to x', 'to 0-1,  1-2'],
    // BILOU's L and U are not known either, and what is spelled like two known ones is none of them.
    ['B-to L-to U-to', 'to 0-3'],
    ['-to BB-to', 'to 0-2'],
    ['BO-to -to', 'to 0-2'],
    ['OB-to I-to', 'to 0-2'],
    // Bare labels mark nothing.
    ['city city O city', ''],
  ])('%j, in other notations, are %j', (tags, chunks) => {
    expect(shown(tags)).toBe(chunks);
  });
});
