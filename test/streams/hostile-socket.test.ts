/** Peers that break the protocol: whatever they send, whenever they do, the process goes on. */
import { randomBytes } from 'node:crypto';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { Subject } from 'rxjs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { fromSocket } from '../../src/streams/from-socket.js';
import { toSocket } from '../../src/streams/to-socket.js';

let server: WebSocketServer;
const uncaught: unknown[] = [];
const note = (error: unknown) => void uncaught.push(error);

beforeAll(async () => {
  server = new WebSocketServer({ port: 0, host: '127.0.0.1', maxPayload: 1 << 16 });
  await new Promise((resolve) => server.once('listening', resolve));
  process.on('uncaughtException', note);
  process.on('unhandledRejection', note);
});
afterAll(() => {
  process.off('uncaughtException', note);
  process.off('unhandledRejection', note);
  server.close();
});
afterEach(() => void uncaught.splice(0));

/** A peer that speaks TCP, and the server's socket for it. */
async function meet(): Promise<readonly [peer: Socket, socket: WebSocket]> {
  const connected = new Promise<WebSocket>((resolve) => server.once('connection', resolve));
  const peer = connect((server.address() as AddressInfo).port, '127.0.0.1');
  peer.on('error', () => undefined);
  peer.write(
    'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`,
  );
  return [peer, await connected];
}

/** A frame, masked with zeros unless said otherwise. */
const frame = (first: number, payload: readonly number[] | string, masked = true) => {
  const bytes = Buffer.from(payload as string);
  return Buffer.concat([Buffer.from([first, (masked ? 0x80 : 0) | bytes.length]), Buffer.alloc(masked ? 4 : 0), bytes]);
};

const frames: readonly (readonly [name: string, bytes: Buffer])[] = [
  ['ff ff ff', Buffer.from([0xff, 0xff, 0xff])],
  ['a binary frame, then ff ff ff', Buffer.concat([frame(0x82, 'ab'), Buffer.from([0xff, 0xff, 0xff])])],
  ...[3, 4, 5, 6, 7, 0xb, 0xc, 0xd, 0xe, 0xf].map((code) => [`opcode ${code}`, frame(0x80 | code, 'x')] as const),
  ...[0x40, 0x20, 0x10].map((bit) => [`reserved bit ${bit}`, frame(0x81 | bit, 'x')] as const),
  ['a frame without a mask', frame(0x81, 'x', false)],
  ['text that is no UTF-8', frame(0x81, [0xc3, 0x28])],
  ['a continuation of nothing', frame(0x80, 'x')],
  ['a message within a message', Buffer.concat([frame(0x01, 'a'), frame(0x81, 'b')])],
  ['a ping in pieces', frame(0x09, 'x')],
  ['a ping that is too long', Buffer.concat([Buffer.from([0x89, 0xfe, 0, 126, 0, 0, 0, 0]), Buffer.alloc(126)])],
  ['a close of one byte', frame(0x88, [0x03])],
  ...[0, 999, 1004, 1005, 1006, 1015, 2999, 5000].map(
    (code) => [`a close with ${code}`, frame(0x88, [code >> 8, code & 0xff])] as const,
  ),
  ['a close whose reason is no UTF-8', frame(0x88, [0x03, 0xe8, 0xff, 0xff])],
  ['a message that is too long', Buffer.from([0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0])],
  ['half a header', Buffer.from([0x81])],
  ['half a frame', frame(0x81, 'hello').subarray(0, 8)],
];

type Stage = (socket: WebSocket) => void;
const read = (socket: WebSocket) => fromSocket(socket).subscribe({ error: () => undefined });

const stages: Readonly<Record<string, Stage>> = {
  'before anybody subscribes': (socket) => void fromSocket(socket),
  'while it is read': (socket) => void read(socket),
  'after it was unsubscribed from': (socket) => read(socket).unsubscribe(),
  'while it is sent to': (socket) =>
    void new Subject<string>().pipe(toSocket(socket)).subscribe({ error: () => undefined }),
  'after what was sent is complete': (socket) => {
    const texts$ = new Subject<string>();
    texts$.pipe(toSocket(socket)).subscribe({ error: () => undefined });
    texts$.complete();
  },
  'after what was sent has failed': (socket) => {
    const texts$ = new Subject<string>();
    texts$.pipe(toSocket(socket)).subscribe({ error: () => undefined });
    texts$.error(new Error('over'));
  },
  'while it closes': (socket) => {
    read(socket);
    socket.close(1000);
  },
};

describe.each(Object.entries(stages))('%s', (_, stage) => {
  it.each(frames)('%s does not end the process', async (_name, bytes) => {
    const [peer, socket] = await meet();
    stage(socket);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    peer.write(bytes);
    peer.end();
    await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 60))]);
    peer.destroy();
    socket.terminate();
    await closed;
    expect(uncaught).toEqual([]);
  });
});

it('what the peer did not take is counted, whatever code it closes with', async () => {
  for (const code of [1000, 1001, 1011]) {
    const [peer, socket] = await meet();
    peer.pause();
    const texts$ = new Subject<string>();
    const sent: number[] = [];
    const failure = new Promise<Error>((resolve, reject) => {
      texts$.pipe(toSocket(socket, { highWaterMark: 8 << 20, waiting: { capacity: 100, policy: 'error' } })).subscribe({
        next: (text) => sent.push(text.length),
        error: resolve,
        complete: () => reject(new Error('complete')),
      });
    });
    for (let k = 0; k < 30; k += 1) texts$.next('x'.repeat(1 << 20));
    texts$.complete();
    peer.write(frame(0x88, [code >> 8, code & 0xff]));
    await new Promise((resolve) => setTimeout(resolve, 20));
    socket.terminate();
    const { message } = await failure;
    const unsent = Number(/(\d+) texts were not sent/.exec(message)?.[1]);
    // Some are in the network's own buffers; none that waited was sent.
    expect(unsent).toBeGreaterThanOrEqual(30 - sent.length);
    expect(unsent).toBeGreaterThan(10);
    peer.destroy();
  }
});
