import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { beforeAll, describe, expect, it } from 'vitest';
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

/** Pages by the headers they are served with. */
const pages = {
  isolated: { ...isolation, ...policy("script-src 'self' 'wasm-unsafe-eval'; worker-src blob:") },
  plain: {},
  workerless: { ...isolation, ...policy("script-src 'self' 'wasm-unsafe-eval'") },
  strict: { ...isolation, ...policy("script-src 'self'") },
};

/** Has a browser of its own show the pages one after the other; what each sends back. */
async function inChromium(script: string): Promise<Record<string, unknown>> {
  const names = Object.keys(pages);
  const answers: Record<string, unknown> = {};
  let finish: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const server = createServer(async (request, response) => {
    const name = request.url?.slice(1) as keyof typeof pages;
    if (request.method === 'POST') {
      answers[name] = JSON.parse(await text(request));
      const next = names[names.indexOf(name) + 1];
      if (next === undefined) finish();
      response.end(next);
      return;
    }
    for (const [header, value] of Object.entries(pages[name] ?? isolation)) response.setHeader(header, value);
    response.setHeader('Content-Type', name in pages ? 'text/html' : 'text/javascript');
    response.end(name in pages ? '<!doctype html><script src="/page.js"></script>' : script);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const profile = mkdtempSync(join(tmpdir(), 'chromium-'));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/${names[0]}`;
  const browser = spawn(chromium as string, [...flags, `--user-data-dir=${profile}`, url], {
    stdio: 'ignore',
    timeout: 50_000,
    // A group of its own, since its processes outlive the first one and write on.
    detached: true,
  });
  const over = new Promise<void>((resolve) => browser.once('exit', () => resolve()));
  await Promise.race([finished, over]);
  try {
    process.kill(-(browser.pid as number), 'SIGKILL');
  } catch {
    // All of them have ended.
  }
  await over;
  server.closeAllConnections();
  server.close();
  await rm(profile, { recursive: true, force: true, maxRetries: 20 });
  return answers;
}

/** Learns, with threads that have had the time to start; what came of it, and what was warned of. */
const program = `${imports} (async () => {
  const warnings = [];
  console.warn = (text) => warnings.push(text);
  const learnt = async () => {
    await ready();
    configure({ threads: 2 });
    await new Promise((resolve) => setTimeout(resolve, 300));
    ${learning}
    const { tier, threads, shared } = machine();
    return { losses, tier, threads, shared };
  };
  const answer = await learnt().catch((error) => ({ error: error.message }));
  const response = await fetch(location.href, { method: 'POST', body: JSON.stringify({ ...answer, warnings }) });
  const next = await response.text();
  if (next !== '') location.href = next;
})();`;

describe.skipIf(chromium === undefined)('a page in Chromium', () => {
  let losses: number[];
  let answers: Record<string, unknown>;
  beforeAll(async () => {
    const here = { ...(await import('rxjs')), ...oxbow };
    oxbow.configure({ tier: 'fma' });
    const run = new Function(...Object.keys(here), `return (async () => { ${learning} return losses; })()`);
    losses = await run(...Object.values(here));
    answers = await inChromium((await bundle(program, { platform: 'browser', format: 'iife', minify: true })).text);
  }, 60_000);

  it('learns on two threads where it is isolated, with the losses of Node, to the last bit', () => {
    expect(answers.isolated).toEqual({ losses, tier: 'fma', threads: 2, shared: true, warnings: [] });
  });

  it('learns on one where it is not', () => {
    const warnings = [expect.stringMatching(/OXBOW_FEWER_THREADS.*Cross-Origin-Opener-Policy/)];
    expect(answers.plain).toEqual({ losses, tier: 'fma', threads: 1, shared: false, warnings });
  });

  it('goes on with one where its policy has no workers', () => {
    const warnings = [expect.stringMatching(/OXBOW_FEWER_THREADS.*worker-src blob:/)];
    expect(answers.workerless).toEqual({ losses, tier: 'fma', threads: 1, shared: true, warnings });
  });

  it('says what a policy without WebAssembly lacks', () => {
    expect(answers.strict).toEqual({
      error: expect.stringMatching(/'wasm-unsafe-eval' in its script-src/),
      warnings: [],
    });
  });
});
