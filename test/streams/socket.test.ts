import type { AddressInfo } from 'node:net';
import { finalize, from, lastValueFrom, map, of, Subject, take, timer, toArray } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { bounded } from '../../src/streams/bounded.js';
import type { BufferState } from '../../src/streams/buffer.js';
import { fromAsync } from '../../src/streams/from-async.js';
import { fromSocket } from '../../src/streams/from-socket.js';
import { toSocket } from '../../src/streams/to-socket.js';

let server: WebSocketServer;
let client: WebSocket;
let peer: WebSocket;

beforeEach(async () => {
  server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  const connected = new Promise<WebSocket>((resolve) => {
    server.once('connection', resolve);
  });
  await new Promise((resolve) => server.once('listening', resolve));
  client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  [peer] = await Promise.all([connected, new Promise((resolve) => client.once('open', resolve))]);
});

afterEach(async () => {
  client.terminate();
  peer.terminate();
  await new Promise((resolve) => server.close(resolve));
});

const later = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
/** Of what has no listener left once nobody is subscribed; one for errors stays. */
const listeners = (socket: WebSocket) =>
  ['message', 'close', 'open'].map((event) => socket.listenerCount(event)).join();

describe('fromSocket', () => {
  it('gives text frames as they arrive, and completes when the peer closes normally', async () => {
    const frames = lastValueFrom(fromSocket(peer).pipe(toArray()));
    for (const text of ['hel', 'lo 水🐂', '']) client.send(text);
    client.close(1000);
    expect(await frames).toEqual(['hel', 'lo 水🐂', '']);
  });

  it('counts a close without a code as normal, and any other as an error that names the socket', async () => {
    const frames = lastValueFrom(fromSocket(client).pipe(toArray()));
    peer.send('a');
    peer.close();
    expect(await frames).toEqual(['a']);
  });

  it('names the socket where it is lost or closed in trouble', async () => {
    const lost = lastValueFrom(fromSocket(client).pipe(toArray()));
    peer.terminate();
    await expect(lost).rejects.toThrow(/fromSocket: the socket ws:\/\/127\.0\.0\.1:\d+\/ closed with 1006/);
    await expect(lastValueFrom(fromSocket(client))).rejects.toThrow(/closed already/);
  });

  it('tells the peer’s code and reason', async () => {
    const closed = lastValueFrom(fromSocket(client).pipe(toArray()));
    peer.close(1011, 'out of memory');
    await expect(closed).rejects.toThrow(/closed with 1011 \(out of memory\)/);
  });

  it('makes an error of a failed connection and of a binary frame', async () => {
    const nowhere = new WebSocket('ws://127.0.0.1:1/');
    await expect(lastValueFrom(fromSocket(nowhere))).rejects.toThrow(/ws:\/\/127\.0\.0\.1:1\/ failed: .*ECONNREFUSED/);
    const frames = lastValueFrom(fromSocket(peer));
    client.send(Uint8Array.of(1, 2));
    await expect(frames).rejects.toThrow(/binary frame/);
  });

  it('takes its listeners off when unsubscribed, and leaves the socket open', async () => {
    const before = listeners(peer);
    const subscription = fromSocket(peer).subscribe();
    expect(listeners(peer)).not.toBe(before);
    subscription.unsubscribe();
    expect(listeners(peer)).toBe(before);
    expect(peer.readyState).toBe(WebSocket.OPEN);
    const one = lastValueFrom(fromSocket(peer).pipe(take(1)));
    client.send('x');
    expect(await one).toBe('x');
    expect(listeners(peer)).toBe(before);
  });

  it('pauses the socket while a bounded buffer behind it is full, and loses nothing', async () => {
    const pause = vi.spyOn(peer, 'pause');
    const resume = vi.spyOn(peer, 'resume');
    const depths: number[] = [];
    const gauge = { next: ({ depth }: BufferState) => depths.push(depth) };
    const slow = bounded({ capacity: 4, policy: 'block', source: peer, gauge }, (text: string) =>
      timer(1).pipe(map(() => text)),
    );
    const received = lastValueFrom(fromSocket(peer).pipe(slow, take(60), toArray()));
    const sent = Array.from({ length: 60 }, (_, k) => `${k} ${'x'.repeat(20_000)}`);
    for (const text of sent) client.send(text);
    expect(await received).toEqual(sent);
    expect(pause.mock.calls.length).toBeGreaterThan(1);
    expect(resume.mock.calls.length).toBe(pause.mock.calls.length);
    // The capacity, and what was in the piece of the network's data that was being read.
    expect(Math.max(...depths)).toBeLessThanOrEqual(4 + 8);
    expect(peer.isPaused).toBe(false);
  });
});

describe('toSocket', () => {
  it('sends each text, hands it on, and completes when all is sent', async () => {
    const arrived: string[] = [];
    client.on('message', (data) => arrived.push(String(data)));
    expect(await lastValueFrom(from(['a', '水🐂', '']).pipe(toSocket(peer), toArray()))).toEqual(['a', '水🐂', '']);
    await vi.waitFor(() => expect(arrived).toEqual(['a', '水🐂', '']));
    expect(peer.readyState).toBe(WebSocket.OPEN);
  });

  it('waits for the connection', async () => {
    const second = new WebSocket(client.url);
    const arrived = new Promise((resolve) => {
      server.once('connection', (socket) => socket.once('message', (data) => resolve(String(data))));
    });
    expect(await lastValueFrom(of('early').pipe(toSocket(second)))).toBe('early');
    expect(await arrived).toBe('early');
    second.terminate();
  });

  it('waits above the high-water mark, and goes on below it', async () => {
    const states: BufferState[] = [];
    const arrived: string[] = [];
    client.pause();
    client.on('message', (data) => arrived.push(String(data)));
    const texts = Array.from({ length: 100 }, (_, k) => `${k} ${'x'.repeat(200_000)}`);
    let peak = 0;
    const sent = lastValueFrom(
      from(texts).pipe(
        toSocket(peer, {
          highWaterMark: 1_000_000,
          waiting: { capacity: 100, policy: 'error', gauge: { next: (state) => states.push(state) } },
        }),
        map((text) => {
          peak = Math.max(peak, peer.bufferedAmount);
          return text;
        }),
        toArray(),
      ),
    );
    await later(20);
    expect(states.at(-1)?.depth).toBeGreaterThan(0);
    client.resume();
    expect(await sent).toEqual(texts);
    expect(peak).toBeLessThan(1_000_000 + 2 * 200_100);
    await vi.waitFor(() => expect(arrived).toEqual(texts));
  });

  it('drops or fails when texts come faster than the network takes them', async () => {
    client.pause();
    const texts = Array.from({ length: 100 }, (_, k) => `${k} ${'x'.repeat(200_000)}`);
    const failing = from(texts).pipe(toSocket(peer, { highWaterMark: 0, waiting: { capacity: 3, policy: 'error' } }));
    await expect(lastValueFrom(failing)).rejects.toThrow(/toSocket: the buffer of 3 is full/);
    client.resume();
    await vi.waitFor(() => expect(peer.bufferedAmount).toBe(0), 5000);
    client.pause();
    const sent = lastValueFrom(
      from(texts).pipe(
        toSocket(peer, { highWaterMark: 0, waiting: { capacity: 3, policy: 'drop-oldest' } }),
        toArray(),
      ),
    );
    await later(10);
    client.resume();
    expect((await sent).slice(-3)).toEqual(texts.slice(-3));
    expect((await sent).length).toBeLessThan(texts.length);
  });

  it('completes when the peer closes normally, and unsubscribes from its source', async () => {
    const texts$ = new Subject<string>();
    const done = lastValueFrom(texts$.pipe(toSocket(peer), toArray()));
    texts$.next('a');
    client.close(1000);
    expect(await done).toEqual(['a']);
    expect(texts$.observed).toBe(false);
  });

  it('names the socket, and counts what was not sent, where the connection is lost', async () => {
    client.pause();
    const texts = Array.from({ length: 100 }, () => 'x'.repeat(200_000));
    const sent = lastValueFrom(from(texts).pipe(toSocket(peer, { highWaterMark: 0 })));
    const outcome = expect(sent).rejects.toThrow(/toSocket: the socket closed with 1006, \d\d texts were not sent/);
    await later(5);
    peer.terminate();
    await outcome;
    await expect(lastValueFrom(of('late').pipe(toSocket(peer)))).rejects.toThrow(/closed already/);
  });

  it.each([
    ['closes normally', 1000, 1000, 2 ** 20],
    ['goes away', 1001, 1001, 2 ** 20],
    ['closes without a code', undefined, 1005, 2 ** 20],
    ['closes normally, and the socket has taken all texts', 1000, 1000, 2 ** 30],
    ['is lost, and the socket has taken all texts', 'terminate', 1006, 2 ** 30],
  ] as const)('counts all that was not sent where the peer %s', async (_, how, code, highWaterMark) => {
    const texts = Array.from({ length: 100 }, (_, k) => `${k} ${'x'.repeat(200_000)}`);
    client.pause();
    const handedOn: string[] = [];
    const sent$ = from(texts).pipe(toSocket(peer, { highWaterMark }));
    const failed = new Promise<Error>((resolve, reject) =>
      sent$.subscribe({ next: (text) => handedOn.push(text), error: resolve, complete: () => reject('completed') }),
    );
    if (how !== 'terminate') {
      client.close(how);
      await vi.waitFor(() => expect(peer.readyState).toBe(WebSocket.CLOSING));
    }
    client.terminate();
    const { message } = await failed;
    const [, told, count] = /closed with (\d+), (\d+) texts were not sent/.exec(message) ?? [];
    expect(Number(told)).toBe(code);
    expect(handedOn).toEqual(texts.slice(0, 100 - Number(count)));
    expect(Number(count)).toBeGreaterThan(50);
  });

  it('completes only when the network has taken all, and lets a file wait meanwhile', async () => {
    client.pause();
    const texts = Array.from({ length: 100 }, (_, k) => `${k} ${'x'.repeat(200_000)}`);
    let pulled = 0;
    async function* read() {
      for (const text of texts) {
        pulled += 1;
        yield text;
      }
    }
    const done = vi.fn();
    const sent = lastValueFrom(fromAsync(read).pipe(toSocket(peer), finalize(done), toArray()));
    await vi.waitFor(() => expect(peer.bufferedAmount).toBeGreaterThan(2 ** 20));
    for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(pulled).toBeLessThan(80);
    expect(peer.bufferedAmount).toBeLessThan(2 ** 20 + 3 * 200_100);
    expect(done).not.toHaveBeenCalled();
    client.resume();
    expect(await sent).toEqual(texts);
    expect(peer.bufferedAmount).toBe(0);
  });

  it('leaves no listener or timer when unsubscribed', async () => {
    const before = listeners(peer);
    client.pause();
    const texts$ = new Subject<string>();
    const subscription = texts$
      .pipe(toSocket(peer, { highWaterMark: 0, waiting: { capacity: 1, policy: 'drop-newest' } }))
      .subscribe();
    // More than the network takes while its other end is paused, so the sink asks again and again.
    for (let k = 0; k < 40; k += 1) texts$.next('x'.repeat(500_000));
    await later(30);
    expect(listeners(peer)).not.toBe(before);
    const send = vi.spyOn(peer, 'send');
    const timersBefore = timers();
    subscription.unsubscribe();
    expect(timers()).toBe(timersBefore - 1);
    expect(listeners(peer)).toBe(before);
    client.resume();
    await later(20);
    expect(send).not.toHaveBeenCalled();
  });

  it('rejects impossible options', () => {
    expect(() => toSocket(peer, { highWaterMark: -1 })).toThrow(/highWaterMark/);
    expect(() => toSocket(peer, { waiting: { capacity: 0, policy: 'error' } })).toThrow(/capacity/);
  });
});

describe('other sockets', () => {
  it('one that does not take a text ends the sink with an error that says so', async () => {
    const socket = Object.assign(new EventTarget(), {
      readyState: 1,
      url: 'wss://example.org/',
      bufferedAmount: 0,
      send: () => {
        throw new Error('the message is too big');
      },
    });
    const sent = lastValueFrom(of('a').pipe(toSocket(socket as unknown as globalThis.WebSocket)));
    await expect(sent).rejects.toThrow('wss://example.org/ did not take a text: the message is too big');
  });

  it.each([
    ['normally, with all taken', 1000, [], 0],
    ['normally, with some left', 1000, [5], 3],
    ['normally, with part of a text left', 1000, [9, 4], 1],
    ['in trouble', 1011, [11], 4],
  ] as const)(
    'counts by bufferedAmount where a socket does not call back and closes %s',
    async (_, code, amounts, unsentTexts) => {
      const socket = Object.assign(new EventTarget(), {
        readyState: 1,
        bufferedAmount: 0,
        send(text: string) {
          socket.bufferedAmount += text.length;
        },
      });
      const handedOn: string[] = [];
      const outcome = new Promise<string>((resolve) =>
        from(['one', 'two', 'three', '', 'four'])
          .pipe(toSocket(socket as unknown as globalThis.WebSocket))
          .subscribe({
            next: (text) => handedOn.push(text),
            error: ({ message }) => resolve(message),
            complete: () => resolve('complete'),
          }),
      );
      for (const amount of amounts) {
        socket.bufferedAmount = amount;
        await later(8);
      }
      if (amounts.length === 0) socket.bufferedAmount = 0;
      socket.readyState = 3;
      socket.dispatchEvent(Object.assign(new Event('close'), { code, reason: '' }));
      expect(await outcome).toMatch(unsentTexts === 0 ? 'complete' : `closed with ${code}, ${unsentTexts} text`);
      expect(handedOn).toEqual(['one', 'two', 'three', '', 'four'].slice(0, 5 - unsentTexts));
    },
  );

  it('takes what has the face of a browser’s WebSocket', async () => {
    const target = new EventTarget();
    const socket = Object.assign(target, {
      readyState: 1,
      url: 'wss://example.org/',
      bufferedAmount: 0,
      send: vi.fn(),
    });
    const frames = lastValueFrom(fromSocket(socket as unknown as globalThis.WebSocket).pipe(toArray()));
    await lastValueFrom(of('a').pipe(toSocket(socket as unknown as globalThis.WebSocket)));
    expect(socket.send).toHaveBeenCalledWith('a');
    target.dispatchEvent(new MessageEvent('message', { data: 'b' }));
    target.dispatchEvent(Object.assign(new Event('close'), { code: 1000, reason: '' }));
    expect(await frames).toEqual(['b']);
    const failing = lastValueFrom(fromSocket(socket as unknown as globalThis.WebSocket));
    target.dispatchEvent(new Event('error'));
    await expect(failing).rejects.toThrow('the socket wss://example.org/ failed: connection failed');
  });
});
