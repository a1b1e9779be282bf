/** Pages in the browsers that are installed, told what to do: Chromium by playwright, Firefox by WebDriver BiDi (w3.org/TR/webdriver-bidi). */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { chromium as driven } from 'playwright-core';
import { WebSocket } from 'ws';
import { type Browser, chromium, firefox } from '../host/pages.js';

/** A page in some browser. */
export interface OpenPage {
  /** What an expression of the page's own gives, a promise's too; as JSON. */
  evaluate(expression: string): Promise<unknown>;
  close(): Promise<void>;
}

interface Reply {
  readonly id: number;
  readonly type: string;
  readonly message?: string;
  // biome-ignore lint/suspicious/noExplicitAny: what comes of each command is its own.
  readonly result?: any;
}

async function openChromium({ file }: Browser, url: string): Promise<OpenPage> {
  const browser = await driven.launch({
    executablePath: file,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-sync'],
  });
  const page = await browser.newPage();
  await page.goto(url);
  return { evaluate: (expression) => page.evaluate(expression), close: () => browser.close() };
}

async function openFirefox({ file, start }: Browser, url: string): Promise<OpenPage> {
  const profile = mkdtempSync(join(tmpdir(), 'firefox-'));
  const child = spawn(file, [...start(profile, 'about:blank'), '--remote-debugging-port', '0'], {
    env: { ...process.env, HOME: profile },
    stdio: ['ignore', 'ignore', 'pipe'],
    // A group of its own, since its processes outlive the first one and write on.
    detached: true,
  });
  const gone = once(child, 'exit');
  const at = await new Promise<string>((resolve, reject) => {
    createInterface(child.stderr).on('line', (line) => {
      const [, address] = /WebDriver BiDi listening on (ws:\S+)/.exec(line) ?? [];
      if (address !== undefined) resolve(address);
    });
    void gone.then(() => reject(new Error('Firefox has ended.')));
  });
  const socket = new WebSocket(`${at}/session`);
  await once(socket, 'open');
  const asked = new Map<number, (reply: Reply) => void>();
  socket.on('message', (data) => {
    const reply = JSON.parse(String(data)) as Reply;
    asked.get(reply.id)?.(reply);
  });
  async function ask(method: string, params: object) {
    const id = asked.size + 1;
    const reply = await new Promise<Reply>((resolve) => {
      asked.set(id, resolve);
      socket.send(JSON.stringify({ id, method, params }));
    });
    if (reply.type !== 'success') throw new Error(`${method}: ${reply.message}`);
    return reply.result;
  }
  await ask('session.new', { capabilities: {} });
  const { context } = (await ask('browsingContext.getTree', {})).contexts[0];
  await ask('browsingContext.navigate', { context, url, wait: 'complete' });
  return {
    async evaluate(expression) {
      const { type, result, exceptionDetails } = await ask('script.evaluate', {
        target: { context },
        awaitPromise: true,
        expression: `Promise.resolve(${expression}).then((value) => JSON.stringify(value) ?? 'null')`,
      });
      if (type !== 'success') throw new Error(exceptionDetails.text);
      return JSON.parse(result.value);
    },
    async close() {
      socket.terminate();
      try {
        process.kill(-(child.pid as number), 'SIGKILL');
      } catch {
        // All of them have ended.
      }
      await gone;
      await rm(profile, { recursive: true, force: true, maxRetries: 20 });
    },
  };
}

/** Each browser, undefined where it is not installed, and what opens a page in it. */
export const browsers = { chromium: [chromium, openChromium], firefox: [firefox, openFirefox] } as const;
