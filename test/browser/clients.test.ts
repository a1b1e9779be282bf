/** Clients in pages of another origin, as a web app has them: the package's own, and OpenAI's. */
import { once } from 'node:events';
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { bundle } from '../host/bundles.js';
import type { Browser } from '../host/pages.js';
import { endAll, language, served, until } from '../serve/servers.js';
import { browsers, type OpenPage } from './open-pages.js';

const script = `
  import OpenAI from 'openai';
  import { connect } from 'oxbow/client';
  import { firstValueFrom, lastValueFrom, take, toArray } from 'rxjs';
  Object.assign(globalThis, { OpenAI, connect, firstValueFrom, lastValueFrom, take, toArray });`;

let app: HttpServer;
let origin: string;
let page: OpenPage | undefined;

beforeAll(async () => {
  const { text } = await bundle(script, { platform: 'browser', format: 'iife' });
  app = createServer((request, response) => {
    const isScript = request.url === '/app.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    response.end(isScript ? text : '<!doctype html><title>An app</title><script src="/app.js"></script>');
  }).listen(0, '127.0.0.1');
  await once(app, 'listening');
  origin = `http://127.0.0.1:${(app.address() as AddressInfo).port}`;
}, 120_000);
afterAll(() => void app.close());
afterEach(async () => {
  await page?.close();
  page = undefined;
  expect(await endAll()).toEqual([]);
});

describe.each(Object.entries(browsers))('in %s', (_, [installed, open]) => {
  it.skipIf(installed === undefined)(
    'OpenAI’s completes, streams, and hears when to come back',
    { timeout: 120_000 },
    async () => {
      const server = await served({
        origins: [origin],
        tokens: ['a-token-of-good-length'],
        limits: { requestsPerSecond: 0.001, burst: 2 },
      });
      page = await open(installed as Browser, origin);
      const came = await page.evaluate(`(async () => {
      const client = new OpenAI({
        baseURL: '${server.url}/v1',
        apiKey: 'a-token-of-good-length',
        dangerouslyAllowBrowser: true,
        maxRetries: 0,
      });
      const asked = { model: 'alice', prompt: 'a', max_tokens: 7 };
      const whole = (await client.completions.create(asked)).choices[0].text;
      let streamed = '';
      for await (const { choices } of await client.completions.create({ ...asked, stream: true })) streamed += choices[0]?.text ?? '';
      const refused = await client.completions.create(asked).catch(({ status, headers }) => [status, headers.get('retry-after') > 0]);
      return [[...whole].length, [...streamed].length, refused];
    })()`);
      expect(came).toEqual([7, 7, [429, true]]);
    },
  );

  it.skipIf(installed === undefined)(
    'the package’s own learns, generates, and cancels what is left',
    { timeout: 120_000 },
    async () => {
      const alice = await language();
      const server = await served({ models: { alice }, origins: [origin], tokens: ['a-token-of-good-length'] });
      page = await open(installed as Browser, origin);
      const came = await page.evaluate(`(async () => {
      const client = connect('${server.url}', { token: 'a-token-of-good-length' });
      globalThis.client = client;
      const { symbols } = await firstValueFrom(client.learn('the river bends'));
      const said = await lastValueFrom(client.generate({ prompt: 'a', length: 9000, rate: 500 }).pipe(take(3), toArray()));
      const refused = await firstValueFrom(client.generate({ prompt: 'a', temperature: -1 })).catch(({ name, code, field }) => [name, code, field]);
      return [symbols, said.length, refused];
    })()`);
      expect(came).toEqual([15, 3, ['ServeError', 'invalid', 'temperature']]);
      await until(() => alice.metrics().active === 0);
      expect(server.sessions).toBe(1);
    },
  );

  it.skipIf(installed === undefined)('neither asks where its origin may not', { timeout: 120_000 }, async () => {
    const server = await served();
    page = await open(installed as Browser, origin);
    const came = await page.evaluate(`(async () => {
      const client = connect('${server.url}', { attempts: 1, backoff: { firstMs: 1 } });
      const openAI = new OpenAI({ baseURL: '${server.url}/v1', apiKey: 'none', dangerouslyAllowBrowser: true, maxRetries: 0 });
      return Promise.all([
        firstValueFrom(client.score('a')).catch(({ reason }) => reason),
        openAI.models.list().catch(({ message }) => message),
      ]);
    })()`);
    expect(came).toEqual(['refused', 'Connection error.']);
  });
});
