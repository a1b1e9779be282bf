/** The zip files of Keras: a few files, stored or deflated. Nothing in them is trusted, and nothing of them is written anywhere. */

import { inflateSync, zipSync } from 'fflate';
import { host } from '#host';

import { refused } from '../format.js';

const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
const END = 0x06054b50;
const END_BYTES = 22;
/** A comment of a zip file is no longer. */
const LONGEST_COMMENT = 65_535;
/** Files of an archive: a model's are three, and others of its layers. */
const MOST_FILES = 10_000;
/** What is larger and was packed tighter than weights ever are is a bomb. */
const LARGE = 2 ** 26;
const TIGHTEST = 100;

/** The files of an archive, each unpacked where it is asked for. */
export interface Archive {
  readonly names: readonly string[];
  /** @throws OxbowError, an InterchangeError, where it is not there, or is damaged. */
  file(name: string): Uint8Array;
}

export const isArchive = (bytes: Uint8Array): boolean =>
  bytes.length > END_BYTES && new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true) === LOCAL;

interface Entry {
  readonly method: number;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
  readonly at: number;
}

/** @throws OxbowError, an InterchangeError, where it is no zip file, or one of another kind than Keras writes. */
export function openArchive(title: string, bytes: Uint8Array): Archive {
  const refuse = (place: string, reason: string, cause?: unknown): never => {
    throw refused('importModel', title, place, reason, cause);
  };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = endOf(view) ?? refuse('the archive', 'it has no list of files; it was cut, so copy it anew');
  const count = view.getUint16(end + 10, true);
  if (count > MOST_FILES || count === 0xffff) refuse('the archive', `it has ${count} files, more than any model`);
  const entries = new Map<string, Entry>();
  let at = view.getUint32(end + 16, true);
  for (let k = 0; k < count; k += 1) {
    if (at + 46 > end || view.getUint32(at, true) !== ENTRY) refuse('the archive', `the entry of file ${k} is damaged`);
    const [name, extra, comment] = [28, 30, 32].map((field) => view.getUint16(at + field, true)) as [
      number,
      number,
      number,
    ];
    if (at + 46 + name > end) refuse('the archive', `the entry of file ${k} is cut`);
    const text = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + name));
    if (entries.has(text)) refuse(shown(text), 'it is there twice');
    entries.set(text, {
      method: (view.getUint16(at + 8, true) & 1) === 1 ? -1 : view.getUint16(at + 10, true),
      crc: view.getUint32(at + 16, true),
      packed: view.getUint32(at + 20, true),
      size: view.getUint32(at + 24, true),
      at: view.getUint32(at + 42, true),
    });
    at += 46 + name + extra + comment;
  }

  return {
    names: [...entries.keys()],
    file(name) {
      const {
        method,
        crc,
        packed,
        size,
        at: start,
      } = entries.get(name) ?? refuse(shown(name), 'it is not in the archive');
      if (start + 30 > bytes.length || view.getUint32(start, true) !== LOCAL) refuse(name, 'its start is damaged');
      const from = start + 30 + view.getUint16(start + 26, true) + view.getUint16(start + 28, true);
      if (from + packed > bytes.length) refuse(name, 'it is cut; copy the file anew');
      if (size > LARGE && size > TIGHTEST * packed)
        refuse(name, `${packed} bytes would become ${size}, as no weights do`);
      const given = bytes.subarray(from, from + packed);
      let whole = given;
      if (method === 8) {
        try {
          whole = inflateSync(given, { out: new Uint8Array(Math.min(size, 1032 * packed + 1)) });
        } catch (error) {
          refuse(name, 'its deflated bytes are damaged', error);
        }
      } else if (method !== 0) {
        refuse(name, method < 0 ? 'it is encrypted' : `it is packed by method ${method}, and not stored or deflated`);
      }
      if (whole.length !== size || host.crc32(whole, 0) !== crc)
        refuse(name, 'its checksum does not fit; copy the file anew');
      return whole;
    },
  };
}

const shown = (name: string) => JSON.stringify(name.slice(0, 100));

/** The last record of the file, which says where the list of files is. */
function endOf(view: DataView): number | undefined {
  const last = view.byteLength - END_BYTES;
  for (let at = last; at >= Math.max(0, last - LONGEST_COMMENT); at -= 1) {
    if (view.getUint32(at, true) === END) return at;
  }
  return undefined;
}

/** An archive of stored files; it has the same bytes for the same files, whenever it is made. */
export const packed = (files: Readonly<Record<string, Uint8Array>>): Uint8Array =>
  zipSync(files, { level: 0, mtime: new Date(1980, 0, 1) });
