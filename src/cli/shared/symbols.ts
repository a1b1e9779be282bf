/** What a new run's symbols are: the choice of `--symbols`. */
import { ASCII, type Coder, streamVocabulary } from '../../streams/coder.js';
import { isOpen, MOST_SYMBOLS, openVocabulary } from '../../streams/open-vocabulary.js';
import { bytes } from '../../streams/tokenizer/bytes.js';
import { vocabulary } from '../../streams/vocabulary.js';
import { misused } from './failure.js';

/** Of a stream, whose symbols nobody knows beforehand. */
export const streamChoices = ['open', 'ascii', 'bytes'] as const;
/** Of a text that is there as a whole, or of a stream. */
export const symbolChoices = ['text', ...streamChoices] as const;

export type SymbolChoice = (typeof symbolChoices)[number];

/** What is said of the choices for a stream. */
const others = 'ascii: \uFFFD for all else; bytes: those of UTF-8';
export const streamChoicesHelp = `open: ASCII, and what else comes gets a place of its own; ${others}`;
/** The same where a text may be there as a whole. */
export const choicesHelp = `open: those of the text, with --stdin ASCII, and what else comes later gets a place of its own; ${others}`;

/** The coder of a new run that learns from a stream. */
export function streamCoder(choice: SymbolChoice = 'open'): Coder {
  if (choice === 'text')
    throw misused('--symbols text is for a text that is there as a whole; give open, ascii or bytes.');
  if (choice === 'bytes') return bytes();
  return choice === 'open' ? streamVocabulary() : vocabulary(ASCII, { unknown: { replace: '\uFFFD' } });
}

/** The coder of a new run that learns a text; an open one begins with its symbols, and gains those of texts that are learnt later. */
export function textCoder(text: string, choice: SymbolChoice = 'text'): Coder {
  if (choice === 'text') return vocabulary(text);
  if (choice !== 'open') return streamCoder(choice);
  const { symbols } = vocabulary(text);
  return openVocabulary(symbols, { most: Math.max(MOST_SYMBOLS, 2 * symbols.length) });
}

/** What was chosen for a run, as far as its coder tells. */
function choiceOf(coder: Coder): SymbolChoice {
  if (!('symbols' in coder)) return 'bytes';
  if (isOpen(coder)) return 'open';
  return typeof coder.unknown === 'object' ? 'ascii' : 'text';
}

/** @throws Failure where a run that is there has other symbols than were asked for. */
export function requireSymbolsOf(keep: string, coder: Coder, asked: SymbolChoice | undefined): void {
  const is = choiceOf(coder);
  if (asked === undefined || asked === is) return;
  throw misused(`${keep} has a run with --symbols ${is}, not ${asked}; leave --symbols out, or give another folder.`);
}
