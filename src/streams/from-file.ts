import type { Observable } from 'rxjs';
import { host } from '#host';
import { requireCount } from '../checks.js';
import { fileError } from '../errors.js';
import { checkedOptions } from '../options.js';
import { closedBy } from './closing.js';
import { fromAsync } from './from-async.js';
import { withPositions } from './positioned.js';
import { expectUtf8, LONGEST_BEGINNING, unfinished } from './text-encoding.js';
import { assembled } from './well-formed.js';

/**
 * Bytes of a file, piece by piece. The buffer is used again for the next piece. When the signal says so, also a named pipe or
 * a terminal that is silent is closed at once.
 */
export async function* readBytes(
  path: string | URL,
  size: number,
  signal: AbortSignal,
  start = 0,
): AsyncGenerator<Uint8Array> {
  const source = await host.openSource(path, signal, start);
  if (source === undefined) return;
  if (Symbol.asyncIterator in source) {
    let skipped = 0;
    for await (const bytes of closedBy(signal, source)) {
      const first = Math.min(bytes.length, start - skipped);
      skipped += first;
      for (let at = first; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
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

/** Bytes of a text with the place after each piece, up to its last whole character. */
async function* withPlaces(
  bytes: AsyncGenerator<Uint8Array>,
  start: number,
): AsyncGenerator<readonly [Uint8Array, FilePosition]> {
  let read = start;
  let last = new Uint8Array();
  for await (const piece of bytes) {
    read += piece.length;
    last = Uint8Array.from([...last, ...piece.subarray(-LONGEST_BEGINNING)]).slice(-LONGEST_BEGINNING);
    yield [piece, { bytes: read - unfinished(last) }];
  }
}

/** A place in a file. */
export interface FilePosition {
  /** Of the first character's first byte, from 0. */
  readonly bytes: number;
}

/** The options of {@link fromFile}. */
export interface FromFileOptions {
  /** Bytes read at once. Default 65,536. */
  readonly chunk?: number | undefined;
  /** Where to begin; of a pipe as much is skipped. Default the start. */
  readonly from?: FilePosition | undefined;
}

/**
 * A text file, UTF-8, as a stream of chunks. No character is cut; bytes that are no UTF-8 become U+FFFD, and a
 * byte-order mark at the start is left out.
 *
 * A pull source: bytes are read when the pipeline has dealt with the last chunk. Unsubscribing closes the file; a silent
 * named pipe too, at once.
 *
 * @param path of the file.
 * @param options how many bytes are read at once, and the position to begin at, as `positionNow` and `resume` give it.
 * @returns its text in chunks; each subscription reads the file anew.
 * @throws TypeError where an option is not known.
 * @throws RangeError where the chunk is not a whole number of bytes of at least 1, or the position none from 0 up.
 * @throws OxbowError (as an error notification), a {@link FileError}, where the file cannot be read, or its byte-order mark is
 * that of UTF-16 or UTF-32.
 * @example
 * ```ts no-run
 * fromFile('moby-dick.txt').pipe(tokens(vocab), windows({ length: 64 }))
 * ```
 */
export function fromFile(path: string | URL, options: FromFileOptions = {}): Observable<string> {
  const { chunk = 65536, from } = checkedOptions('fromFile', options, { chunk: true, from: true });
  requireCount('fromFile', 'chunk', chunk);
  const start = from?.bytes ?? 0;
  requireCount('fromFile', 'from.bytes', start, 0, Number.MAX_SAFE_INTEGER);
  // Only the start has a mark.
  const whole = (bytes: AsyncGenerator<Uint8Array>) => (start === 0 ? expectUtf8(bytes) : bytes);
  return fromAsync((signal) => withPlaces(withPath(path, whole(readBytes(path, chunk, signal, start))), start)).pipe(
    withPositions(),
    assembled('fromFile', start > 0),
  );
}
