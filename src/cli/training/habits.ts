/** What a training of the command does in addition to learning, whatever its recipe is. */
import { type Coder, strangerIn, symbolsOf } from '../../streams/coder.js';
import { misused } from '../shared/failure.js';

export const habits = {
  /** Of the text that was held out, so many symbols are scored at the end of a training at most. */
  scored: 200_000,
  /** Seconds that this may take in any case; a training that is longer may be scored for as long as it took. */
  scoring: 5,
  /** Of the validation part, so many symbols are scored each time. */
  validated: 40_000,
  keep: 'model',
  /** Seconds from one checkpoint to the next. */
  saveEvery: 30,
  /** A sample now and then. */
  sample: { symbols: 100, everySeconds: 6, last: 300, temperature: 0.8 },
  /** Symbols of a passage that a report shows. */
  passage: 1500,
} as const;

/** What a model goes on from where nothing is given: the first of these of which it has symbols, knows all, and which its text has. */
const prompts = ['The ', ' ', '\n'];

/** `text` is what it learns, where that is there as a whole; it stands for one of which nothing else is known. */
export function usualPrompt(coder: Coder, text?: string): string {
  const symbols = symbolsOf(coder);
  const isKnown = (prompt: string) =>
    [...prompt].every((symbol) => symbols?.includes(symbol) ?? true) && coder.encode(prompt).length > 0;
  const usual = prompts.find((prompt) => (text?.includes(prompt) ?? true) && isKnown(prompt));
  return usual ?? Array.from((text ?? '').slice(0, 100)).find(isKnown) ?? coder.decode([0]);
}

/** What a model goes on from in its samples. */
export function promptOf(prompt: string | undefined, vocab: Coder, text?: string): string {
  const given = prompt ?? usualPrompt(vocab, text);
  if (given === '') throw misused('--prompt is empty; give the model something to continue.');
  requireSymbols('--prompt', given, vocab);
  requireTokens('--prompt', given, vocab);
  return given;
}

/** A tokenizer may take a text for nothing at all: spaces, say. */
export function requireTokens(what: string, text: string, vocab: Coder): void {
  if (vocab.encode(text).length > 0) return;
  throw misused(`${what} ${JSON.stringify(text)} has no token; give the model something to go on from.`);
}

/** A vocabulary that knows no replacement must know every symbol. */
export function requireSymbols(what: string, text: string, vocab: Coder, remedy = ''): void {
  if (!('symbols' in vocab) || vocab.unknown !== 'error') return;
  const symbol = strangerIn(vocab, text);
  if (symbol === undefined) return;
  const shown = `${JSON.stringify(symbol)} (U+${(symbol.codePointAt(0) as number).toString(16).padStart(4, '0')})`;
  throw misused(`${what} has ${shown}, which is not among the model's ${vocab.size} symbols${remedy}.`);
}
