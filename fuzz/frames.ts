/** Hostile peers of a WebSocket, over a stream in memory for the most part and over real sockets for some. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { Duplex } from 'node:stream';
import fc from 'fast-check';
import { type WebSocket, WebSocketServer } from 'ws';
import { fromSocket, toSocket } from '../src/index.js';
import { holds, refusal, same } from './judging.js';
import { type ByteMutation, byteMutation, cuts, cutUp, mutatedBytes, upTo } from './mutations.js';
import type { Target } from './run.js';

interface Frame {
  /** Final, reserved bits and opcode. */
  readonly first: number;
  readonly payload: Uint8Array;
  readonly masked: boolean;
  /** What it says of its length; the truth by default. */
  readonly length?: bigint | undefined;
}

interface Case {
  readonly frames: readonly Frame[];
  readonly bytes: readonly ByteMutation[];
  readonly cuts: readonly number[];
  readonly echo: boolean;
  readonly real: boolean;
}

const MASK = [0x12, 0, 0xff, 0x80] as const;
const encoder = new TextEncoder();

const text = fc
  .oneof(
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.constantFrom('', 'a', 'é🐂', '\u0000', 'x'.repeat(126), 'y'.repeat(70_000)),
  )
  .map((said) => encoder.encode(said));
const closing = fc
  .tuple(
    fc.constantFrom(0, 999, 1000, 1001, 1003, 1004, 1005, 1006, 1011, 1015, 2999, 3000, 4999, 5000, 65_535),
    fc.uint8Array({ maxLength: 4 }),
  )
  .map(([code, reason]) => Uint8Array.of(code >> 8, code & 0xff, ...reason));
const hostile = fc.uint8Array({ maxLength: 130 });

const frame = (first: fc.Arbitrary<number>, payload: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Frame> =>
  fc.record({
    first,
    payload,
    masked: fc.nat({ max: 60 }).map((number) => number !== 17),
    length: fc.oneof(
      { weight: 40, arbitrary: fc.constant(undefined) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(0n, 125n, 126n, 65_536n, 2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n),
      },
    ),
  });

const cases: fc.Arbitrary<Case> = fc.record({
  frames: fc.array(
    fc.oneof(
      { weight: 6, arbitrary: frame(fc.constant(0x81), text) },
      { weight: 2, arbitrary: frame(fc.constantFrom(0x01, 0x00, 0x80), text) },
      { weight: 1, arbitrary: frame(fc.constantFrom(0x89, 0x8a), text) },
      { weight: 1, arbitrary: frame(fc.constant(0x88), fc.oneof(closing, fc.constant(new Uint8Array()))) },
      { weight: 1, arbitrary: frame(fc.nat({ max: 255 }), hostile) },
    ),
    { maxLength: 6 },
  ),
  bytes: upTo(2, byteMutation),
  cuts,
  echo: fc.boolean(),
  real: fc.nat({ max: 199 }).map((number) => number === 77),
});

function lengthOf({ payload, length = BigInt(payload.length), masked }: Frame): readonly number[] {
  const bit = masked ? 0x80 : 0;
  if (length < 126n) return [bit | Number(length)];
  const wide = length > 65_535n;
  const bytes = Array.from({ length: wide ? 8 : 2 }, (_, k) =>
    Number((length >> BigInt(8 * ((wide ? 7 : 1) - k))) & 255n),
  );
  return [bit | (wide ? 127 : 126), ...bytes];
}

const bytesOf = (each: Frame): Uint8Array => {
  const { first, payload, masked } = each;
  const head = [first, ...lengthOf(each), ...(masked ? MASK : [])];
  const bytes = new Uint8Array(head.length + payload.length);
  bytes.set(head);
  bytes.set(masked ? payload.map((byte, k) => byte ^ (MASK[k % 4] as number)) : payload, head.length);
  return bytes;
};

/** What is said in bytes that clients send, or servers (RFC 6455, 5.2), and how it ends. */
interface Heard {
  readonly texts: readonly string[];
  /** `lost`: without a word. */
  readonly end: 'closed' | 'wrong' | 'binary' | 'lost';
}

const utf8 = (bytes: Uint8Array): string => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
/** Of a message, by default of `ws`. */
const LONGEST = 100 * 2 ** 20;

function heard(bytes: Uint8Array, isMasked: boolean): Heard {
  const texts: string[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let pieces: number[] | undefined;
  let kind = 0;
  const ends = (end: Heard['end']): Heard => ({ texts, end });
  try {
    for (let at = 0; at + 2 <= bytes.length; ) {
      const [first, second] = [bytes[at] as number, bytes[at + 1] as number];
      const [opcode, isFinal] = [first & 15, first >= 128];
      const isControl = opcode >= 8;
      const short = second & 127;
      if ((first & 0x70) !== 0 || second >= 128 !== isMasked) return ends('wrong');
      if (![0, 1, 2, 8, 9, 10].includes(opcode)) return ends('wrong');
      if (isControl ? !isFinal || short > 125 : (opcode === 0) !== (pieces !== undefined)) return ends('wrong');
      const wide = short === 127 ? 8 : short === 126 ? 2 : 0;
      if (at + 2 + wide > bytes.length) return ends('lost');
      const length = wide === 8 ? Number(view.getBigUint64(at + 2)) : wide === 2 ? view.getUint16(at + 2) : short;
      if (!isControl && (pieces?.length ?? 0) + length > LONGEST) return ends('wrong');
      const start = at + 2 + wide + (isMasked ? 4 : 0);
      if (start + length > bytes.length) return ends('lost');
      const payload = bytes
        .slice(start, start + length)
        .map((byte, k) => byte ^ (isMasked ? (bytes[start - 4 + (k % 4)] as number) : 0));
      at = start + length;
      if (opcode === 8) {
        if (length === 0) return ends('closed');
        if (length === 1) return ends('wrong');
        utf8(payload.subarray(2));
        const code = 256 * (payload[0] as number) + (payload[1] as number);
        return ends(code === 1000 || code === 1001 ? 'closed' : 'wrong');
      }
      if (isControl) continue;
      if (opcode !== 0) kind = opcode;
      const message: number[] = pieces ?? [];
      for (const byte of payload) message.push(byte);
      pieces = isFinal ? undefined : message;
      if (!isFinal) continue;
      if (kind === 2) return ends('binary');
      texts.push(utf8(Uint8Array.from(message)));
    }
  } catch {
    return ends('wrong');
  }
  return ends('lost');
}

/** The two ends of a connection in memory: what is written to it is kept. */
class Wire extends Duplex {
  readonly written: Uint8Array[] = [];

  override _read(): void {}
  override _write(chunk: Uint8Array, _: unknown, done: () => void): void {
    this.written.push(chunk);
    done();
  }
}

const request = {
  method: 'GET',
  url: '/',
  headers: {
    upgrade: 'websocket',
    connection: 'Upgrade',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'sec-websocket-version': '13',
  },
} as unknown as IncomingMessage;

/** What a stream of texts gives, and how it ends. */
interface Ended {
  readonly texts: readonly string[];
  readonly refused: Error | undefined;
}

/** Listens to a socket until its stream has ended and it is closed; with `echo` it says what it hears. */
function attended(socket: WebSocket, echo: boolean): Promise<Ended> {
  const texts: string[] = [];
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const ended = new Promise<Error | undefined>((resolve, reject) => {
    const source = fromSocket(socket as never);
    (echo ? source.pipe(toSocket(socket as never)) : source).subscribe({
      next: (said) => void texts.push(said),
      complete: () => resolve(undefined),
      error: (error: unknown) => {
        // As a server does with a peer that it does not understand.
        socket.terminate();
        try {
          resolve(refusal(['fromSocket', 'toSocket'], error));
        } catch (fault) {
          reject(fault as Error);
        }
      },
    });
  });
  return Promise.all([ended, closed]).then(([refused]) => ({ texts, refused }));
}

function judgeEnd({ texts, refused }: Ended, wanted: Heard, echo: boolean): void {
  // A peer that is gone does not take what it said itself.
  same('what was heard', texts, echo ? wanted.texts.slice(0, texts.length) : wanted.texts);
  if (echo && wanted.end === 'closed') return;
  same(
    'how it ended',
    refused === undefined ? 'complete' : 'refused',
    wanted.end === 'closed' ? 'complete' : 'refused',
  );
  if (!echo && wanted.end === 'binary')
    holds(`it is said what is wrong: ${refused?.message}`, refused instanceof TypeError);
}

/** What a server wrote after its handshake. */
function answersOf(written: readonly Uint8Array[]): Uint8Array {
  const all = Buffer.concat(written);
  return all.subarray(all.indexOf('\r\n\r\n') + 4);
}

export async function frames(): Promise<Target<Case>> {
  const upgrading = new WebSocketServer({ noServer: true, clientTracking: false });
  const server: Server = createServer();
  let next: (socket: WebSocket) => void = () => undefined;
  server.on('upgrade', (asked, wire, head) => upgrading.handleUpgrade(asked, wire, head, (socket) => next(socket)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  async function inMemory(chunks: readonly Uint8Array[], echo: boolean, wanted: Heard): Promise<void> {
    const wire = new Wire();
    const ended = new Promise<Ended>((resolve, reject) => {
      upgrading.handleUpgrade(request, wire, Buffer.alloc(0), (socket) => attended(socket, echo).then(resolve, reject));
    });
    for (const chunk of chunks) wire.push(chunk);
    wire.push(null);
    const outcome = await ended;
    judgeEnd(outcome, wanted, echo);
    if (!echo) return;
    const answers = heard(answersOf(wire.written), false).texts;
    same('what was sent', answers, wanted.texts.slice(0, answers.length));
    holds('what is said to be sent is sent', answers.length >= outcome.texts.length);
  }

  async function overSockets(chunks: readonly Uint8Array[], echo: boolean, wanted: Heard): Promise<void> {
    const ended = new Promise<Ended>((resolve, reject) => {
      next = (socket) => attended(socket, echo).then(resolve, reject);
    });
    const peer = connect((server.address() as AddressInfo).port, '127.0.0.1');
    // A server that has understood enough closes while more is said.
    peer.on('error', () => undefined);
    peer.write(
      `GET / HTTP/1.1\r\nHost: localhost\r\n${Object.entries(request.headers)
        .map(([name, value]) => `${name}: ${value}`)
        .join('\r\n')}\r\n\r\n`,
    );
    await new Promise((resolve) => peer.once('data', resolve));
    peer.resume();
    for (const chunk of chunks) peer.write(chunk);
    peer.end();
    judgeEnd(await ended, wanted, echo);
    peer.destroy();
  }

  return {
    name: 'frames',
    cases,
    async judge(each) {
      const bytes = mutatedBytes(Buffer.concat(each.frames.map(bytesOf)), each.bytes);
      const chunks = cutUp(bytes, each.cuts).filter((chunk) => chunk.length > 0);
      const wanted = heard(bytes, true);
      await (each.real ? overSockets : inMemory)(chunks, each.echo, wanted);
      return bytes.length;
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
