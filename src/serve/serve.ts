/** A server of live models: WebSocket, plain HTTP, and routes of the user's own. */
import { createServer, type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { AddressInfo } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { LARGEST_MESSAGE, SUBPROTOCOL } from '../protocol/messages.js';
import { ServeError } from '../protocol/problem.js';
import { access, type Client } from './access.js';
import { exchange, requireMethod } from './exchange.js';
import { serverFigures } from './figures.js';
import type { Unlearnt } from './live.js';
import { looks } from './looks.js';
import { isOpenAI, openAIRoute } from './openai.js';
import { openAIProblem } from './openai-protocol.js';
import { pageRoute } from './page.js';
import { ownRoute } from './routes.js';
import { checkedServe, type ServeOptions } from './serve-options.js';
import { type Service, service } from './service.js';
import { CLOSED, type Session, session } from './session.js';

/** A server that runs. */
export interface Server {
  /** Where it is: `http://127.0.0.1:7070`. */
  readonly url: string;
  readonly port: number;
  readonly service: Service;
  /** How many WebSockets are open. */
  readonly sessions: number;
  /**
   * Takes nothing more, ends what is under way, and closes the models: each finishes its window and is saved.
   *
   * @returns resolves when all is on the disk and every connection is closed, with what each model did not learn any more.
   */
  close(): Promise<Readonly<Record<string, Unlearnt>>>;
}

/** Milliseconds over which the event loop's delay is taken. */
const DELAY_MS = 5000;
const RESOLUTION_MS = 10;
/** After this a connection that was refused is cut. */
const CUT_MS = 500;

/** A peer that is told why it has no connection does not keep one by leaving its own half open. */
function cutSoon(socket: Duplex): void {
  const timer = setTimeout(() => socket.destroy(), CUT_MS);
  socket.once('close', () => clearTimeout(timer));
}

function urlOf({ url = '/' }: IncomingMessage): URL {
  try {
    return new URL(url, 'http://server');
  } catch {
    throw new ServeError('malformed', 'the path is none.');
  }
}

/** Lets a page of another origin ask, with the headers that it wants to, and read the answer. */
function allow(origin: string, { method, headers }: IncomingMessage, response: ServerResponse): void {
  response.setHeader('access-control-allow-origin', origin);
  response.setHeader('access-control-expose-headers', 'retry-after');
  response.setHeader('vary', 'origin');
  if (method !== 'OPTIONS') return;
  // Whoever may ask may do so by any client, each of which has headers of its own.
  for (const [what, usual] of [
    ['headers', 'authorization, content-type'],
    ['method', 'GET, HEAD, POST'],
  ] as const) {
    const wanted = headers[`access-control-request-${what}`];
    response.setHeader(`access-control-allow-${what === 'method' ? 'methods' : what}`, wanted ?? usual);
  }
  response.setHeader('access-control-max-age', '600');
}

/**
 * Serves models that learn while they answer: by WebSocket (docs/protocol.md), and by plain HTTP: `POST /generate`, `/learn`, `/score`, `/tag`,
 * `GET /metrics`, `/livez`, `/readyz`, `/model`.
 *
 * Whatever a client sends, or does not, ends neither the process nor another client's session. Everything that waits does so within a
 * bound. The process's signals are the caller's.
 *
 * @param options the models, who may ask from where, and for how much.
 * @returns resolves when it listens.
 * @throws TypeError (as a rejection) where an option is not known, there is no model, or a host beyond this machine has no tokens.
 * @throws RangeError (as a rejection) where a limit is impossible, or a token too short.
 * @throws Error (as a rejection) where the system does not let it listen there.
 * @example
 * ```ts
 * import { liveLanguageModel, serve } from 'oxbow/serve';
 *
 * const server = await serve({ models: { alice: await liveLanguageModel({ model: { units: 16 } }) }, port: 0 });
 * console.log((await fetch(`${server.url}/readyz`)).status); // 200
 * await server.close();
 * ```
 */
export async function serve(options: ServeOptions): Promise<Server> {
  const { models, host, port, page, routes: theirs, log, limits, ...who } = checkedServe(options);
  const routes = [...(page ? [pageRoute()] : []), ...theirs];
  const guard = access(who);
  const sessions = new Map<Session, Client>();
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  let lateMs = 0;
  let closing: ReturnType<Server['close']> | undefined;

  const own = service({
    models,
    limits,
    process: () => ({ clients: sessions.size, loopDelayMs: lateMs }),
  });
  const seen = looks();
  const figures = serverFigures({ models, clients: () => sessions.size, loopDelayMs: () => lateMs });
  const requireOpen = () => {
    if (closing) throw new ServeError('closing', 'the server is going down; try again later.', { retryAfter: 5 });
  };

  // Those that learn no more still answer, but want somebody to look at them.
  const failed = new Set<string>();
  for (const [name, { ended }] of Object.entries(models)) ended.catch(() => failed.add(name));

  /** Why the server is not all that it should be. */
  function unready(): string | undefined {
    if (closing) return 'the server is going down.';
    if (failed.size === 0) return undefined;
    const names = [...failed].join(', ');
    return `learning has failed: ${names}; start again, which goes on from the last checkpoint.`;
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { origin } = request.headers;
    const url = urlOf(request);
    if (guard.allows(origin)) allow(origin as string, request, response);
    const one = exchange({ request, response, url, service: own, stallMs: limits.stallMs, ask: guard.client });
    if (url.pathname === '/livez') {
      requireMethod(one, 'GET');
      return one.answer(200, { live: true });
    }
    if (url.pathname === '/readyz') {
      requireMethod(one, 'GET');
      const reason = unready();
      return one.answer(reason === undefined ? 200 : 503, { ready: reason === undefined, reason });
    }
    requireOpen();
    if (request.method === 'OPTIONS' && guard.allows(origin)) {
      response.writeHead(204).end();
      return;
    }
    if (url.pathname === '/metrics') {
      requireMethod(one, 'GET');
      one.client();
      const text = await figures.text();
      response.writeHead(200, { 'content-type': figures.type }).end(text);
      return;
    }
    if ((await ownRoute(one)) || (await openAIRoute(one))) return;
    for (const route of routes) if (await route(one)) return;
    throw new ServeError('not-found', `there is nothing at ${url.pathname.slice(0, 200)}.`);
  }

  function problemOf(error: unknown): ServeError {
    if (error instanceof ServeError) return error;
    log(error);
    return new ServeError('failed', 'the server could not do it, by a fault of its own.');
  }

  function headersOf(problem: ServeError): Record<string, string> {
    const { retryAfter, code } = problem;
    return {
      ...(retryAfter !== undefined && { 'retry-after': String(Math.max(1, Math.ceil(retryAfter))) }),
      ...(code === 'unauthorized' && { 'www-authenticate': 'Bearer' }),
      // What is left of a body is not worth reading.
      ...(code === 'too-large' && { connection: 'close' }),
    };
  }

  const http = createServer(
    {
      connectionsCheckingInterval: Math.min(1000, limits.headersMs),
      headersTimeout: limits.headersMs,
      requestTimeout: Math.max(limits.requestMs, limits.headersMs),
      keepAliveTimeout: 5000,
    },
    (request, response) => {
      response.setHeader('x-content-type-options', 'nosniff');
      // Of a peer that has gone.
      request.on('error', () => {});
      response.on('error', () => {});
      answer(request, response).catch((error: unknown) => {
        if (response.destroyed) return;
        const problem = problemOf(error);
        figures.refused(problem.code);
        if (response.headersSent) {
          response.destroy();
          return;
        }
        for (const [name, value] of Object.entries(headersOf(problem))) response.setHeader(name, value);
        const text = JSON.stringify(isOpenAI(request.url ?? '') ? openAIProblem(problem) : problem.toMessage());
        response.writeHead(problem.status, { 'content-type': 'application/json' }).end(text);
      });
    },
  );
  http.maxConnections = 2 * limits.sessions + 64;
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: LARGEST_MESSAGE,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  });

  function admitted(request: IncomingMessage): Client {
    requireOpen();
    const { pathname } = urlOf(request);
    if (pathname !== '/ws') throw new ServeError('not-found', 'WebSockets are at /ws.');
    const client = guard.client(request);
    own.count(client);
    const theirs = Array.from(sessions.values()).filter(({ key }) => key === client.key).length;
    if (sessions.size >= limits.sessions || theirs >= limits.sessionsPerClient) {
      const message = `${sessions.size} sessions are open, ${theirs} of them this client’s; try again later.`;
      throw new ServeError('overloaded', message, { retryAfter: 5 });
    }
    return client;
  }

  http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => {});
    try {
      const client = admitted(request);
      sockets.handleUpgrade(request, socket, head, (webSocket) => {
        const opened = session({
          socket: webSocket,
          client,
          service: own,
          looks: seen,
          limits,
          failed: log,
          refused: ({ code }) => figures.refused(code),
        });
        sessions.set(opened, client);
        webSocket.on('close', () => sessions.delete(opened));
      });
    } catch (error) {
      const problem = problemOf(error);
      figures.refused(problem.code);
      const text = JSON.stringify(problem.toMessage());
      const headers = {
        ...headersOf(problem),
        connection: 'close',
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(text),
      };
      const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
      cutSoon(socket);
      socket.end(`HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n${head.join('')}\r\n${text}`);
    }
  });
  http.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    cutSoon(socket);
    const status = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 }[error.code ?? ''] ?? 400;
    socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
  });

  await new Promise<void>((resolve, reject) => {
    http.once('error', reject);
    http.listen(port, host, resolve);
  });
  http.on('error', log);
  delay.enable();
  const pings = setInterval(() => {
    for (const one of sessions.keys()) one.ping();
  }, limits.pingMs);
  const delays = setInterval(() => {
    lateMs = Math.max(0, delay.percentile(99) / 1e6 - RESOLUTION_MS);
    delay.reset();
  }, DELAY_MS);
  delays.unref();

  async function close(): ReturnType<Server['close']> {
    const stopped = new Promise((resolve) => http.close(resolve));
    clearInterval(pings);
    clearInterval(delays);
    delay.disable();
    for (const one of sessions.keys()) one.close(CLOSED.goingDown, 'the server is going down');
    const entries = Object.entries(models);
    const saved = await Promise.allSettled(entries.map(async ([name, model]) => [name, await model.close()] as const));
    http.closeIdleConnections();
    // Those that still read have had the time that saving took.
    setTimeout(() => http.closeAllConnections(), CUT_MS).unref();
    await stopped;
    return Object.fromEntries(
      saved.map((one) => {
        if (one.status === 'rejected') throw one.reason;
        return one.value;
      }),
    );
  }

  const at = (http.address() as AddressInfo).port;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${at}`,
    port: at,
    service: own,
    get sessions() {
      return sessions.size;
    },
    close() {
      closing ??= close();
      return closing;
    },
  };
}
