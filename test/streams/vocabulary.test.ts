import { describe, expect, it } from 'vitest';
import { type UnknownSymbols, vocabulary, vocabularyFrom } from '../../src/streams/vocabulary.js';

describe('vocabulary', () => {
  it('has the distinct code points of a text, sorted by code point', () => {
    const vocab = vocabulary('b🐂a水🐂é\n');
    expect(vocab.symbols).toEqual(['\n', 'a', 'b', 'é', '水', '🐂']);
    expect(vocab.size).toBe(6);
    // U+FB01 sorts before U+1F402, though its UTF-16 unit is the larger.
    expect(vocabulary('🐂ﬁ').symbols).toEqual(['ﬁ', '🐂']);
  });

  it('takes a list of symbols in any order', () => {
    expect(vocabulary(new Set(['c', 'a', 'b'])).symbols).toEqual(['a', 'b', 'c']);
  });

  it('encodes and decodes', () => {
    const vocab = vocabulary('abc🐂');
    expect(vocab.encode('c🐂a')).toEqual(Int32Array.of(2, 3, 0));
    expect(vocab.decode([2, 3, 0])).toBe('c🐂a');
    expect(vocab.decode(vocab.encode(''))).toBe('');
  });

  it('names an unknown symbol, its code point and the remedy by default', () => {
    const encode = () => vocabulary('abc').encode('ab🐂');
    expect(encode).toThrow(RangeError);
    expect(encode).toThrow(/"🐂" \(U\+1F402\) at position 2 .* 3 symbols.*skip.*replace/);
  });

  it('skips unknown symbols where asked to', () => {
    expect(vocabulary('abc', { unknown: 'skip' }).encode('xaéb🐂c')).toEqual(Int32Array.of(0, 1, 2));
  });

  it('replaces unknown symbols by one that has an id of its own', () => {
    const vocab = vocabulary('abc', { unknown: { replace: '?' } });
    expect(vocab.symbols).toEqual(['?', 'a', 'b', 'c']);
    expect(vocab.decode(vocab.encode('axc🐂'))).toBe('a?c?');
    expect(vocabulary('abc', { unknown: { replace: 'a' } }).size).toBe(3);
  });

  it('rejects impossible choices when it is made', () => {
    for (const unknown of ['replace', null, {}, 7] as unknown as UnknownSymbols[]) {
      expect(() => vocabulary('abc', { unknown })).toThrow(/'error', 'skip' or \{ replace/);
    }
    expect(() => vocabulary('abc', { unknown: { replace: '??' } })).toThrow(/one code point/);
    expect(() => vocabulary('abc', { unknown: { replace: '' } })).toThrow(/one code point/);
    expect(() => vocabulary('')).toThrow(RangeError);
    expect(() => vocabulary(['ab'])).toThrow(/"ab" is 2/);
  });

  it('rejects ids that are out of range', () => {
    const vocab = vocabulary('abc');
    for (const id of [-1, 3, 0.5, Number.NaN]) expect(() => vocab.decode([0, id])).toThrow(/from 0 to 2 .* got/);
  });

  it('takes half a surrogate pair for U+FFFD', () => {
    const vocab = vocabulary('a\uD83D');
    expect(vocab.symbols).toEqual(['a', '\uFFFD']);
    expect(vocab.encode('\uDC02a\uFFFD')).toEqual(Int32Array.of(1, 0, 1));
  });

  it('survives JSON with the same ids', () => {
    for (const unknown of ['error', 'skip', { replace: '🐂' }] as const) {
      const vocab = vocabulary('héllo 水', { unknown });
      const restored = vocabularyFrom(JSON.parse(JSON.stringify(vocab)));
      expect(restored.symbols).toEqual(vocab.symbols);
      expect(restored.unknown).toEqual(unknown);
      expect(restored.encode('hello'.replace('e', 'é'))).toEqual(vocab.encode('héllo'));
    }
    expect(vocabularyFrom({ symbols: 'ba', unknown: 'skip' }).encode('ab')).toEqual(Int32Array.of(1, 0));
  });

  it('rejects data that is no vocabulary', () => {
    expect(() => vocabularyFrom({ symbols: 'aba', unknown: 'skip' })).toThrow(/twice/);
    expect(() => vocabularyFrom({ symbols: 'ab', unknown: { replace: '?' } })).toThrow(/replacement/);
    expect(() => vocabularyFrom({ unknown: 'skip' } as never)).toThrow(TypeError);
    expect(() => vocabularyFrom(null as never)).toThrow(TypeError);
  });

  it.each([
    [
      { symbols: JSON.parse(`${'['.repeat(20_000)}${']'.repeat(20_000)}`), unknown: 'skip' },
      'got {"symbols":[…],"unknown":"skip"}.',
    ],
    [{ symbols: 'ab', unknown: { replace: { toString: 1 } } }, 'not {"replace":{"toString":1}}.'],
    [{ symbols: 'ab', unknown: { replace: 'x'.repeat(1_000_000) } }, '…'],
  ])('rejects what no message can show as a whole', (data, shown) => {
    let message = '';
    try {
      vocabularyFrom(data as never);
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toMatch(/^vocabulary(From)?: /);
    expect(message).toContain(shown);
    expect(message.length).toBeLessThan(300);
  });
});
