import { defer, type Observable } from 'rxjs';
import { fromAsync } from './from-async.js';
import { requireCount } from './options.js';
import { expectUtf8 } from './text-encoding.js';
import { wellFormed } from './well-formed.js';

/** Bytes of a file, piece by piece. The buffer is used again for the next piece. */
export async function* readBytes(path: string | URL, size: number): AsyncGenerator<Uint8Array> {
  // Asked for here, so that a page in a browser can load everything else.
  const { open } = await import('node:fs/promises');
  const handle = await open(path, 'r');
  try {
    const buffer = new Uint8Array(size);
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, size, null);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

async function* withPath(path: string | URL, bytes: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* bytes;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`fromFile: cannot read ${path}: ${reason}`, { cause });
  }
}

/**
 * A text file, UTF-8, as a stream of chunks. No character is cut; bytes that are no UTF-8 become U+FFFD, and a
 * byte-order mark at the start is left out.
 *
 * A pull source: bytes are read when the consumer of the last chunk has returned. Unsubscribing closes the file.
 *
 * @throws RangeError where the chunk is not a whole number of bytes of at least 1.
 * @throws Error (as an error notification) naming the file where it cannot be read, or where its byte-order mark is that of
 * UTF-16 or UTF-32.
 * @example
 * fromFile('moby-dick.txt').pipe(tokens(vocab), windows({ length: 64 }))
 */
export function fromFile(
  path: string | URL,
  { chunk = 65536 }: { /** Bytes read at once. */ readonly chunk?: number } = {},
): Observable<string> {
  requireCount('fromFile', 'chunk', chunk);
  return defer(() => fromAsync(withPath(path, expectUtf8(readBytes(path, chunk))))).pipe(wellFormed());
}
