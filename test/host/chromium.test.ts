import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import * as oxbow from '../../src/index.js';
import { bundle, imports, learning } from './bundles.js';

const chromium = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);

const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const isolation = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };
const policy = (sources: string) => ({ 'Content-Security-Policy': `default-src 'self'; ${sources}` });

/** Serves a page with a bundle to a browser of its own; what the page sends back. */
async function inChromium(script: string, headers: Record<string, string>): Promise<unknown> {
  const profile = mkdtempSync(join(tmpdir(), 'chromium-'));
  let answer: (request: IncomingMessage) => void = () => undefined;
  const answered = new Promise<IncomingMessage>((resolve) => {
    answer = resolve;
  });
  const server = createServer((request, response) => {
    const isScript = request.url === '/page.js';
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html');
    if (request.method === 'POST') answer(request);
    else response.end(isScript ? script : '<!doctype html><script src="/page.js"></script>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/`;
  const browser = spawn(chromium as string, [...flags, `--user-data-dir=${profile}`, url], { stdio: 'ignore' });
  const over = new Promise<void>((resolve) => browser.once('exit', () => resolve()));
  try {
    const ended = over.then(() => Promise.reject(new Error('the browser ended without an answer')));
    return JSON.parse(await text(await Promise.race([answered, ended])));
  } finally {
    browser.kill();
    await over;
    server.closeAllConnections();
    server.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Learns, with threads that have had the time to start; what came of it, and what was warned of. */
const page = bundle(
  `${imports} (async () => {
    const warnings = [];
    console.warn = (text) => warnings.push(text);
    const answer = (what) => fetch('/', { method: 'POST', body: JSON.stringify({ ...what, warnings }) });
    try {
      await ready();
      configure({ threads: 2 });
      await new Promise((resolve) => setTimeout(resolve, 300));
      ${learning}
      const { tier, threads, shared } = machine();
      await answer({ losses, tier, threads, shared });
    } catch (error) {
      await answer({ error: error.message });
    }
  })();`,
  { platform: 'browser', format: 'iife', minify: true },
);

describe.skipIf(chromium === undefined)('a page in Chromium', { timeout: 60_000 }, () => {
  const losses = async () => {
    oxbow.configure({ tier: 'fma' });
    const here = { ...(await import('rxjs')), ...oxbow };
    const run = new Function(...Object.keys(here), `return (async () => { ${learning} return losses; })()`);
    return run(...Object.values(here));
  };

  it('learns on two threads where it is isolated, with the losses of Node, to the last bit', async () => {
    const headers = { ...isolation, ...policy("script-src 'self' 'wasm-unsafe-eval'; worker-src blob:") };
    expect(await inChromium((await page).text, headers)).toEqual({
      losses: await losses(),
      tier: 'fma',
      threads: 2,
      shared: true,
      warnings: [],
    });
  });

  it('learns on one where it is not', async () => {
    expect(await inChromium((await page).text, {})).toEqual({
      losses: await losses(),
      tier: 'fma',
      threads: 1,
      shared: false,
      warnings: [expect.stringMatching(/Cross-Origin-Opener-Policy/)],
    });
  });

  it('goes on with one where the policy has no workers', async () => {
    const headers = { ...isolation, ...policy("script-src 'self' 'wasm-unsafe-eval'") };
    expect(await inChromium((await page).text, headers)).toMatchObject({
      losses: await losses(),
      threads: 1,
      warnings: [expect.stringMatching(/OXBOW_FEWER_THREADS.*worker-src blob:/)],
    });
  });

  it('names what a policy without WebAssembly lacks', async () => {
    expect(await inChromium((await page).text, policy("script-src 'self'"))).toMatchObject({
      error: expect.stringMatching(/'wasm-unsafe-eval' in its script-src/),
    });
  });
});
