// Pictures of the live page at work on Moby Dick, for the README: `npm run build && node scripts/screenshots.mjs [seconds of learning]`.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const seconds = Number(process.argv[2] ?? 60);
const root = fileURLToPath(new URL('..', import.meta.url));
const images = join(root, 'docs/images');
const folder = mkdtempSync(join(tmpdir(), 'oxbow-pictures-'));
/** Bytes: what a README should make nobody wait for. */
const LARGEST = 150_000;
mkdirSync(images, { recursive: true });

const options = JSON.stringify({ port: 0, folder, units: 128, learningRate: 4e-3, lanes: 8, pace: 2000 });
const server = spawn(process.execPath, [join(root, 'test/browser/served.mjs'), options], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
const [url] = await once(createInterface(server.stdout), 'line');
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-sync'],
});

async function open(viewport, colorScheme) {
  const page = await browser.newPage({ viewport, colorScheme });
  await page.goto(url);
  await page.getByText('Connected', { exact: true }).waitFor();
  return page;
}

async function take(name, of, more = {}) {
  const path = join(images, `${name}.png`);
  await of.screenshot({ path, ...more });
  const { size } = statSync(path);
  process.stdout.write(`${path}: ${size} bytes\n`);
  if (size > LARGEST) process.exitCode = 1;
}

try {
  const desk = await open({ width: 860, height: 900 }, 'light');
  const phone = await open({ width: 390, height: 844 }, 'dark');
  await phone.locator('#monologue').scrollIntoViewIfNeeded();
  await desk.waitForTimeout(1000 * seconds);
  await take('page', desk);
  await phone.evaluate(() => document.querySelector('#monologue').scrollIntoView());
  await phone.waitForTimeout(8000);
  await take('page-phone', phone);
  await phone.close();

  await desk.getByRole('button', { name: 'Look' }).click();
  await desk.locator('#units-shown').waitFor();
  const best = desk.getByRole('button', { name: /follows line length$/ }).first();
  const [, unit, part] = /unit (\d+) of (\S+) follows/.exec(await best.getAttribute('aria-label'));
  await best.click();
  await desk.getByText(`Unit ${unit} of ${part} is shown.`).waitFor();
  await take('page-units', desk.locator('#units'));

  await desk.getByLabel('Model').selectOption('slots');
  await desk.getByLabel('Utterance').fill('from boston to denver');
  await desk.getByLabel('Utterance').press('Enter');
  for (const [at, slot] of [
    [1, 'from'],
    [3, 'to'],
    [0, 'O'],
    [2, 'O'],
  ]) {
    await desk.locator('#words .word').nth(at).click();
    await desk.getByLabel('The pressed words are').fill(slot);
    await desk.getByRole('button', { name: 'Mark' }).click();
  }
  for (let lesson = 1; lesson <= 12; lesson += 1) {
    await desk.getByRole('button', { name: 'Teach it' }).click();
    await desk.getByText(new RegExp(`^Learnt at update ${lesson}, .*(No slots|Slots: )`)).waitFor();
  }
  await take('page-slots', desk.locator('#slots'));
} finally {
  await browser.close();
  server.kill('SIGKILL');
  await once(server, 'exit');
  rmSync(folder, { recursive: true, force: true });
}
