/** What the first bytes of a text say about its encoding, and its last ones about what is to come. */
import { utf8Place } from './utf8.js';

/** Stands before the text itself in some files; anywhere else it is a character like any other. */
export const BYTE_ORDER_MARK = '\uFEFF';

/** Marks of encodings that are not read, the longer ones first. */
const marks: readonly (readonly [encoding: string, ...bytes: readonly number[]])[] = [
  ['UTF-32LE', 0xff, 0xfe, 0, 0],
  ['UTF-32BE', 0, 0, 0xfe, 0xff],
  ['UTF-16LE', 0xff, 0xfe],
  ['UTF-16BE', 0xfe, 0xff],
];

/**
 * Bytes of a text as they are, refused at the first of them where a byte-order mark says that they are no UTF-8: read as such
 * every other symbol of them would be U+FFFD or U+0000.
 *
 * @throws TypeError naming the encoding.
 */
export async function* expectUtf8<T extends string | Uint8Array>(chunks: AsyncIterable<T>): AsyncGenerator<T> {
  // Undefined once it is known that no mark stands there. What may still become one waits, and nothing else does.
  let begun: readonly number[] | undefined = [];
  for await (const chunk of chunks) {
    // A string ends what waits for a byte, and is a beginning itself.
    if (typeof chunk === 'string' && begun !== undefined && begun.length + chunk.length > 0) {
      refuseMark(begun);
      if (begun.length > 0) yield Uint8Array.from(begun) as T;
      begun = undefined;
    }
    if (begun === undefined || typeof chunk === 'string') {
      yield chunk;
      continue;
    }
    const first: readonly number[] = [...begun, ...chunk.subarray(0, 4)];
    if (mayBecomeMark(first)) {
      begun = first;
      continue;
    }
    refuseMark(first);
    if (begun.length > 0) yield Uint8Array.from(begun) as T;
    begun = undefined;
    yield chunk;
  }
  if (begun === undefined || begun.length === 0) return;
  refuseMark(begun);
  yield Uint8Array.from(begun) as T;
}

const mayBecomeMark = (first: readonly number[]): boolean =>
  marks.some(([, ...mark]) => first.length < mark.length && first.every((byte, k) => byte === mark[k]));

function refuseMark(first: readonly number[]): void {
  const found = marks.find(([, ...mark]) => mark.every((byte, k) => byte === first[k]));
  if (found === undefined) return;
  const [encoding] = found;
  throw new TypeError(
    `its byte-order mark says that it is ${encoding}, but texts are read as UTF-8; convert it first, as by ` +
      `iconv -f ${encoding.slice(0, 6)} -t UTF-8.`,
  );
}

/** Bytes of a character that has begun and is not whole, at most. */
export const LONGEST_BEGINNING = 3;

/** How many of the last bytes of a text begin a character that is not whole yet, so that a decoder waits for the rest. */
export function unfinished(last: Uint8Array): number {
  const place = utf8Place();
  for (const byte of last.subarray(-LONGEST_BEGINNING)) place.push(byte);
  return place.begun;
}
