/** Pages in real browsers: served from here, shown one after the other, and each sends back what came of it. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { text } from 'node:stream/consumers';

/** What starts a browser on a page, with a profile of its own. */
export interface Browser {
  readonly file: string;
  start(profile: string, url: string): readonly string[];
}

export const chromium: Browser | undefined = found(['chromium', 'chromium-browser', 'google-chrome'], {
  start: (profile, url) => [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    `--user-data-dir=${profile}`,
    url,
  ],
});

/** What would have it ask the network before anybody has asked for a page. */
const quiet: Readonly<Record<string, unknown>> = {
  'app.normandy.enabled': false,
  'app.update.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'toolkit.telemetry.reportingpolicy.firstRun': false,
};

export const firefox: Browser | undefined = found(['firefox-esr', 'firefox'], {
  start(profile, url) {
    const lines = Object.entries(quiet).map(([name, value]) => `user_pref('${name}', ${JSON.stringify(value)});`);
    writeFileSync(join(profile, 'user.js'), lines.join('\n'));
    return ['--headless', '--no-remote', '--profile', profile, url];
  },
});

function found(names: readonly string[], browser: Omit<Browser, 'file'>): Browser | undefined {
  const file = names.map((name) => `/usr/bin/${name}`).find(existsSync);
  return file === undefined ? undefined : { ...browser, file };
}

/** Headers of a page that may share memory; what it loads needs the second one as well. */
export const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
} as const;

/** What a site answers to a path. */
export type Site = (path: string) => { readonly body: string | Uint8Array; readonly headers?: object } | undefined;

/** A site of files by their paths, with the same headers for all. */
export const siteOf =
  (files: Readonly<Record<string, string | Uint8Array>>, headers: object = {}): Site =>
  (path) => {
    const body = files[path];
    return body === undefined ? undefined : { body, headers };
  };

export const page = (script: string) =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>A page</title><script src="/answer.js"></script>${script}</html>`;

/** Where a page's own part begins is `/`: what it gives to \`answer\` is sent back, and the next page follows. */
const answering = `
  globalThis.answer = async (value) => {
    const response = await fetch('/answer', { method: 'POST', body: JSON.stringify(value) });
    const next = await response.text();
    if (next !== '') location.href = next;
  };
  globalThis.answerOf = (work) => work().then(answer, (error) => answer({ error: String(error && error.stack || error) }));
`;

const types: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.wasm': 'application/wasm',
};

/** The browser's limit; its own start takes seconds where others are busy. */
const MOST_MS = 150_000;

/**
 * Has a browser show the start pages of sites, one after the other, each from an origin of its own; what each sends back, by
 * the name of its site.
 */
export async function show(
  { file, start }: Browser,
  sites: Readonly<Record<string, Site>>,
): Promise<Record<string, unknown>> {
  const answers: Record<string, unknown> = {};
  let finish: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const names = Object.keys(sites);
  const urls: string[] = [];
  const servers = await Promise.all(
    names.map(async (name, k) => {
      const server = createServer(async (request, response) => {
        const { pathname } = new URL(request.url ?? '/', 'http://localhost');
        if (request.method === 'POST') {
          answers[name] = JSON.parse(await text(request));
          response.end(urls[k + 1] ?? '');
          if (k + 1 === names.length) finish();
          return;
        }
        const found = pathname === '/answer.js' ? { body: answering, headers: isolation } : sites[name]?.(pathname);
        response.statusCode = found === undefined ? 404 : 200;
        response.setHeader('Content-Type', types[extname(pathname)] ?? 'text/html');
        for (const [header, value] of Object.entries(found?.headers ?? {})) response.setHeader(header, String(value));
        response.end(found?.body);
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      urls[k] = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      return server;
    }),
  );
  const profile = mkdtempSync(join(tmpdir(), 'browser-'));
  const browser = spawn(file, [...start(profile, urls[0] as string)], {
    stdio: 'ignore',
    env: { ...process.env, HOME: profile },
    timeout: MOST_MS,
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
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  await rm(profile, { recursive: true, force: true, maxRetries: 20 });
  return answers;
}
