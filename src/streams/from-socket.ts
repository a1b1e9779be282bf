import { Observable } from 'rxjs';
import {
  CLOSING,
  closedNormally,
  guard,
  listen,
  reasonOf,
  type SocketLike,
  showClosing,
  socketName,
} from './socket.js';

/**
 * The text frames of a WebSocket as they arrive; a socket of `ws`, or any other.
 *
 * Each frame is handed on at once, so nothing queues here. Where consumers take their time, put
 * `bounded({ capacity, policy: 'block', source: socket })` behind it: a socket of `ws` is then paused while the buffer
 * is full, and its sender waits. Sockets that cannot be paused need another policy.
 *
 * A connection that was closed normally (1000, 1001, 1005) completes the stream. Unsubscribing takes the listeners
 * off; the socket itself stays open, since it is the caller's. Nothing that the peer sends throws, whenever it comes: one
 * listener for errors stays. Handle the stream's own error, though: RxJS throws those that nobody handles.
 *
 * @throws Error (as an error notification) naming the socket where it fails or closes otherwise.
 * @throws TypeError (as an error notification) at a binary frame.
 * @example
 * server.on('connection', (socket) => {
 *   fromSocket(socket)
 *     .pipe(tokens(vocab, { whole: true }), generate(model, { length: 300 }), text(vocab), toSocket(socket))
 *     .subscribe({ error: ({ message }) => socket.close(1011, message.slice(0, 30)) });
 * });
 */
export function fromSocket(socket: SocketLike): Observable<string> {
  guard(socket);
  return new Observable((subscriber) => {
    const fail = (reason: string) => subscriber.error(new Error(`fromSocket: ${reason}.`));
    if (socket.readyState > CLOSING) {
      fail(`${socketName(socket)} is closed already; subscribe while it is open or connecting`);
      return undefined;
    }
    return listen(socket, {
      message({ data }) {
        if (typeof data === 'string') subscriber.next(data);
        else
          subscriber.error(new TypeError(`fromSocket: ${socketName(socket)} sent a binary frame; send text frames.`));
      },
      close(closing) {
        if (closedNormally(closing)) subscriber.complete();
        else fail(showClosing(socket, closing));
      },
      error: (event) => fail(`${socketName(socket)} failed: ${reasonOf(event)}`),
    });
  });
}
