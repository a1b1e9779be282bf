import type { Observable } from 'rxjs';
import { pulledFrom } from './from-async.js';

/** What is asked of a Node stream; every `Readable` has it. Said here so that a page needs no types of Node. */
export interface ReadableLike extends AsyncIterable<unknown> {
  destroy(error?: Error): unknown;
}

/**
 * A Node readable as a source that is pulled: while the pipeline works, the stream fills its own bounded buffer and then
 * pauses what is behind it.
 *
 * Its chunks come as they are, strings or bytes; `tokens` takes both. Unsubscribing destroys the readable at once, also while
 * a chunk is waited for, so that a silent stdin does not keep the process.
 *
 * @param readable read by one subscription, which destroys it.
 * @returns its chunks, as they come.
 * @throws the readable's error, as an error notification.
 * @example
 * ```ts no-run
 * fromReadable(process.stdin).pipe(tokens(vocab), windows({ length: 32 }))
 * ```
 */
export function fromReadable<T = string | Uint8Array>(readable: ReadableLike): Observable<T> {
  return pulledFrom('fromReadable', readable as unknown as AsyncIterable<T>);
}
