import type { Observable } from 'rxjs';
import { checkedOptions } from '../options.js';
import { closedBy } from './closing.js';
import { fromAsync } from './from-async.js';
import { requireCount } from './options.js';
import { expectUtf8 } from './text-encoding.js';
import { wellFormed } from './well-formed.js';

/**
 * Bytes of a file, piece by piece. The buffer is used again for the next piece. When the signal says so, also a named pipe or
 * a terminal that is silent is closed at once.
 */
export async function* readBytes(path: string | URL, size: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  // Asked for here, so that a page in a browser can load everything else.
  const fs = await import('node:fs');
  const { promisify } = await import('node:util');
  const file = await opened(path, signal);
  if (file === undefined) return;
  let reader: AsyncIterable<Uint8Array> | undefined;
  try {
    reader = await silentReader(file, fs.fstatSync(file));
    if (reader === undefined) {
      const buffer = new Uint8Array(size);
      while (!signal.aborted) {
        const { bytesRead } = await promisify(fs.read)(file, buffer, 0, size, null);
        if (bytesRead === 0) return;
        yield buffer.subarray(0, bytesRead);
      }
    }
  } finally {
    if (reader === undefined) await promisify(fs.close)(file);
  }
  // What has a reader is closed by it.
  if (reader === undefined) return;
  for await (const bytes of closedBy(signal, reader)) {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }
}

/**
 * The file's number, `undefined` where nobody waits any more. A named pipe opens when its other end does: that is done here
 * then.
 */
async function opened(path: string | URL, signal: AbortSignal): Promise<number | undefined> {
  const fs = await import('node:fs');
  const { promisify } = await import('node:util');
  const { O_WRONLY, O_NONBLOCK } = fs.constants;
  if (signal.aborted) return undefined;
  const give = () => {
    if (!fs.statSync(path, { throwIfNoEntry: false })?.isFIFO()) return;
    fs.open(path, O_WRONLY | O_NONBLOCK, (error, other) => error ?? fs.close(other));
  };
  signal.addEventListener('abort', give);
  try {
    return await promisify(fs.open)(path, 'r');
  } finally {
    signal.removeEventListener('abort', give);
  }
}

/** A reader of what may be silent for ever: reading it as a file holds a thread, and so the process, until it says something. */
async function silentReader(
  file: number,
  stats: { isFIFO(): boolean; isCharacterDevice(): boolean },
): Promise<AsyncIterable<Uint8Array> | undefined> {
  if (stats.isFIFO()) {
    const { Socket } = await import('node:net');
    return new Socket({ fd: file, readable: true, writable: false });
  }
  if (!stats.isCharacterDevice()) return undefined;
  const { isatty, ReadStream } = await import('node:tty');
  return isatty(file) ? new ReadStream(file) : undefined;
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
 * A pull source: bytes are read when the pipeline has dealt with the last chunk. Unsubscribing closes the file; a silent
 * named pipe too, at once.
 *
 * @throws RangeError where the chunk is not a whole number of bytes of at least 1.
 * @throws Error (as an error notification) naming the file where it cannot be read, or where its byte-order mark is that of
 * UTF-16 or UTF-32.
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
