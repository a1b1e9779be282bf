/** The header of a safetensors file: parsed within bounds, and checked against the data that follows it. */
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import { type FormatError, OxbowError } from '../errors.js';
import type { Shape } from '../tensor.js';
import { type Json, type JsonFault, type JsonObject, parseJson, shown } from './json.js';

/** Where a tensor is, in bytes from the start of the data. */
export interface HeaderEntry<T = 'float32' | 'int32'> {
  readonly name: string;
  readonly type: T;
  readonly shape: Shape;
  readonly begin: number;
  readonly end: number;
}

export interface Header<T = 'float32' | 'int32'> {
  readonly entries: readonly HeaderEntry<T>[];
  readonly metadata: Readonly<Record<string, string>>;
  /** Bytes of the header itself. */
  readonly length: number;
}

/** Bytes before the header, which give its length. */
export const LENGTH_BYTES = 8;

/**
 * What a header may be, read or written. Its length is that of the format's own reader; a tensor is 6 values and one for each
 * size, so that there may be some 70,000 of them.
 */
export const headerLimits = { bytes: 100_000_000, values: 500_000, depth: 8 } as const;

/** Types of numbers by the names that headers have for them. */
export type HeaderTypes<T> = ReadonlyMap<string, T>;

/** Those of checkpoints, of 4 bytes each. */
export const ownTypes: HeaderTypes<'float32' | 'int32'> = new Map([
  ['F32', 'float32'],
  ['I32', 'int32'],
]);

const bytesOf = (type: unknown): number => (type as { readonly bytes?: number }).bytes ?? 4;

/** The header's length from a file's first bytes, of which there may be fewer; the file has so many in all. */
export function headerLength(first: Uint8Array, present: number): E.Either<FormatError, number> {
  if (first.length < LENGTH_BYTES) {
    return wrong(
      'Truncated',
      `a checkpoint starts with ${LENGTH_BYTES} bytes that give its header's length, but there are ${present}.`,
    );
  }
  const length = new DataView(first.buffer, first.byteOffset).getBigUint64(0, true);
  if (length > headerLimits.bytes) {
    return wrong(
      'HeaderTooLarge',
      `the header would be ${length} bytes long, more than the format's ${headerLimits.bytes.toLocaleString('en')}: ` +
        'not a safetensors file.',
    );
  }
  if (length > present - LENGTH_BYTES) {
    return wrong(
      'Truncated',
      `the header is ${length} bytes long, but only ${present - LENGTH_BYTES} bytes follow: the file was cut.`,
    );
  }
  return E.right(Number(length));
}

/** Parses a header and checks that its tensors fill `dataLength` bytes, without a gap and without an overlap. */
export function parseHeader(bytes: Uint8Array, dataLength: number): E.Either<FormatError, Header>;
export function parseHeader<T extends { readonly bytes: number }>(
  bytes: Uint8Array,
  dataLength: number,
  types: HeaderTypes<T>,
): E.Either<FormatError, Header<T>>;
export function parseHeader(
  bytes: Uint8Array,
  dataLength: number,
  types: HeaderTypes<unknown> = ownTypes,
): E.Either<FormatError, Header<unknown>> {
  return pipe(
    objectOf(bytes),
    E.chain((tensors) => {
      const metadata = metadataOf(tensors);
      if (E.isLeft(metadata)) return metadata;
      const entries: HeaderEntry<unknown>[] = [];
      for (const [name, value] of tensors) {
        if (name === '__metadata__') continue;
        const entry = parseEntry(name, value, types);
        if (E.isLeft(entry)) return entry;
        entries.push(entry.right);
      }
      const gap = firstGap(entries, dataLength);
      return gap ?? E.right({ entries, metadata: metadata.right, length: bytes.length });
    }),
  );
}

const tagOf: Readonly<Record<JsonFault['kind'], FormatError['_tag']>> = {
  syntax: 'HeaderNotJson',
  duplicate: 'DuplicateName',
  limit: 'HeaderTooLarge',
};

function objectOf(bytes: Uint8Array): E.Either<FormatError, JsonObject> {
  if (bytes[0] !== 0x7b) {
    return wrong('HeaderNotJson', 'the header is not an object, which begins with { and has nothing before it.');
  }
  return pipe(
    E.tryCatch(
      () => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes),
      (): JsonFault => ({ kind: 'syntax', what: 'bytes that are no characters' }),
    ),
    E.chain((text) => parseJson(text, headerLimits)),
    E.map((value) => value as JsonObject),
    E.mapLeft(({ kind, what }) => {
      const is = kind === 'syntax' ? 'is not JSON in UTF-8' : kind === 'limit' ? 'is too large' : 'is ambiguous';
      return formatError(tagOf[kind], `the header ${is}: ${what}.`);
    }),
  );
}

function metadataOf(header: JsonObject): E.Either<FormatError, Readonly<Record<string, string>>> {
  const metadata = header.has('__metadata__') ? header.get('__metadata__') : new Map<string, string>();
  if (!(metadata instanceof Map))
    return wrong('BadMetadata', 'the header has a __metadata__ that is not an object of strings.');
  for (const [name, value] of metadata as JsonObject) {
    if (typeof value === 'string') continue;
    return wrong(
      'BadMetadata',
      `the header has a __metadata__ that is not an object of strings: ${shown(name)} is ${shown(value)}.`,
    );
  }
  return E.right(Object.fromEntries(metadata as ReadonlyMap<string, string>));
}

function parseEntry(
  name: string,
  value: Json,
  types: HeaderTypes<unknown>,
): E.Either<FormatError, HeaderEntry<unknown>> {
  const label = `tensor ${shown(name)}`;
  if (!(value instanceof Map)) return wrong('BadTensor', `${label} is not described by an object.`);
  const [dtype, shape, offsets] = ['dtype', 'shape', 'data_offsets'].map((key) => (value as JsonObject).get(key));
  if (typeof dtype !== 'string') return wrong('BadTensor', `${label} has no dtype.`);
  const type = types.get(dtype);
  if (type === undefined) {
    return wrong(
      'UnsupportedType',
      `${label} has dtype ${shown(dtype).slice(1, -1)}, but only ${listed(types)} are read.`,
    );
  }
  if (!isSizes(shape)) return wrong('BadTensor', `${label} has shape ${shown(shape)}, not a list of sizes.`);
  if (!isSizes(offsets) || offsets.length !== 2) {
    return wrong('BadTensor', `${label} has data_offsets ${shown(offsets)}, not two places in the data.`);
  }
  const [begin, end] = offsets as unknown as readonly [number, number];
  const size = bytesOf(type) * elementsOf(shape);
  if (end - begin !== size) {
    return wrong(
      'BadOffsets',
      `${label} of shape ${shown(shape)} takes ${size} bytes, but its data_offsets ${begin} to ${end} hold ${end - begin}.`,
    );
  }
  return E.right({ name, type, shape, begin, end });
}

const listed = (types: HeaderTypes<unknown>) => [...types.keys()].join(', ').replace(/, (?=\w+$)/, ' and ');

/** Where a size is 0 there are none, however large the others: their product could be infinite. */
const elementsOf = (shape: Shape): number => (shape.includes(0) ? 0 : shape.reduce((size, length) => size * length, 1));

/** The format allows no byte between two tensors, none in two of them, and none after the last. */
function firstGap(entries: readonly HeaderEntry<unknown>[], dataLength: number): E.Left<FormatError> | undefined {
  let covered = 0;
  for (const { name, begin, end } of inOrder(entries)) {
    if (begin !== covered) {
      const what = begin < covered ? 'overlaps the tensor before it' : 'leaves a gap after the tensor before it';
      return wrong(
        'BadOffsets',
        `tensor ${shown(name)} starts at byte ${begin} of the data and ${what}, which ends at ${covered}.`,
      );
    }
    covered = end;
  }
  if (covered > dataLength) {
    return wrong(
      'Truncated',
      `the tensors take ${covered} bytes, but only ${dataLength} follow the header: it was cut.`,
    );
  }
  if (covered < dataLength) {
    return wrong('BadOffsets', `${dataLength - covered} bytes at the end belong to no tensor.`);
  }
  return undefined;
}

/** Tensors as their data lie, whatever the order of the header. */
export const inOrder = <T extends Pick<HeaderEntry, 'begin' | 'end'>>(entries: readonly T[]): readonly T[] =>
  [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end);

const cut = 'Save or copy the file anew.';
const foreign = 'Give what saveCheckpoint wrote, or another safetensors file.';
const damaged = 'It was changed or written wrongly: save it anew.';

const remedies: Readonly<Record<FormatError['_tag'], string>> = {
  Truncated: cut,
  HeaderTooLarge: foreign,
  HeaderNotJson: foreign,
  DuplicateName: damaged,
  BadMetadata: damaged,
  BadTensor: damaged,
  BadOffsets: damaged,
  UnsupportedType: 'Write it as one of these.',
  BadChecksum:
    'Take a copy, or the file before it; where another program changed it on purpose, leave out the metadata oxbow.*.',
  OtherTier: "Set OXBOW_TIER to that one where it can be had, or ask for it by resume(folder, { tier: 'any' }).",
  UnsupportedFormat: 'Read it by the version of the package that wrote it, or a later one.',
};

/** Bytes that are no checkpoint: what is wrong with them, a sentence, and what to do. */
export const formatError = (_tag: FormatError['_tag'], what: string): FormatError =>
  new OxbowError<FormatError>({ _tag, message: `${what} ${remedies[_tag]}` });

const wrong = (tag: FormatError['_tag'], what: string) => E.left(formatError(tag, what)) as E.Left<FormatError>;

function isSizes(value: Json | undefined): value is readonly number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size));
}
