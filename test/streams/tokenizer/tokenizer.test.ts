import { Tokenizer as TheirTokenizer } from '@huggingface/tokenizers';
import fc from 'fast-check';
import { from, lastValueFrom, of, Subject, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { text } from '../../../src/streams/text.js';
import { bytes } from '../../../src/streams/tokenizer/bytes.js';
import { LONGEST } from '../../../src/streams/tokenizer/cutter.js';
import type { Tokenizer } from '../../../src/streams/tokenizer/tokenizer.js';
import { tokenizerFrom } from '../../../src/streams/tokenizer/tokenizer-from.js';
import { tokens } from '../../../src/streams/tokens.js';
import { ids } from '../../../src/tensor.js';
import { asBytes, byteLevel, bytePairs, files, jsonOf, naivePairs, SAMPLE, words } from './files/made.js';

const made = (name: string) => tokenizerFrom(jsonOf((files[name] as (typeof files)[string])()));

async function streamed(tokenizer: Tokenizer, chunks: readonly (string | Uint8Array)[]): Promise<number[]> {
  const signals = await lastValueFrom(from(chunks).pipe(tokens(tokenizer), toArray()));
  for (const { shape, data } of signals) expect(shape).toEqual([data.length, 1]);
  return signals.flatMap(({ data }) => [...data]);
}

async function shown(tokenizer: Tokenizer, parts: readonly (readonly number[])[]): Promise<string[]> {
  return lastValueFrom(from(parts.map((part) => ids([part.length, 1], part))).pipe(text(tokenizer), toArray()));
}

/** Now and then one that is longer than what is looked at. */
const longs = fc
  .tuple(fc.nat(11), fc.constantFrom('a'.repeat(LONGEST - 1), ' '.repeat(LONGEST + 3), '🐂'.repeat(600)))
  .map(([rarely, long]) => (rarely === 0 ? long : 'ab'));

/** Texts of what is hard: words, blanks, marks, characters of several units and bytes, added tokens and halves of them. */
const texts = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        'the',
        ' river',
        "'s",
        "'",
        '  ',
        ' ',
        '\n',
        '\r\n',
        '\t',
        '12',
        '3456',
        '.',
        ',,',
        'Σ',
        'ΑΣ',
        'e\u0301',
      ),
      fc.constantFrom(
        '🐂',
        '👩‍👧',
        '水',
        'é',
        '<|end|>',
        '<|end',
        '<|endless|>',
        'less|>',
        '[MASK]',
        '</s>',
        '<',
        '▁',
        '\u0307',
        'a',
        'Aa',
      ),
      fc.string({ unit: 'grapheme', maxLength: 6 }),
      longs,
    ),
    { maxLength: 14 },
  )
  .map((parts) => parts.join(''));

const cutUp = (all: string, places: readonly number[]): string[] => {
  const cuts = [0, ...places.map((place) => place % (all.length + 1)).sort((a, b) => a - b), all.length];
  return cuts.slice(1).map((end, k) => all.slice(cuts[k], end));
};

describe.each(Object.keys(files))('a tokenizer like %s', (name) => {
  it('gives the ids of the whole text for any cutting of it, and its decoder the same text', async () => {
    const tokenizer = await made(name);
    await fc.assert(
      fc.asyncProperty(texts, fc.array(fc.nat(5000), { maxLength: 8 }), async (all, places) => {
        const whole = [...tokenizer.encode(all)];
        expect(await streamed(tokenizer, cutUp(all, places))).toEqual(whole);
        const parts = await shown(
          tokenizer,
          whole.map((id) => [id]),
        );
        expect(parts.join('')).toBe(tokenizer.decode(whole));
      }),
      { numRuns: 30, seed: 7 },
    );
  });

  it('gives them one character at a time, and byte by byte', async () => {
    const tokenizer = await made(name);
    const whole = [...tokenizer.encode(SAMPLE)];
    expect(await streamed(tokenizer, SAMPLE.split(''))).toEqual(whole);
    const utf8 = new TextEncoder().encode(SAMPLE);
    expect(
      await streamed(
        tokenizer,
        Array.from(utf8, (byte) => Uint8Array.of(byte)),
      ),
    ).toEqual(whole);
    expect(Math.max(...whole)).toBeLessThan(tokenizer.size);
  });

  it('is the same one after it was written down', async () => {
    const tokenizer = await made(name);
    const again = await tokenizerFrom(JSON.parse(JSON.stringify(tokenizer)));
    expect(again.encode(SAMPLE)).toEqual(tokenizer.encode(SAMPLE));
    expect(again.size).toBe(tokenizer.size);
  });
});

describe('byte pairs', () => {
  it('are those of merging by the book', async () => {
    const tokenizer = await made('GPT-2');
    const { vocab } = byteLevel().model as unknown as { vocab: Record<string, number> };
    fc.assert(
      fc.property(texts, (all) => {
        const clean = all.replaceAll('<|end', '').slice(0, 400);
        const expected = Array.from(clean.replace(/\p{Surrogate}/gu, '\uFFFD').matchAll(words), ([word]) => word)
          .flatMap((word) => naivePairs(asBytes(word), bytePairs))
          .map((token) => vocab[token]);
        expect([...tokenizer.encode(clean)]).toEqual(expected);
      }),
      { numRuns: 100, seed: 3 },
    );
  });

  it.each([
    'GPT-2',
    'GPT-2 with a space first',
    'Llama 3',
    'GPT-4o',
    'byte pairs without pre-tokenizers, as of Llama 2',
    'WordPiece',
  ])('and others are those that the library gives for a whole text: %s', async (name) => {
    const file = (files[name] as (typeof files)[string])();
    const theirs = new TheirTokenizer({ ...file, post_processor: null }, {});
    const tokenizer = await made(name);
    for (const all of [SAMPLE, `${SAMPLE}<|end|>${SAMPLE}</s> [MASK]a`, ' a', 'the', '']) {
      expect([...tokenizer.encode(all)]).toEqual(theirs.encode(all, { add_special_tokens: false }).ids);
    }
  });

  it('hold back what may go on, and nothing else', async () => {
    const tokenizer = await made('GPT-2');
    const chunks$ = new Subject<string>();
    const seen: string[] = [];
    chunks$.pipe(tokens(tokenizer), text(tokenizer)).subscribe((part) => seen.push(part));
    const steps: readonly (readonly [chunk: string, said: string])[] = [
      ['the riv', 'the'],
      ['er', ''],
      [' ', ' river'],
      ['b', ''],
      ['<|end', ''],
      ['less', ''],
      ['|>', ' b<|endless|>'],
      ['<|end', ''],
      ['|> x', '<|end|>'],
      ['\uD83D', ''],
      ['\uDC02', ' x'],
      [' a', '🐂'],
    ];
    for (const [chunk, said] of steps) {
      chunks$.next(chunk);
      expect(seen.splice(0).join('')).toBe(said);
    }
    chunks$.complete();
    expect(seen.join('')).toBe(' a');
  });

  it('take a stream without spaces in memory that is bounded', async () => {
    const tokenizer = await made('GPT-2');
    const { push } = tokenizer.encoder();
    let [characters, tokensSeen] = [0, 0];
    for (let k = 0; k < 300; k += 1) {
      tokensSeen += tokenizer.decode(push('riverbend')).length;
      characters += 'riverbend'.length;
      expect(characters - tokensSeen).toBeLessThan(LONGEST + 'riverbend'.length);
    }
    expect(tokensSeen).toBeGreaterThan(0);
  });
});

describe('bytes', () => {
  it('are the ids of any text, and give it back', async () => {
    await fc.assert(
      fc.asyncProperty(texts, fc.array(fc.nat(2000), { maxLength: 5 }), async (all, places) => {
        const expected = [...new TextEncoder().encode(all)];
        expect([...bytes().encode(all)]).toEqual(expected);
        expect(await streamed(bytes(), cutUp(all, places))).toEqual(expected);
        expect(
          (
            await shown(
              bytes(),
              expected.map((id) => [id]),
            )
          ).join(''),
        ).toBe(all.replace(/\p{Surrogate}/gu, '\uFFFD'));
      }),
      { numRuns: 30, seed: 2 },
    );
  });

  it('wait for the rest of a character, and say so of one that never came', async () => {
    expect(await shown(bytes(), [[0x61, 0xf0], [0x9f, 0x90], [0x82], [0xe6, 0xb0]])).toEqual([
      'a',
      '',
      '🐂',
      '',
      '\uFFFD',
    ]);
    expect(bytes().decode([0x61, 0xff, 0x62])).toBe('a\uFFFDb');
  });

  it('are written down by name', async () => {
    const again = await tokenizerFrom(JSON.parse(JSON.stringify(bytes())));
    expect(again.size).toBe(256);
    expect([...again.encode('é')]).toEqual([0xc3, 0xa9]);
  });

  it.each([[[256]], [[-1]], [[1.5]]])('refuse %s', (wrong) => {
    expect(() => bytes().decode(wrong)).toThrow(/^decode: ids run from 0 to 255 in this tokenizer, but got/);
  });
});

describe('a subscription', () => {
  it('has a state of its own', async () => {
    const tokenizer = await made('GPT-2');
    const once = of('the ri', 'ver', '\uD83D').pipe(tokens(tokenizer), text(tokenizer), toArray());
    expect(await lastValueFrom(once)).toEqual(await lastValueFrom(once));
    expect((await lastValueFrom(once)).join('')).toBe('the river\uFFFD');
  });
});
