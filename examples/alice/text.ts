/** The text as the lecture prepares it, and the examples that are made of it. */
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import { type Ids, ids } from 'oxbow';
import type { Failure } from '../shared/failure.js';
import { readText } from '../shared/text-file.js';
import { source } from './recipe.js';

/** The lecture's preparation: lines stripped, lower-cased, ASCII only, joined by spaces. */
export function prepared(text: string): string {
  const lines = text
    .split('\n')
    .map((line) => [...line.trim().toLowerCase()].filter((symbol) => symbol <= '\u007f').join(''));
  return lines.filter((line) => line !== '').join(' ');
}

export interface Book {
  readonly text: string;
  /** Characters of the file, most of which stay where it is English. */
  readonly before: number;
}

export function readBook(path: string): TE.TaskEither<Failure, Book> {
  const remedy = `the text is no part of this package: curl -O ${source}, or give its place by --file`;
  return pipe(
    readText(path, remedy),
    TE.map((text) => ({ text: prepared(text), before: text.length })),
  );
}

export interface Windows {
  /** `[N, length]`. */
  readonly x: Ids;
  readonly y: Ids;
}

/** Every window of so many symbols, and the symbol after each: y is `[N]`. */
export function slidingWindows(symbols: Int32Array, length: number): Windows {
  const count = symbols.length - length;
  const x = new Int32Array(count * length);
  for (let k = 0; k < count; k += 1) x.set(symbols.subarray(k, k + length), k * length);
  return { x: ids([count, length], x), y: ids([count], symbols.slice(length)) };
}

/** The text cut into windows of so many symbols, and the same one symbol later: y is `[N, length]`. */
export function nextSymbols(symbols: Int32Array, length: number): Windows {
  const count = Math.floor((symbols.length - 1) / length);
  const cut = (from: number) => ids([count, length], symbols.slice(from, from + count * length));
  return { x: cut(0), y: cut(1) };
}

/** Words and marks. */
export const wordsOf = (text: string): readonly string[] => text.match(/[a-z0-9]+(?:'[a-z]+)*|[^\sa-z0-9]/g) ?? [];
