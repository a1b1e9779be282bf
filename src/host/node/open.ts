/** Files that are opened to be read. */
import { access, constants, close as fsClose, open as fsOpen, read as fsRead, fstatSync, statSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { ByteSource, OpenFile } from '../host.js';

const [readInto, closeFile] = [promisify(fsRead), promisify(fsClose)];

export const exists = (path: string): Promise<boolean> =>
  new Promise((resolve) => access(path, (error) => resolve(error === null)));

export async function openFile(path: string): Promise<OpenFile> {
  // Before it is opened: that of a pipe would wait for somebody who writes to it.
  if (!(await stat(path)).isFile()) throw new Error('it is no regular file; give the path of one.');
  return open(path, 'r');
}

export async function openSource(
  path: string | URL,
  signal: AbortSignal,
  start: number,
): Promise<ByteSource | undefined> {
  const file = await opened(path, signal);
  if (file === undefined) return undefined;
  const close = () => closeFile(file);
  try {
    // What has a reader is closed by it.
    const silent = await silentReader(file);
    if (silent !== undefined) return silent;
    let at = start;
    return {
      async read(target) {
        // A device has no places: nothing is skipped there.
        const { bytesRead } = await readInto(file, target, 0, target.length, start === 0 ? null : at);
        at += bytesRead;
        return bytesRead;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * The file's number, `undefined` where nobody waits any more. A named pipe opens when its other end does: that is done here
 * then.
 */
async function opened(path: string | URL, signal: AbortSignal): Promise<number | undefined> {
  const { O_WRONLY, O_NONBLOCK } = constants;
  if (signal.aborted) return undefined;
  const give = () => {
    if (!statSync(path, { throwIfNoEntry: false })?.isFIFO()) return;
    fsOpen(path, O_WRONLY | O_NONBLOCK, (error, other) => error ?? fsClose(other));
  };
  signal.addEventListener('abort', give);
  try {
    return await promisify(fsOpen)(path, 'r');
  } finally {
    signal.removeEventListener('abort', give);
  }
}

/** A reader of what may be silent for ever: reading it as a file holds a thread, and so the process, until it says something. */
async function silentReader(file: number): Promise<AsyncIterable<Uint8Array> | undefined> {
  const stats = fstatSync(file);
  if (stats.isFIFO()) {
    const { Socket } = await import('node:net');
    return new Socket({ fd: file, readable: true, writable: false });
  }
  if (!stats.isCharacterDevice()) return undefined;
  const { isatty, ReadStream } = await import('node:tty');
  return isatty(file) ? new ReadStream(file) : undefined;
}
