/**
 * What is asked of a WebSocket, so that those of `ws`, of the browser and of Node itself will do alike.
 */

/** The part of a `CloseEvent` that says how a connection ended. */
export interface SocketClosing {
  readonly code: number;
  readonly reason: string;
}

/** The events of a socket, and what comes with each. */
export interface SocketEvents {
  readonly open: unknown;
  readonly message: { readonly data: unknown };
  readonly close: SocketClosing;
  readonly error: unknown;
}

/** The part of a WebSocket that listens; those of browsers, of Node and of `ws` have it. */
export interface SocketLike {
  readonly readyState: number;
  readonly url?: string;
  addEventListener<K extends keyof SocketEvents>(type: K, listener: (event: SocketEvents[K]) => void): void;
  removeEventListener<K extends keyof SocketEvents>(type: K, listener: (event: SocketEvents[K]) => void): void;
}

/** Values of `readyState`, by the WebSocket standard. */
export const OPEN = 1;
export const CLOSING = 2;

/** How an error message names the socket. A server's sockets have no url. */
export function socketName(socket: SocketLike): string {
  return socket.url ? `the socket ${socket.url}` : 'the socket';
}

/** Whether the peer ended the connection on purpose: done (1000), going away (1001), no code given (1005). */
export function closedNormally({ code }: SocketClosing): boolean {
  return code === 1000 || code === 1001 || code === 1005;
}

/** `the socket ws://… closed with 1011 (out of memory)` */
export function showClosing(socket: SocketLike, { code, reason }: SocketClosing): string {
  return `${socketName(socket)} closed with ${code}${reason && ` (${reason})`}`;
}

/** Listens to events of a socket; the function it gives stops that. */
export function listen(
  socket: SocketLike,
  listeners: { [K in keyof SocketEvents]?: (event: SocketEvents[K]) => void },
) {
  const pairs = Object.entries(listeners) as [keyof SocketEvents, (event: unknown) => void][];
  for (const [type, listener] of pairs) socket.addEventListener(type, listener);
  return () => {
    for (const [type, listener] of pairs) socket.removeEventListener(type, listener);
  };
}

const guarded = new WeakSet<SocketLike>();

/**
 * Makes sure that a socket's errors have a listener for as long as it lives. A socket of `ws` without one throws when its
 * peer breaks the protocol, before the stream is subscribed to or after it has ended too, and that would end the process. It
 * closes itself after an error, so nothing is left to be done.
 */
export function guard(socket: SocketLike): void {
  if (guarded.has(socket)) return;
  guarded.add(socket);
  socket.addEventListener('error', () => undefined);
}

/** The reason in an error event: the browser's has none, that of `ws` has a message. */
export function reasonOf(event: unknown): string {
  return typeof event === 'object' && event !== null && 'message' in event && event.message
    ? String(event.message)
    : 'connection failed';
}
