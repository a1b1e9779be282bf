/** A real nginx by the configuration that the package recommends, but for TLS, in front of a real server. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { endAll, language, served } from './servers.js';

const nginx = ['/usr/sbin/nginx', 'nginx'].find((path) => spawnSync(path, ['-v']).status === 0);

const freePort = () =>
  new Promise<number>((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });

it.skipIf(nginx === undefined)(
  `passes WebSockets and events on as they come, with clients’ addresses${nginx ? '' : ' (skipped: no nginx; apt-get install nginx-light)'}`,
  async () => {
    const alice = await language();
    const server = await served({
      models: { alice },
      trustProxy: true,
      limits: { requestsPerSecond: 0.001, burst: 3 },
    });
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), 'nginx-'));
    const recommended = readFileSync(new URL('../../deploy/nginx.conf', import.meta.url), 'utf8')
      .replace('server 127.0.0.1:7070', `server 127.0.0.1:${server.port}`)
      .replace('listen 443 ssl', `listen 127.0.0.1:${port}`)
      .replace(/^ *ssl_.*$/gm, '');
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (of) => `${of}_temp_path ${folder}/${of};`,
    );
    writeFileSync(
      join(folder, 'nginx.conf'),
      `daemon off; master_process off; pid ${folder}/pid; error_log stderr; events {}
       http { access_log off; ${temporary.join(' ')}\n${recommended} }`,
    );
    const child = spawn(nginx as string, ['-p', folder, '-e', 'stderr', '-c', join(folder, 'nginx.conf')]);
    let said = '';
    child.stderr.on('data', (chunk) => {
      said += chunk;
    });
    const ended = new Promise((resolve) => child.once('close', resolve));
    try {
      const url = `http://127.0.0.1:${port}`;
      while (
        !(await fetch(`${url}/livez`).then(
          ({ ok }) => ok,
          () => false,
        ))
      ) {
        if (child.exitCode !== null) throw new Error(said);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, ['oxbow.1']);
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
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true });
      expect(await endAll()).toEqual([]);
    }
  },
);
