/**
 * Files within a zip file (PKWARE's APPNOTE 6.3: end of central directory, central directory, local headers), as `torch.save` writes
 * them. Nothing is taken on trust: sizes are held against the file before anything is inflated.
 */
import { inflateSync } from 'fflate';
import { host } from '#host';

/** A file within. */
export interface ZipEntry {
  readonly name: string;
  /** Bytes as they are, not as they lie there. */
  readonly size: number;
  /** @throws Error that says what is wrong with it. */
  read(): Uint8Array;
}

const END = 0x06054b50;
const END_64 = 0x06064b50;
const LOCATOR_64 = 0x07064b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;

const END_BYTES = 22;
const LOCATOR_BYTES = 20;
const END_64_BYTES = 56;
const ENTRY_BYTES = 46;
const LOCAL_BYTES = 30;
/** A comment at the end may be so long. */
const MOST_COMMENT = 0xffff;
/** More than any model has; a tensor is a file. */
const MOST_ENTRIES = 100_000;
/** No deflated byte becomes more than 1,032 (zlib's technical details), and a few have no byte of their own. */
const MOST_INFLATION = 1_040;
const WIDE = 0xffff_ffff;

/** Whether bytes begin as a zip file with something in it does. */
export const isZip = (bytes: Uint8Array): boolean =>
  bytes.length >= END_BYTES && viewOf(bytes).getUint32(0, true) === LOCAL;

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** @throws Error that says what is wrong with the file, without a remedy. */
export function filesInZip(bytes: Uint8Array): ReadonlyMap<string, ZipEntry> {
  const view = viewOf(bytes);
  const { at: start, count, length } = directoryOf(view);
  if (count > MOST_ENTRIES) throw new Error(`it has ${count} files within, more than ${MOST_ENTRIES}`);
  const end = start + length;
  const files = new Map<string, ZipEntry>();
  let at = start;
  let stored = 0;
  for (let k = 0; k < count; k += 1) {
    if (at + ENTRY_BYTES > end || view.getUint32(at, true) !== ENTRY) {
      throw new Error(`the directory has no entry ${k + 1} of ${count} at byte ${at}`);
    }
    const flags = view.getUint16(at + 8, true);
    const method = view.getUint16(at + 10, true);
    const crc = view.getUint32(at + 16, true);
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((field) => view.getUint16(at + field, true)) as [
      number,
      number,
      number,
    ];
    const next = at + ENTRY_BYTES + nameLength + extraLength + commentLength;
    if (next > end) throw new Error(`the directory's entry ${k + 1} reaches beyond its end`);
    const name = new TextDecoder().decode(bytes.subarray(at + ENTRY_BYTES, at + ENTRY_BYTES + nameLength));
    const wide = wideFields(view, at + ENTRY_BYTES + nameLength, extraLength);
    const [size, packed, offset] = [24, 20, 42].map((field) => {
      const narrow = view.getUint32(at + field, true);
      return narrow === WIDE ? (wide() ?? narrow) : narrow;
    }) as [number, number, number];
    if (files.has(name)) throw new Error(`it has ${JSON.stringify(name)} twice`);
    stored += packed;
    // Entries that share bytes would be inflated again and again.
    if (stored > bytes.length) throw new Error('its files take more bytes than it has');
    files.set(name, { name, size, read: () => contentOf(bytes, { name, flags, method, crc, size, packed, offset }) });
    at = next;
  }
  return files;
}

/** Numbers of 64 bits in the order in which an entry has them. @throws Error where one is beyond all sizes. */
function wideFields(view: DataView, from: number, length: number): () => number | undefined {
  let at = from;
  const end = from + length;
  let left = 0;
  while (at + 4 <= end) {
    const size = view.getUint16(at + 2, true);
    const isWide = view.getUint16(at, true) === 1;
    at += 4;
    if (isWide) {
      left = Math.min(size, end - at);
      break;
    }
    at += size;
  }
  return () => {
    if (left < 8) return undefined;
    left -= 8;
    at += 8;
    return wideAt(view, at - 8);
  };
}

function wideAt(view: DataView, at: number): number {
  const value = view.getBigUint64(at, true);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new Error(`the size ${value} at byte ${at} is beyond all files`);
  return Number(value);
}

/** Where the directory is. */
function directoryOf(view: DataView): { readonly at: number; readonly count: number; readonly length: number } {
  const last = view.byteLength - END_BYTES;
  for (let at = last; at >= Math.max(0, last - MOST_COMMENT); at -= 1) {
    if (view.getUint32(at, true) !== END || at + END_BYTES + view.getUint16(at + 20, true) > view.byteLength) continue;
    const wide = wideEnd(view, at);
    const found = wide ?? {
      count: view.getUint16(at + 10, true),
      length: view.getUint32(at + 12, true),
      at: view.getUint32(at + 16, true),
    };
    if (found.at + found.length > at) throw new Error('its directory reaches beyond its end');
    return found;
  }
  throw new Error('it has no directory at its end: it was cut');
}

function wideEnd(view: DataView, end: number) {
  const locator = end - LOCATOR_BYTES;
  if (locator < 0 || view.getUint32(locator, true) !== LOCATOR_64) return undefined;
  const at = wideAt(view, locator + 8);
  if (at + END_64_BYTES > locator || view.getUint32(at, true) !== END_64) {
    throw new Error(`it has no directory's end at byte ${at}`);
  }
  return { count: wideAt(view, at + 32), length: wideAt(view, at + 40), at: wideAt(view, at + 48) };
}

interface Place {
  readonly name: string;
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  readonly size: number;
  readonly packed: number;
  readonly offset: number;
}

function contentOf(bytes: Uint8Array, { name, flags, method, crc, size, packed, offset }: Place): Uint8Array {
  const file = JSON.stringify(name);
  const view = viewOf(bytes);
  if ((flags & 1) !== 0) throw new Error(`${file} is encrypted`);
  if (offset + LOCAL_BYTES > bytes.length || view.getUint32(offset, true) !== LOCAL) {
    throw new Error(`${file} does not begin at byte ${offset}`);
  }
  const from = offset + LOCAL_BYTES + view.getUint16(offset + 26, true) + view.getUint16(offset + 28, true);
  if (from + packed > bytes.length) throw new Error(`${file} reaches beyond the end`);
  const data = bytes.subarray(from, from + packed);
  const content = method === 0 ? data : inflated(file, data, method, size);
  if (content.length !== size) throw new Error(`${file} has ${content.length} bytes, and not ${size}`);
  if (host.crc32(content, 0) !== crc) throw new Error(`${file} is damaged: its checksum is another`);
  return content;
}

function inflated(file: string, data: Uint8Array, method: number, size: number): Uint8Array {
  if (method !== 8)
    throw new Error(`${file} is packed by method ${method}, and only 0 (stored) and 8 (deflated) are read`);
  if (size > MOST_INFLATION * (data.length + 1)) {
    throw new Error(`${file} would become ${size} bytes of ${data.length}, more than deflate can do`);
  }
  try {
    return inflateSync(data, { out: new Uint8Array(size) });
  } catch (error) {
    throw new Error(`${file} cannot be inflated: ${(error as Error).message}`);
  }
}
