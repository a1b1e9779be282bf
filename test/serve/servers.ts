/** Servers and clients of tests: real sockets, small models. */
import { WebSocket } from 'ws';
import type { ServerMessage } from '../../src/protocol/types.js';
import { type LiveLanguageModelOptions, liveLanguageModel } from '../../src/serve/live-language-model.js';
import { liveTagger } from '../../src/serve/live-tagger.js';
import { type Server, serve } from '../../src/serve/serve.js';
import type { ServeOptions } from '../../src/serve/serve-options.js';

/** A small language model. */
export const language = (options: LiveLanguageModelOptions = {}) =>
  liveLanguageModel({ model: { units: 8, embed: 4 }, batch: 2, length: 8, maxDelayMs: 1, ...options });

/** A small tagger. */
export const reader = () =>
  liveTagger({
    model: { words: ['to', 'taipei'], tags: ['O', 'B-toloc'], units: 8, features: 4, bidirectional: false, seed: 1 },
  });

const servers: Server[] = [];
const peers: Peer[] = [];

/** Servers that `endAll` closes; what they say of faults of their own fails the test. */
export const faults: unknown[] = [];

export async function served(options: Partial<ServeOptions> = {}): Promise<Server> {
  const server = await serve({
    models: options.models ?? { alice: await language() },
    port: 0,
    log: (error) => faults.push(error),
    ...options,
  });
  servers.push(server);
  return server;
}

/** A WebSocket, and what it has heard. */
export interface Peer {
  readonly socket: WebSocket;
  readonly heard: ServerMessage[];
  say(message: object | string | Buffer): void;
  /** The next message that is like this, from those that have not been taken. */
  next(like?: Partial<Record<string, unknown>>): Promise<ServerMessage & Record<string, never>>;
  readonly closed: Promise<number>;
}

export async function peer(server: Server, options: { headers?: Record<string, string>; protocols?: string[] } = {}) {
  const { protocols = ['oxbow.1'], headers } = options;
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/ws`, protocols, { headers });
  const heard: ServerMessage[] = [];
  const taken = new Set<ServerMessage>();
  const waiting = new Set<() => void>();
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  socket.on('message', (data) => {
    heard.push(JSON.parse(String(data)));
    for (const look of [...waiting]) look();
  });
  const made: Peer = {
    socket,
    heard,
    closed,
    say: (message) =>
      socket.send(typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message)),
    next: (like = {}) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = heard.find(
            (one) => !taken.has(one) && Object.entries(like).every(([key, value]) => (one as never)[key] === value),
          );
          if (found === undefined) return;
          taken.add(found);
          waiting.delete(look);
          resolve(found as never);
        };
        waiting.add(look);
        closed.then(() => reject(new Error(`closed; heard ${JSON.stringify(heard)}`)));
        look();
      }),
  };
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.on('error', reject);
    socket.once('unexpected-response', (_, response) => reject(Object.assign(new Error('refused'), { response })));
  });
  peers.push(made);
  return made;
}

export async function endAll(): Promise<unknown[]> {
  for (const { socket } of peers.splice(0)) socket.terminate();
  await Promise.all(servers.splice(0).map((server) => server.close().catch(() => undefined)));
  return faults.splice(0);
}

/** Waits until something is so. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}

/** How no live model can learn: the option, what it is given, and what the error says. */
export const learningRefused: readonly (readonly [string, unknown, RegExp])[] = [
  ['learningRate', 'x', /learningRate is a number from 0 up, not "x"/],
  ['learningRate', Number.NaN, /learningRate is a number/],
  ['learningRate', -1, /learningRate is a number/],
  ['learningRate', Number.POSITIVE_INFINITY, /learningRate is a number/],
  ['learningRate', null, /learningRate is a number/],
  ['clipNorm', -1, /clipNorm is a number above 0, not -1/],
  ['clipNorm', 'x', /clipNorm is a number above 0/],
  ['thread', 'x', /thread is 'learner' or 'caller', not "x"/],
];
