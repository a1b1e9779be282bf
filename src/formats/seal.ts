/**
 * What the package itself says in a file, in metadata that begin with `oxbow.`: the format's version, and a checksum of the whole file.
 * To others it is a safetensors file like any other.
 *
 * The checksum is the CRC-32 (ISO 3309, zlib's) of all bytes, in eight hexadecimal digits, which count as zeros themselves. It is the
 * first of the metadata, so that it is found without parsing, and bytes are read once. Where the package says anything, it says that:
 * a file without it has none, and one that has the rest alone is damaged.
 */
import * as E from 'fp-ts/lib/Either.js';
import { host } from '#host';
import type { FormatError } from '../errors.js';
import { formatError, LENGTH_BYTES } from './header.js';

/** Names of metadata that are the package's own. */
export const OWN = 'oxbow.';

export type Metadata = Readonly<Record<string, string>>;

const VERSION = '1';
const CHECKSUM = `${OWN}crc32`;
const FORMAT = `${OWN}format`;
const NONE = '00000000';

/** The metadata that every file begins with; its checksum is to be put in. */
export const sealing: readonly (readonly [name: string, value: string])[] = [
  [CHECKSUM, NONE],
  [FORMAT, VERSION],
];

const start = new TextEncoder().encode(`{"__metadata__":{"${CHECKSUM}":"`);
const DIGITS_AT = LENGTH_BYTES + start.length;
const DIGITS_END = DIGITS_AT + NONE.length;

const digitsOf = (checksum: number): string => checksum.toString(16).padStart(NONE.length, '0');

/** Puts the checksum into a header that was made with {@link sealing}; its length comes before it. */
export function putChecksum(header: Uint8Array, checksum: number): void {
  header.set(new TextEncoder().encode(digitsOf(checksum)), DIGITS_AT);
}

/** What a header says that the checksum is, and that of the header itself; undefined where it says none. */
export interface Sealed {
  readonly said: string;
  readonly checksum: number;
}

/** Reads a header with its length before it. */
export function sealedHeader(header: Uint8Array): Sealed | undefined {
  if (header.length < DIGITS_END || start.some((byte, k) => header[LENGTH_BYTES + k] !== byte)) return undefined;
  const said = String.fromCharCode(...header.subarray(DIGITS_AT, DIGITS_END));
  const before = host.crc32(header.subarray(0, DIGITS_AT), 0);
  return {
    said,
    checksum: host.crc32(header.subarray(DIGITS_END), host.crc32(new TextEncoder().encode(NONE), before)),
  };
}

/** The metadata that are the package's own, and the others. */
export function splitMetadata(metadata: Metadata): { readonly own: Metadata; readonly metadata: Metadata } {
  const of = (isOwn: boolean) =>
    Object.fromEntries(Object.entries(metadata).filter(([name]) => name.startsWith(OWN) === isOwn));
  return { own: of(true), metadata: of(false) };
}

/** What is wrong with a file that was read to its end: what its header said of the checksum, and that of all of it. */
export function faultOf(own: Metadata, said: string | undefined, checksum: number): E.Either<FormatError, void> {
  if (said === undefined && Object.keys(own).length === 0) return E.right(undefined);
  if (said !== digitsOf(checksum)) {
    const what = said
      ? `the bytes have the checksum ${digitsOf(checksum)}, but the header says ${said}`
      : `the header does not begin with the checksum, ${CHECKSUM}, that it has to have`;
    return E.left(formatError('BadChecksum', `${what}: some of the bytes are not as they were written.`));
  }
  if (own[FORMAT] === VERSION) return E.right(undefined);
  return E.left(
    formatError('UnsupportedFormat', `the file has version ${own[FORMAT]} of the format, and not ${VERSION}.`),
  );
}
