/** What a training of the command does beside learning, whatever its recipe is. */
import type { Vocabulary } from '../../streams/vocabulary.js';
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

/** What a model goes on from where nothing is given: the first of these whose symbols it knows. */
const prompts = ['The ', ' ', '\n'];

export const usualPrompt = (symbols: readonly string[]): string =>
  prompts.find((text) => [...text].every((symbol) => symbols.includes(symbol))) ?? (symbols[0] as string);

/** What a model goes on from in its samples. */
export function promptOf(prompt: string | undefined, vocab: Vocabulary): string {
  const given = prompt ?? usualPrompt(vocab.symbols);
  if (given === '') throw misused('--prompt is empty; give the model something to continue.');
  requireSymbols('--prompt', given, vocab);
  return given;
}

/** A vocabulary that knows no replacement must know every symbol. */
export function requireSymbols(what: string, text: string, vocab: Vocabulary, remedy = ''): void {
  if (vocab.unknown !== 'error') return;
  const known = new Set(vocab.symbols);
  for (const symbol of [...new Set(text)]) {
    if (known.has(symbol)) continue;
    const shown = `${JSON.stringify(symbol)} (U+${(symbol.codePointAt(0) as number).toString(16).padStart(4, '0')})`;
    throw misused(`${what} has ${shown}, which is not among the model's ${vocab.size} symbols${remedy}.`);
  }
}
