/** What strangers send, or do not: it is refused by a documented error, and nobody else is kept from anything. */
import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { from } from 'rxjs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { asAnswer } from '../../src/protocol/check.js';
import type { Exchange, Route } from '../../src/serve/exchange.js';
import { allowance } from '../../src/serve/meters.js';
import type { Server } from '../../src/serve/serve.js';
import { endAll, language, peer, reader, served, until } from './servers.js';

afterEach(async () => {
  vi.useRealTimers();
  expect(await endAll()).toEqual([]);
});

/** A connection that is nobody's. */
function socketTo({ port }: Server, text?: string): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket));
    socket.on('error', () => {});
    if (text !== undefined) socket.write(text);
  });
}

/** Also where it ends by an error. */
const closed = (socket: Socket) => new Promise((resolve) => socket.resume().once('close', resolve));

/** That a stranger is still served, over HTTP and over a WebSocket. */
async function serves(server: Server): Promise<void> {
  expect((await fetch(`${server.url}/livez`)).status).toBe(200);
  const one = await peer(server);
  one.say({ type: 'score', id: 'after', text: 'ab' });
  expect(await one.next({ id: 'after' })).toMatchObject({ type: 'scored' });
}

describe('connections', () => {
  it.each<[string, string | undefined]>([
    ['that say nothing', undefined],
    ['that say a part of a head', 'GET /livez HTTP/1.1\r\nhost: '],
    ['that say a part of a body', 'POST /score HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 99\r\n\r\n{'],
  ])('a thousand %s keep nobody out, and are ended', async (_, text) => {
    const server = await served({ limits: { headersMs: 300, requestMs: 300, requestsPerSecond: 1e6 } });
    const sockets = await Promise.all(Array.from({ length: 1000 }, () => socketTo(server, text)));
    const ended = sockets.map(closed);
    await serves(server);
    await Promise.all(ended);
    await serves(server);
  });

  it.each<[string, (drip: (text: string) => void) => void]>([
    ['a head', (drip) => drip('x-slow: 1\r\n')],
    ['a body', (drip) => drip(' ')],
  ])('ends one that says %s a little at a time', async (what, run) => {
    const server = await served({ limits: { headersMs: 200, requestMs: 200 } });
    const head = 'POST /score HTTP/1.1\r\nhost: 127.0.0.1\r\n';
    const socket = await socketTo(server, what === 'a head' ? head : `${head}content-length: 60000\r\n\r\n`);
    const dripping = setInterval(() => run((text) => socket.write(text)), 20);
    await closed(socket);
    clearInterval(dripping);
    await serves(server);
  });

  it.each<[string, string]>([
    ['an upgrade', 'GET /no HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'],
    ['what is no HTTP', 'garbage\r\n\r\n'],
  ])('is not kept by whoever was refused %s and leaves it half open', async (_, text) => {
    const server = await served();
    const socket = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', () => {});
    socket.write(text);
    await once(socket.resume(), 'end');
    const writing = setInterval(() => socket.write('x'), 20);
    await closed(socket);
    clearInterval(writing);
    await serves(server);
  });

  const post = 'POST /score HTTP/1.1\r\nhost: 127.0.0.1\r\n';
  it.each([
    ['a tunnel', 'CONNECT a.example:443 HTTP/1.1\r\nhost: a.example\r\n\r\n'],
    ['two lengths', `${post}content-length: 1\r\ncontent-length: 2\r\n\r\n{}`],
    ['a length, and pieces', `${post}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['pieces that are none', `${post}transfer-encoding: chunked\r\n\r\nzz\r\n`],
    ['a header that is none', 'GET /livez HTTP/1.1\r\nhost: a\r\nno colon\r\n\r\n'],
    ['no host', 'GET /livez HTTP/1.1\r\n\r\n'],
  ])('ends one that asks for %s', async (_, text) => {
    const server = await served();
    const socket = await socketTo(server, text);
    let heard = '';
    socket.on('data', (chunk) => {
      heard += chunk;
    });
    await closed(socket);
    expect(heard).toMatch(/^(HTTP\/1.1 400 .*)?$/s);
    await serves(server);
  });

  it.each<[string, (exchange: Exchange) => void]>([
    ['an answer', (exchange) => exchange.answer(200, 'x'.repeat(3e7))],
    ['events', (exchange) => void exchange.events(from(Array<string>(1000).fill('x'.repeat(30_000))))],
  ])('ends one on which %s is not read', async (_, run) => {
    let gone: Promise<unknown> | undefined;
    const route: Route = (exchange) => {
      if (exchange.url.pathname !== '/much') return false;
      gone = once(exchange.response, 'close');
      run(exchange);
      return true;
    };
    const server = await served({ routes: [route], limits: { stallMs: 200 } });
    const socket = await socketTo(server, 'GET /much HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n');
    socket.pause();
    await until(() => gone !== undefined);
    await gone;
    socket.destroy();
    await serves(server);
  });

  it('drops a WebSocket that never reads, and what it asked for', async () => {
    const alice = await language();
    const server = await served({ models: { alice }, limits: { buffer: 1000, stallMs: 200, length: 1e7 } });
    const a = await peer(server);
    a.socket.pause();
    for (const id of ['a', 'b']) a.say({ type: 'generate', id, prompt: '', length: 1e7 });
    await until(() => alice.metrics().active > 0);
    await until(() => server.sessions === 0);
    expect(alice.metrics()).toMatchObject({ active: 0, queued: 0 });
    await serves(server);
  });
});

describe('a session', () => {
  const nested = (depth: number) => `{"type":"score","id":"a","text":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}}`;
  it.each<[string, string | object, object]>([
    ['records in records', nested(9000), { id: 'a', code: 'invalid', field: 'text' }],
    ['an id that is a record', { type: 'score', id: { id: 'a' }, text: 'a' }, { code: 'invalid', field: 'id' }],
    ['an id that is too long', { type: 'score', id: 'x'.repeat(129), text: 'a' }, { code: 'invalid', field: 'id' }],
    ['a type of a million', { type: 'x'.repeat(60_000) }, { code: 'invalid', field: 'type' }],
    [
      'a name of a model that is a path',
      { type: 'score', id: 'a', text: 'a', model: '../../etc/passwd' },
      { id: 'a', code: 'not-found', field: 'model' },
    ],
    [
      'a name of what every record has',
      { type: 'score', id: 'a', text: 'a', model: '__proto__' },
      { id: 'a', code: 'not-found', field: 'model' },
    ],
    ['a prototype', '{"type":"score","id":"a","text":"a","__proto__":{"x":1}}', { id: 'a', code: 'invalid' }],
    ['a number beyond', '{"type":"generate","id":"a","prompt":"","length":1e999}', { id: 'a', field: 'length' }],
    ['a seed below 0', { type: 'generate', id: 'a', prompt: '', seed: -1 }, { id: 'a', field: 'seed' }],
    ['a prompt that is too long', { type: 'generate', id: 'a', prompt: 7 }, { id: 'a', field: 'prompt' }],
  ])('answers %s by an error, and goes on', async (_, message, error) => {
    const server = await served({ models: { alice: await language(), slots: await reader() } });
    const a = await peer(server);
    a.say(message);
    expect(await a.next({ type: 'error' })).toMatchObject(error);
    a.say({ type: 'score', id: 'after', text: 'ab' });
    await a.next({ id: 'after', type: 'scored' });
    for (const heard of a.heard) asAnswer(heard);
  });

  it.each<[string, string]>([
    ['a lone surrogate', 'a\ud800b\udc00'],
    ['nulls', 'a\0b\0\0'],
    ['what writes from right to left', '\u202eabc\u2066'],
    ['what is above the first plane', '🐂🐂'],
    ['a mark alone', '\ufeff\u0301'],
    ['a long text', 'the river bends '.repeat(400)],
  ])('takes %s as a prompt, a text to score, to learn and to look at, over either way', async (_, text) => {
    const alice = await language();
    const server = await served({ models: { alice } });
    const a = await peer(server);
    const symbols = [...text].length;
    a.say({ type: 'generate', id: 'g', prompt: text, length: 3, stop: [text.slice(0, 4)] });
    expect(await a.next({ type: 'done' })).toMatchObject({ id: 'g' });
    a.say({ type: 'score', id: 's', text });
    expect((await a.next({ id: 's' })).bits).toHaveLength(symbols);
    a.say({ type: 'learn', id: 'l', text, end: true });
    expect(await a.next({ id: 'l' })).toMatchObject({ type: 'accepted', symbols });
    a.say({ type: 'units', id: 'u', text: text.slice(0, 1000) });
    expect(await a.next({ id: 'u' })).toMatchObject({ type: 'units' });
    for (const [path, body] of [
      ['/generate', { prompt: text, length: 3, stream: false }],
      ['/score', { text }],
      ['/v1/completions', { model: 'alice', prompt: text, max_tokens: 2, echo: true, logprobs: 1 }],
    ] as const) {
      const answer = await fetch(`${server.url}${path}`, { method: 'POST', body: JSON.stringify(body) });
      expect([path, answer.status, typeof (await answer.json())]).toEqual([path, 200, 'object']);
    }
    for (const heard of a.heard) asAnswer(heard);
  });

  it('cannot cancel, correct or hear what is another’s, though it knows the id', async () => {
    const alice = await language();
    const server = await served({ models: { alice } });
    const [a, b] = [await peer(server), await peer(server)];
    a.say({ type: 'generate', id: 'mine', prompt: '', length: 10_000, rate: 500 });
    await a.next({ type: 'symbols', id: 'mine' });
    b.say({ type: 'cancel', id: 'mine' });
    expect(await b.next({ id: 'mine' })).toMatchObject({ type: 'error', code: 'not-found' });
    // The same id is another request in another session.
    b.say({ type: 'generate', id: 'mine', prompt: '', length: 3 });
    expect(await b.next({ type: 'done', id: 'mine' })).toMatchObject({ symbols: 3 });
    await a.next({ type: 'symbols', id: 'mine' });
    expect(alice.metrics().active).toBe(1);
  });

  it('takes no second request of an id under way, of another kind either, and the first goes on', async () => {
    const a = await peer(await served({ models: { alice: await language(), slots: await reader() } }));
    a.say({ type: 'generate', id: 'x', prompt: '', length: 40, rate: 500 });
    await a.next({ type: 'symbols' });
    for (const message of [
      { type: 'score', text: 'a' },
      { type: 'metrics' },
      { type: 'units', text: 'a' },
      { type: 'lines' },
      { type: 'tag', words: ['to'] },
      { type: 'correct', utterance: '#0' },
      { type: 'control', save: true },
      { type: 'generate', prompt: '' },
    ]) {
      a.say({ ...message, id: 'x' });
      expect(await a.next({ type: 'error', id: 'x' })).toMatchObject({ code: 'in-use', field: 'id' });
    }
    expect(await a.next({ type: 'done', id: 'x' })).toMatchObject({ symbols: 40, reason: 'length' });
  });
});

describe('over HTTP', () => {
  it.each<[string, string, string, number, string]>([
    ['lists in lists', '/score', `{"text":${'['.repeat(30_000)}${']'.repeat(30_000)}}`, 400, 'invalid'],
    ['a body of a byte too many', '/score', JSON.stringify({ text: 'x'.repeat(65_536 - 10) }), 413, 'too-large'],
    ['no body', '/score', '', 400, 'malformed'],
    ['a model that is a path', '/score', '{"text":"a","model":"a/../b"}', 404, 'not-found'],
  ])('answers %s by its status', async (_, path, body, status, code) => {
    const server = await served();
    const answer = await fetch(`${server.url}${path}`, { method: 'POST', body });
    expect([answer.status, await answer.json()]).toMatchObject([status, { code }]);
    await serves(server);
  });

  it.each([
    '/constructor',
    '/__proto__',
    '/%00',
    '/%',
    '/..%2f..%2fetc%2fpasswd',
    `/${'x'.repeat(8000)}`,
    '/ws',
    '/v1/',
    '/v1/models/%ff',
    '/models',
    '*',
  ])('has nothing at %s', async (path) => {
    const server = await served();
    const status = await new Promise((resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port: server.port, path }, (response) => {
        resolve(response.statusCode);
        response.resume();
      });
      asked.on('error', reject).end();
    });
    expect([400, 404]).toContain(status);
    await serves(server);
  });

  it.each<[string, Record<string, string>]>([
    ['no token at all', { authorization: 'Bearer' }],
    ['another kind of authorization', { authorization: 'Basic YTpi' }],
    ['a token that is far too long', { authorization: `Bearer ${'x'.repeat(8000)}` }],
    ['a token of one character', { authorization: 'Bearer x' }],
    ['the token and more', { authorization: 'Bearer a-token-of-good-length-and-more' }],
    ['the token as a subprotocol that is no base64url', { 'sec-websocket-protocol': 'oxbow.token.%%%' }],
  ])('takes %s for none', async (_, headers) => {
    const server = await served({ tokens: ['a-token-of-good-length'] });
    const status = await new Promise((resolve, reject) => {
      const asked = request(`${server.url}/model`, { headers }, (response) => {
        resolve(response.statusCode);
        response.resume();
      });
      asked.on('error', reject).end();
    });
    expect(status).toBe(401);
  });

  it.each(['org/alice', 'a b', 'α', '100%', 'a?b#c'])('finds a model whose name is %s', async (name) => {
    const server = await served({ models: { [name]: await language() } });
    const paths = [`/model?name=${encodeURIComponent(name)}`, `/v1/models/${encodeURIComponent(name)}`];
    if (name.includes('/')) paths.push(`/v1/models/${name}`);
    for (const path of paths) expect([path, (await fetch(`${server.url}${path}`)).status]).toEqual([path, 200]);
    const said = await fetch(`${server.url}/v1/completions`, {
      method: 'POST',
      body: JSON.stringify({ model: name, prompt: 'a', max_tokens: 1 }),
    });
    expect(await said.json()).toMatchObject({ model: name });
    expect(await (await fetch(`${server.url}/metrics`)).text()).toContain(`oxbow_step{model="${name}"} 0`);
  });
});

it.each([-1, 1])('limits are the same when the clock jumps by %i years', async (years) => {
  const server = await served({ limits: { requestsPerSecond: 0.001, burst: 2, learnPerMinute: 5 } });
  const status = async () => (await fetch(`${server.url}/model`)).status;
  vi.useFakeTimers({ toFake: ['Date'] });
  expect(await status()).toBe(200);
  vi.setSystemTime(Date.now() + years * 365 * 86_400_000);
  expect([await status(), await status()]).toEqual([200, 429]);
});

it('an allowance is neither lost nor won by a clock that stands, or jumps ahead', () => {
  let now = 0;
  const { spend } = allowance(1, 2, () => now);
  expect([spend('a', 1), spend('a', 1)]).toEqual([0, 0]);
  expect(spend('a', 1)).toBeGreaterThan(0);
  now = 1e12;
  expect([spend('a', 1), spend('a', 1)]).toEqual([0, 0]);
  expect(spend('a', 1)).toBeGreaterThan(0);
});
