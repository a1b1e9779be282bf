import { config } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { comments, compileErrors, guides, run } from './documentation.js';
import { checks } from './documentation-checks.js';

/** Examples of comments that do not compile, and of those that do not run, as yet. Both may only fall. */
const UNFINISHED = { compiled: 1000, run: 1000 };

const printed: unknown[][] = [];
beforeEach(() => {
  printed.length = 0;
  vi.spyOn(console, 'log').mockImplementation((...values) => void printed.push(values));
});
afterEach(() => void vi.restoreAllMocks());

const errors = compileErrors([...guides, ...comments]);
const errorsOf = (examples: typeof guides) =>
  examples.flatMap(({ at }) => errors.get(at)?.map((e) => `${at}: ${e}`) ?? []);

describe('the examples of the guides', () => {
  it('compile', () => expect(errorsOf(guides)).toEqual([]));

  it.each(checks)('have one block of $page with $holds', ({ page, holds }) => {
    expect(guides.filter((guide) => guide.page === page && guide.code.includes(holds))).toHaveLength(1);
  });

  // The last block of a page whose blocks go on from one another runs all of them.
  const last = guides.filter(({ mode }, k) => mode === 'run' && !guides[k + 1]?.continued);
  it.each(last)('run: $at', { timeout: 60_000 }, async (example) => {
    const checked = checks.filter(({ page, holds }) => page === example.page && example.code.includes(holds));
    const exported = await run(example, guides, checked.map((each) => each.exported ?? '').join(', '));
    for (const { check } of checked) await check(printed, exported);
  });
});

describe('the examples of comments', () => {
  it('compile, but for a number that only falls', () => {
    const found = comments.filter(({ at }) => errors.has(at));
    expect(found.length, errorsOf(comments).join('\n')).toBe(UNFINISHED.compiled);
  });

  it('run, but for a number that only falls', { timeout: 120_000 }, async () => {
    const failed: string[] = [];
    for (const example of comments.filter(({ at, mode }) => mode === 'run' && !errors.has(at))) {
      const note = (error: unknown) => void failed.push(`${example.at}: ${(error as Error).message}`);
      config.onUnhandledError = note;
      const t=performance.now(); console.error('>>', example.at);
      await Promise.race([run(example, comments), new Promise((_, reject) => setTimeout(() => reject(new Error('it does not end')), 5_000).unref())]).catch(note); console.error('<<', performance.now()-t);
    }
    // RxJS reports what nobody handles a turn later.
    await new Promise((resolve) => setTimeout(resolve));
    config.onUnhandledError = null;
    expect(failed.length, failed.join('\n')).toBe(UNFINISHED.run);
  });
});
