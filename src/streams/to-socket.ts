import { type MonoTypeOperatorFunction, Observable, tap } from 'rxjs';
import { type BufferOptions, buffer, checkBufferOptions } from './buffer.js';
import {
  CLOSING,
  closedNormally,
  guard,
  listen,
  nameOf,
  OPEN,
  reasonOf,
  type SocketLike,
  showClosing,
} from './socket.js';

/** A socket that can be sent to. */
export interface SocketSink extends SocketLike {
  /** Bytes handed over that the network has not taken yet. */
  readonly bufferedAmount: number;
  /** Sends a text. Sockets of `ws` call back once the network has taken it; others take no notice of `taken`. */
  send(text: string, taken?: (error?: Error | null) => void): void;
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
 * stream completes when its source has and the network has taken all texts, or when the peer closes normally with nothing
 * left to send. The socket stays open, since it is the caller's. One error listener stays with it, so that what the peer
 * sends later does not end the process.
 *
 * @throws RangeError, TypeError where the options are impossible.
 * @throws Error (as an error notification) naming the socket where it fails, or closes with texts unsent, and how many: those that wait, and
 * those that it took but did not deliver.
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
  guard(socket);
  return (source) =>
    new Observable((subscriber) => {
      const fail = (reason: string) => subscriber.error(new Error(`toSocket: ${reason}.`));
      if (socket.readyState >= CLOSING) {
        fail(`${nameOf(socket)} is closed already; send while it is open or connecting`);
        return;
      }
      const waiting = buffer<string>('toSocket', options);
      const delivery = deliveryOf(socket);
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
            delivery.send(text);
          } catch (error) {
            fail(`${nameOf(socket)} did not take a text: ${reasonOf(error)}`);
            return;
          }
          subscriber.next(text);
        }
        if (!ended || waiting.depth > 0 || subscriber.closed) return;
        if (delivery.outstanding() === 0) subscriber.complete();
        else if (socket.readyState === OPEN) timer = setTimeout(flush, ASK_AGAIN_AFTER_MS);
      }

      subscriber.add(() => {
        clearTimeout(timer);
        waiting.clear();
      });
      subscriber.add(
        listen(socket, {
          open: flush,
          close(closing) {
            const unsent = waiting.depth + delivery.outstanding();
            if (unsent === 0 && closedNormally(closing)) subscriber.complete();
            else fail(`${showClosing(socket, closing)}, ${unsent} texts were not sent`);
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

/**
 * What a socket has been given and the network has not taken. A socket of `ws` says so of each text; of another,
 * `bufferedAmount` says how many bytes there are, and the latest texts are those.
 */
function deliveryOf(socket: SocketSink) {
  const encoder = new TextEncoder();
  let [given, taken] = [0, 0];
  let tells = false;
  /** Bytes of the latest texts, as far as they may be unsent. */
  let sizes: number[] = [];

  function outstanding(): number {
    if (tells) return given - taken;
    let left = socket.bufferedAmount;
    let count = 0;
    for (let k = sizes.length - 1; k >= 0 && left > 0; k -= 1) {
      left -= sizes[k] as number;
      count += 1;
    }
    sizes = sizes.slice(sizes.length - count);
    return count;
  }

  return {
    outstanding,
    send(text: string): void {
      socket.send(text, (error) => {
        tells = true;
        if (!error) taken += 1;
      });
      given += 1;
      if (tells) return;
      sizes.push(encoder.encode(text).length);
      if (sizes.length > 1024) outstanding();
    },
  };
}
