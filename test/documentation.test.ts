import { readFileSync } from 'node:fs';
import { config } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { undocumented } from '../scripts/undocumented.mjs';
import { comments, compile, guides, root, run, sources } from './documentation.js';
import { checks } from './documentation-checks.js';

/** An example that does not end. */
const deadline = () =>
  new Promise((_, reject) => setTimeout(() => reject(new Error('it does not end.')), 10_000).unref());

/** What a block says that it prints, `console.log(…); // true 3: and why`. */
const announced = (code: string): string[] =>
  [...code.matchAll(/console\.log\(.*\); \/\/ ((?:(?:true|false|-?[\d.]+)(?: |$|(?=[,:])))+)(?:[,:].*)?$/gm)].map(
    ([, value = '']) => value.trim(),
  );

const printed: unknown[][] = [];
beforeEach(() => {
  printed.length = 0;
  vi.spyOn(console, 'log').mockImplementation((...values) => void printed.push(values));
});
afterEach(() => void vi.restoreAllMocks());

const { program, errors } = compile([...guides, ...comments]);
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
    for (const value of announced(example.code)) {
      await vi.waitUntil(() => printed.some((values) => values.join(' ') === value), { timeout: 10_000 });
    }
  });
});

it('the messages in the headings of docs/troubleshooting.md are those of the source', () => {
  const source = sources()
    .replaceAll(/['"`] \+\s+['"`]/g, '')
    .replaceAll(/\$\{[^}]*\}/g, '…');
  const literal = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const headings = [...readFileSync(`${root}docs/troubleshooting.md`, 'utf8').matchAll(/^### `(.*)`$/gm)];
  const parts = headings.map(([, heading = '']) => heading.split('…').map(literal));
  expect(parts.length).toBeGreaterThan(15);
  expect(parts.filter((each) => !new RegExp(each.join('.{0,80}')).test(source))).toEqual([]);
});

it('public names have comments with all their parts', () => expect(undocumented(program)).toEqual([]));

describe('the examples of comments', () => {
  it('compile', () => expect(errorsOf(comments)).toEqual([]));

  it('run', { timeout: 120_000 }, async () => {
    const failed: string[] = [];
    for (const example of comments.filter(({ at, mode }) => mode === 'run' && !errors.has(at))) {
      const note = (error: unknown) => void failed.push(`${example.at}: ${(error as Error).message}`);
      config.onUnhandledError = note;
      await Promise.race([run(example, comments), deadline()]).catch(note);
    }
    // RxJS reports what nobody handles a turn later.
    await new Promise((resolve) => setTimeout(resolve));
    config.onUnhandledError = null;
    expect(failed).toEqual([]);
  });
});
