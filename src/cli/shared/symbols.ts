/** What a new run's symbols are: the choice of `--symbols`. */
import { ASCII, type Coder, streamVocabulary } from '../../streams/coder.js';
import { isOpen } from '../../streams/open-vocabulary.js';
import { bytes } from '../../streams/tokenizer/bytes.js';
import { vocabulary } from '../../streams/vocabulary.js';
import { misused } from './failure.js';

/** Of a stream, whose symbols nobody knows beforehand. */
export const streamChoices = ['open', 'ascii', 'bytes'] as const;
/** Of a text that is there as a whole, or of a stream. */
export const symbolChoices = ['text', ...streamChoices] as const;

export type SymbolChoice = (typeof symbolChoices)[number];

/** What is said of the choices for a stream. */
export const streamChoicesHelp =
  'open: ASCII, and what else comes gets a place of its own; ascii: \uFFFD for all else; bytes: those of UTF-8';

/** The coder of a new run that learns from a stream. */
export function streamCoder(choice: SymbolChoice = 'open'): Coder {
  if (choice === 'text')
    throw misused('--symbols text is for a text that is there as a whole; give open, ascii or bytes.');
  if (choice === 'bytes') return bytes();
  return choice === 'open' ? streamVocabulary() : vocabulary(ASCII, { unknown: { replace: '\uFFFD' } });
}

/** The coder of a new run that learns a text. */
export function textCoder(text: string, choice: SymbolChoice = 'text'): Coder {
  if (choice === 'open') throw misused('--symbols open is for a stream, --stdin; give text, ascii or bytes.');
  return choice === 'text' ? vocabulary(text) : streamCoder(choice);
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
