import type { Observable } from 'rxjs';
import { shown } from '../../checks.js';
import { checkedOptions, type Names } from '../../options.js';
import { fromAsync } from '../../streams/from-async.js';
import { badLine, isOfSource } from './failure.js';
import { fieldsOf, isBlank, type Line, linesIn, linesOf, type TextSource, withoutBlanks } from './lines.js';
import type { Utterance } from './utterance.js';

/** How {@link fromConll} reads lines. */
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

const names: Names<ConllOptions> = { columns: { word: true, tag: true }, separator: true, comment: true };

/** What is known of a sentence before it ends. */
interface Begun {
  readonly words: string[];
  readonly tags: string[];
  readonly known: Map<string, string>;
}

const metadata = /^#[ \t]*(\w+)[ \t]*=(.*)$/s;

/** What lines come to: an utterance at the blank line after it, or at the end. */
interface Reader {
  take(line: Line): Utterance | undefined;
  end(): Utterance | undefined;
}

function reader(path: string, options: ConllOptions): Reader {
  const { columns: { word = 0, tag = -1 } = {}, separator = 'blank', comment } = options;
  // Of the first line; all others have as many.
  let width: number | undefined;
  const begin = (): Begun => ({ words: [], tags: [], known: new Map() });
  let begun = begin();
  const place = (column: number) => (column < 0 ? (width ?? 0) + column : column);
  const tagged = () => tag !== null && (width === undefined || place(tag) !== place(word));

  function end(): Utterance | undefined {
    const { words, tags, known } = begun;
    begun = begin();
    // The one way to write a sentence of no words down: a blank line after nothing is no sentence.
    const isWordless = words.length === 0;
    if (isWordless && known.get('words') !== '0') return undefined;
    const hasTags = isWordless ? tag !== null && known.get('tags') !== 'none' : tagged();
    const id = known.get('id') ?? known.get('sent_id');
    const intent = known.get('intent');
    return {
      ...(id !== undefined && { id }),
      words,
      ...(hasTags && { tags }),
      ...(intent !== undefined && { intent }),
    };
  }

  function take({ text, number }: Line): Utterance | undefined {
    if (isBlank(text)) return end();
    const [, key, value] = (begun.words.length === 0 && metadata.exec(text)) || [];
    if (key !== undefined) begun.known.set(key, withoutBlanks(value as string));
    if (key !== undefined || (comment !== undefined && text.startsWith(comment))) return undefined;
    const fields = separator === 'tab' ? text.split('\t') : fieldsOf(text);
    if (fields[0] === '-DOCSTART-') return undefined;
    width ??= fields.length;
    const found = `${fields.length} ${fields.length === 1 ? 'column' : 'columns'}`;
    if (fields.length !== width) {
      const why = `${found}, where the lines before have ${width}: ${shown(text)}.`;
      throw badLine('fromConll', 'BadLine', path, number, why);
    }
    const wanted = [word, ...(tag === null ? [] : [tag])];
    const missing = wanted.find((column) => place(column) < 0 || place(column) >= fields.length);
    if (missing !== undefined)
      throw badLine('fromConll', 'BadLine', path, number, `${found}, and so no column ${missing}.`);
    begun.words.push(fields[place(word)] as string);
    if (tag !== null && tagged()) begun.tags.push(fields[place(tag)] as string);
    return undefined;
  }
  return { take, end };
}

async function* read(
  source: TextSource,
  options: ConllOptions,
  signal: AbortSignal,
): AsyncGenerator<Utterance, void, void> {
  const { path, lines } = linesOf('fromConll', source, signal);
  const { take, end } = reader(path, options);
  for await (const line of lines) {
    const utterance = take(line);
    if (utterance) yield utterance;
  }
  const last = end();
  if (last) yield last;
}

/**
 * Utterances of a file in columns, a word a line with its tag next to it, and a blank line after each sentence.
 *
 * `-DOCSTART-` lines are left out. `# id = …`, `# sent_id = …` and `# intent = …` before a sentence are what they say, and
 * `# words = 0` is a sentence without words, with `# tags = none` one without tags too. Words are parted by spaces and tabs, and
 * by no other blank. Lines end in LF or CRLF, and a byte-order mark at the start is left out. A pull
 * source: lines are read when the pipeline has dealt with the last utterance; unsubscribing closes what is read at once.
 *
 * Source: Tjong Kim Sang and De Meulder, Introduction to the CoNLL-2003 shared task (2003); comments as in CoNLL-U.
 *
 * @param source the path of a file, or a name and chunks of text.
 * @param options columns, what parts them, and comments.
 * @returns the utterances in the order of the lines; each subscription reads a file again.
 * @throws TypeError where an option is not known.
 * @throws OxbowError (as an error notification), an {@link UtteranceError} naming file and line, where a line has not as many columns as those
 * before it, or not the one that is asked for.
 * @throws OxbowError (as an error notification), a {@link FileError}, where the file cannot be read.
 * @example
 * ```ts no-run
 * fromConll('eng.train', { columns: { word: 0, tag: 3 } }).subscribe(({ words, tags }) => console.log(words, tags));
 * ```
 */
export function fromConll(source: TextSource, options: ConllOptions = {}): Observable<Utterance> {
  const checked = checkedOptions('fromConll', options, names);
  return fromAsync((signal) => read(source, checked, signal));
}

/**
 * An utterance as lines of two columns, word and tag, and a blank line, or of words alone where there are no tags. What it
 * writes `fromConll` reads as it was; a file has tags for all of its utterances or for none.
 *
 * @param utterance words, and where they are known tags, an id and an intent.
 * @returns its lines, each with its end, and the blank line.
 * @throws TypeError where words and tags are not as many, and where something would be read otherwise: a word or a tag that is
 * empty or has spaces or line ends in it, a first word such as `#a=b`, which would be a comment, an id with a space at its end,
 * half of a surrogate pair. `toJsonLine` takes them all.
 * @example
 * toConll({ words: ['leave', 'Taipei'], tags: ['O', 'B-fromloc'] }); // 'leave O\nTaipei B-fromloc\n\n'
 */
export function toConll(utterance: Utterance): string {
  const { id, words, tags, intent } = utterance;
  if (tags !== undefined && tags.length !== words.length) {
    throw new TypeError(`toConll: ${tags.length} tags for ${words.length} words; each word has one tag.`);
  }
  const wordless = words.length === 0 && { words: '0', ...(tags === undefined && { tags: 'none' }) };
  const head = Object.entries({ id, intent, ...wordless }).filter(([, value]) => value !== undefined);
  const lines = [
    ...head.map(([key, value]) => `# ${key} = ${value}`),
    ...words.map((word, k) => (tags === undefined ? word : `${word} ${tags[k]}`)),
  ];
  const text = `${lines.join('\n')}\n\n`;
  const other = readOtherwise(utterance, text);
  if (other === undefined) return text;
  throw new TypeError(`toConll: ${shown(other.value)} cannot stand ${other.where}; use toJsonLine.`);
}

/** Half of a pair, which no file can hold. */
const surrogate = /\p{Surrogate}/u;

/** What of an utterance is not read from a text as it is. */
function readOtherwise(
  { id, intent, words, tags = [] }: Utterance,
  text: string,
): { readonly value: unknown; readonly where: string } | undefined {
  const isField = (value: unknown) => typeof value === 'string' && !/^$|[ \t\n]/.test(value) && !surrogate.test(value);
  const fields = [...words, ...tags];
  const bad = fields.findIndex((value) => !isField(value));
  if (bad >= 0) return { value: fields[bad], where: 'in a column' };
  const [back, ...more] = readAll(text);
  for (const [value, own] of [
    [id, back?.id],
    [intent, back?.intent],
  ]) {
    if (value !== own || surrogate.test(value ?? '')) return { value, where: 'in a comment' };
  }
  for (const [k, word] of words.entries()) {
    if (back?.words[k] !== word) return { value: word, where: 'in a column there' };
    if (back.tags?.[k] !== tags[k]) return { value: tags[k], where: 'in a column there' };
  }
  return more.length > 0 || back?.words.length !== words.length ? { value: text, where: 'by itself' } : undefined;
}

/** All utterances of a text, up to the first line that is none. */
function readAll(text: string): readonly Utterance[] {
  const { take, end } = reader('', {});
  const all: (Utterance | undefined)[] = [];
  try {
    for (const line of linesIn(text)) all.push(take(line));
    all.push(end());
  } catch (error) {
    if (!isOfSource(error)) throw error;
  }
  return all.filter((utterance) => utterance !== undefined);
}
