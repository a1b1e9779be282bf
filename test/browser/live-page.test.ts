/** The page of `serve`, as it is built, used in a real browser against a real server that learns meanwhile. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { AxeResults } from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { chromium as installed } from '../host/pages.js';
import { behindNginx, nginx } from '../serve/nginx.js';

const here = new URL('.', import.meta.url);
const axe = readFileSync(createRequire(here).resolve('axe-core/axe.min.js'), 'utf8');
const home = mkdtempSync(join(tmpdir(), 'live-page-'));
let server: ChildProcess;
let url: string;
let browser: Browser;
const pages: { readonly page: Page; readonly faults: string[] }[] = [];

/** A server as a process of its own, and where it is. */
async function startServer(options: object) {
  const made = spawn(process.execPath, [new URL('served.mjs', here).pathname, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(createInterface(made.stdout as NodeJS.ReadableStream), 'line');
  return [made, line as string] as const;
}

async function start(port = 0): Promise<void> {
  [server, url] = await startServer({ port, folder: home });
}

/** A page of its own; what goes wrong in it is gathered. */
async function open(options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('request', (request) => {
    if (!request.url().startsWith(url)) faults.push(`asks ${request.url()}`);
  });
  await page.exposeFunction('fault', (text: string) => faults.push(text));
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
      (globalThis as unknown as { fault(text: string): void }).fault(`${violatedDirective} ${blockedURI}`);
    });
  });
  await page.goto(url);
  await page.getByText('Connected', { exact: true }).waitFor();
  pages.push({ page, faults });
  return page;
}

const figure = (page: Page, name: string) =>
  page.locator(`dt:text-is("${name}") + dd`).evaluate((element) => Number(element.textContent?.replaceAll(',', '')));

/** Waits until something holds that is looked at again and again. */
const until = (holds: () => Promise<boolean>) => expect.poll(holds, { timeout: 60_000, interval: 100 }).toBe(true);

const textOf = (page: Page, selector: string) => page.locator(selector).innerText();

// Only what hangs is to be ended by it, on a slow machine too.
describe.skipIf(installed === undefined)('the live page', { timeout: 180_000 }, () => {
  beforeAll(async () => {
    const [made] = await Promise.all([
      chromium.launch({
        executablePath: (installed as { file: string }).file,
        args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-sync'],
      }),
      start(),
    ]);
    browser = made;
  }, 120_000);
  afterEach(async () => {
    for (const { page, faults } of pages.splice(0)) {
      expect(faults).toEqual([]);
      await page.context().close();
    }
  });
  afterAll(async () => {
    await browser?.close();
    server?.kill('SIGKILL');
    await once(server, 'exit');
    rmSync(home, { recursive: true, force: true });
  });

  it('shows the curve move, in pixels, in words and as a table', async () => {
    const page = await open();
    await until(async () => (await figure(page, 'Updates')) > 0);
    const before = await figure(page, 'Updates');
    await until(async () => (await figure(page, 'Updates')) > before);
    await until(async () => /^From [\d.]+ bits at update \d+ to /.test(await textOf(page, '#curve-words')));
    const inked = () =>
      page.locator('#learning canvas').evaluate((canvas: HTMLCanvasElement) => {
        const { width, height } = canvas;
        const image = canvas.getContext('2d')?.getImageData(0, 0, width, height).data ?? [];
        return image.some((value, k) => k % 4 === 3 && value > 0);
      });
    await until(inked);
    await page.getByText('The curves as a table').click();
    await until(async () => (await page.locator('#learning tbody tr').count()) > 1);
  });

  it('goes on with a prompt, coloured by surprise, and cancels', async () => {
    const page = await open();
    await page.getByLabel('Prompt').fill('The whale ');
    await page.getByText('More', { exact: true }).click();
    await page.getByLabel('Length').fill('40');
    await page.getByRole('button', { name: 'Go on from it' }).click();
    await page.getByText('The answer is complete: 40 symbols.').waitFor();
    const said = await page.locator('#answer .surprise').allTextContents();
    expect(Array.from(said.join(''))).toHaveLength(40);
    expect(said.length).toBeGreaterThan(1);
    await until(async () => (await textOf(page, 'dt:text-is("First symbol after") + dd')).endsWith(' ms'));

    await page.getByLabel('Length').fill('10000');
    await page.getByRole('button', { name: 'Go on from it' }).click();
    await until(async () => (await page.locator('#answer .surprise').count()) > 1);
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByText(/^Cancelled after \d+ symbols\.$/).waitFor();

    await page.getByLabel('Length').fill('none');
    await page.getByRole('button', { name: 'Go on from it' }).click();
    await page.getByText('Length cannot be none.').waitFor();
  });

  it('has a monologue that goes on, and is silent when it is switched off', async () => {
    const page = await open();
    const said = page.getByRole('region', { name: 'Monologue' }).last();
    await until(async () => ((await said.textContent()) ?? '').length > 5);
    const before = (await said.textContent()) ?? '';
    await until(async () => (await said.textContent()) !== before);
    await page.locator('#monologue-switch').click();
    await until(async () => (await figure(page, 'Answers under way')) === 0);
  });

  it('colours a text by its surprise, and says where it was most', async () => {
    const page = await open();
    await page.getByLabel('A text to score').fill('the whale zqxj水');
    await page.getByRole('button', { name: 'Score' }).click();
    await page.getByText(/^\d+\.\d\d bits a symbol\./).waitFor();
    expect(await page.locator('#scored').textContent()).toBe('the whale zqxj水');
    await page.getByText('The most surprising symbols').click();
    expect(await page.locator('#score tbody tr').count()).toBe(5);
  });

  it('turns learning off and on, and sets its rate', async () => {
    const page = await open();
    const learning = page.getByRole('switch', { name: 'Learning' });
    const atServer = async () => {
      const models = (await (await fetch(`${url}/model`)).json()) as { models?: unknown } | unknown[];
      return JSON.stringify(models);
    };
    expect(await learning.getAttribute('aria-checked')).toBe('true');
    await learning.click();
    await page.getByText('Learning is off.').waitFor();
    await until(async () => (await learning.getAttribute('aria-checked')) === 'false');
    expect(await atServer()).toContain('"learning":false');
    await learning.click();
    await page.getByText('Learning is on.').waitFor();
    const before = await figure(page, 'Updates');
    await until(async () => (await figure(page, 'Updates')) > before);
    await page.getByLabel('Learning rate').fill('0.004');
    await page.getByRole('button', { name: 'Set' }).click();
    await page.getByText('The learning rate is 0.004.').waitFor();
    expect(await atServer()).toContain('"learningRate":0.004');
    await page.getByRole('button', { name: 'Save a checkpoint' }).click();
    await page.getByText('A checkpoint is on the disk.').waitFor();
  });

  it('finds a neuron, and shows what it fires on', async () => {
    const page = await open();
    await page.getByRole('button', { name: 'Look' }).click();
    await page.getByText(/^Unit 0 of rnn\.layer1\.\w+ is shown\.$/).waitFor();
    const best = page.getByRole('button', { name: /^[hc]\d+ -?\d\.\d\d: unit \d+ of .* follows line length$/ }).first();
    const [, unit, part] = /unit (\d+) of (\S+) follows/.exec((await best.getAttribute('aria-label')) ?? '') ?? [];
    await best.click();
    // It goes on learning, so that another unit may follow it best by now.
    await page.getByText(`Unit ${unit} of ${part} is shown.`).waitFor();
    expect(await page.getByLabel('Unit', { exact: true }).inputValue()).toBe(unit);
    expect(await page.getByLabel('Part').inputValue()).toBe(part);
    expect(await page.locator('#units-shown').textContent()).toBe(
      await page.getByLabel('A text to look at').inputValue(),
    );
    expect(await page.locator('#units-shown .unit').count()).toBeGreaterThan(1);
  });

  it('learns a text that is pushed, and shows the strange line in it', async () => {
    const page = await open();
    await page.locator('#lines').scrollIntoViewIfNeeded();
    await page
      .getByText('No whole line has been learnt')
      .or(page.getByText(/lines were heard/))
      .first()
      .waitFor();
    const strange = 'ZQXJ 0x7f$$ {{%%}} ~~^^ zqxj QQQQ';
    await page.getByLabel('A text to learn from').fill(`a line before it\n${strange}\nand a line after it\n`);
    await page.getByRole('button', { name: 'Learn this' }).click();
    await page.getByText(/^\d+ symbols wait to be learnt\.$/).waitFor();
    await page.locator('#lines').scrollIntoViewIfNeeded();
    await page.locator('#lines td.line', { hasText: strange }).waitFor();
  });

  it('tags words as they are typed, learns a correction, and has learnt it', async () => {
    const page = await open();
    await page.getByLabel('Model').selectOption('slots');
    const input = page.getByLabel('Utterance');
    await input.pressSequentially('from boston to denver ');
    const words = page.locator('#words .word');
    await until(async () => (await words.count()) === 4);
    await input.press('Enter');
    await page.getByLabel('The pressed words are').waitFor();
    const labels = () => page.locator('#words small:first-of-type').allTextContents();
    const lessons: readonly (readonly [at: number, slot: string])[] = [
      [1, 'from'],
      [3, 'to'],
      [0, 'O'],
      [2, 'O'],
    ];
    for (const [at, slot] of lessons) {
      await words.nth(at).click();
      await page.getByLabel('The pressed words are').fill(slot);
      await page.getByRole('button', { name: 'Mark' }).click();
    }
    expect(await page.locator('#words .mark').allTextContents()).toEqual(['→ none', '→ from', '→ none', '→ to']);
    const wanted = ['none', 'from', 'none', 'to'];
    // Each lesson is one update of a tagger that has never learnt anything before.
    for (let lesson = 1; lesson <= 40 && String(await labels()) !== String(wanted); lesson += 1) {
      await page.getByRole('button', { name: 'Teach it' }).click();
      await page.getByText(new RegExp(`^Learnt at update ${lesson}, loss [\\d.]+\\. (No slots\\.|Slots: )`)).waitFor();
    }
    expect(await labels()).toEqual(wanted);
    await page.getByText(/Slots: from: boston, to: denver\.$/).waitFor();
  });

  it('works at 360 px, by keyboard alone', async () => {
    const page = await open({ viewport: { width: 360, height: 740 }, hasTouch: true });
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to the content');
    await page.keyboard.press('Enter');
    const focused = () => page.evaluate(() => document.activeElement?.id ?? '');
    const tabTo = async (id: string) => {
      for (let presses = 0; presses < 80 && (await focused()) !== id; presses += 1) await page.keyboard.press('Tab');
      expect(await focused()).toBe(id);
    };
    await tabTo('prompt');
    await page.keyboard.press('Control+A');
    await page.keyboard.type('Ahab ');
    await tabTo('ask-go');
    await page.keyboard.press('Enter');
    await page.getByText('The answer is complete: 200 symbols.').waitFor();
    await tabTo('score-go');
    await page.keyboard.press('Space');
    await page.getByText(/^\d+\.\d\d bits a symbol\./).waitFor();
    await tabTo('units-go');
    await page.keyboard.press('Enter');
    await page.locator('#units-shown').waitFor();
    await tabTo('learning-switch');
    await page.keyboard.press('Space');
    await page.getByText('Learning is off.').waitFor();
    await page.keyboard.press('Space');
    await page.getByText('Learning is on.').waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  });

  it.each(['light', 'dark'] as const)('axe finds nothing serious in it (%s)', async (colorScheme) => {
    const page = await open({ colorScheme });
    await page.getByRole('button', { name: 'Score' }).click();
    await page.getByText(/^\d+\.\d\d bits a symbol\./).waitFor();
    await page.getByRole('button', { name: 'Look' }).click();
    await page.locator('#units-shown').waitFor();
    for (const details of await page.locator('details > summary').all()) await details.click();
    // As its own policy would not have it.
    const found = async () => {
      await page.evaluate(axe);
      const { violations } = (await page.evaluate('axe.run()')) as AxeResults;
      return violations
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`);
    };
    expect(await found()).toEqual([]);
    await page.getByLabel('Model').selectOption('slots');
    await page.getByLabel('Utterance').fill('from boston to denver');
    await page.getByLabel('Utterance').press('Enter');
    await page.getByLabel('The pressed words are').waitFor();
    expect(await found()).toEqual([]);
  });

  it('has a theme of its own, which it keeps', async () => {
    const page = await open({ colorScheme: 'light' });
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await ground();
    await page.getByLabel('Theme').selectOption('dark');
    await until(async () => (await ground()) !== light);
    await page.reload();
    await page.getByText('Connected', { exact: true }).waitFor();
    expect(await ground()).not.toBe(light);
  });

  it('asks for a token where the server does, or takes it from the address', async () => {
    const token = 'a token of good length';
    const [guarded, address] = await startServer({ port: 0, folder: join(home, 'guarded'), tokens: [token] });
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(address);
    await page.getByText('The server asks for a token.').waitFor();
    await page.getByLabel('Token').fill(token);
    await page.getByRole('button', { name: 'Connect' }).click();
    await page.getByText('Connected', { exact: true }).waitFor();
    await page.reload();
    await page.getByText('Connected', { exact: true }).waitFor();
    const other = await (await browser.newContext()).newPage();
    await other.goto(`${address}/#token=${encodeURIComponent(token)}`);
    await other.getByText('Connected', { exact: true }).waitFor();
    expect(other.url()).toBe(`${address}/`);
    await Promise.all([context.close(), other.context().close()]);
    guarded.kill('SIGKILL');
    await once(guarded, 'exit');
  });

  it.skipIf(nginx === undefined)('works at a path behind a proxy', async () => {
    const proxy = await behindNginx(Number(new URL(url).port), '/oxbow/');
    const context = await browser.newContext();
    const page = await context.newPage();
    const elsewhere: string[] = [];
    page.on('request', (request) => {
      if (!request.url().startsWith(`${proxy.url}/`)) elsewhere.push(request.url());
    });
    await page.goto(`${proxy.url}/`);
    await page.getByText('Connected', { exact: true }).waitFor();
    await until(async () => (await figure(page, 'Updates')) > 0);
    expect(elsewhere).toEqual([]);
    await context.close();
    await proxy.end();
  });

  it('says that a killed server is gone, and goes on with it when it is there again', async () => {
    const page = await open();
    await until(async () => (await figure(page, 'Updates')) > 0);
    await page.getByRole('button', { name: 'Save a checkpoint' }).click();
    await page.getByText('A checkpoint is on the disk.').waitFor();
    server.kill('SIGKILL');
    await once(server, 'exit');
    await page.getByText('The server does not answer; trying again…').waitFor();
    await start(Number(new URL(url).port));
    await page.getByText('Connected', { exact: true }).waitFor();
    const before = await figure(page, 'Updates');
    expect(before).toBeGreaterThan(0);
    await until(async () => (await figure(page, 'Updates')) > before);
    const said = page.getByRole('region', { name: 'Monologue' }).last();
    // It speaks where it is seen only.
    await said.scrollIntoViewIfNeeded();
    const heard = await said.textContent();
    await until(async () => (await said.textContent()) !== heard);
    await page.getByRole('button', { name: 'Go on from it' }).click();
    await page.getByText('The answer is complete: 200 symbols.').waitFor();
  });
});
