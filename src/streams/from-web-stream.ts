import type { Observable } from 'rxjs';
import { pulledFrom } from './from-async.js';

/**
 * A web stream as a source that is pulled: a chunk is read when the pipeline has dealt with the last one.
 *
 * Unsubscribing cancels the stream at once and gives its lock back. A stream can be read once, so it can be subscribed to
 * once.
 *
 * @param stream not locked, and not read yet.
 * @returns its chunks, as they come.
 * @throws TypeError (as an error notification) where the stream is locked by another reader; the stream's own error.
 * @example
 * ```ts no-run
 * const { body } = await fetch('https://www.gutenberg.org/files/11/11-0.txt');
 * if (body) fromWebStream(body).pipe(tokens(vocab), windows({ length: 32 }));
 * ```
 */
export function fromWebStream<T>(stream: ReadableStream<T>): Observable<T> {
  return pulledFrom('fromWebStream', stream);
}
