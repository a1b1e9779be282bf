/** The header of a safetensors file: parsed, and checked against the data that follows it. */
import * as E from 'fp-ts/lib/Either.js';
import { type Shape, showShape, sizeOf } from '../tensor.js';
import type { FormatError } from './errors.js';

/** Where a tensor is, in bytes from the start of the data. */
export interface Entry {
  readonly name: string;
  readonly type: 'float32' | 'int32';
  readonly shape: Shape;
  readonly begin: number;
  readonly end: number;
}

export interface Header {
  readonly entries: readonly Entry[];
  readonly metadata: Readonly<Record<string, string>>;
  /** Bytes of the header itself. */
  readonly length: number;
}

const types: Readonly<Record<string, Entry['type'] | undefined>> = { F32: 'float32', I32: 'int32' };

/** Parses a header and checks that its tensors fill `dataLength` bytes, without a gap and without an overlap. */
export function parseHeader(bytes: Uint8Array, dataLength: number): E.Either<FormatError, Header> {
  const parsed = parseJson(bytes);
  if (E.isLeft(parsed)) return parsed;
  const { __metadata__: metadata = {}, ...tensors } = parsed.right;
  if (!isRecord(metadata) || !Object.values(metadata).every((value) => typeof value === 'string')) {
    return wrong('BadMetadata', 'the header has a __metadata__ that is not an object of strings.');
  }
  const entries: Entry[] = [];
  for (const [name, value] of Object.entries(tensors)) {
    const entry = parseEntry(name, value);
    if (E.isLeft(entry)) return entry;
    entries.push(entry.right);
  }
  const gap = firstGap(entries, dataLength);
  return gap ?? E.right({ entries, metadata: metadata as Record<string, string>, length: bytes.length });
}

function parseJson(bytes: Uint8Array): E.Either<FormatError, Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
    return isRecord(value) ? E.right(value) : wrong('HeaderNotJson', 'the header is JSON, but not an object.');
  } catch (error) {
    return wrong('HeaderNotJson', `the header is not JSON in UTF-8 (${(error as Error).message}).`);
  }
}

function parseEntry(name: string, value: unknown): E.Either<FormatError, Entry> {
  const label = `tensor ${JSON.stringify(name)}`;
  if (!isRecord(value)) return wrong('BadTensor', `${label} is not described by an object.`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string') return wrong('BadTensor', `${label} has no dtype.`);
  const type = Object.hasOwn(types, dtype) ? types[dtype] : undefined;
  if (type === undefined) {
    return wrong('UnsupportedType', `${label} has dtype ${dtype}, but only F32 and I32 are read; convert it first.`);
  }
  if (!isSizes(shape)) return wrong('BadTensor', `${label} has shape ${JSON.stringify(shape)}, not a list of sizes.`);
  if (!isSizes(offsets) || offsets.length !== 2) {
    return wrong('BadTensor', `${label} has data_offsets ${JSON.stringify(offsets)}, not two places in the data.`);
  }
  const [begin, end] = offsets as unknown as readonly [number, number];
  if (end - begin !== 4 * sizeOf(shape)) {
    return wrong(
      'BadOffsets',
      `${label} of shape ${showShape(shape)} takes ${4 * sizeOf(shape)} bytes, but its data_offsets ${begin} to ${end} ` +
        `hold ${end - begin}.`,
    );
  }
  return E.right({ name, type, shape, begin, end });
}

/** The format allows no byte between two tensors, none in two of them, and none after the last. */
function firstGap(entries: readonly Entry[], dataLength: number): E.Left<FormatError> | undefined {
  let covered = 0;
  for (const { name, begin, end } of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== covered) {
      const what = begin < covered ? 'overlaps the tensor before it' : 'leaves a gap after the tensor before it';
      return wrong(
        'BadOffsets',
        `tensor ${JSON.stringify(name)} starts at byte ${begin} of the data and ${what}, which ends at ${covered}.`,
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

function wrong(tag: FormatError['_tag'], message: string): E.Left<FormatError> {
  return { _tag: 'Left', left: { _tag: tag, message } };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}
