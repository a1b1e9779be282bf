/** What a model says while it is trained and at the end. */
import { exhaustMap, map, type Observable, reduce, takeUntil, timer } from 'rxjs';
import { generateFrom } from '../../streams/generate.js';
import { text as asText } from '../../streams/text.js';
import { ids } from '../../tensor.js';
import { habits } from './habits.js';
import type { LanguageRun } from './run.js';

function said(run: LanguageRun, length: number, round = 0): Observable<string> {
  const { vocab, prompt, recipe, temperature } = run;
  const encoded = vocab.encode(prompt);
  const seed = recipe.seed + round;
  return generateFrom(run.model, ids([encoded.length, 1], encoded), { length, temperature, seed, vocab }).pipe(
    asText(vocab),
  );
}

export const onOneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();

/** A short sample every few seconds, with the weights of the moment; `spoken` were there before. */
export function samples(run: LanguageRun, spoken: number): Observable<string> {
  const { everySeconds, symbols } = habits.sample;
  return timer(1000 * everySeconds, 1000 * everySeconds).pipe(
    exhaustMap((round) => said(run, symbols, spoken + round).pipe(reduce((all, symbol) => all + symbol, ''))),
    map(onOneLine),
  );
}

/** The model's last words, after its prompt, as they come. */
export async function lastWords(run: LanguageRun): Promise<string> {
  const { screen, ending, prompt } = run;
  let all = prompt;
  screen.write(`\n${all}`);
  await said(run, habits.sample.last)
    .pipe(takeUntil(ending.requested$))
    .forEach((symbol) => {
      all += symbol;
      screen.write(symbol);
    });
  screen.write('\n');
  return all;
}
