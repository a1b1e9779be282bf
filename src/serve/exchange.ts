/** One request over HTTP, and its answer. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Observable } from 'rxjs';
import type { Static, TSchema } from 'typebox';
import { checked, parsed } from '../protocol/check.js';
import { LARGEST_MESSAGE } from '../protocol/messages.js';
import { ServeError } from '../protocol/problem.js';
import { holdSource } from '../streams/demand.js';
import type { Client } from './access.js';
import type { Service } from './service.js';

/** What a route gets: a request, and what answers it. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly service: Service;
  /** Who asks. @throws ServeError where they may not, or ask too often. */
  client(): Client;
  /** The body as JSON. @throws ServeError (as a rejection) where it is none, or too large. */
  json(): Promise<unknown>;
  /** Answers by a JSON value. */
  answer(status: number, value: unknown): void;
  /**
   * Answers by server-sent events, one `data:` line a text; the head is sent with the first. The source waits while the client
   * reads slowly, if it can, and is unsubscribed from when the client goes.
   *
   * @returns resolves at the end, or when the client has gone; rejects with an error that comes before the first text.
   */
  events(texts$: Observable<string>): Promise<void>;
}

/** @throws ServeError where a request is of another method than its path takes; HEAD is a GET whose body is not sent. */
export function requireMethod(
  { request, response, url }: Pick<Exchange, 'request' | 'response' | 'url'>,
  method: string,
): void {
  const takes = method === 'GET' ? ['GET', 'HEAD'] : [method];
  if (takes.includes(request.method as string)) return;
  response.setHeader('allow', takes.join(', '));
  throw new ServeError(
    'not-allowed',
    `${url.pathname.slice(0, 200)} takes ${takes.join(' and ')}, not ${request.method}.`,
  );
}

/** Answers a request, or gives false where it is not the route's. What it throws is answered as JSON. */
export type Route = (exchange: Exchange) => boolean | Promise<boolean>;

export interface ExchangeOptions extends Pick<Exchange, 'request' | 'response' | 'url' | 'service'> {
  readonly stallMs: number;
  ask(request: IncomingMessage): Client;
}

/**
 * The body of a request, held against a schema of `typebox`.
 *
 * @param exchange the request.
 * @param schema what the body is to be.
 * @returns resolves with the body.
 * @throws ServeError (as a rejection) where it is not that, with the field that is wrong; or is too large.
 * @example
 * ```ts no-run
 * import { bodyOf, type Route } from 'oxbow/serve';
 * import * as Type from 'typebox';
 *
 * export const echo: Route = async (exchange) => {
 *   if (exchange.url.pathname !== '/echo') return false;
 *   exchange.client();
 *   exchange.answer(200, await bodyOf(exchange, Type.Object({ text: Type.String() })));
 *   return true;
 * };
 * ```
 */
export async function bodyOf<T extends TSchema>(exchange: Exchange, schema: T): Promise<Static<T>> {
  return checked(schema, await exchange.json(), exchange.url.pathname);
}

export function exchange({ request, response, url, service, stallMs, ask }: ExchangeOptions): Exchange {
  return {
    request,
    response,
    url,
    service,
    client() {
      const client = ask(request);
      service.count(client);
      return client;
    },
    async json() {
      return parsed(await textOf(request), url.pathname);
    },
    answer(status, value) {
      const text = JSON.stringify(value);
      response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
      response.setTimeout(stallMs);
      response.end(text);
    },
    events: (texts$) =>
      new Promise((resolve, reject) => {
        const waiting: (() => void)[] = [];
        response.on('drain', () => {
          response.setTimeout(0);
          for (const release of waiting.splice(0)) release();
        });
        /** What is left is sent, as long as it is read. */
        const end = () => {
          response.setTimeout(stallMs);
          response.end();
        };
        const subscription = texts$.subscribe({
          next(text) {
            if (!response.headersSent) {
              response.writeHead(200, {
                'content-type': 'text/event-stream',
                'cache-control': 'no-store',
                'x-accel-buffering': 'no',
              });
            }
            if (response.write(`data: ${text}\n\n`)) return;
            // Ends a connection on which nothing moves.
            response.setTimeout(stallMs);
            const release = holdSource();
            if (release !== undefined) waiting.push(release);
          },
          error(error) {
            if (response.headersSent) end();
            reject(error);
          },
          complete() {
            end();
            resolve();
          },
        });
        response.once('close', () => {
          subscription.unsubscribe();
          resolve();
        });
      }),
  };
}

/** A body as text. What is left of one that is too large is not read, and its connection ends with the answer. */
function textOf(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    function take(chunk: Buffer): void {
      length += chunk.length;
      chunks.push(chunk);
      if (length > LARGEST_MESSAGE) refuse();
    }
    function refuse(): void {
      request.off('data', take);
      request.pause();
      reject(new ServeError('too-large', `a body is of ${LARGEST_MESSAGE} bytes at most; send less at a time.`));
    }
    if (Number(request.headers['content-length'] ?? 0) > LARGEST_MESSAGE) {
      refuse();
      return;
    }
    request.on('data', take);
    request.on('end', () => resolve(Buffer.concat(chunks).toString()));
    request.on('close', () => reject(new ServeError('malformed', 'the body ended early.')));
  });
}
