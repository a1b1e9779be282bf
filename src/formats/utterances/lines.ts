/** Lines of text files, pulled one by one. */
import { fileError } from '../../errors.js';
import { closedBy } from '../../streams/closing.js';
import { readBytes } from '../../streams/from-file.js';
import { BYTE_ORDER_MARK, expectUtf8 } from '../../streams/text-encoding.js';

/** A text by lines: a file, or chunks as they arrive, which are called by a name of their own in messages. */
export type TextSource = string | URL | { readonly name: string; readonly chunks: AsyncIterable<string | Uint8Array> };

export interface Line {
  readonly text: string;
  /** From 1. */
  readonly number: number;
}

export interface Lines {
  /** What the source is called in messages. */
  readonly path: string;
  readonly lines: AsyncGenerator<Line, void, void>;
}

const chunkBytes = 65536;

/**
 * @param operation reads them, and is named in messages.
 * @param signal closes what is read at once, also while it says nothing.
 */
export function linesOf(operation: string, source: TextSource, signal: AbortSignal): Lines {
  const named = typeof source === 'object' && 'chunks' in source;
  const path = named ? source.name : String(source);
  const chunks = named ? closedBy(signal, source.chunks) : readBytes(source, chunkBytes, signal);
  return { path, lines: read(operation, path, chunks) };
}

async function* read(
  operation: string,
  path: string,
  chunks: AsyncIterable<string | Uint8Array>,
): AsyncGenerator<Line, void, void> {
  try {
    yield* split(decoded(expectUtf8(chunks)));
  } catch (cause) {
    throw fileError(operation, 'read', path, cause);
  }
}

const withoutMark = (text: string): string => (text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text);

/** Without a byte-order mark at the start; bytes that are no UTF-8 become U+FFFD. */
async function* decoded(chunks: AsyncIterable<string | Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let first = true;
  for await (const chunk of chunks) {
    // Half a character that a string comes after stays half.
    const text = typeof chunk === 'string' ? decoder.decode() + chunk : decoder.decode(chunk, { stream: true });
    if (text === '') continue;
    yield first ? withoutMark(text) : text;
    first = false;
  }
  yield decoder.decode();
}

const withoutReturn = (text: string): string => (text.endsWith('\r') ? text.slice(0, -1) : text);

/** The lines of a whole text, as they are read from a file. */
export const linesIn = (text: string): readonly Line[] =>
  withoutMark(text)
    .split('\n')
    .map((line, k) => ({ text: withoutReturn(line), number: k + 1 }));

/** Lines end in LF or CRLF, and in nothing else: U+2028 and similar characters are part of an utterance. */
async function* split(chunks: AsyncIterable<string>): AsyncGenerator<Line, void, void> {
  let number = 0;
  let begun = '';
  const line = (text: string): Line => {
    number += 1;
    return { text: withoutReturn(text), number };
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf('\n'); end >= 0; end = chunk.indexOf('\n', start)) {
      const text = begun + chunk.slice(start, end);
      begun = '';
      start = end + 1;
      yield line(text);
    }
    begun += chunk.slice(start);
  }
  if (begun !== '') yield line(begun);
}

/** Words are parted by spaces and tabs only: other kinds of blanks are part of a word, as a tagger's files have them. */
export const fieldsOf = (text: string): readonly string[] => text.split(/[ \t]+/).filter((field) => field !== '');

/** Whether there is nothing on a line, whatever ASCII has to show for it. Other kinds of blanks are something. */
export const isBlank = (text: string): boolean => /^[ \t\r\v\f]*$/.test(text);

/** A text without the spaces and tabs at its ends. */
export function withoutBlanks(text: string): string {
  const isSpace = (at: number) => text[at] === ' ' || text[at] === '\t';
  let [start, end] = [0, text.length];
  while (start < end && isSpace(start)) start += 1;
  while (end > start && isSpace(end - 1)) end -= 1;
  return text.slice(start, end);
}
