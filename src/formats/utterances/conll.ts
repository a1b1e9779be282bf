import type { Observable } from 'rxjs';
import { fromAsync } from '../../streams/from-async.js';
import { badLine } from './failure.js';
import { fieldsOf, linesOf, type TextSource } from './lines.js';
import type { Utterance } from './utterance.js';

export interface ConllOptions {
  /** Columns from 0, or from −1 for the last one. */
  readonly columns?: {
    /** Default 0, the first. */
    readonly word?: number;
    /** `null` where there are none. Default −1, the last, or none where that is the word's. */
    readonly tag?: number | null;
  };
  /** `'tab'` where words have spaces in them. Default `'blank'`, spaces and tabs. */
  readonly separator?: 'blank' | 'tab';
  /**
   * Lines that begin so are comments. By default only `# key = value` before a sentence's first word is one, since `#`
   * is a word like any other.
   */
  readonly comment?: string;
}

/** What is known of a sentence before it ends. */
interface Begun {
  readonly words: string[];
  readonly tags: string[];
  readonly known: Map<string, string>;
}

const metadata = /^#\s*(\w+)\s*=\s*(.*)$/;

function finished({ words, tags, known }: Begun, tagged: boolean): Utterance | undefined {
  // The one way to write a sentence of no words down: a blank line after nothing is no sentence.
  if (words.length === 0 && known.get('words') !== '0') return undefined;
  const id = known.get('id') ?? known.get('sent_id');
  const intent = known.get('intent');
  return { ...(id !== undefined && { id }), words, ...(tagged && { tags }), ...(intent !== undefined && { intent }) };
}

async function* read(
  source: TextSource,
  options: ConllOptions,
  signal: AbortSignal,
): AsyncGenerator<Utterance, void, void> {
  const { columns: { word = 0, tag = -1 } = {}, separator = 'blank', comment } = options;
  const { path, lines } = linesOf(source, signal);
  // Of the first line; all others have as many.
  let width: number | undefined;
  const begin = (): Begun => ({ words: [], tags: [], known: new Map() });
  let begun = begin();
  const place = (column: number) => (column < 0 ? (width ?? 0) + column : column);
  const tagged = () => tag !== null && (width === undefined || place(tag) !== place(word));

  for await (const { text, number } of lines) {
    if (text.trim() === '') {
      const utterance = finished(begun, tagged());
      if (utterance) yield utterance;
      begun = begin();
      continue;
    }
    const [, key, value] = (begun.words.length === 0 && metadata.exec(text)) || [];
    if (key !== undefined) begun.known.set(key, (value as string).trim());
    if (key !== undefined || (comment !== undefined && text.startsWith(comment))) continue;
    const fields = separator === 'tab' ? text.split('\t') : fieldsOf(text);
    if (fields[0] === '-DOCSTART-') continue;
    width ??= fields.length;
    const found = `${fields.length} ${fields.length === 1 ? 'column' : 'columns'}`;
    if (fields.length !== width) {
      throw badLine(
        'BadLine',
        path,
        number,
        `${found}, where the lines before have ${width}: ${JSON.stringify(text)}.`,
      );
    }
    const wanted = [word, ...(tag === null ? [] : [tag])];
    const missing = wanted.find((column) => place(column) < 0 || place(column) >= fields.length);
    if (missing !== undefined) throw badLine('BadLine', path, number, `${found}, and so no column ${missing}.`);
    begun.words.push(fields[place(word)] as string);
    if (tag !== null && tagged()) begun.tags.push(fields[place(tag)] as string);
  }
  const utterance = finished(begun, tagged());
  if (utterance) yield utterance;
}

/**
 * Utterances of a file in columns, a word a line with its tag beside it, and a blank line after each sentence.
 *
 * `-DOCSTART-` lines are left out. `# id = …`, `# sent_id = …` and `# intent = …` before a sentence are what they say, and
 * `# words = 0` is a sentence without words. Lines end in LF or CRLF, and a byte-order mark is left out. A pull
 * source: lines are read when the pipeline has dealt with the last utterance; unsubscribing closes what is read at once.
 *
 * Source: Tjong Kim Sang and De Meulder, Introduction to the CoNLL-2003 shared task (2003); comments as in CoNLL-U.
 *
 * @throws UtteranceError (as an error notification) naming file and line, where a line has not as many columns as those
 * before it, or not the one that is asked for.
 * @throws FileError (as an error notification) where the file cannot be read.
 * @example
 * fromConll('eng.train', { columns: { word: 0, tag: 3 } }).subscribe(({ words, tags }) => console.log(words, tags));
 */
export function fromConll(source: TextSource, options: ConllOptions = {}): Observable<Utterance> {
  return fromAsync((signal) => read(source, options, signal));
}

/**
 * An utterance as lines of two columns, word and tag, and a blank line; `fromConll` reads them.
 *
 * @throws TypeError where a word or a tag is empty or has blanks in it, or where words and tags are not as many.
 * @example
 * toConll({ words: ['leave', 'Taipei'], tags: ['O', 'B-fromloc'] }); // 'leave O\nTaipei B-fromloc\n\n'
 */
export function toConll({ id, words, tags, intent }: Utterance): string {
  if (tags !== undefined && tags.length !== words.length) {
    throw new TypeError(`toConll: ${tags.length} tags for ${words.length} words; each word has one tag.`);
  }
  for (const field of [...words, ...(tags ?? [])]) {
    if (/^$|[\s]/.test(field)) {
      throw new TypeError(`toConll: ${JSON.stringify(field)} cannot stand in a column; use toJsonLine.`);
    }
  }
  const known = { id, intent, ...(words.length === 0 && { words: '0' }) };
  const head = Object.entries(known).filter(([, value]) => value !== undefined);
  const lines = [
    ...head.map(([key, value]) => `# ${key} = ${value}`),
    ...words.map((word, k) => (tags === undefined ? word : `${word} ${tags[k]}`)),
  ];
  return `${lines.join('\n')}\n\n`;
}
