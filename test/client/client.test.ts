import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { firstValueFrom, from, lastValueFrom, type Observable, Subject, take, tap, toArray } from 'rxjs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { type Client, type ConnectOptions, connect } from '../../src/client/client.js';
import type { LiveLanguageModel } from '../../src/serve/live.js';
import { type Server, serve } from '../../src/serve/serve.js';
import { endAll, language, reader, served, until } from '../serve/servers.js';

const clients: Client[] = [];
const others: { close(): unknown }[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  for (const other of others.splice(0)) other.close();
  expect(await endAll()).toEqual([]);
});

const backoff = { firstMs: 5, mostMs: 20 };
function client(url: string, options: ConnectOptions = {}): Client {
  const made = connect(url, { backoff, ...options });
  clients.push(made);
  return made;
}
const all = <T>(values$: Observable<T>) => lastValueFrom(values$.pipe(toArray()));
const text = (said: readonly { readonly text: string }[]) => said.map((one) => one.text).join('');

/** A server at the port of one that has been closed, with another model. */
async function again({ port }: Server, alice: LiveLanguageModel): Promise<Server> {
  const server = await serve({ models: { alice }, port });
  others.push(server);
  return server;
}

describe('a client', () => {
  it.each<[string, ConnectOptions]>([
    ['the platform’s WebSocket, or that of ws', {}],
    ['one that it is given', { webSocket: WebSocket as never }],
  ])('learns, generates, scores, watches, tags, corrects and controls by %s', async (_, options) => {
    const server = await served({ models: { alice: await language(), slots: await reader() } });
    // Asked before there is a connection.
    const one = client(server.url, options);
    const said = await all(one.generate({ prompt: 'a', length: 6, seed: 1, surprisal: true }));
    expect(text(said)).toHaveLength(6);
    expect(said.every(({ surprisals }) => surprisals?.length === 1)).toBe(true);
    expect((await firstValueFrom(one.hello$)).models.map(({ name }) => name)).toEqual(['alice', 'slots']);
    expect(await all(one.learn('the river bends', { source: 'a', end: true }))).toMatchObject([{ symbols: 15 }]);
    expect((await firstValueFrom(one.score('ab'))).bits).toHaveLength(2);
    expect(await all(one.metrics({ everyMs: 100 }).pipe(take(2)))).toHaveLength(2);
    const tags = await all(one.tag(from(['to', ['taipei', 'now']])));
    expect(tags.map(({ words }) => words.length)).toEqual([1, 2, 3]);
    const utterance = tags.at(-1)?.utterance as string;
    expect(await firstValueFrom(one.correct({ utterance, tags: ['O', 'B-toloc', 'O'] }))).toMatchObject({ step: 1 });
    expect(await firstValueFrom(one.control({ learning: false }))).toMatchObject({ learning: false, saved: false });
    await expect(all(one.learn('a'))).rejects.toMatchObject({ name: 'ServeError', code: 'learning-off' });
    await expect(all(one.generate({ prompt: 'a', temperature: -1 }))).rejects.toMatchObject({
      code: 'invalid',
      field: 'temperature',
    });
  });

  it('cancels what is unsubscribed from', async () => {
    const alice = await language();
    const server = await served({ models: { alice } });
    const one = client(server.url);
    expect(await all(one.generate({ prompt: '', length: 10_000, rate: 1000 }).pipe(take(3)))).toHaveLength(3);
    await until(() => alice.metrics().active === 0);
    expect(server.sessions).toBe(1);
  });

  it('says of a generation that was cut that it was, and goes on with the next connection', async () => {
    const server = await served();
    const one = client(server.url);
    const states: string[] = [];
    one.state$.subscribe((state) => states.push(state));
    const cut = all(one.generate({ prompt: '', length: 10_000, rate: 100 }));
    const figures = new Subject<number>();
    one.metrics({ everyMs: 100 }).subscribe({ next: ({ step }) => figures.next(step), error: () => {} });
    const refused = expect(cut).rejects.toMatchObject({ name: 'ConnectionError', reason: 'cut', closeCode: 1001 });
    await firstValueFrom(figures);
    await server.close();
    await refused;
    await until(() => states.at(-1) === 'connecting');
    const score = firstValueFrom(one.score('abc'));
    await again(server, await language());
    // What was asked meanwhile is answered, and who watched goes on watching.
    expect((await score).bits).toHaveLength(3);
    await firstValueFrom(figures);
    expect(states).toEqual(expect.arrayContaining(['connecting', 'open', 'connecting', 'open']));
  });

  /** A server that answers as it is told to, and the sockets that come. */
  async function strange(
    answer: (
      socket: WebSocket,
      message: { id: string; prompt?: string; length?: number; type: string },
      connection: number,
    ) => void,
  ) {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'oxbow.1' });
    others.push({
      close: () => {
        for (const socket of server.clients) socket.terminate();
        server.close();
      },
    });
    await once(server, 'listening');
    let count = 0;
    server.on('connection', (socket) => {
      count += 1;
      const own = count;
      const limits = { message: 1, length: 1, session: 1, requestsPerSecond: 1 };
      socket.send(JSON.stringify({ type: 'hello', protocol: 1, server: 'x', models: [], limits }));
      socket.on('message', (data) => answer(socket, JSON.parse(String(data)), own));
    });
    return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
  const symbols = (socket: WebSocket, id: string, said: string) =>
    socket.send(JSON.stringify({ type: 'symbols', id, text: said, version: 0 }));

  it('goes on with a generation that is to be resumed where the server was started again', async () => {
    const server = await served();
    const one = client(server.url);
    const said: string[] = [];
    const whole = lastValueFrom(
      one.generate({ prompt: '', length: 60, rate: 200, resume: true }).pipe(
        tap(({ text: own }) => said.push(own)),
        toArray(),
      ),
    );
    await until(() => said.length > 2);
    await server.close();
    const before = said.length;
    await again(server, await language());
    expect(before).toBeLessThan(60);
    expect(text(await whole)).toHaveLength(60);
  });

  it('connects anew where nothing is under way', async () => {
    const server = await served();
    const one = client(server.url);
    await firstValueFrom(one.hello$);
    await server.close();
    await again(server, await language());
    expect((await firstValueFrom(one.score('abc'))).bits).toHaveLength(3);
  });

  it.each([
    ['', '/ws'],
    ['/', '/ws'],
    ['/oxbow/', '/oxbow/ws'],
    ['/oxbow/ws', '/oxbow/ws'],
  ])('asks at %j for a WebSocket at %s', (path, expected) => {
    const asked: string[] = [];
    class Asked {
      constructor(url: string) {
        asked.push(new URL(url).pathname);
      }
      close() {}
    }
    client(`http://127.0.0.1:1${path}`, { webSocket: Asked as never });
    return until(() => asked[0] === expected);
  });

  it('takes the WebSocket of ws where the platform has none, as Node 20', async () => {
    vi.stubGlobal('WebSocket', undefined);
    try {
      const one = client((await served()).url);
      expect((await firstValueFrom(one.score('abc'))).bits).toHaveLength(3);
    } finally {
      vi.unstubAllGlobals();
    }
  });

  it('resumes a generation after what was said, where it is asked to', async () => {
    const asked: object[] = [];
    const url = await strange((socket, message, connection) => {
      asked.push(message);
      symbols(socket, message.id, connection === 1 ? 'ab' : 'cde');
      if (connection === 1) setImmediate(() => socket.terminate());
      else
        socket.send(
          JSON.stringify({ type: 'done', id: message.id, model: 'x', reason: 'length', symbols: 3, version: 0 }),
        );
    });
    expect(text(await all(client(url).generate({ prompt: 'x', length: 5, resume: true })))).toBe('abcde');
    expect(asked).toMatchObject([
      { prompt: 'x', length: 5 },
      { prompt: 'xab', length: 3 },
    ]);
  });

  it.each<[string, (one: Client) => Observable<unknown>]>([
    ['a generation', (one) => one.generate({ prompt: 'x', length: 5 })],
    ['what was to be learnt', (one) => one.learn('x')],
    ['a correction', (one) => one.correct({ utterance: '#0' })],
    ['words', (one) => one.tag(from(['a']))],
  ])('does not ask twice for %s that was cut', async (_, run) => {
    const url = await strange((socket) => socket.terminate());
    await expect(all(run(client(url)))).rejects.toMatchObject({ name: 'ConnectionError', reason: 'cut' });
  });

  it.each<[string, string]>([
    ['no JSON', 'nothing'],
    ['no answer', '{"type":"generate","id":"1"}'],
    ['an answer with a field of another kind', '{"type":"symbols","id":"1","text":7,"version":0}'],
  ])('takes %s for what it is, and goes on', async (_, odd) => {
    const url = await strange((socket, { id, type }) => {
      if (type === 'generate') socket.send(odd);
      else
        socket.send(JSON.stringify({ type: 'scored', id, model: 'x', bits: [1], total: 1, version: 0, later: true }));
    });
    const one = client(url);
    const heard = firstValueFrom(one.odd$);
    const asked = all(one.generate({ prompt: '' })).catch((error) => error);
    expect((await heard).message).not.toBe('');
    if (odd.includes('"id"')) expect(await asked).toMatchObject({ name: 'ConnectionError', reason: 'protocol' });
    expect((await firstValueFrom(one.score('a'))).bits).toEqual([1]);
  });

  it('gives up after so many attempts, and ends what waits', async () => {
    const server = await served({ tokens: ['a token of good length'] });
    const one = client(server.url, { attempts: 2, token: 'another of good length' });
    await expect(all(one.score('a'))).rejects.toMatchObject({ name: 'ConnectionError', reason: 'refused' });
    expect(await firstValueFrom(one.state$, { defaultValue: 'closed' })).toBe('closed');
    expect(
      (await firstValueFrom(client(server.url, { token: 'a token of good length' }).score('a'))).bits,
    ).toHaveLength(1);
  });

  it('ends what is under way when it is closed', async () => {
    const one = client((await served()).url);
    const under = all(one.metrics());
    await firstValueFrom(one.hello$);
    one.close();
    await expect(under).rejects.toMatchObject({ reason: 'closed' });
    await expect(all(one.score('a'))).rejects.toMatchObject({ reason: 'closed' });
  });

  it('refuses what is no URL, and options that there are not', () => {
    expect(() => connect('nowhere')).toThrow(/URL/);
    expect(() => connect('http://localhost', { tokens: 'a' } as never)).toThrow(/no option 'tokens'/);
  });
});
