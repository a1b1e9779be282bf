import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { LiveModel } from '../../src/serve/live.js';
import { type Server, serve } from '../../src/serve/serve.js';
import type { ServeOptions } from '../../src/serve/serve-options.js';
import { endAll, language, peer, reader, served, until } from './servers.js';

const folder = mkdtempSync(join(tmpdir(), 'serve-'));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(async () => {
  expect(await endAll()).toEqual([]);
});

const post = (server: Server, path: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(`${server.url}${path}`, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers,
  });

/** The messages of an answer by server-sent events. */
const events = (text: string) =>
  text
    .split('\n\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line.replace(/^data: /, '')));

/** A request with headers that `fetch` does not let be set. */
function raw(server: Server, headers: Record<string, string>, path = '/model'): Promise<number> {
  return new Promise((resolve, reject) => {
    request(`${server.url}${path}`, { headers }, (response) => {
      response.resume();
      resolve(response.statusCode as number);
    })
      .on('error', reject)
      .end();
  });
}

const TOKEN = 'a token of good length';

/** A server for tests that change nothing of it. */
let lasting: Promise<Server> | undefined;
const shared = () => {
  lasting ??= language().then((alice) => serve({ models: { alice }, port: 0, limits: { requestsPerSecond: 1e6 } }));
  return lasting;
};
afterAll(async () => (await lasting)?.close());

/** A model for servers that do not come to be. */
let spare: LiveModel | undefined;
afterAll(() => spare?.close());

describe('over HTTP', () => {
  it('generates by server-sent events, or at once; learns, scores, tags, and says what it serves', async () => {
    const alice = await language();
    const server = await served({ models: { alice, slots: await reader() } });
    const streamed = await post(server, '/generate', { prompt: 'ab', length: 5, seed: 1, surprisal: true });
    expect(streamed.headers.get('content-type')).toBe('text/event-stream');
    const messages = events(await streamed.text());
    expect(messages.at(-1)).toMatchObject({ type: 'done', reason: 'length', symbols: 5 });
    const whole = await (
      await post(server, '/generate', { prompt: 'ab', length: 5, seed: 1, surprisal: true, stream: false })
    ).json();
    expect(whole).toMatchObject({
      model: 'alice',
      text: messages.map(({ text = '' }) => text).join(''),
      reason: 'length',
      version: 0,
    });
    expect(whole.surprisals).toHaveLength(5);
    const learnt = await post(server, '/learn', { text: 'the river bends' });
    expect([learnt.status, await learnt.json()]).toMatchObject([202, { symbols: 15 }]);
    await until(() => alice.step > 0);
    expect((await (await post(server, '/score', { text: 'ab' })).json()).bits).toHaveLength(2);
    expect(await (await post(server, '/tag', { words: ['to', 'taipei'] })).json()).toMatchObject({
      final: true,
      utterance: '#0',
    });
    expect(await (await fetch(`${server.url}/model?name=slots`)).json()).toMatchObject({
      task: 'tagger',
      tags: ['O', 'B-toloc'],
    });
    expect(await (await fetch(`${server.url}/model`)).json()).toHaveLength(2);
    for (const path of ['/livez', '/readyz']) expect((await fetch(server.url + path)).status).toBe(200);
  });

  it('is not ready where learning has failed, says of which model, and lives and answers on', async () => {
    const alice = await language({ learningRate: 1e38, clipNorm: 1e30 });
    const server = await served({ models: { alice, slots: await reader() } });
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
    await post(server, '/learn', { text: 'abcdefghijklmnopqrstuvwxyz'.repeat(4) });
    await expect(alice.ended).rejects.toThrow();
    const ready = await fetch(`${server.url}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([
      503,
      { ready: false, reason: expect.stringMatching(/failed: alice; start again/) },
    ]);
    expect((await fetch(`${server.url}/livez`)).status).toBe(200);
    expect(await (await fetch(`${server.url}/model?name=alice`)).json()).toMatchObject({ learning: false });
    const refused = await post(server, '/learn', { text: 'a' });
    expect([refused.status, await refused.json()]).toMatchObject([500, { code: 'failed' }]);
    expect((await post(server, '/tag', { words: ['to'] })).status).toBe(200);
  });

  const reads = ['/livez', '/readyz', '/metrics', '/model', '/v1/models', '/v1/models/alice'];
  const posts = ['/generate', '/learn', '/score', '/tag', '/v1/completions'];
  it.each([
    ...reads.flatMap((path) => ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'].map((method) => [path, method] as const)),
    ...posts.flatMap((path) => ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'].map((method) => [path, method] as const)),
  ])('says which methods %s takes, to %s', async (path, method) => {
    const answer = await fetch(`${(await shared()).url}${path}`, { method });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, reads.includes(path) ? 'GET, HEAD' : 'POST']);
    if (method !== 'HEAD') expect(await answer.text()).toContain('not-allowed');
  });

  it.each(reads)('answers HEAD of %s as GET, without the body', async (path) => {
    const answer = await fetch(`${(await shared()).url}${path}`, { method: 'HEAD' });
    expect([answer.status, await answer.text()]).toEqual([200, '']);
  });

  it('says its figures as text for Prometheus', async () => {
    const alice = await language();
    const server = await served({ models: { alice } });
    await post(server, '/generate', { prompt: 'a', length: 3, stream: false });
    await post(server, '/generate', { length: 3 });
    const text = await (await fetch(`${server.url}/metrics`)).text();
    for (const line of [
      'oxbow_said_total{model="alice"} 3',
      'oxbow_step{model="alice"} 0',
      'oxbow_refused_total{code="invalid"} 1',
      'oxbow_sessions 0',
    ]) {
      expect(text).toContain(line);
    }
    // Counted once, however often it is read.
    expect(await (await fetch(`${server.url}/metrics`)).text()).toContain('oxbow_said_total{model="alice"} 3');
  });

  it.each<[string, (server: Server) => Promise<Response>, number, object]>([
    ['a path that there is not', (s) => fetch(`${s.url}/nothing`), 404, { code: 'not-found' }],
    ['a path that is none', (s) => fetch(`${s.url}//`), 400, { code: 'malformed' }],
    ['another method', (s) => fetch(`${s.url}/generate`), 405, { code: 'not-allowed' }],
    ['no JSON', (s) => post(s, '/generate', '{'), 400, { code: 'malformed' }],
    ['no object', (s) => post(s, '/score', '[]'), 400, { code: 'malformed' }],
    ['a field that is missing', (s) => post(s, '/score', {}), 400, { code: 'invalid', field: 'text' }],
    ['a field of another kind', (s) => post(s, '/generate', { prompt: 1 }), 400, { code: 'invalid', field: 'prompt' }],
    [
      'a field that there is not',
      (s) => post(s, '/learn', { text: 'a', id: 'b' }),
      400,
      { code: 'invalid', field: 'id' },
    ],
    ['a model that there is not', (s) => fetch(`${s.url}/model?name=bob`), 404, { code: 'not-found', field: 'model' }],
    ['a task that there is not', (s) => post(s, '/tag', { words: ['a'] }), 404, { code: 'not-found' }],
    ['a body that is too large', (s) => post(s, '/learn', { text: 'x'.repeat(70_000) }), 413, { code: 'too-large' }],
    [
      'a body without end',
      (s) =>
        fetch(`${s.url}/learn`, {
          method: 'POST',
          duplex: 'half',
          body: new Blob(['x'.repeat(200_000)]).stream(),
        } as never),
      413,
      { code: 'too-large' },
    ],
    ['a length beyond', (s) => post(s, '/generate', { prompt: '', length: 1e6 }), 400, { field: 'length' }],
  ])('answers %s by its status and an error, and goes on', async (_, run, status, error) => {
    const server = await served();
    const answer = await run(server);
    expect([answer.status, await answer.json()]).toMatchObject([status, error]);
    expect((await post(server, '/score', { text: 'a' })).status).toBe(200);
  });

  it.each<[string, Partial<ServeOptions>, (server: Server) => Promise<Response>, number]>([
    [
      'requests',
      { limits: { requestsPerSecond: 0.01, burst: 1 } },
      async (s) => {
        await fetch(`${s.url}/model`);
        return fetch(`${s.url}/model`);
      },
      429,
    ],
    [
      'what is learnt',
      { limits: { learnPerMinute: 5 } },
      async (s) => {
        await post(s, '/learn', { text: 'abcde' });
        return post(s, '/learn', { text: 'abcde' });
      },
      429,
    ],
  ])('has a limit of %s, and says when to come back', async (_, options, run, status) => {
    const answer = await run(await served(options));
    expect(answer.status).toBe(status);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  it('refuses a generation for which there is no room by 503, before anything is said', async () => {
    const alice = await language({ atOnce: 1, queue: 0 });
    const server = await served({ models: { alice } });
    const gone = new AbortController();
    const first = await fetch(`${server.url}/generate`, {
      method: 'POST',
      body: JSON.stringify({ prompt: '', length: 10_000, rate: 200 }),
      signal: gone.signal,
    });
    const second = await post(server, '/generate', { prompt: '' });
    expect([second.status, second.headers.get('retry-after')]).toEqual([503, '1']);
    // The one that is under way ends when its client goes.
    gone.abort();
    await first.text().catch(() => undefined);
    await until(() => alice.metrics().active === 0);
    expect((await post(server, '/generate', { prompt: '', length: 2 })).status).toBe(200);
  });

  it('ends a generation whose answer nobody reads', async () => {
    const alice = await language();
    const server = await served({ models: { alice }, limits: { stallMs: 100, length: 1e7 } });
    const socket = connect(server.port, '127.0.0.1');
    const body = JSON.stringify({ prompt: '', length: 1e7 });
    socket.on('error', () => {});
    socket.pause();
    socket.write(`POST /generate HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    await until(() => alice.metrics().active === 1);
    await until(() => alice.metrics().active === 0);
    expect(alice.metrics().said).toBeLessThan(1e6);
    socket.destroy();
  });

  it('has routes of the user’s own, whose errors are answered too', async () => {
    const server = await served({
      routes: [
        (exchange) => {
          if (exchange.url.pathname !== '/own') return false;
          exchange.client();
          exchange.answer(200, exchange.service.named(undefined, 'language').name);
          return true;
        },
        async ({ url }) => {
          if (url.pathname === '/bad') throw new RangeError('secret');
          return false;
        },
      ],
    });
    expect(await (await fetch(`${server.url}/own`)).json()).toBe('alice');
    expect((await fetch(`${server.url}/none`)).status).toBe(404);
    const bad = await fetch(`${server.url}/bad`);
    expect([bad.status, await bad.text()]).toEqual([500, expect.not.stringContaining('secret')]);
    expect(await endAll()).toHaveLength(1);
  });
});

describe('access', () => {
  it.each<[string, Partial<ServeOptions>, Record<string, string>, number]>([
    ['this machine', {}, {}, 200],
    ['its own page', {}, { host: 'localhost:7070', origin: 'http://localhost:7070' }, 200],
    ['a page of another place', {}, { origin: 'https://evil.example' }, 403],
    ['a page from a file', {}, { origin: 'null' }, 403],
    [
      'a page whose origin begins alike',
      { origins: ['https://good.example'] },
      { origin: 'https://good.example.evil.example' },
      403,
    ],
    ['a page that may', { origins: ['https://good.example'] }, { origin: 'https://good.example' }, 200],
    ['another name for this machine', {}, { host: 'evil.example' }, 403],
    ['no token', { tokens: [TOKEN] }, {}, 401],
    ['a wrong token', { tokens: [TOKEN] }, { authorization: `Bearer ${'x'.repeat(22)}` }, 401],
    ['the beginning of a token', { tokens: ['abcdefghijklmnopq'] }, { authorization: 'Bearer abcdefghijklmnop' }, 401],
    ['a token', { tokens: ['abcdefghijklmnopq'] }, { authorization: 'Bearer abcdefghijklmnopq' }, 200],
    [
      'a token and a page that may not',
      { tokens: ['abcdefghijklmnopq'] },
      { authorization: 'Bearer abcdefghijklmnopq', origin: 'https://evil.example' },
      403,
    ],
  ])('is as it should for %s', async (_, options, headers, status) => {
    const server = await served(options);
    expect(await raw(server, headers)).toBe(status);
    // A WebSocket is let in by the same rules.
    const joined = await peer(server, { headers }).then(
      () => 200,
      (error) => error.response.statusCode,
    );
    expect(joined).toBe(status);
  });

  it('takes a token as a subprotocol, which may not let it learn or control', async () => {
    const server = await served({ tokens: [{ token: TOKEN, learn: false, control: false }] });
    const a = await peer(server, { protocols: ['oxbow.1', `oxbow.token.${Buffer.from(TOKEN).toString('base64url')}`] });
    expect(a.socket.protocol).toBe('oxbow.1');
    expect((await a.next({ type: 'hello' })).models).toMatchObject([{ learnsFor: false }]);
    a.say({ type: 'learn', id: 'l', text: 'a' });
    expect(await a.next({ id: 'l' })).toMatchObject({ code: 'forbidden' });
    a.say({ type: 'control', id: 'c', learning: false });
    expect(await a.next({ id: 'c' })).toMatchObject({ code: 'forbidden' });
  });

  it('counts clients behind a proxy apart, where it is trusted', async () => {
    const limits = { requestsPerSecond: 0.01, burst: 1 };
    const statuses = async (trustProxy: boolean) => {
      const server = await served({ limits, trustProxy });
      return [
        await raw(server, { 'x-forwarded-for': '1.2.3.4' }),
        await raw(server, { 'x-forwarded-for': '1.2.3.4, 5.6.7.8' }),
      ];
    };
    expect(await statuses(true)).toEqual([200, 200]);
    expect(await statuses(false)).toEqual([200, 429]);
  });

  it('answers a page that may ask beforehand', async () => {
    const server = await served({ origins: ['https://good.example'] });
    const asked = await fetch(`${server.url}/generate`, {
      method: 'OPTIONS',
      headers: { origin: 'https://good.example' },
    });
    expect([asked.status, asked.headers.get('access-control-allow-origin')]).toEqual([204, 'https://good.example']);
  });

  it.each<[string, string, string | null]>([
    ['what its client sends of its own', 'https://good.example', 'authorization,content-type,x-stainless-os'],
    ['nothing, where it may not ask', 'https://evil.example', null],
  ])('lets a page send %s', async (_, origin, headers) => {
    const server = await served({ origins: ['https://good.example'] });
    const asked = await fetch(`${server.url}/v1/completions`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type,x-stainless-os',
      },
    });
    expect(asked.headers.get('access-control-allow-headers')).toBe(headers);
    expect(asked.headers.get('access-control-allow-methods')).toBe(headers && 'POST');
    // When to come back is to be read by a page too.
    const read = await fetch(`${server.url}/model`, { headers: { origin } });
    expect([read.status, read.headers.get('access-control-expose-headers')]).toEqual(
      headers === null ? [403, null] : [200, 'retry-after'],
    );
  });

  it.each<[string, Partial<ServeOptions>, RegExp]>([
    ['a host beyond this machine without tokens', { host: '0.0.0.0' }, /give tokens/],
    ['a token that can be guessed', { tokens: ['abc'] }, /16 characters/],
    ['an origin that is none', { origins: ['good'] }, /URL/],
    ['no models', { models: {} }, /models by name/],
    ['a limit of nothing', { limits: { sessions: 0 } }, /limits.sessions/],
    ['a limit that there is not', { limits: { session: 1 } as never }, /limits.session/],
    ['half a session', { limits: { sessions: 0.5 } }, /limits.sessions is a whole number of at least 1, not 0.5/],
    ['a limit as a text', { limits: { length: '5' as never } }, /limits.length is a whole number/],
    ['a limit that is null', { limits: { sessions: null as never } }, /limits.sessions is a whole number.* not null/],
    ['a limit without an end', { limits: { requestsPerSecond: Number.POSITIVE_INFINITY } }, /limits.requestsPerSecond/],
    ['a time that no timer has', { limits: { pingMs: 1e12 } }, /limits.pingMs is .* from 1 to 2147483647/],
    ['a time without an end', { limits: { stallMs: Number.POSITIVE_INFINITY } }, /limits.stallMs/],
    ['part of a millisecond', { limits: { headersMs: 0.5 } }, /limits.headersMs/],
    ['a port that is a path', { port: 'x' as never }, /port is a whole number from 0 to 65535/],
    ['a port that is none', { port: 70_000 }, /port is a whole number from 0 to 65535, not 70000/],
    ['a host that is none', { host: '' }, /a name or an address as host/],
    ['tokens as a text', { tokens: TOKEN as never }, /tokens are a list/],
    ['a token that is none', { tokens: [null as never] }, /'tokens\[0\]' is a record/],
    ['a token without one', { tokens: [{} as never] }, /tokens\[0\]: a token has at least 16/],
    ['a token of what no header carries', { tokens: ['ключ'.repeat(4)] }, /tokens\[0\]: .*of ASCII/],
    ['a token of blanks', { tokens: [' '.repeat(16)] }, /tokens\[0\]: .*no blank at its ends/],
    [
      'a right that is neither',
      { tokens: [{ token: TOKEN, learn: 'no' as never }] },
      /tokens\[0\].learn is true or false/,
    ],
    ['a right that is a number', { tokens: [{ token: TOKEN, control: 0 as never }] }, /tokens\[0\].control is true/],
    ['a right misspelt', { tokens: [{ token: TOKEN, lern: false } as never] }, /did you mean 'tokens\[0\].learn'/],
    [
      'one token with two rights',
      { tokens: [TOKEN, { token: TOKEN, learn: false }] },
      /tokens\[1\] is tokens\[0\] again/,
    ],
    ['an origin without a scheme', { origins: ['localhost:3000'] }, /https:\/\/example.org, not "localhost:3000"/],
    ['an origin of files', { origins: ['file:///tmp/page.html'] }, /an origin is a URL/],
    ['origins as a text', { origins: 'https://good.example' as never }, /a list of URLs as origins/],
    ['routes that are none', { routes: {} as never }, /a list of functions as routes/],
    ['a route that is none', { routes: [5 as never] }, /a list of functions as routes/],
    ['a log that is none', { log: 5 as never }, /a function as log/],
  ])('is refused: %s', async (_, options, message) => {
    spare ??= await language();
    const refusal = await serve({ models: { alice: spare }, port: 0, ...options }).catch(
      (error: Error) => error.message,
    );
    expect(refusal).toMatch(message);
    // What is said of a token may end up in a log.
    expect(refusal).not.toContain(TOKEN);
  });

  it('takes a token with blanks in it over HTTP too', async () => {
    const server = await served({ tokens: [TOKEN] });
    expect(await raw(server, { authorization: `Bearer  ${TOKEN} ` })).toBe(200);
    expect(await raw(server, { authorization: `Bearer ${TOKEN} or another` })).toBe(401);
  });
});

describe('a server', () => {
  it('takes so many sessions, of all and of each client, and says when to come back', async () => {
    for (const limits of [{ sessions: 2 }, { sessionsPerClient: 2 }]) {
      const server = await served({ limits });
      await Promise.all([peer(server), peer(server)]);
      const { response } = await peer(server).catch((error) => error);
      expect([response.statusCode, response.headers['retry-after']]).toEqual([503, '5']);
    }
  });

  it.each<[string, string]>([
    ['a head that does not end', 'GET /livez HTTP/1.1\r\nhost: a\r\n'],
    ['a body that does not come', 'POST /score HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 10\r\n\r\n{'],
    ['no HTTP', 'garbage\r\n\r\n'],
    ['a head that is too large', `GET / HTTP/1.1\r\nx: ${'x'.repeat(40_000)}\r\n\r\n`],
    ['an upgrade to nothing', 'GET /ws HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: upgrade\r\nupgrade: nothing\r\n\r\n'],
    [
      'an upgrade elsewhere',
      'GET /else HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
    ],
  ])('ends a connection with %s, and goes on', async (_, text) => {
    const server = await served({ limits: { headersMs: 100, requestMs: 100 } });
    const socket = connect(server.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.resume();
    socket.write(text);
    await once(socket, 'close');
    expect((await fetch(`${server.url}/livez`)).status).toBe(200);
  });

  it('serves models side by side, each of its own folder, and goes on with them', async () => {
    const folders = ['one', 'two'].map((name) => join(folder, name));
    const [one, two] = await Promise.all(folders.map((path) => language({ folder: path })));
    const server = await served({ models: { one, two } as never });
    const a = await peer(server);
    a.say({ type: 'learn', id: 'l', model: 'two', text: 'the river bends and the river bends again' });
    await a.next({ id: 'l' });
    await until(() => (two?.step ?? 0) > 2);
    await server.close();
    expect(await a.closed).toBe(1001);
    const step = two?.step;
    const again = await Promise.all(folders.map((path) => language({ folder: path })));
    expect(again.map((model) => model.step)).toEqual([0, step]);
    const second = await served({ models: { one: again[0], two: again[1] } as never });
    expect(await (await fetch(`${second.url}/model`)).json()).toMatchObject([
      { name: 'one', step: 0 },
      { name: 'two', step },
    ]);
  });

  it('finishes what is being learnt when it closes, says so to all who are connected, and takes nothing more', async () => {
    const path = join(folder, 'closing');
    const alice = await language({ folder: path });
    const server = await served({ models: { alice } });
    const a = await peer(server);
    const sse = post(server, '/generate', { prompt: '', length: 10_000, rate: 100 }).then((answer) => answer.text());
    a.say({ type: 'learn', text: 'the river bends and the river bends again'.repeat(1000) });
    a.say({ type: 'generate', id: 'g', prompt: '', length: 10_000, rate: 100 });
    await a.next({ type: 'symbols' });
    await until(() => alice.step > 1 && alice.metrics().active === 2);
    const waited = alice.metrics().waiting;
    const [unlearnt, again$] = await Promise.all([server.close(), server.close()]);
    expect(again$).toBe(unlearnt);
    expect(unlearnt.alice?.waiting).toBeGreaterThan(0);
    expect(unlearnt.alice?.waiting).toBeLessThanOrEqual(waited);
    expect(await a.closed).toBe(1001);
    expect(events(await sse).at(-1)).toMatchObject({ type: 'error', code: 'closing' });
    await expect(fetch(`${server.url}/livez`)).rejects.toThrow();
    const again = await language({ folder: path });
    expect(again.step).toBe(alice.step);
    await again.close();
  });

  it('is an error where it cannot listen', async () => {
    const server = await served();
    const alice = await language();
    await expect(serve({ models: { alice }, port: server.port })).rejects.toThrow(/EADDRINUSE/);
    await alice.close();
  });
});
