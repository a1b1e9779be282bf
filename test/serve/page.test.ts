import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Exchange } from '../../src/serve/exchange.js';
import { pageRoute } from '../../src/serve/page.js';

const home = mkdtempSync(join(tmpdir(), 'oxbow-page-'));
const contents: Readonly<Record<string, string>> = {
  '/': '<!doctype html><title>A page</title>',
  '/icon.svg': '<svg/>',
  '/assets/main-1a2b.js': 'export {};'.repeat(50),
  '/assets/main-1a2b.css': 'p {}',
};
let server: ReturnType<typeof createServer>;
let port: number;

beforeAll(async () => {
  mkdirSync(join(home, 'page/assets'), { recursive: true });
  for (const [path, text] of Object.entries(contents)) {
    writeFileSync(join(home, 'page', path === '/' ? 'index.html' : path), text);
  }
  writeFileSync(join(home, 'secret'), 'not to be seen');
  const route = pageRoute(join(home, 'page'));
  server = createServer((asked, response) => {
    if (!route({ request: asked, response } as Exchange)) response.writeHead(404).end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  port = (server.address() as AddressInfo).port;
});
afterAll(() => {
  server.close();
  rmSync(home, { recursive: true });
});

/** As it is sent, which `fetch` would put right. */
async function ask(path: string, method = 'GET', headers: Record<string, string> = {}) {
  const asked = request({ host: '127.0.0.1', port, path, method, headers }).end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  return { status: response.statusCode, headers: response.headers, body: await buffer(response) };
}

describe('the page’s files', () => {
  it.each([
    ['/', 'text/html; charset=utf-8', 'no-cache'],
    ['/?from=a-link', 'text/html; charset=utf-8', 'no-cache'],
    ['/icon.svg', 'image/svg+xml', 'no-cache'],
    ['/assets/main-1a2b.js', 'text/javascript; charset=utf-8', 'public, max-age=31536000, immutable'],
    ['/assets/main-1a2b.css', 'text/css; charset=utf-8', 'public, max-age=31536000, immutable'],
  ])('%s comes with its type and caching, under a policy that lets nothing else in', async (path, type, caching) => {
    const { status, headers, body } = await ask(path);
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'content-type': type,
      'cache-control': caching,
      'x-content-type-options': 'nosniff',
    });
    expect(headers['content-security-policy']).toMatch(/^default-src 'self'; connect-src 'self' ws: wss:; /);
    expect(headers['content-security-policy']).not.toMatch(/unsafe/);
    expect(body.toString()).toBe(contents[path.split('?')[0] as string]);
  });

  it.each([
    ['gzip', true],
    ['br, gzip;q=0.5', true],
    ['deflate,gzip', true],
    ['gzip;q=0', false],
    ['br', false],
    ['', false],
  ])('with Accept-Encoding %j', async (accepted, isZipped) => {
    const { headers, body } = await ask('/assets/main-1a2b.js', 'GET', { 'accept-encoding': accepted });
    expect(headers['content-encoding']).toBe(isZipped ? 'gzip' : undefined);
    expect(headers.vary).toBe('Accept-Encoding');
    expect((isZipped ? gunzipSync(body) : body).toString()).toBe(contents['/assets/main-1a2b.js']);
  });

  it('are not sent again to whoever has them', async () => {
    const first = await ask('/');
    const tag = first.headers.etag as string;
    for (const known of [tag, `"other", W/${tag}`]) {
      const again = await ask('/', 'GET', { 'if-none-match': known });
      expect([again.status, again.body.length, again.headers.etag]).toEqual([304, 0, tag]);
    }
    expect((await ask('/', 'GET', { 'if-none-match': '"other"' })).status).toBe(200);
  });

  it('answer HEAD without the body', async () => {
    const { status, headers, body } = await ask('/', 'HEAD');
    expect([status, headers['content-length'], body.length]).toEqual([200, String(contents['/']?.length), 0]);
  });

  it.each([
    ['/../secret', 'GET'],
    ['/assets/../../secret', 'GET'],
    ['/..%2fsecret', 'GET'],
    ['/%2e%2e/secret', 'GET'],
    ['//secret', 'GET'],
    ['/assets', 'GET'],
    ['/index.html%00', 'GET'],
    ['/constructor', 'GET'],
    ['/', 'POST'],
  ])('leave %s (%s) to others', async (path, method) => {
    expect((await ask(path, method)).status).toBe(404);
  });

  it('have to be there', () => {
    expect(() => pageRoute(home)).toThrow(/serve: there is no page in .*; build it, or serve without it/);
  });
});
