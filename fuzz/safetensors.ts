/**
 * A second reader of safetensors, written from the format's description alone and with nothing of the library's: plain, slow,
 * and after the fact. What the library reads has to be what this one reads, and what this one refuses has to be refused.
 */

export interface Read {
  readonly tensors: ReadonlyMap<
    string,
    { readonly dtype: string; readonly shape: readonly number[]; readonly bytes: Uint8Array }
  >;
  readonly metadata: ReadonlyMap<string, string>;
}

/** Texts and numbers of JSON in their order, a text with the colon that makes it a name. */
const lexemes = /("(?:[^"\\]|\\.)*")(\s*:)?|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/**
 * JSON in which names are there once, and whole numbers are written as digits; other numbers come as null. Names are numbered
 * while V8 parses the rest: V8 14.6 takes `{"\r":1}` for `{"\\":1}` once it has parsed that.
 */
function jsonOf(text: string): unknown {
  JSON.parse(text);
  const names: string[] = [];
  const plain = text.replace(lexemes, (lexeme, string: string | undefined, colon: string | undefined) => {
    if (colon !== undefined) return `"n${names.push(JSON.parse(string as string)) - 1}":`;
    return string !== undefined || /^\d+$/.test(lexeme) ? lexeme : 'null';
  });
  let values = 0;
  const named = (part: unknown, depth: number): unknown => {
    values += 1;
    if (typeof part !== 'object' || part === null) return part;
    if (depth === 8) throw new Error('too deep');
    if (Array.isArray(part)) return part.map((item) => named(item, depth + 1));
    const entries = Object.entries(part).map(
      ([key, inner]) => [names[Number(key.slice(1))] as string, named(inner, depth + 1)] as const,
    );
    if (new Set(entries.map(([name]) => name)).size < entries.length) throw new Error('a name twice');
    return Object.fromEntries(entries);
  };
  const value = named(JSON.parse(plain), 0);
  if (values > 500_000) throw new Error('too many values');
  return value;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isWhole = (value: unknown): value is number => Number.isSafeInteger(value);

/** The file as another program would have written it: without what the package says of its own, so that no checksum refuses it first. */
export function foreign(file: Uint8Array): Uint8Array {
  const length = Number(new DataView(file.buffer, file.byteOffset, file.byteLength).getBigUint64(0, true));
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(file.subarray(8, 8 + length));
  // They are the first members of the metadata.
  const rest = text.replace(/"oxbow\.crc32":"[0-9a-f]{8}",?/, '').replace(/"oxbow\.format":"\d+",?/, '');
  const written = file.slice();
  written.fill(0x20, 8, 8 + length);
  written.set(new TextEncoder().encode(rest), 8);
  return written;
}

/** What the bytes hold, or nothing where they are no such file. */
export function readSafetensors(file: Uint8Array): Read | undefined {
  try {
    const length = Number(new DataView(file.buffer, file.byteOffset, file.byteLength).getBigUint64(0, true));
    const data = file.subarray(8 + length);
    if (8 + length > file.length || length > 100_000_000) return undefined;
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(file.subarray(8, 8 + length));
    if (!text.startsWith('{')) return undefined;
    const { __metadata__: metadata = {}, ...header } = jsonOf(text) as Record<string, unknown>;
    if (!isRecord(metadata) || !Object.values(metadata).every((value) => typeof value === 'string')) return undefined;
    const owners = new Uint8Array(data.length);
    const tensors = new Map();
    for (const [name, value] of Object.entries(header)) {
      const { dtype, shape, data_offsets: offsets } = value as Record<string, unknown>;
      if (!isRecord(value) || (dtype !== 'F32' && dtype !== 'I32')) return undefined;
      if (!Array.isArray(shape) || !shape.every(isWhole) || !Array.isArray(offsets)) return undefined;
      const [begin, end] = offsets as number[];
      if (offsets.length !== 2 || !isWhole(begin) || !isWhole(end) || begin > end || end > data.length)
        return undefined;
      const numbers = shape.reduce((product, size) => product * BigInt(size), 1n);
      if (4n * numbers !== BigInt(end - begin)) return undefined;
      for (let at = begin; at < end; at += 1) owners[at] = (owners[at] as number) + 1;
      tensors.set(name, { dtype, shape, bytes: data.slice(begin, end) });
    }
    if (!owners.every((count) => count === 1)) return undefined;
    return { tensors, metadata: new Map(Object.entries(metadata) as [string, string][]) };
  } catch {
    return undefined;
  }
}
