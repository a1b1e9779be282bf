/**
 * Second readings of texts and of the formats of utterances, from what is said of these and with nothing of the library's: of
 * whole texts, plain, and slow.
 */
import type { Utterance } from '../src/index.js';

/** What there is before the first line that is wrong, and which that is. A file that is no text has no line. */
export interface Reading {
  readonly utterances: readonly Utterance[];
  readonly wrong?: { readonly tag: string; readonly line: number | undefined };
}

const MARK = '\uFEFF';

/**
 * Chunks as a text: those of bytes that follow one another are read as one; undefined where it says that it is no UTF-8.
 * A mark that a string begins with is left out where lines are read.
 */
export function textOf(chunks: readonly (Uint8Array | string)[], asLines: boolean): string | undefined {
  let text = '';
  let bytes: number[] = [];
  let begun = false;
  const end = (): boolean => {
    if (bytes.length === 0) return true;
    const starts = (...mark: number[]) => mark.every((byte, k) => bytes[k] === byte);
    if (!begun && (starts(0xff, 0xfe) || starts(0xfe, 0xff) || starts(0, 0, 0xfe, 0xff))) return false;
    const read = new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(bytes));
    text += !begun && read.startsWith(MARK) ? read.slice(1) : read;
    begun = true;
    bytes = [];
    return true;
  };
  for (const chunk of chunks) {
    if (typeof chunk !== 'string') for (const byte of chunk) bytes.push(byte);
    else {
      if (!end()) return undefined;
      text += asLines && !begun && chunk.startsWith(MARK) ? chunk.slice(1) : chunk;
      begun ||= chunk !== '';
    }
  }
  return end() ? text : undefined;
}

/** Lines end in a line feed, before which a carriage return may stand; there is none after the last one's end. */
function linesOf(text: string): readonly string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.map((line) => line.replace(/\r$/, ''));
}

const isEmpty = (line: string) => [...line].every((char) => ' \t\r\v\f'.includes(char));
const fieldsOf = (line: string) => line.split(/[ \t]/).filter((field) => field !== '');
const foreign: Reading = { utterances: [], wrong: { tag: 'FileError', line: undefined } };

interface Columns {
  readonly separator: 'blank' | 'tab';
  readonly columns?: { readonly word?: number; readonly tag?: number | null };
  readonly comment?: string;
}

export function conllOf(whole: string | undefined, { separator, columns = {}, comment }: Columns): Reading {
  if (whole === undefined) return foreign;
  const utterances: Utterance[] = [];
  const { word = 0, tag = -1 } = columns;
  let width: number | undefined;
  let rows: string[][] = [];
  let about: Record<string, string> = Object.create(null);
  const column = (number: number) => (number < 0 ? (width ?? 0) + number : number);
  const hasTags = () => tag !== null && (width === undefined || column(tag) !== column(word));
  const end = () => {
    const [id, intent] = [about.id ?? about.sent_id, about.intent];
    const words = rows.map((row) => row[column(word)] as string);
    const tags = rows.map((row) => row[column(tag ?? 0)] as string);
    const isSaid = rows.length > 0 || about.words === '0';
    const isTagged = rows.length > 0 ? hasTags() : tag !== null && about.tags !== 'none';
    if (isSaid) {
      utterances.push({
        ...(id !== undefined && { id }),
        words,
        ...(isTagged && { tags }),
        ...(intent !== undefined && { intent }),
      });
    }
    rows = [];
    about = Object.create(null);
  };
  for (const [k, line] of linesOf(whole).entries()) {
    const known = rows.length === 0 ? /^#[ \t]*([A-Za-z0-9_]+)[ \t]*=/.exec(line) : null;
    if (isEmpty(line)) end();
    else if (known) about[known[1] as string] = line.slice(known[0].length).replace(/^[ \t]+|[ \t]+$/g, '');
    else if (comment === undefined || !line.startsWith(comment)) {
      const row = separator === 'tab' ? line.split('\t') : fieldsOf(line);
      if (row[0] === '-DOCSTART-') continue;
      width ??= row.length;
      const wanted = tag === null ? [word] : [word, tag];
      const isThere = wanted.every((each) => column(each) >= 0 && column(each) < row.length);
      if (row.length !== width || !isThere) return { utterances, wrong: { tag: 'BadLine', line: k + 1 } };
      rows.push(row);
    }
  }
  end();
  return { utterances };
}

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');
const isName = (value: unknown): value is string | undefined => value === undefined || typeof value === 'string';

export function jsonLinesOf(whole: string | undefined): Reading {
  if (whole === undefined) return foreign;
  const utterances: Utterance[] = [];
  for (const [k, line] of linesOf(whole).entries()) {
    if (isEmpty(line)) continue;
    const wrong = (tag: string): Reading => ({ utterances, wrong: { tag, line: k + 1 } });
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      return wrong('BadLine');
    }
    if (typeof value !== 'object' || value === null) return wrong('BadLine');
    const { id, words, tags, intent } = value as Record<string, unknown>;
    if (!isTexts(words) || !isName(id) || !isName(intent) || !(tags === undefined || isTexts(tags)))
      return wrong('BadLine');
    if (tags !== undefined && tags.length !== words.length) return wrong('CountMismatch');
    utterances.push({
      ...(id !== undefined && { id }),
      words,
      ...(tags && { tags }),
      ...(intent !== undefined && { intent }),
    });
  }
  return { utterances };
}

/** Of the files with words, tags and intents. */
export function sequencesOf(files: readonly Uint8Array[]): Reading {
  const texts = files.map((file) => textOf([file], true));
  const lines = texts.map((text) => linesOf(text ?? '').map(fieldsOf));
  const count = Math.max(...lines.map((each) => each.length));
  const utterances: Utterance[] = [];
  let blanks = 0;
  // A file that is no text is noticed at its first line.
  if (texts.includes(undefined)) return foreign;
  for (let k = 0; k < count; k += 1) {
    const wrong = (tag: string): Reading => ({ utterances, wrong: { tag, line: k + 1 } });
    const [words, tags, intents] = lines.map((each) => each[k]);
    if ([words, tags, intents].every((fields) => (fields ?? []).length === 0)) {
      blanks += 1;
      continue;
    }
    for (; blanks > 0; blanks -= 1) utterances.push({ words: [], tags: [] });
    if (!words || !tags || !intents) return wrong('MissingLines');
    if (tags.length !== words.length) return wrong('CountMismatch');
    if (intents.length !== 1) return wrong('BadLine');
    utterances.push({ words, tags, intent: intents[0] as string });
  }
  return { utterances };
}
