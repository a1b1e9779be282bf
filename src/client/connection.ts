/** A WebSocket that is opened again whenever it ends. */
import { BehaviorSubject, Subject } from 'rxjs';
import { asAnswer } from '../protocol/check.js';
import { SUBPROTOCOL, TOKEN_PREFIX } from '../protocol/messages.js';
import type { ClientMessage, ServerMessage } from '../protocol/types.js';

/** What a client needs of a WebSocket: a browser's, Node's, that of `ws`. */
export interface WebSocketLike {
  readonly readyState: number;
  onopen: unknown;
  onmessage: unknown;
  onerror: unknown;
  onclose: unknown;
  send(text: string): void;
  close(): void;
}

/** What makes one. */
export type WebSocketClass = new (url: string, protocols: string[]) => WebSocketLike;

/** Whether there is a connection. */
export type ConnectionState = 'connecting' | 'open' | 'closed';

/**
 * A request that could not be finished since there was no connection any more.
 *
 * @example
 * ```ts no-run
 * import { ConnectionError, connect } from 'oxbow/client';
 *
 * connect('http://127.0.0.1:7070')
 *   .generate({ prompt: 'The river ' })
 *   .subscribe({ error: (error) => console.log(error instanceof ConnectionError && error.reason) });
 * ```
 */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  /** `cut`: the connection ended meanwhile; `refused`: there was none to be had; `closed`: the client was closed; `protocol`: the answer is none. */
  readonly reason: 'cut' | 'refused' | 'closed' | 'protocol';
  /** With which the WebSocket was closed, where it was. */
  readonly closeCode: number | undefined;

  constructor(reason: ConnectionError['reason'], message: string, closeCode?: number) {
    super(message);
    this.reason = reason;
    this.closeCode = closeCode;
  }
}

export interface ConnectionOptions {
  readonly url: string;
  readonly token: string | undefined;
  readonly webSocket: WebSocketClass | undefined;
  readonly firstMs: number;
  readonly mostMs: number;
  readonly attempts: number;
}

export interface Connection {
  readonly state$: BehaviorSubject<ConnectionState>;
  readonly messages$: Subject<ServerMessage>;
  /** What came and is no message, and its id if it has one. */
  readonly odd$: Subject<{ readonly id: string | undefined; readonly error: Error }>;
  /** Each end of a connection. */
  readonly ends$: Subject<ConnectionError>;
  send(message: ClientMessage): void;
  close(): void;
}

function inBase64url(text: string): string {
  const bytes = String.fromCharCode(...new TextEncoder().encode(text));
  return btoa(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

async function usualWebSocket(): Promise<WebSocketClass> {
  // Node has one of its own from version 22 on.
  const own = (globalThis as { readonly WebSocket?: WebSocketClass }).WebSocket;
  return own ?? ((await import('ws')).WebSocket as unknown as WebSocketClass);
}

export function connection({ url, token, webSocket, firstMs, mostMs, attempts }: ConnectionOptions): Connection {
  const state$ = new BehaviorSubject<ConnectionState>('connecting');
  const messages$ = new Subject<ServerMessage>();
  const odd$ = new Subject<{ readonly id: string | undefined; readonly error: Error }>();
  const ends$ = new Subject<ConnectionError>();
  let socket: WebSocketLike | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;
  let closed = false;

  function heard(data: unknown): void {
    let value: unknown;
    try {
      value = JSON.parse(String(data));
      const message = asAnswer(value);
      if (message.type === 'hello') {
        failures = 0;
        state$.next('open');
      }
      messages$.next(message);
    } catch (error) {
      const id = (value as { id?: unknown } | undefined | null)?.id;
      odd$.next({ id: typeof id === 'string' ? id : undefined, error: error as Error });
    }
  }

  function ended(code: number | undefined): void {
    socket = undefined;
    if (closed) return;
    const wasOpen = state$.value === 'open';
    failures += 1;
    if (failures > attempts) {
      finish(new ConnectionError('refused', `${url}: there is no connection after ${attempts} attempts.`, code));
      return;
    }
    state$.next('connecting');
    if (wasOpen) ends$.next(new ConnectionError('cut', `${url}: the connection was cut (code ${code}).`, code));
    const wait = Math.min(mostMs, firstMs * 2 ** (failures - 1));
    // Those that were cut off together do not come back together.
    timer = setTimeout(open, wait * (0.5 + Math.random() / 2));
  }

  async function open(): Promise<void> {
    const Class = webSocket ?? (await usualWebSocket());
    if (closed) return;
    const protocols = token === undefined ? [SUBPROTOCOL] : [SUBPROTOCOL, TOKEN_PREFIX + inBase64url(token)];
    let over = false;
    const end = (code?: number) => {
      if (!over) ended(code);
      over = true;
    };
    try {
      const made = new Class(url, protocols);
      socket = made;
      made.onmessage = ({ data }: { readonly data: unknown }) => !over && heard(data);
      // Followed by `close`.
      made.onerror = () => {};
      made.onclose = ({ code }: { readonly code?: number }) => end(code);
    } catch {
      end();
    }
  }

  function finish(error: ConnectionError): void {
    if (closed) return;
    closed = true;
    clearTimeout(timer);
    socket?.close();
    state$.next('closed');
    ends$.next(error);
    for (const subject of [state$, messages$, odd$, ends$]) subject.complete();
  }

  void open();
  return {
    state$,
    messages$,
    odd$,
    ends$,
    send: (message) => socket?.send(JSON.stringify(message)),
    close: () => finish(new ConnectionError('closed', `${url}: the client was closed.`)),
  };
}
