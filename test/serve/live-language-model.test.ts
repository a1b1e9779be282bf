import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { firstValueFrom, lastValueFrom, type Observable, take, toArray } from 'rxjs';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { HeardSymbols, LiveLanguageModel } from '../../src/serve/live.js';
import { type LiveLanguageModelOptions, liveLanguageModel } from '../../src/serve/live-language-model.js';
import { openLive } from '../../src/serve/open-live.js';
import { bytes } from '../../src/streams/tokenizer/bytes.js';
import { tokenizerFrom } from '../../src/streams/tokenizer/tokenizer-from.js';
import { files, jsonOf, SAMPLE } from '../streams/tokenizer/files/made.js';
import { learningRefused } from './servers.js';

const folder = mkdtempSync(join(tmpdir(), 'live-'));
afterAll(() => rmSync(folder, { recursive: true }));
const open: LiveLanguageModel[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((live) => live.close().catch(() => undefined)));
});

const small = { model: { units: 8, embed: 4 }, batch: 2, length: 8, maxDelayMs: 1 } as const;
async function live(options: LiveLanguageModelOptions = {}): Promise<LiveLanguageModel> {
  const made = await liveLanguageModel({ ...small, ...options });
  open.push(made);
  return made;
}
const all = <T>(values$: Observable<T>) => lastValueFrom(values$.pipe(toArray()));
const said = async (model: LiveLanguageModel, request: Parameters<LiveLanguageModel['generate']>[0]) =>
  (await all(model.generate(request))).map(({ text }) => text).join('');

describe('a live language model', () => {
  it('grows by what it hears, in whatever script, and is kept so', async () => {
    const where = join(folder, 'grows');
    const model = await live({ folder: where });
    expect(model.vocab.size).toBe(98);
    const bits: number[] = [];
    model.updates$.subscribe(({ heard }) => bits.push(...heard.flatMap((one) => [...one.bits])));
    const source = model.source();
    source.push('水の流れ、水の流れ。'.repeat(4));
    await source.learnt();
    expect(model.vocab.encode('水の流れ、。').every((id) => id >= 98)).toBe(true);
    expect(bits.every((each) => each > 0 && Number.isFinite(each))).toBe(true);
    expect(await said(model, { prompt: '火', length: 200, seed: 1 })).not.toContain('\uFFFD');
    const scored = await firstValueFrom(model.score('の火'));
    expect(scored.bits[1]).toBeGreaterThan(20);
    const [size, before] = [model.vocab.size, await said(model, { prompt: '水', length: 20, seed: 1 })];
    await model.close();
    const again = await live({ folder: where });
    expect([again.vocab.size, await said(again, { prompt: '水', length: 20, seed: 1 })]).toEqual([size, before]);
  });

  it('of bytes splits no character', async () => {
    const model = await live({ vocab: bytes(), folder: join(folder, 'bytes') });
    let heard = '';
    const bits: number[] = [];
    model.updates$.subscribe((update) => {
      for (const one of update.heard) {
        heard += one.text;
        bits.push(...one.bits);
      }
    });
    const source = model.source();
    const text = '水の流れ。'.repeat(12);
    source.push(text);
    await source.learnt();
    // The first byte of all has no surprise: the rest of its character is read as none.
    expect(heard.replace(/^\uFFFD+/, '')).toBe(text.slice(1));
    expect(bits).toHaveLength([...heard].length);
    const symbols = await all(model.generate({ prompt: '水', length: 60, seed: 1 }));
    expect(symbols.length - 60).toBeLessThanOrEqual(3);
    const words = symbols.map((one) => one.text).join('');
    expect(words).not.toContain('\uFFFD');
    expect(Buffer.byteLength(words)).toBe(symbols.length);
    const scored = await firstValueFrom(model.score('水の'));
    expect(scored.bits).toHaveLength(2);
    await model.close();
    const again = await live({ folder: join(folder, 'bytes') });
    expect(again.vocab.size).toBe(256);
  });

  it.each(Object.entries(files))('of tokens, %s, answers prompts that have none', async (_, file) => {
    const model = await live({ vocab: await tokenizerFrom(jsonOf(file())) });
    const source = model.source();
    source.push(SAMPLE);
    await source.learnt();
    for (const prompt of ['', ' ', '\n', '\u200B']) {
      expect(await all(model.generate({ prompt, length: 5, seed: 1 }))).toHaveLength(5);
      expect((await firstValueFrom(model.score(prompt))).bits.length).toBeLessThanOrEqual(prompt.length);
    }
  });

  it('learns each symbol of all of its sources once, whatever the pieces and however many sources', async () => {
    const model = await live();
    const heard = new Map<unknown, HeardSymbols[]>();
    model.updates$.subscribe((update) => {
      for (const one of update.heard) heard.set(one.source, [...(heard.get(one.source) ?? []), one]);
    });
    const texts = Array.from({ length: 5 }, (_, k) => `line ${k} of a text that is a little longer than a window\n`);
    const sources = texts.map(() => model.source());
    for (let at = 0; at < 60; at += 7) {
      texts.forEach((text, k) => void (text.slice(at, at + 7) && sources[k]?.push(text.slice(at, at + 7))));
    }
    await Promise.all(sources.map((source) => source.learnt()));
    texts.forEach((text, k) => {
      const own = heard.get(sources[k]) ?? [];
      const symbols = [...text];
      for (const { at, text: piece } of own) expect(symbols.slice(at, at + piece.length).join('')).toBe(piece);
      const covered = own.reduce((sum, { text: piece }) => sum + piece.length, 0);
      // The first symbol of each stretch is of no surprise.
      expect(covered).toBe(symbols.length - own.filter(({ afresh }) => afresh).length);
      expect(own.every(({ bits }) => bits.every((each) => each > 0))).toBe(true);
    });
    expect(model.metrics()).toMatchObject({ waiting: 0, dropped: 0, step: model.step });
    expect(model.step).toBeGreaterThan(10);
  });

  it('gives lanes by turns, so that no source keeps the others from being learnt', async () => {
    const model = await live({ batch: 1, idleMs: 0 });
    const [long, short] = [model.source(), model.source()];
    long.push('a'.repeat(20_000));
    short.push('b'.repeat(20));
    await short.learnt();
    expect(model.metrics().waiting).toBeGreaterThan(0);
  });

  it('lets what is silent give way to what has something to say', async () => {
    const model = await live({ batch: 1, idleMs: 1 });
    const sources = Array.from({ length: 4 }, () => model.source());
    for (const source of sources) source.push('something');
    await Promise.all(sources.map((source) => source.learnt()));
    expect(model.metrics().learnt).toBe(4 * 8);
  });

  it('goes on where it was kept', async () => {
    const path = join(folder, 'goes-on');
    const first = await live({ folder: path });
    first.learningRate = 0.03;
    const source = first.source();
    source.push('the river bends and the river bends again. '.repeat(4));
    await source.learnt();
    await first.close();
    const request = { prompt: 'the', length: 20, seed: 3 };
    const again = await live({ folder: path });
    expect(again.step).toBe(first.step);
    expect(again.learningRate).toBe(0.03);
    expect(again.vocab.toJSON()).toEqual(first.vocab.toJSON());
    const other = again.source();
    other.push('the river bends');
    await other.learnt();
    expect(again.step).toBeGreaterThan(first.step);
    expect(await said(again, request)).toHaveLength(20);
  });

  it('says with a seed in company what it says alone', async () => {
    const model = await live();
    const request = { prompt: 'abc', length: 30, seed: 7, temperature: 0.8, topK: 40, minP: 0.01, surprisal: true };
    const alone = await all(model.generate(request));
    const company = Array.from({ length: 5 }, (_, k) => all(model.generate({ ...request, seed: k + 10, rate: 500 })));
    expect(await all(model.generate(request))).toEqual(alone);
    await Promise.all(company);
    expect(alone.every(({ surprisal }) => (surprisal as number) > 0)).toBe(true);
  });

  it('scores a text symbol by symbol, and passes over what it does not know', async () => {
    const model = await live({ vocab: (await import('../../src/index.js')).vocabulary('ab') });
    const { bits } = await firstValueFrom(model.score('a🐂bé'));
    expect(bits.map((own) => own === null)).toEqual([false, true, false, true]);
    expect(bits[0]).toBe(1);
    expect(await firstValueFrom(model.score(''))).toMatchObject({ bits: [] });
  });

  it.each<[string, (model: LiveLanguageModel) => unknown, object]>([
    [
      'learning that is off',
      (model) => {
        model.learning = false;
        model.source().push('a');
      },
      { code: 'learning-off' },
    ],
    [
      'a text larger than may wait',
      (model) => model.source().push('a'.repeat(41)),
      { code: 'too-large', field: 'text' },
    ],
    [
      'a source with too much waiting',
      (model) => {
        const s = model.source();
        model.learning = true;
        s.push('a'.repeat(30));
        s.push('a'.repeat(30));
      },
      { code: 'overloaded', retryAfter: 1 },
    ],
    [
      'more than may wait in all',
      (model) => {
        for (let k = 0; k < 3; k += 1) model.source().push('a'.repeat(30));
      },
      { code: 'overloaded' },
    ],
    [
      'more sources than may be',
      (model) => {
        for (let k = 0; k < 4; k += 1) model.source().push('a');
      },
      { code: 'overloaded' },
    ],
    [
      'a source that has ended',
      (model) => {
        const s = model.source();
        s.end();
        s.push('a');
      },
      { code: 'invalid', field: 'source' },
    ],
  ])('refuses %s', async (_, run, error) => {
    const model = await live({ waiting: { perSource: 40, inAll: 80 }, sources: 3 });
    expect(() => run(model)).toThrow(expect.objectContaining({ name: 'ServeError', ...error }));
    model.learning = true;
    const source = model.source();
    await source.room();
  });

  it.each<readonly [string, unknown, RegExp]>([
    ...learningRefused,
    ['maxDelayMs', 1e12, /maxDelayMs is a number of milliseconds from 0 to 2147483647/],
    ['maxDelayMs', '5', /maxDelayMs is a number of milliseconds/],
    ['idleMs', -1, /idleMs is a number of milliseconds/],
    ['idleMs', 1e12, /idleMs is a number of milliseconds/],
    ['idleMs', 'x', /idleMs is a number of milliseconds/],
    ['waiting', { perSource: 0 }, /waiting.perSource is a whole number of at least 1, not 0/],
    ['waiting', { inAll: 'x' }, /waiting.inAll is a whole number/],
  ])('refuses %s of %j, and takes no folder', async (name, value, message) => {
    const path = join(folder, 'refused');
    await expect(liveLanguageModel({ folder: path, [name]: value })).rejects.toThrow(message);
    expect(existsSync(path)).toBe(false);
  });

  it('refuses a generation where too many wait, and lets one go in at its turn', async () => {
    const model = await live({ atOnce: 1, queue: 1 });
    const long = model.generate({ prompt: 'a', length: 1e6, rate: 1000 }).subscribe();
    const queued = all(model.generate({ prompt: 'a', length: 2, seed: 1 }));
    await expect(all(model.generate({ prompt: 'a', length: 2 }))).rejects.toMatchObject({ code: 'overloaded' });
    expect(model.metrics()).toMatchObject({ active: 1, queued: 1, dropped: 1 });
    long.unsubscribe();
    expect(await queued).toHaveLength(2);
    expect(model.metrics()).toMatchObject({ active: 0, queued: 0 });
  });

  it('keeps what it hears while learning is off, until it is on', async () => {
    const model = await live();
    const source = model.source();
    source.push('abcdefghijklmnopqrstuvwxyz');
    model.learning = false;
    const before = model.metrics().learnt;
    model.learning = true;
    await source.learnt();
    expect(model.metrics().learnt).toBe(25 + before);
  });

  it('ends what is under way when it is closed, and takes nothing more', async () => {
    const model = await live();
    const source = model.source();
    const under = all(model.generate({ prompt: 'a', length: 1e6, rate: 100 }));
    const silenced = expect(under).rejects.toMatchObject({ code: 'closing' });
    await model.close();
    await silenced;
    expect(() => source.push('a')).toThrow(expect.objectContaining({ code: 'closing' }));
    await expect(all(model.generate({ prompt: 'a' }))).rejects.toMatchObject({ code: 'closing' });
  });

  it('says what was not learnt any more when it is closed: each symbol is learnt or said to wait', async () => {
    const model = await live();
    const source = model.source();
    const pushed = source.push('abcdefghijklmnopqrstuvwxyz'.repeat(400));
    while (model.step < 3) await firstValueFrom(model.updates$);
    const { waiting, windows } = await model.close();
    expect(waiting).toBeGreaterThan(0);
    // The first symbol of a source is not predicted.
    expect(model.metrics().learnt + 1).toBe(pushed - waiting);
    expect(windows).toBe(Math.ceil(waiting / 16));
    expect(await model.close()).toEqual({ waiting, windows });
  });

  it('says of a checkpoint whether it is on the disk', async () => {
    const kept = await live({ folder: join(folder, 'saved') });
    expect(await kept.save()).toBe(false);
    for (const [model, saved] of [
      [kept, true],
      [await live(), false],
    ] as const) {
      const source = model.source();
      source.push('something to be learnt');
      await source.learnt();
      expect(await model.save()).toBe(saved);
    }
  });

  it('goes on answering where learning has failed, and says why it learns no more', async () => {
    const model = await live({ learningRate: 1e38, clipNorm: 1e30 });
    const source = model.source();
    source.push('abcdefghijklmnopqrstuvwxyz'.repeat(4));
    await expect(model.ended).rejects.toThrow();
    expect(() => source.push('a')).toThrow(expect.objectContaining({ code: 'failed' }));
    model.learning = true;
    expect([model.learning, model.metrics().learning]).toEqual([false, false]);
    await expect(model.close()).rejects.toThrow();
  });

  it('says its figures while it learns', async () => {
    const model = await live();
    const figures = firstValueFrom(model.metrics$);
    model.source().push('abcdefghijklmnopq');
    expect((await figures).step).toBeGreaterThan(0);
    expect(
      await firstValueFrom(model.updates$.pipe(take(1)), { defaultValue: undefined }).catch(() => 0),
    ).toBeDefined();
  });

  it.each<[string, LiveLanguageModelOptions, RegExp]>([
    ['an option that there is not', { folders: 'x' } as never, /no option 'folders'/],
    ['no lanes', { batch: 0 }, /batch/],
    ['a queue below 0', { queue: -1 }, /queue/],
    ['a folder that is none', { folder: 7 as never }, /a path as folder/],
    ['checkpoints at no time', { everyMs: -1 }, /everyMs/],
    ['no checkpoints', { keep: 0 }, /keep/],
    ['signals that are no answer', { signals: 'SIGTERM' as never }, /signals is true or false/],
    ['a cell that there is not', { model: { cell: 'nothing' as never } }, /cell/],
  ])('refuses %s', async (_, options, message) => {
    await expect(liveLanguageModel(options)).rejects.toThrow(message);
    if (!('folder' in options)) await expect(openLive(join(folder, 'refused'), options)).rejects.toThrow(message);
  });
});
