/** Mutated files of utterances, each format against a second reading of it, and the vocabularies that are made of them. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { from, lastValueFrom, type Observable, toArray } from 'rxjs';
import {
  fromConll,
  fromJsonLines,
  fromSequenceFiles,
  OxbowError,
  toConll,
  toJsonLine,
  tokens,
  type Utterance,
  vocabulary,
} from '../src/index.js';
import { holds, outcomeOf, refusal, same } from './judging.js';
import {
  type ByteMutation,
  byteMutation,
  cuts,
  cutUp,
  mutatedBytes,
  mutatedText,
  type TextMutation,
  textMutation,
  upTo,
} from './mutations.js';
import type { Target } from './run.js';
import { conllOf, jsonLinesOf, type Reading, sequencesOf, textOf } from './second-readings.js';

const conll = `-DOCSTART- -X- O O

# id = 1
# intent = leaving
leave VB O
San NN B-from
José\u00a0x NN I-from

to\tTO\tO
🐂 NN B-to

# words = 0

# tags = none
é NN O
`;

const jsonLines = `{"id":"1","words":["leave","San","José"],"tags":["O","B-from","I-from"],"intent":"leaving"}
{"words":["🐂","\\ud83d"],"more":[1.5,{"a":null}]}\r

{"words":[],"tags":[]}
{"words":["to","\\u0000"],"tags":["O","B-\\"x"]}
`;

const sequences = [
  'leave San José\n\nto 🐂\r\n',
  'O B-from I-from\n\nO B-to\r\n',
  'leaving\nnone\narriving\n',
] as const;

interface Changes {
  readonly text: readonly TextMutation[];
  readonly bytes: readonly ByteMutation[];
}

interface Case {
  readonly format: 'conll' | 'json-lines' | 'sequence-files' | 'nothing';
  readonly changes: readonly Changes[];
  readonly random: Uint8Array;
  readonly cuts: readonly number[];
  /** Which chunks come as strings. */
  readonly strings: number;
  readonly separator: 'blank' | 'tab';
  readonly columns?: { readonly word?: number; readonly tag?: number | null } | undefined;
  readonly comment?: string | undefined;
}

const changes: fc.Arbitrary<Changes> = fc.record({ text: upTo(3, textMutation), bytes: upTo(2, byteMutation) });

const cases: fc.Arbitrary<Case> = fc.record({
  format: fc.oneof(
    { weight: 24, arbitrary: fc.constant('conll' as const) },
    { weight: 24, arbitrary: fc.constant('json-lines' as const) },
    { weight: 4, arbitrary: fc.constant('nothing' as const) },
    { weight: 1, arbitrary: fc.constant('sequence-files' as const) },
  ),
  changes: fc.array(changes, { minLength: 3, maxLength: 3 }),
  random: fc.uint8Array({ maxLength: 120 }),
  cuts,
  strings: fc.oneof(fc.constant(0), fc.nat({ max: 255 })),
  separator: fc.constantFrom('blank', 'blank', 'tab'),
  columns: fc.constantFrom(
    undefined,
    undefined,
    { word: 0, tag: 1 },
    { word: -1 },
    { word: 1, tag: null },
    { word: 5, tag: -9 },
  ),
  comment: fc.constantFrom(undefined, undefined, '#', '# '),
});

const encoder = new TextEncoder();
const bytesOf = (text: string, each: Changes | undefined): Uint8Array =>
  mutatedBytes(encoder.encode(mutatedText(text, each?.text ?? [])), each?.bytes ?? []);

/** The chunks of a case: bytes, and here and there the string that these are by themselves. */
function chunksOf(bytes: Uint8Array, each: Case): readonly (Uint8Array | string)[] {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return cutUp(bytes, each.cuts).map((chunk, k) => ((each.strings >> k) & 1 ? decoder.decode(chunk) : chunk));
}

async function* arriving<T>(chunks: Iterable<T>): AsyncGenerator<T> {
  yield* chunks;
}

/** What a source gives until it ends, or is refused. */
async function taken(operation: string, source: Observable<Utterance>) {
  const utterances: Utterance[] = [];
  const refused = await new Promise<Error | undefined>((resolve, reject) => {
    source.subscribe({
      next: (utterance) => void utterances.push(utterance),
      error: (error: unknown) => {
        try {
          resolve(refusal([operation], error));
        } catch (fault) {
          reject(fault as Error);
        }
      },
      complete: () => resolve(undefined),
    });
  });
  return { utterances, refused };
}

async function judgeReading(
  operation: string,
  source: Observable<Utterance>,
  wanted: Reading,
): Promise<readonly Utterance[]> {
  const { utterances, refused } = await taken(operation, source);
  same(`what ${operation} gives`, utterances, wanted.utterances);
  if (wanted.wrong === undefined) {
    holds(`${operation} refuses what is sound: ${refused?.message}`, refused === undefined);
  } else {
    const { tag, line } = wanted.wrong;
    const found = refused instanceof OxbowError ? refused : undefined;
    same(
      `what ${operation} says is wrong`,
      { tag: found?._tag, line: found && 'line' in found ? found.line : undefined },
      { tag, line },
    );
  }
  return utterances;
}

/** What was read is read again as it is, once it was written. */
async function judgeWriting(utterances: readonly Utterance[]): Promise<void> {
  const again = (chunks: string) => ({ name: 'again', chunks: arriving([chunks]) });
  const lines = utterances.map(toJsonLine).join('');
  same('JSON written and read', (await taken('fromJsonLines', fromJsonLines(again(lines)))).utterances, utterances);
  for (const utterance of utterances) {
    const written = outcomeOf('toConll', () => toConll(utterance));
    if ('refused' in written) continue;
    const read = await taken('fromConll', fromConll(again(written.value)));
    same('columns written and read', read.utterances, [utterance]);
  }
}

/** A text's vocabulary knows it, in whatever chunks it comes. */
async function judgeVocabulary(text: string, chunks: readonly (Uint8Array | string)[]): Promise<void> {
  const wellFormed = text.replace(/\p{Surrogate}/gu, '�');
  const made = outcomeOf('vocabulary', () => vocabulary(text));
  if ('refused' in made) {
    same('the text of no vocabulary', text, '');
    return;
  }
  const vocab = made.value;
  same('a text as ids and back', vocab.decode(vocab.encode(text)), wellFormed);
  const arrived = await lastValueFrom(from(chunks).pipe(tokens(vocab), toArray()));
  same('a text that arrived', arrived.map(({ data }) => vocab.decode(data)).join(''), wellFormed);
}

export async function utterances(): Promise<Target<Case>> {
  const folder = await mkdtemp(join(tmpdir(), 'oxbow-fuzz-'));

  async function judgeFolder({ changes: [words, tags, intents] }: Case): Promise<number> {
    const files = [words, tags, intents].map((each, k) => bytesOf(sequences[k] as string, each));
    await Promise.all(
      files.map((file, k) => writeFile(join(folder, ['seq.in', 'seq.out', 'label'][k] as string), file)),
    );
    const read = await judgeReading('fromSequenceFiles', fromSequenceFiles(folder), sequencesOf(files));
    await judgeWriting(read);
    return files.reduce((sum, file) => sum + file.length, 0);
  }

  return {
    name: 'utterances',
    cases,
    async judge(each) {
      if (each.format === 'sequence-files') return judgeFolder(each);
      const {
        changes: [first],
        separator,
        columns,
        comment,
      } = each;
      const base = { conll, 'json-lines': jsonLines, nothing: '' }[each.format];
      const bytes = each.format === 'nothing' ? mutatedBytes(each.random, first?.bytes ?? []) : bytesOf(base, first);
      const chunks = chunksOf(bytes, each);
      const text = textOf(chunks, true);
      const source = { name: 'case', chunks: arriving(chunks) };
      const options = { separator, ...(columns && { columns }), ...(comment !== undefined && { comment }) };
      const isJson = each.format === 'json-lines';
      const read = isJson
        ? await judgeReading('fromJsonLines', fromJsonLines(source), jsonLinesOf(text))
        : await judgeReading('fromConll', fromConll(source, options), conllOf(text, options));
      await judgeWriting(read);
      const said = textOf(chunks, false);
      if (said !== undefined) await judgeVocabulary(said, chunks);
      return bytes.length;
    },
    close: () => rm(folder, { recursive: true }),
  };
}
