import { from, lastValueFrom, of, Subject, tap, toArray } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import { generate } from '../../src/streams/generate.js';
import { text } from '../../src/streams/text.js';
import { tokens } from '../../src/streams/tokens.js';
import { vocabulary } from '../../src/streams/vocabulary.js';
import { wellFormed } from '../../src/streams/well-formed.js';
import { ids, tensor } from '../../src/tensor.js';
import { bigram } from './model.js';

const scheduler = () => new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
const collect = (...chunks: (string | Uint8Array)[]) => lastValueFrom(of(...chunks).pipe(wellFormed(), toArray()));
const joined = async (...chunks: (string | Uint8Array)[]) => (await collect(...chunks)).join('');
const bytes = (value: string) => new TextEncoder().encode(value);

// One, two, three and four bytes in UTF-8; one and two units in UTF-16; a combining mark; a joined emoji.
const SAMPLE = 'aé水🐂 e\u0301👩‍👧';

describe('wellFormed', () => {
  it('puts bytes together at every cut, and at every pair of cuts', async () => {
    const all = bytes(SAMPLE);
    for (let i = 0; i <= all.length; i += 1) {
      for (let j = i; j <= all.length; j += 1) {
        const chunks = await collect(all.subarray(0, i), all.subarray(i, j), all.subarray(j));
        expect(chunks.join('')).toBe(SAMPLE);
        for (const chunk of chunks) expect(chunk).not.toMatch(/\p{Surrogate}|\uFFFD/u);
      }
    }
  });

  it('puts UTF-16 units together at every cut, and one by one', async () => {
    for (let i = 0; i <= SAMPLE.length; i += 1) {
      const chunks = await collect(SAMPLE.slice(0, i), SAMPLE.slice(i));
      expect(chunks.join('')).toBe(SAMPLE);
      for (const chunk of chunks) expect(chunk).not.toMatch(/\p{Surrogate}/u);
    }
    expect(await collect(...SAMPLE.split(''))).toEqual([...SAMPLE]);
    expect(await collect(...Array.from(bytes(SAMPLE), (byte) => Uint8Array.of(byte)))).toEqual([...SAMPLE]);
  });

  it('gives U+FFFD for a half that is never completed', async () => {
    expect(await collect('a\uD83D')).toEqual(['a', '\uFFFD']);
    expect(await collect('a', bytes('🐂').subarray(0, 3))).toEqual(['a', '\uFFFD']);
    expect(await joined('\uD83D', 'b')).toBe('\uFFFDb');
    expect(await joined('\uDC02a\uD83D\uD83D\uDC02')).toBe('\uFFFDa\uFFFD🐂');
    expect(await joined(Uint8Array.of(0x61, 0xff, 0x62))).toBe('a\uFFFDb');
  });

  it('does not complete half a string by bytes, or half of bytes by a string', async () => {
    expect(await joined('\uD83D', bytes('b'))).toBe('\uFFFDb');
    expect(await joined(bytes('水').subarray(0, 2), 'b', bytes('c'))).toBe('\uFFFDbc');
  });

  it('does not keep a half from one subscription to the next', async () => {
    const chunks$ = from(['\uD83D', 'a']).pipe(wellFormed(), toArray());
    expect(await lastValueFrom(chunks$)).toEqual(await lastValueFrom(chunks$));
  });

  it('rejects what is neither text nor bytes', async () => {
    await expect(collect(7 as never)).rejects.toThrow(/strings or as bytes .* number/);
  });
});

describe('tokens', () => {
  const vocab = vocabulary('ab🐂', { unknown: 'skip' });

  it('gives one signal for each chunk, and none for a chunk without a symbol', () => {
    scheduler().run(({ hot, expectObservable }) => {
      const source = hot('  -a-b-c-d-e|', { a: 'ab', b: '', c: 'x', d: '🐂', e: 'ba' });
      expectObservable(source.pipe(tokens(vocab))).toBe('-a-----d-e|', {
        a: ids([2, 1], [0, 1]),
        d: ids([1, 1], [2]),
        e: ids([2, 1], [1, 0]),
      });
    });
  });

  it('holds a symbol that was cut back until it is whole, or the stream ends', () => {
    scheduler().run(({ hot, expectObservable }) => {
      const source = hot('  -a-b-c|', { a: 'a\uD83D', b: '\uDC02', c: '\uD83D' });
      expectObservable(source.pipe(tokens(vocabulary('a🐂\uFFFD')))).toBe('-a-b--(c|)', {
        a: ids([1, 1], [0]),
        b: ids([1, 1], [2]),
        c: ids([1, 1], [1]),
      });
    });
  });

  it('passes on errors, and makes one of an unknown symbol', () => {
    scheduler().run(({ hot, expectObservable, expectSubscriptions }) => {
      const failing = hot('-a-#', { a: 'a' });
      expectObservable(failing.pipe(tokens(vocab))).toBe('-a-#', { a: ids([1, 1], [0]) });
      const strict = vocabulary('a');
      const source = hot('-a-b-a|', { a: 'a', b: 'b' });
      expectObservable(source.pipe(tokens(strict))).toBe('-a-#', { a: ids([1, 1], [0]) }, unknown(strict, 'b'));
      expectSubscriptions(source.subscriptions).toBe('^--!');
    });
  });

  it('takes each text as a whole where it is one', () => {
    scheduler().run(({ hot, expectObservable }) => {
      const source = hot('-a-b-c|', { a: 'a\uD83D', b: '\uDC02b', c: bytes('🐂').subarray(0, 3) });
      expectObservable(source.pipe(tokens(vocabulary('ab\uFFFD'), { whole: true }))).toBe('-a-b-c|', {
        a: ids([2, 1], [0, 2]),
        b: ids([2, 1], [2, 1]),
        c: ids([1, 1], [2]),
      });
    });
  });

  const cycle = bigram(tensor([3, 3], [0, 9, 0, 0, 0, 9, 9, 0, 0]));
  it.each([
    ['an empty text', '', '""'],
    ['no bytes', new Uint8Array(0), '""'],
    ['symbols that are skipped', 'xyz', '"xyz"'],
    ['a long one of those', 'x'.repeat(50), `"${'x'.repeat(40)}…"`],
  ])('between two prompts %s is told to who waits for its answer', async (_, silent, shown) => {
    const said: string[] = [];
    const prompt$ = new Subject<string | Uint8Array>();
    let answered: (() => void) | undefined;
    const whole = new Promise<void>((resolve) => {
      answered = resolve;
    });
    const saying = lastValueFrom(
      prompt$.pipe(
        tokens(vocab, { whole: true }),
        generate(cycle, { length: 2, greedy: true }),
        text(vocab),
        tap((symbol) => said.push(symbol) === 2 && answered?.()),
      ),
    );
    prompt$.next('a');
    await whole;
    prompt$.next(silent);
    // Nobody ends the prompts.
    await expect(saying).rejects.toThrow(
      new RangeError(
        `tokens: text 1, ${shown}, is empty or has only symbols that the vocabulary skips; ` +
          'give texts of at least one symbol, or leave the others out: filter((text) => vocab.encode(text).length > 0).',
      ),
    );
    expect(said).toEqual(['b', '🐂']);
  });

  it('unsubscribes early', () => {
    scheduler().run(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot('-a-a-a', { a: 'a' });
      expectObservable(source.pipe(tokens(vocab)), '--!').toBe('-a', { a: ids([1, 1], [0]) });
      expectSubscriptions(source.subscriptions).toBe('^-!');
    });
  });
});

function unknown(vocab: ReturnType<typeof vocabulary>, symbol: string): unknown {
  try {
    return vocab.encode(symbol);
  } catch (error) {
    return error;
  }
}

describe('text', () => {
  const vocab = vocabulary('ab🐂');

  it('is the inverse of tokens', async () => {
    const back$ = of('ab', '🐂a').pipe(tokens(vocab), text(vocab), toArray());
    expect(await lastValueFrom(back$)).toEqual(['ab', '🐂a']);
  });

  it('rejects several lanes and ids out of range', async () => {
    await expect(lastValueFrom(of(ids([1, 2], [0, 1])).pipe(text(vocab)))).rejects.toThrow(/\[T, 1\].*\[1, 2\]/);
    await expect(lastValueFrom(of(ids([2], [0, 1])).pipe(text(vocab)))).rejects.toThrow(TypeError);
    await expect(lastValueFrom(of(ids([1, 1], [3])).pipe(text(vocab)))).rejects.toThrow(RangeError);
  });
});
