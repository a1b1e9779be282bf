import { type MonoTypeOperatorFunction, Observable, tap } from 'rxjs';
import { type BufferOptions, buffer, checkBufferOptions } from './buffer.js';
import { CLOSING, closedNormally, listen, nameOf, OPEN, reasonOf, type SocketLike, showClosing } from './socket.js';

/** A socket that can be sent to. */
export interface SocketSink extends SocketLike {
  /** Bytes handed over that the network has not taken yet. */
  readonly bufferedAmount: number;
  send(text: string): void;
}

export interface ToSocketOptions {
  /** Bytes of `bufferedAmount` above which sending waits until the network has taken some. Default 1 MiB. */
  readonly highWaterMark?: number;
  /** Where texts wait meanwhile. Default `{ capacity: 1024, policy: 'error' }`. */
  readonly waiting?: BufferOptions;
}

/** No WebSocket tells when its buffer has drained, so it is asked. */
const ASK_AGAIN_AFTER_MS = 5;

/**
 * Sends each text as a frame of a WebSocket, and hands it on once it is sent.
 *
 * While the socket connects, or has more than `highWaterMark` bytes to deliver, texts wait in a bounded buffer. The
 * stream completes when its source has and all is sent, or when the peer closes normally with nothing left to send.
 * The socket stays open, since it is the caller's.
 *
 * @throws RangeError, TypeError where the options are impossible.
 * @throws Error (as an error notification) naming the socket where it fails, or closes with texts unsent.
 * @throws RangeError (as an error notification) where the buffer is full and its policy is `error`.
 * @example
 * spoken$.pipe(toSocket(socket, { waiting: { capacity: 256, policy: 'drop-oldest' } })).subscribe();
 */
export function toSocket(
  socket: SocketSink,
  { highWaterMark = 2 ** 20, waiting: options = { capacity: 1024, policy: 'error' } }: ToSocketOptions = {},
): MonoTypeOperatorFunction<string> {
  if (!(highWaterMark >= 0)) {
    throw new RangeError(`toSocket: highWaterMark is a number of bytes, not ${highWaterMark}.`);
  }
  checkBufferOptions('toSocket', options);
  return (source) =>
    new Observable((subscriber) => {
      const fail = (reason: string) => subscriber.error(new Error(`toSocket: ${reason}.`));
      if (socket.readyState >= CLOSING) {
        fail(`${nameOf(socket)} is closed already; send while it is open or connecting`);
        return;
      }
      const waiting = buffer<string>('toSocket', options);
      let timer: ReturnType<typeof setTimeout> | undefined;
      let ended = false;

      function flush(): void {
        clearTimeout(timer);
        while (waiting.depth > 0 && socket.readyState === OPEN && !subscriber.closed) {
          if (socket.bufferedAmount > highWaterMark) {
            timer = setTimeout(flush, ASK_AGAIN_AFTER_MS);
            return;
          }
          const text = waiting.shift() as string;
          try {
            socket.send(text);
          } catch (error) {
            fail(`${nameOf(socket)} did not take a text: ${reasonOf(error)}`);
            return;
          }
          subscriber.next(text);
        }
        if (ended && waiting.depth === 0) subscriber.complete();
      }

      subscriber.add(() => {
        clearTimeout(timer);
        waiting.clear();
      });
      subscriber.add(
        listen(socket, {
          open: flush,
          close(closing) {
            if (waiting.depth === 0 && closedNormally(closing)) subscriber.complete();
            else fail(`${showClosing(socket, closing)}, ${waiting.depth} texts were not sent`);
          },
          error: (event) => fail(`${nameOf(socket)} failed: ${reasonOf(event)}`),
        }),
      );
      // Pushed in a `tap`, where an overflow becomes an error notification.
      subscriber.add(
        source.pipe(tap((text) => waiting.push(text))).subscribe({
          next: flush,
          error: (error) => subscriber.error(error),
          complete: () => {
            ended = true;
            flush();
          },
        }),
      );
    });
}
