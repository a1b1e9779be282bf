import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { LiveTagger } from '../../src/serve/live.js';
import { liveLanguageModel } from '../../src/serve/live-language-model.js';
import { type LiveTaggerOptions, liveTagger } from '../../src/serve/live-tagger.js';
import { openLive } from '../../src/serve/open-live.js';
import { learningRefused } from './servers.js';

const folder = mkdtempSync(join(tmpdir(), 'live-'));
afterAll(() => rmSync(folder, { recursive: true }));
const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((live) => live.close().catch(() => undefined)));
});

const model = {
  words: ['to', 'taipei'],
  tags: ['O', 'B-toloc'],
  units: 8,
  features: 4,
  bidirectional: false,
  seed: 1,
} as const;
async function live(options: LiveTaggerOptions = {}): Promise<LiveTagger> {
  const made = await liveTagger({ model, learningRate: 0.05, ...options });
  open.push(made);
  return made;
}
const words = ['go', 'to', 'Oulu', 'now'];
const right = ['O', 'O', 'B-toloc', 'O'];

describe('a live tagger', () => {
  it('learns what it is corrected to, while it tags', async () => {
    const tagger = await live();
    for (let k = 0; k < 20; k += 1) {
      const { id } = tagger.tag(words);
      const { step, version } = await tagger.correct({
        utterance: id,
        corrections: [
          { slot: 'toloc', words: 'oulu' },
          { slot: 'O', words: 'go to' },
          { slot: 'O', words: 'now' },
        ],
      });
      expect(step).toBe(k + 1);
      expect(version).toBe(tagger.version);
    }
    const utterance = tagger.open();
    for (const word of words) expect(utterance.add(word).length).toBeGreaterThan(0);
    expect(utterance.end().words.map(({ tag }) => tag)).toEqual(right);
  });

  it.each<[string, (tagger: LiveTagger) => Promise<unknown>, object]>([
    [
      'an utterance that there is not',
      (t) => t.correct({ utterance: 'none' }),
      { code: 'not-found', field: 'utterance' },
    ],
    [
      'words that are not in it',
      (t) => t.correct({ utterance: t.tag(words).id, corrections: [{ slot: 'toloc', words: 'Rome' }] }),
      { code: 'invalid' },
    ],
    ['tags that are too few', (t) => t.correct({ utterance: t.tag(words).id, tags: ['O'] }), { code: 'invalid' }],
    [
      'learning that is off',
      (t) => {
        t.learning = false;
        return t.correct({ utterance: t.tag(words).id });
      },
      { code: 'learning-off' },
    ],
    [
      'more than may wait',
      (t) => Promise.all([0, 1, 2].map(() => t.correct({ utterance: t.tag(words).id, tags: right }))),
      { code: 'overloaded', retryAfter: 1 },
    ],
  ])('refuses %s, and goes on', async (_, run, error) => {
    const tagger = await live({ queue: 2 });
    await expect(run(tagger)).rejects.toMatchObject({ name: 'ServeError', ...error });
    tagger.learning = true;
    // Those that were taken are learnt first.
    while (tagger.metrics().waiting > 0) await new Promise(setImmediate);
    expect((await tagger.correct({ utterance: tagger.tag(words).id, tags: right })).tags).toEqual(right);
  });

  it('goes on where it was kept, as what the folder holds', async () => {
    const path = join(folder, 'tagger');
    const first = await live({ folder: path });
    await first.correct({ utterance: first.tag(words).id, tags: right });
    await first.close();
    const again = await openLive(path);
    open.push(again);
    expect(again).toMatchObject({ task: 'tagger', step: 1, learningRate: 0.05 });
    expect((again as LiveTagger).model.words.idOf('oulu')).toBeDefined();
    const { id } = (again as LiveTagger).tag(words);
    expect((await (again as LiveTagger).correct({ utterance: id, tags: right })).step).toBe(2);
    await again.close();
    await expect(liveLanguageModel({ folder: path })).rejects.toThrow(/another kind/);
    // It was let go.
    open.push(await openLive(path));
  });

  it.each<readonly [string, unknown, RegExp]>([
    ...learningRefused,
    ['model', null, /takes a model, but got null/],
    ['model', 'a', /takes a model, but got "a"/],
  ])('refuses %s of %j, and takes no folder', async (name, value, message) => {
    const path = join(folder, 'refused');
    await expect(liveTagger({ folder: path, [name]: value })).rejects.toThrow(message);
    expect(existsSync(path)).toBe(false);
  });

  it('is refused where there is neither run nor model', async () => {
    await expect(liveTagger({})).rejects.toThrow(/give a model/);
    await expect(liveTagger({ folder: join(folder, 'none') })).rejects.toThrow(/give a model/);
  });
});
