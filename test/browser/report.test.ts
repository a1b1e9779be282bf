/** The report of a real training, as a page in Chromium: axe, the keyboard, narrow windows, and nothing asked for from anywhere. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AxeResults } from 'axe-core';
import { type Browser, chromium as driven, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromium } from '../host/pages.js';

const here = import.meta.url;
const axe = readFileSync(createRequire(here).resolve('axe-core/axe.min.js'), 'utf8');
const cli = new URL('../../dist/cli.js', here).pathname;

describe.skipIf(chromium === undefined)('a report', { timeout: 60_000 }, () => {
  const home = mkdtempSync(join(tmpdir(), 'report-'));
  const verse = 'The ship <b>sails</b> & "sails" on the sea, and <script>alert(1)</script> the sea on.\n';
  let browser: Browser;

  beforeAll(async () => {
    writeFileSync(join(home, 'verse.txt'), verse.repeat(60));
    const sizes = ['--units', '16', '--embed', '8', '--length', '16', '--batch', '4', '--validation', '0.1'];
    const much = ['--epochs', '8', '--dynamic', '--no-serve', '--save-every', '0.05', '--report', 'report.html'];
    execFileSync(process.execPath, [cli, 'train', 'verse.txt', ...sizes, ...much], { cwd: home, stdio: 'ignore' });
    browser = await driven.launch({
      executablePath: chromium?.file as string,
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-sync'],
    });
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    rmSync(home, { recursive: true, force: true });
  });

  async function open(options: Parameters<Browser['newPage']>[0] = {}): Promise<Page & { asked: string[] }> {
    const page = await browser.newPage({ ...options, bypassCSP: true });
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    page.on('dialog', () => asked.push('a dialog'));
    await page.goto(`file://${home}/report.html`);
    return Object.assign(page, { asked });
  }

  it('says what it is of, draws its curves, and asks for nothing', async () => {
    const page = await open();
    const headings = await page.locator('h2').allTextContents();
    expect(headings).toEqual(['Figures', 'Curves', 'Samples', 'Surprise', 'Run', 'Hyper-parameters', 'Machine']);
    expect(await page.getByRole('img').count()).toBe(2);
    expect(await page.locator('svg polyline.solid').count()).toBe(2);
    expect(await page.locator('svg circle.dotted').count()).toBeGreaterThan(0);
    const figures = page.getByRole('table', { name: 'What was held out' });
    expect(await figures.getByRole('row').count()).toBe(3);
    // What the text says is text.
    expect(await page.locator('.passage').first().textContent()).toContain('<script>alert(1)</script>');
    expect(await page.locator('.passage b, .passage script, blockquote b').count()).toBe(0);
    expect(await page.locator('.passage span[title$=" bits"]').count()).toBeGreaterThan(100);
    expect(page.asked).toEqual([`file://${home}/report.html`]);
  });

  it.each(['light', 'dark'] as const)('axe finds nothing in it (%s)', async (colorScheme) => {
    const page = await open({ colorScheme });
    for (const details of await page.locator('details > summary').all()) await details.click();
    await page.evaluate(axe);
    const { violations } = (await page.evaluate('axe.run()')) as AxeResults;
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`)).toEqual([]);
  });

  it('opens its tables by the keyboard, and is no wider than a narrow window', async () => {
    const page = await open({ viewport: { width: 360, height: 700 } });
    for (let k = 0; k < 20; k += 1) {
      await page.keyboard.press('Tab');
      if (await page.evaluate(() => document.activeElement?.tagName === 'SUMMARY')) break;
    }
    await page.keyboard.press('Enter');
    expect(await page.locator('details[open] table').count()).toBeGreaterThan(0);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  });

  it('has other colours in the dark', async () => {
    const ground = async (colorScheme: 'light' | 'dark') =>
      (await open({ colorScheme })).evaluate(() => getComputedStyle(document.body).backgroundColor);
    expect(await ground('light')).not.toBe(await ground('dark'));
  });
});
