/** Replacing a file as a whole, so that it is never seen half-written. */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { access, type FileHandle, open, readlink, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { writeInBackground } from './background-writer.js';
import { crc32 } from './crc32.js';
import { removeOrphans, temporaryName } from './orphans.js';

/**
 * Writes the bytes to a new file in the folder of the one that is to be replaced, sees that they have reached the disk, and gives it the
 * name. Where that fails, the old file is as it was, and nothing is left next to it.
 *
 * The pieces are asked for once each has been written, so they may all be in one buffer. Their checksum is computed on the way, so that
 * they are read from memory once; what it decides, `start`, is written over the first bytes.
 */
export async function replaceFile(
  path: string,
  pieces: () => Iterable<Uint8Array>,
  start?: (checksum: number) => Uint8Array,
): Promise<void> {
  const target = await targetOf(path);
  const folder = dirname(target);
  const before = await replaceable(target);
  await removeOrphans(folder);
  const temporary = join(folder, await temporaryName(basename(target), randomUUID()));
  try {
    // Nobody sees in the meantime what the old file's mode hides.
    const file = await open(temporary, 'wx', before ? 0o600 : 0o666);
    try {
      let at = 0;
      let checksum = 0;
      for (const piece of pieces()) {
        checksum = await checkedWrite(file, piece, at, checksum);
        at += piece.length;
      }
      if (start !== undefined) await writeAll(file, start(checksum), 0);
      if (before) await takeOver(file, before);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(folder);
}

const MOST_LINKS = 40;

/** Where a path leads, which need not be there: links are followed to their end. */
async function targetOf(path: string): Promise<string> {
  let target = path;
  for (let links = 0; links <= MOST_LINKS; links += 1) {
    // Through the real folder: a link's `..` is above where it stands, and not above what led there.
    const folder = await realpath(dirname(target));
    target = join(folder, basename(target));
    const next = await readlink(target).catch(() => undefined);
    if (next === undefined) return target;
    target = isAbsolute(next) ? next : `${folder}/${next}`;
  }
  throw new Error(`it leads through more than ${MOST_LINKS} symbolic links; give the path of the file itself.`);
}

interface Kept {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** What the new file takes over from the old one, if there is one; an error where that is not to be replaced. */
async function replaceable(path: string): Promise<Kept | undefined> {
  const there = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (there === undefined) return undefined;
  if (!there.isFile()) throw new Error('it is no regular file; give another path.');
  // Of a folder's entries the folder's mode decides, so that a file's own would never be asked; root may write all.
  const isWritable = (there.mode & 0o222) !== 0 && (await isAllowed(path));
  if (!isWritable) throw new Error('it is read-only; make it writable, or give another path.');
  return there;
}

const isAllowed = (path: string): Promise<boolean> =>
  access(path, constants.W_OK).then(
    () => true,
    () => false,
  );

async function takeOver(file: FileHandle, { mode, uid, gid }: Kept): Promise<void> {
  const own = await file.stat();
  // Only root may give a file away.
  if (own.uid !== uid || own.gid !== gid) await file.chown(uid, gid).catch(() => undefined);
  await file.chmod(mode & 0o7777);
}

/** Bytes whose checksum is computed at once: a fraction of a millisecond. */
const AT_ONCE = 1 << 20;

/** The CRC-32 of what has been written, and all before it. */
async function checkedWrite(file: FileHandle, piece: Uint8Array, at: number, before: number): Promise<number> {
  if (piece.buffer instanceof SharedArrayBuffer) {
    const checksum = await writeInBackground(file.fd, piece, at, before);
    if (checksum !== undefined) return checksum;
  }
  let checksum = before;
  for (let from = 0; from < piece.length; from += AT_ONCE) {
    const part = piece.subarray(from, from + AT_ONCE);
    checksum = crc32(part, checksum);
    await writeAll(file, part, at + from);
  }
  return checksum;
}

async function writeAll(file: FileHandle, piece: Uint8Array, at: number): Promise<void> {
  for (let from = 0; from < piece.length; ) {
    from += (await file.write(piece, from, piece.length - from, at + from)).bytesWritten;
  }
}

/** What systems say that cannot open or sync a folder; there the rename itself has to do. */
const cannotSync = new Set<string | undefined>(['EISDIR', 'EPERM', 'EACCES', 'EINVAL', 'ENOTSUP', 'EBADF']);

/** Makes the new name durable. */
export async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!cannotSync.has((error as NodeJS.ErrnoException).code)) throw error;
  }
}
