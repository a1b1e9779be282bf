/** `oxbow train` with its page, as `npm start` has it: the real command, used in real browsers while it trains, and ended by Ctrl-C. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadNewest } from '../../src/runs/folder.js';
import type { Browser } from '../host/pages.js';
import { browsers, type OpenPage } from './open-pages.js';

const root = new URL('../..', import.meta.url).pathname;
const home = mkdtempSync(join(tmpdir(), 'training-page-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** Waits until something holds that is looked at again and again. */
const until = (holds: () => Promise<boolean>) => expect.poll(holds, { timeout: 60_000, interval: 100 }).toBe(true);

describe.each(Object.entries(browsers))('in %s', (name, [installed, open]) => {
  let training: ChildProcess;
  let page: OpenPage;
  let url: string;
  let said: string;
  const keep = join(home, name);

  /** The command, until its page is there. */
  async function train(port = 0): Promise<void> {
    const options = ['--units', '16', '--embed', '8', '--batch', '4', '--seconds', '900', '--threads', '1'];
    training = spawn(process.execPath, [
      `${root}dist/cli.js`,
      'train',
      ...options,
      '--port',
      `${port}`,
      '--keep',
      keep,
    ]);
    said = '';
    training.stderr?.on('data', (chunk) => {
      said += chunk;
    });
    const lines = createInterface(training.stdout as NodeJS.ReadableStream);
    for await (const line of lines) {
      const [, address] = /^live page: (\S+)/.exec(line) ?? [];
      if (address === undefined) continue;
      url = address;
      break;
    }
    training.stdout?.resume();
  }

  beforeEach(async () => {
    await train();
    page = await open(installed as Browser, url);
    await until(async () => (await textOf('#link')) === 'Connected');
  }, 180_000);
  afterEach(async () => {
    await page?.close();
    training.kill('SIGKILL');
    rmSync(keep, { recursive: true, force: true });
  });

  const textOf = (selector: string) => page.evaluate(`document.querySelector('${selector}')?.textContent ?? ''`);
  const click = (selector: string) => page.evaluate(`void document.querySelector('${selector}').click()`);
  const fill = (selector: string, value: string) =>
    page.evaluate(`(() => {
      const field = document.querySelector('${selector}');
      field.value = ${JSON.stringify(value)};
      field.dispatchEvent(new Event('input', { bubbles: true }));
    })()`);
  const scrollTo = (selector: string) => page.evaluate(`void document.querySelector('${selector}').scrollIntoView()`);
  const updates = async () =>
    Number(
      String(
        await page.evaluate(
          `[...document.querySelectorAll('dt')].find(({ textContent }) => textContent === 'Updates').nextSibling.textContent`,
        ),
      ).replaceAll(',', ''),
    );
  const ink = () =>
    page.evaluate(`(() => {
      const canvas = document.querySelector('#learning canvas');
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      return data.reduce((sum, value, k) => (k % 4 === 3 && value > 0 ? sum + 1 : sum), 0);
    })()`);

  it.skipIf(installed === undefined)(
    'the curve moves, the model speaks and answers, and does not learn what is pushed; Ctrl-C saves',
    { timeout: 240_000 },
    async () => {
      await until(async () => /^From [\d.]+ bits at update \d+ to /.test(String(await textOf('#curve-words'))));
      const [before, words] = [await updates(), await textOf('#curve-words')];
      await until(async () => (await updates()) > before);
      await until(async () => (await textOf('#curve-words')) !== words);
      expect(await ink()).toBeGreaterThan(0);

      const monologue = () => textOf('#monologue section');
      await until(async () => String(await monologue()).length > 20);
      const heard = await monologue();
      await until(async () => (await monologue()) !== heard);

      await fill('#prompt', 'The whale ');
      await fill('#ask-length', '40');
      await click('#ask-go');
      await until(async () => (await textOf('#ask-status')) === 'The answer is complete: 40 symbols.');
      expect([...String(await textOf('#answer'))].length).toBe('The whale '.length + 40);

      await scrollTo('#score');
      await click('#score-go');
      await until(async () => /bits a symbol/.test(String(await textOf('#score-status'))));
      await click('#units-go');
      await until(async () => String(await textOf('#units-shown')).length > 0);

      // It says so before anybody tries.
      expect(await textOf('.about')).toContain('does not learn from you');
      expect(await page.evaluate(`document.querySelector('#lesson') === null`)).toBe(true);
      await scrollTo('#lines');
      await until(async () => /training learns none/.test(String(await textOf('#lines'))));

      await click('#learning-switch');
      await until(async () => (await textOf('#controls-status')) === 'Learning is off.');
      await click('#learning-switch');
      await until(async () => (await textOf('#controls-status')) === 'Learning is on.');
      const resumed = await updates();
      await until(async () => (await updates()) > resumed);
      await click('#save');
      await until(async () => (await textOf('#controls-status')) === 'A checkpoint is on the disk.');

      const client = new OpenAI({ apiKey: 'none', baseURL: `${url}/v1`, maxRetries: 0 });
      const { choices } = await client.completions.create({ model: 'training', prompt: 'The ', max_tokens: 12 });
      expect([...(choices[0]?.text ?? '')]).toHaveLength(12);

      const step = await updates();
      training.kill('SIGINT');
      expect(await once(training, 'exit')).toEqual([130, null]);
      expect(said).toContain(`saved ${keep} after update`);
      expect((await loadNewest(keep)).found?.step).toBeGreaterThanOrEqual(step);
      await until(async () => (await textOf('#link')) === 'The server does not answer; trying again…');
      // The same command goes on, and the page with it.
      await train(Number(new URL(url).port));
      await until(async () => (await textOf('#link')) === 'Connected');
      await until(async () => (await updates()) > step);
    },
  );
});
