import OpenAI from 'openai';
import { expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { behindNginx, nginx } from './nginx.js';
import { endAll, language, served } from './servers.js';

const skipped = nginx ? '' : ' (skipped: no nginx; apt-get install nginx-light)';

it.skipIf(nginx === undefined).each(['/', '/oxbow/'])(
  `passes WebSockets, events and the page on at %s as they come, with clients’ addresses${skipped}`,
  async (path) => {
    const alice = await language();
    const server = await served({
      models: { alice },
      trustProxy: true,
      limits: { requestsPerSecond: 0.001, burst: 3 },
    });
    const { url, end } = await behindNginx(server.port, path);
    try {
      // All that the page names is there, from where the page is.
      const page = await fetch(`${url}/`);
      const named = [...(await page.text()).matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file]) => file as string);
      expect(named.length).toBeGreaterThan(2);
      for (const file of named) expect([file, (await fetch(new URL(file, `${url}/`))).status]).toEqual([file, 200]);
      const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`, ['oxbow.1']);
      const hello = await new Promise((resolve, reject) => {
        socket.once('message', (data) => resolve(JSON.parse(String(data))));
        socket.once('error', reject);
      });
      expect(hello).toMatchObject({ type: 'hello' });
      socket.terminate();
      // The first symbols are here while the generation goes on; a client that goes ends it.
      const client = new OpenAI({ apiKey: 'none', baseURL: `${url}/v1`, maxRetries: 0 });
      const asked = { model: 'alice', prompt: 'a', max_tokens: 10_000, stream: true } as const;
      for await (const _ of await client.completions.create(asked)) {
        expect(alice.metrics().active).toBe(1);
        break;
      }
      while (alice.metrics().active > 0) await new Promise((resolve) => setTimeout(resolve, 5));
      expect(alice.metrics().said).toBeLessThan(10_000);
      // What a client says of its own address is not believed: the limit finds it.
      const model = (address: string) => fetch(`${url}/model`, { headers: { 'x-forwarded-for': address } });
      expect((await model('10.0.0.1')).status).toBe(200);
      expect((await model('10.0.0.2')).status).toBe(429);
      expect((await fetch(`${url}/metrics`)).status).toBe(404);
    } finally {
      await end();
      expect(await endAll()).toEqual([]);
    }
  },
);
