/** What a new run's symbols are: the choice of `--symbols`. */
import { ASCII, type Coder, streamVocabulary } from '../../streams/coder.js';
import { isOpen } from '../../streams/open-vocabulary.js';
import { bytes } from '../../streams/tokenizer/bytes.js';
import { vocabulary } from '../../streams/vocabulary.js';
import { misused } from './failure.js';

/** Of a stream, whose symbols nobody knows beforehand. */
export const streamChoices = ['open', 'ascii', 'bytes'] as const;
/** Of a text that is there as a whole. */
export const textChoices = ['text', 'bytes'] as const;

export type SymbolChoice = (typeof streamChoices)[number] | (typeof textChoices)[number];

/** What is said of the choices for a stream. */
export const streamChoicesHelp =
  'open: ASCII, and what else comes gets a place of its own; ascii: \uFFFD for all else; bytes: those of UTF-8';

/** The coder of a new run; `text` is that whose symbols are meant. */
export function coderOf(choice: SymbolChoice, text = ''): Coder {
  if (choice === 'bytes') return bytes();
  if (choice === 'open') return streamVocabulary();
  return choice === 'ascii' ? vocabulary(ASCII, { unknown: { replace: '\uFFFD' } }) : vocabulary(text);
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
  throw misused(`${keep} has a run with --symbols ${is}, not ${asked}; leave --symbols out, or --keep another folder.`);
}
