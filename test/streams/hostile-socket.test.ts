import { type AddressInfo, connect, type Socket } from 'node:net';
import { NEVER, of, type Subscription, take } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { fromSocket } from '../../src/streams/from-socket.js';
import { toSocket } from '../../src/streams/to-socket.js';

const MASK = [1, 2, 3, 4];

/** A masked frame, as clients send them; `length` where it lies about its own. */
function frame(first: number, payload: readonly number[] | Uint8Array, length = payload.length): number[] {
  const masked = [...payload].map((byte, k) => byte ^ (MASK[k % 4] as number));
  const head = length < 126 ? [0x80 | length] : [0x80 | 126, length >> 8, length & 0xff];
  return [first, ...head, ...MASK, ...masked];
}

const TEXT = frame(0x81, [97]);
const BINARY = frame(0x82, [1, 2]);
const closeCode = (code: number) => frame(0x88, [code >> 8, code & 0xff]);

const MALFORMED: Record<string, readonly number[]> = {
  'all ones': [0xff, 0xff, 0xff],
  'a binary frame, then all ones': [...BINARY, 0xff, 0xff, 0xff],
  'a text, then all ones': [...TEXT, 0xff, 0xff, 0xff],
  ...Object.fromEntries(
    [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((code) => [`reserved opcode ${code}`, frame(0x80 | code, [97])]),
  ),
  ...Object.fromEntries([0x40, 0x20, 0x10, 0x70].map((bits) => [`reserved bits ${bits}`, frame(0x81 | bits, [97])])),
  'a compressed frame that was not agreed on': frame(0xc1, [0xff, 0xff]),
  'a frame without a mask': [0x81, 0x01, 97],
  'a control frame without a mask': [0x88, 0x00],
  'a ping of 126 bytes': frame(0x89, new Uint8Array(126)),
  'a close of 126 bytes': frame(0x88, new Uint8Array(126)),
  'a ping in pieces': frame(0x09, [97]),
  'a close in pieces': frame(0x08, [3, 0xe8]),
  'a continuation of nothing': frame(0x80, [97]),
  'a text within a text': [...frame(0x01, [97]), ...TEXT],
  'a text that is no UTF-8': frame(0x81, [0xc3, 0x28]),
  'a text that is half a surrogate pair': frame(0x81, [0xed, 0xa0, 0x80]),
  'pieces that are no UTF-8': [...frame(0x01, [0xc3]), ...frame(0x80, [0x28])],
  'a close of one byte': frame(0x88, [3]),
  'a close whose reason is no UTF-8': frame(0x88, [3, 0xe8, 0xff]),
  ...Object.fromEntries(
    [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535].map((code) => [`a close with ${code}`, closeCode(code)]),
  ),
  'two closes': [...closeCode(1000), ...closeCode(1000)],
  'a close, then all ones': [...closeCode(1000), 0xff, 0xff, 0xff],
  'a length of 2⁶³': [0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, ...MASK],
  'a length of 2³²': [0x82, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, ...MASK],
  'half a head': [0x81],
  'half a length': [0x81, 0xfe, 1],
  'half a mask': [0x81, 0x81, 1, 2],
  'half a payload': frame(0x81, [97], 100),
  'another protocol': [...Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')],
};

/** What the server does with a socket, and whether frames of the peer bring it there; it says when it is there. */
interface Stage {
  readonly sends: readonly number[];
  reach(socket: WebSocket, reached: () => void): void;
}

const heard = { error: () => undefined };

const STAGES: Record<string, Stage> = {
  'before it subscribes': {
    sends: [],
    reach(socket, reached) {
      fromSocket(socket);
      reached();
    },
  },
  'before it subscribes a sink': {
    sends: [],
    reach(socket, reached) {
      of('a').pipe(toSocket(socket));
      reached();
    },
  },
  'while it is subscribed': {
    sends: [],
    reach(socket, reached) {
      fromSocket(socket).subscribe(heard);
      NEVER.pipe(toSocket(socket)).subscribe(heard);
      reached();
    },
  },
  'after it has unsubscribed': {
    sends: [],
    reach(socket, reached) {
      const streams: Subscription[] = [fromSocket(socket), NEVER.pipe(toSocket(socket))].map((each) =>
        each.subscribe(heard),
      );
      for (const stream of streams) stream.unsubscribe();
      reached();
    },
  },
  'after its stream is complete': {
    sends: TEXT,
    reach(socket, reached) {
      fromSocket(socket)
        .pipe(take(1))
        .subscribe({ ...heard, complete: () => setImmediate(reached) });
    },
  },
  'after its stream has failed': {
    sends: BINARY,
    reach(socket, reached) {
      fromSocket(socket).subscribe({ error: () => setImmediate(reached) });
    },
  },
  'after its sink is complete': {
    sends: [],
    reach(socket, reached) {
      of('a')
        .pipe(toSocket(socket))
        .subscribe({ ...heard, complete: () => setImmediate(reached) });
    },
  },
  'while it closes': {
    sends: [],
    reach(socket, reached) {
      fromSocket(socket).subscribe(heard);
      socket.close(1000);
      reached();
    },
  },
  'after it has unsubscribed and closes': {
    sends: [],
    reach(socket, reached) {
      fromSocket(socket).subscribe(heard).unsubscribe();
      socket.close(1000);
      reached();
    },
  },
};

let server: WebSocketServer;
let reaching: Stage;
let reached: Map<string, () => void>;
const uncaught: unknown[] = [];
const remember = (error: unknown) => uncaught.push(error);

beforeAll(async () => {
  server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  server.on('connection', (socket, { url = '' }) => reaching.reach(socket, reached.get(url) as () => void));
  await new Promise((resolve) => server.once('listening', resolve));
  process.on('uncaughtException', remember);
});
afterAll(async () => {
  process.off('uncaughtException', remember);
  for (const socket of server.clients) socket.terminate();
  await new Promise((resolve) => server.close(resolve));
});

/** A client that knows the handshake, and sends whatever it likes. */
async function speaking(path: string): Promise<Socket> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
  );
  await new Promise((resolve) => socket.once('data', resolve));
  return socket;
}

async function attack(path: string, bytes: readonly number[]): Promise<void> {
  const there = new Promise<void>((resolve) => reached.set(path, resolve));
  const socket = await speaking(path);
  socket.write(Uint8Array.from(reaching.sends));
  await there;
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.resume();
  socket.end(Uint8Array.from(bytes));
  await closed;
}

describe.each(Object.entries(STAGES))('no frame ends a server %s', (_, stage) => {
  it('whatever the peer sends', async () => {
    reaching = stage;
    reached = new Map();
    await Promise.all(Object.values(MALFORMED).map((bytes, k) => attack(`/${k}`, bytes)));
    // What is thrown comes in a turn of its own.
    await new Promise((resolve) => setImmediate(resolve));
    expect(uncaught).toEqual([]);
    expect(server.clients.size).toBe(0);
  });
});
