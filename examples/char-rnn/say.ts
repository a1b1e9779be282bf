/** What the model says. */

import { generateFrom, text } from 'oxbow';
import { exhaustMap, map, type Observable, reduce, takeUntil, timer } from 'rxjs';
import { speech } from './recipe.js';
import type { Session } from './session.js';

/** A short sample every few seconds, with the weights of the moment. */
export function samples({ speaker, prompt, options }: Session, spoken: number): Observable<string> {
  const { model, vocab, recipe } = speaker;
  const { temperature } = options;
  return timer(1000 * speech.everySeconds, 1000 * speech.everySeconds).pipe(
    exhaustMap((round) =>
      generateFrom(model, prompt, { length: speech.sample, temperature, seed: recipe.seed + spoken + round }).pipe(
        text(vocab),
        reduce((said, symbol) => said + symbol, ''),
      ),
    ),
    map(onOneLine),
  );
}

/** The text at the end, symbol by symbol as it is generated. */
export function finalText({ speaker, prompt, options, interrupt }: Session): Observable<string> {
  const { temperature } = options;
  const { seed } = speaker.recipe;
  return generateFrom(speaker.model, prompt, { length: speech.length, temperature, seed }).pipe(
    text(speaker.vocab),
    takeUntil(interrupt.requested$),
  );
}

export const onOneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();
