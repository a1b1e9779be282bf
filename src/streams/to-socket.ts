import { type MonoTypeOperatorFunction, Observable, tap } from 'rxjs';
import { checkedOptions, type Names } from '../options.js';
import { type BufferOptions, buffer, bufferNames, checkBufferOptions, WAIT_OR_FAIL } from './buffer.js';
import { CLOSING, closedNormally, guard, listen, OPEN, reasonOf, showClosing, socketName } from './socket.js';
import { type SocketSink, unsent } from './unsent.js';

/** The options of {@link toSocket}. */
export interface ToSocketOptions {
  /** Bytes of `bufferedAmount` above which sending waits until the network has taken some. Default 1 MiB. */
  readonly highWaterMark?: number;
  /** Where texts wait meanwhile. Default `{ capacity: 1024, policy: 'block' }`. */
  readonly waiting?: BufferOptions;
}

/** No WebSocket says when its buffer has drained, so it is asked. */
const ASK_AGAIN_AFTER_MS = 5;

/**
 * Sends each text as a frame of a WebSocket, and hands it on once the network has taken it.
 *
 * While the socket connects, or has more than `highWaterMark` bytes to deliver, a pull source waits; texts of others wait in a
 * bounded buffer. The stream completes when its source has and the network has taken all, or when the peer closes normally
 * with nothing left to send. The socket stays open, since it is the caller's. Nothing that the peer sends throws, whenever it
 * comes: one listener for errors stays. Handle the stream's own error, though: RxJS throws those that nobody handles.
 *
 * Memory: `highWaterMark`, and the texts of one chunk of a pull source or the buffer's capacity.
 *
 * @param socket open or connecting.
 * @param options when to wait, and where texts wait meanwhile.
 * @returns an operator: the texts that the network has taken, in their order.
 * @throws TypeError where an option is not known.
 * @throws RangeError, TypeError where the options are impossible.
 * @throws Error (as an error notification) naming the socket, and how many texts were not sent, where it fails, or closes with
 * texts that the network has not taken, normally or not.
 * @throws RangeError (as an error notification) where the buffer is full and its policy is `error`, or `block` and the source
 * cannot wait.
 * @example
 * ```ts no-run
 * const socket = new WebSocket('ws://localhost:8080');
 * spoken$.pipe(toSocket(socket, { waiting: { capacity: 256, policy: 'drop-oldest' } })).subscribe({ error: console.error });
 * ```
 */
export function toSocket(socket: SocketSink, options: ToSocketOptions = {}): MonoTypeOperatorFunction<string> {
  const names: Names<ToSocketOptions> = { highWaterMark: true, waiting: bufferNames };
  const { highWaterMark = 2 ** 20, waiting: queue = WAIT_OR_FAIL } = checkedOptions('toSocket', options, names);
  if (!(highWaterMark >= 0)) {
    throw new RangeError(`toSocket: highWaterMark is a number of bytes, not ${highWaterMark}.`);
  }
  checkBufferOptions('toSocket', queue);
  guard(socket);
  return (source) =>
    new Observable((subscriber) => {
      const fail = (reason: string) => subscriber.error(new Error(`toSocket: ${reason}.`));
      if (socket.readyState >= CLOSING) {
        fail(`${socketName(socket)} is closed already; send while it is open or connecting`);
        return;
      }
      const waiting = buffer<string>('toSocket', queue);
      const sent = unsent(socket, (text) => {
        subscriber.next(text);
        completeWhenSent();
      });
      let timer: ReturnType<typeof setTimeout> | undefined;
      let ended = false;

      const left = () => waiting.depth + sent.count;

      /** Counts the text that was just refused, too. */
      function failWithTexts(reason: string, refused = 0): void {
        const count = left() + refused;
        fail(`${reason}, ${count} ${count === 1 ? 'text was' : 'texts were'} not sent`);
      }

      function completeWhenSent(): void {
        if (ended && left() === 0) subscriber.complete();
      }

      function flush(): void {
        sent.look();
        while (waiting.depth > 0 && socket.readyState === OPEN && socket.bufferedAmount <= highWaterMark) {
          if (subscriber.closed) return;
          try {
            sent.send(waiting.shift() as string);
          } catch (error) {
            failWithTexts(`${socketName(socket)} did not take a text: ${reasonOf(error)}`, 1);
            return;
          }
        }
        sent.look();
        completeWhenSent();
        clearTimeout(timer);
        if (!subscriber.closed && left() > 0 && socket.readyState === OPEN)
          timer = setTimeout(flush, ASK_AGAIN_AFTER_MS);
      }

      subscriber.add(() => {
        clearTimeout(timer);
        waiting.clear();
      });
      subscriber.add(
        listen(socket, {
          open: flush,
          close(closing) {
            sent.look();
            if (left() === 0 && closedNormally(closing)) subscriber.complete();
            else failWithTexts(showClosing(socket, closing));
          },
          error: (event) => failWithTexts(`${socketName(socket)} failed: ${reasonOf(event)}`),
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
