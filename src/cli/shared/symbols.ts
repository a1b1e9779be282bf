/** What a new run's symbols are: the choice of `--symbols`, or the tokens of a file. */
import { Option } from 'commander';
import { ASCII, type Coder, streamVocabulary } from '../../streams/coder.js';
import { isOpen, MOST_SYMBOLS, openVocabulary } from '../../streams/open-vocabulary.js';
import { bytes } from '../../streams/tokenizer/bytes.js';
import { loadTokenizer } from '../../streams/tokenizer/load-tokenizer.js';
import type { Tokenizer } from '../../streams/tokenizer/tokenizer.js';
import { vocabulary } from '../../streams/vocabulary.js';
import { choice } from './arguments.js';
import { Failure, messageOf, misused } from './failure.js';

/** Of a stream, whose symbols nobody knows beforehand. */
const streamChoices = ['open', 'ascii', 'bytes'] as const;
/** Of a text that is there as a whole, or of a stream. */
const symbolChoices = ['text', ...streamChoices] as const;

export type SymbolChoice = (typeof symbolChoices)[number];

/** What was typed of the symbols of a new run; one of the two at most. */
export interface TypedSymbols {
  readonly symbols?: SymbolChoice;
  /** The path of a `tokenizer.json`. */
  readonly tokenizer?: string;
}

const others = 'ascii: \uFFFD for all else; bytes: those of UTF-8';
const ofStream = `open: ASCII, and what else comes gets a place of its own; ${others}`;
const ofText = `open: those of the text, with --stdin ASCII, and what else comes later gets a place of its own; ${others}`;

/** The option of a command that learns from a stream; `of` says whose symbols they are, and what they are where nothing is given. */
export const streamSymbols = (of: string): Option => choice('--symbols <name>', `of ${of}. ${ofStream}`, streamChoices);
/** The same where the text may be there as a whole. */
export const textSymbols = (of: string): Option => choice('--symbols <name>', `of ${of}. ${ofText}`, symbolChoices);
/** In the place of `--symbols`. */
export const tokenizerOption = (of: string): Option =>
  new Option('--tokenizer <file>', `a tokenizer.json, whose tokens are the symbols of ${of}`).conflicts('symbols');

/** The coder of a new run that learns from a stream. */
export async function streamCoder({ symbols = 'open', tokenizer }: TypedSymbols): Promise<Coder> {
  if (tokenizer !== undefined) return tokenizerOf(tokenizer);
  if (symbols === 'text')
    throw misused('--symbols text is for a text that is there as a whole; give open, ascii or bytes.');
  if (symbols === 'bytes') return bytes();
  return symbols === 'open' ? streamVocabulary() : vocabulary(ASCII, { unknown: { replace: '\uFFFD' } });
}

/** The coder of a new run that learns a text; an open one begins with its symbols, and gains those of texts that are learnt later. */
export async function textCoder(text: string, { symbols: choice = 'text', tokenizer }: TypedSymbols): Promise<Coder> {
  if (tokenizer !== undefined) return tokenizerOf(tokenizer);
  if (choice === 'text') return vocabulary(text);
  if (choice !== 'open') return streamCoder({ symbols: choice });
  const { symbols } = vocabulary(text);
  return openVocabulary(symbols, { most: Math.max(MOST_SYMBOLS, 2 * symbols.length) });
}

async function tokenizerOf(path: string): Promise<Tokenizer> {
  try {
    return await loadTokenizer(path);
  } catch (error) {
    throw new Failure(`--tokenizer: ${messageOf(error)}`);
  }
}

/** What was chosen for a run, as far as its coder tells. */
function choiceOf(coder: Coder): string {
  if (!('symbols' in coder)) return 'bytes' in coder.toJSON() ? '--symbols bytes' : '--tokenizer';
  if (isOpen(coder)) return '--symbols open';
  return typeof coder.unknown === 'object' ? '--symbols ascii' : '--symbols text';
}

/** @throws (as a rejection) Failure where a run that is there has other symbols than were asked for. */
export async function requireSymbolsOf(
  keep: string,
  coder: Coder,
  { symbols, tokenizer }: TypedSymbols,
): Promise<void> {
  const is = choiceOf(coder);
  const unlike = (was: string, asked: string, option: string) =>
    misused(`${keep} has a run with ${was}, not ${asked}; leave ${option} out, or give another folder.`);
  if (symbols !== undefined && is !== `--symbols ${symbols}`) throw unlike(is, symbols, '--symbols');
  if (tokenizer === undefined) return;
  const asked = await tokenizerOf(tokenizer);
  if (JSON.stringify(asked.toJSON()) === JSON.stringify(coder.toJSON())) return;
  throw unlike(is === '--tokenizer' ? 'the tokens of another file' : is, `those of ${tokenizer}`, '--tokenizer');
}
