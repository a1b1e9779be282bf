import type { Observable } from 'rxjs';
import { host } from '#host';
import { requireCount } from '../checks.js';
import { fileError } from '../errors.js';
import { checkedOptions } from '../options.js';
import { closedBy } from './closing.js';
import { fromAsync } from './from-async.js';
import { expectUtf8 } from './text-encoding.js';
import { wellFormed } from './well-formed.js';

/**
 * Bytes of a file, piece by piece. The buffer is used again for the next piece. When the signal says so, also a named pipe or
 * a terminal that is silent is closed at once.
 */
export async function* readBytes(path: string | URL, size: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const source = await host.openSource(path, signal);
  if (source === undefined) return;
  if (Symbol.asyncIterator in source) {
    for await (const bytes of closedBy(signal, source)) {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    }
    return;
  }
  try {
    const buffer = new Uint8Array(size);
    while (!signal.aborted) {
      const bytesRead = await source.read(buffer);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await source.close();
  }
}

async function* withPath(path: string | URL, bytes: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* bytes;
  } catch (cause) {
    throw fileError('fromFile', 'read', String(path), cause);
  }
}

/**
 * A text file, UTF-8, as a stream of chunks. No character is cut; bytes that are no UTF-8 become U+FFFD, and a
 * byte-order mark at the start is left out.
 *
 * A pull source: bytes are read when the pipeline has dealt with the last chunk. Unsubscribing closes the file; a silent
 * named pipe too, at once.
 *
 * @param path of the file.
 * @param options how many bytes are read at once; default 65,536.
 * @returns its text in chunks; each subscription reads the file anew.
 * @throws TypeError where an option is not known.
 * @throws RangeError where the chunk is not a whole number of bytes of at least 1.
 * @throws OxbowError (as an error notification), a {@link FileError}, where the file cannot be read, or its byte-order mark is
 * that of UTF-16 or UTF-32.
 * @example
 * ```ts no-run
 * fromFile('moby-dick.txt').pipe(tokens(vocab), windows({ length: 64 }))
 * ```
 */
export function fromFile(
  path: string | URL,
  options: { /** Bytes read at once. */ readonly chunk?: number } = {},
): Observable<string> {
  const { chunk = 65536 } = checkedOptions('fromFile', options, { chunk: true });
  requireCount('fromFile', 'chunk', chunk);
  return fromAsync((signal) => withPath(path, expectUtf8(readBytes(path, chunk, signal)))).pipe(wellFormed());
}
