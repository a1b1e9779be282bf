/** Text out of files. What is no text in UTF-8 is refused, since it would be learnt as if it were. */
import { isUtf8 } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import { type Failure, failure, messageOf } from './failure.js';

/** Marks of byte order, the longer ones first: that of UTF-16 starts one of UTF-32. */
const marks: readonly (readonly [encoding: string, mark: readonly number[]])[] = [
  ['UTF-32', [0xff, 0xfe, 0, 0]],
  ['UTF-32', [0, 0, 0xfe, 0xff]],
  ['UTF-16', [0xff, 0xfe]],
  ['UTF-16', [0xfe, 0xff]],
];

/** Looked at in order to tell what a file is. */
const START = 65_536;

const hex = (byte: number) => `0x${byte.toString(16).padStart(2, '0')}`;

/** UTF-16 without a mark: where the text is mostly Latin, every other byte is 0. */
function unmarked(bytes: Uint8Array): string | undefined {
  const start = bytes.subarray(0, START);
  const zeros = [0, 0];
  start.forEach((byte, k) => {
    if (byte === 0) zeros[k % 2] = (zeros[k % 2] as number) + 1;
  });
  const [even = 0, odd = 0] = zeros.map((count) => (2 * count) / start.length);
  if (odd > 0.5 && even < 0.1) return 'UTF-16LE';
  if (even > 0.5 && odd < 0.1) return 'UTF-16BE';
  return undefined;
}

/** Tab, line feed, vertical tab, form feed, carriage return, and the escape of a terminal's colours stand in texts. */
const isControl = (byte: number) => (byte < 0x20 && !(byte >= 0x09 && byte <= 0x0d) && byte !== 0x1b) || byte === 0x7f;

/** Where bytes stop being UTF-8. */
function firstInvalid(bytes: Uint8Array): number {
  const again = Buffer.from(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes));
  let at = 0;
  while (at < bytes.length && bytes[at] === again[at]) at += 1;
  return at;
}

/** What is wrong with bytes that are to be a text, and what to do; undefined where nothing is. */
function wrongWith(path: string, bytes: Uint8Array): string | undefined {
  const marked = marks.find(([, mark]) => mark.every((byte, k) => bytes[k] === byte))?.[0];
  const encoding = marked ?? unmarked(bytes);
  if (encoding !== undefined) {
    return `is ${encoding}, not UTF-8; convert it (iconv -f ${encoding} -t UTF-8 ${path} > utf-8.txt) and give that`;
  }
  const zero = bytes.indexOf(0);
  if (zero >= 0) return `is no text but binary (a NUL at byte ${zero}); give a text in UTF-8`;
  if (!isUtf8(bytes)) {
    const at = firstInvalid(bytes);
    return (
      `is no text in UTF-8 (${hex(bytes[at] as number)} at byte ${at}); where it is a text in an older encoding, ` +
      `convert it (iconv -f WINDOWS-1252 -t UTF-8 ${path} > utf-8.txt) and give that`
    );
  }
  const start = bytes.subarray(0, START);
  const controls = start.reduce((count, byte) => count + (isControl(byte) ? 1 : 0), 0);
  if (controls > start.length / 50) {
    const first = start.findIndex(isControl);
    return `is no text but binary (${hex(start[first] as number)} at byte ${first}); give a text in UTF-8`;
  }
  return undefined;
}

/** The text of a file, without a mark of byte order; `remedy` is for one that cannot be read. */
export function readText(path: string, remedy = 'give the place of a text by --file'): TE.TaskEither<Failure, string> {
  return pipe(
    TE.tryCatch(
      () => readFile(path),
      (error) => failure(`${path} cannot be read: ${messageOf(error)}; ${remedy}.`),
    ),
    TE.chainEitherK((bytes) => {
      const wrong = wrongWith(path, bytes);
      if (wrong !== undefined) return E.left(failure(`${path} ${wrong}.`));
      return E.tryCatch(
        () => new TextDecoder().decode(bytes),
        (error) => failure(`${path} is too long for one string: ${messageOf(error)}; give a part of it.`),
      );
    }),
  );
}
