import * as E from 'fp-ts/lib/Either.js';
import type { Observable } from 'rxjs';
import { shown } from '../../checks.js';
import { fromAsync } from '../../streams/from-async.js';
import { badLine } from './failure.js';
import { isBlank, linesOf, type TextSource } from './lines.js';
import type { Utterance } from './utterance.js';

type Fault = readonly [tag: 'BadLine' | 'CountMismatch', why: string];

const isStrings = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((each) => typeof each === 'string');

function parse(text: string): E.Either<Fault, Utterance> {
  const bad = (why: string) => E.left<Fault>(['BadLine', why]);
  const parsed = E.tryCatch(
    () => JSON.parse(text) as unknown,
    (error) => (error as Error).message,
  );
  if (E.isLeft(parsed)) return bad(`no JSON: ${parsed.left}.`);
  if (typeof parsed.right !== 'object' || parsed.right === null) return bad('an utterance is an object.');
  const { id, words, tags, intent } = parsed.right as Record<string, unknown>;
  if (!isStrings(words)) return bad(`words is a list of strings, not ${shown(words)}.`);
  if (tags !== undefined && !isStrings(tags)) return bad(`tags is a list of strings, not ${shown(tags)}.`);
  if (id !== undefined && typeof id !== 'string') return bad(`id is a string, not ${shown(id)}.`);
  if (intent !== undefined && typeof intent !== 'string') {
    return bad(`intent is a string, not ${shown(intent)}.`);
  }
  if (tags !== undefined && tags.length !== words.length) {
    return E.left(['CountMismatch', `${tags.length} tags for ${words.length} words; each word has one tag.`]);
  }
  return E.right({
    ...(id !== undefined && { id }),
    words,
    ...(tags !== undefined && { tags }),
    ...(intent !== undefined && { intent }),
  });
}

async function* read(source: TextSource, signal: AbortSignal): AsyncGenerator<Utterance, void, void> {
  const { path, lines } = linesOf('fromJsonLines', source, signal);
  for await (const { text, number } of lines) {
    if (isBlank(text)) continue;
    const parsed = parse(text);
    if (E.isLeft(parsed)) throw badLine('fromJsonLines', parsed.left[0], path, number, parsed.left[1]);
    yield parsed.right;
  }
}

/**
 * Utterances of a file with an object a line: `{ "id": …, "words": […], "tags": […], "intent": … }`, of which only the
 * words must be there; other names are left out.
 *
 * Blank lines are nothing; lines end in LF or CRLF, and a byte-order mark is left out. A pull source: lines are read
 * when the pipeline has dealt with the last utterance; unsubscribing closes what is read at once.
 *
 * Source: JSON Lines, jsonlines.org.
 *
 * @param source the path of a file, or a name and chunks of text.
 * @returns the utterances in the order of the lines; each subscription reads a file again.
 * @throws OxbowError (as an error notification), an {@link UtteranceError} naming file and line, where a line is no such object, or has not as
 * many tags as words.
 * @throws OxbowError (as an error notification), a {@link FileError}, where the file cannot be read.
 * @example
 * ```ts no-run
 * const corrections$ = fromJsonLines({ name: 'stdin', chunks: process.stdin });
 * ```
 */
export function fromJsonLines(source: TextSource): Observable<Utterance> {
  return fromAsync((signal) => read(source, signal));
}

/**
 * An utterance as a line of JSON; `fromJsonLines` reads it as it was, whatever its texts are.
 *
 * @returns the line, with the line feed at its end.
 * @throws TypeError where it would not be read: words or tags that are no lists of strings or not as many, an id or an intent
 * that is no string.
 * @example
 * toJsonLine({ words: ['hi'], tags: ['O'] }); // '{"words":["hi"],"tags":["O"]}\n'
 */
export function toJsonLine({ id, words, tags, intent }: Utterance): string {
  const line = JSON.stringify({ id, words, tags, intent });
  const read = parse(line);
  if (E.isLeft(read)) throw new TypeError(`toJsonLine: ${read.left[1]}`);
  return `${line}\n`;
}
