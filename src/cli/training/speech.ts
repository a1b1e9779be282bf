/** What a model says while it is trained and at the end, and how well it does on text that it has not learnt. */
import { exhaustMap, map, type Observable, reduce, takeUntil, takeWhile, timer } from 'rxjs';
import { type Coder, symbolsOf } from '../../streams/coder.js';
import { generateFrom } from '../../streams/generate.js';
import { lanes } from '../../streams/lanes.js';
import { surprisal } from '../../streams/surprisal.js';
import { text as asText } from '../../streams/text.js';
import { ids } from '../../tensor.js';
import type { Context } from '../shared/command.js';
import { misused } from '../shared/failure.js';
import type { LanguageCore } from '../shared/kept.js';
import { count } from '../shared/numbers.js';
import { recipe, usualPrompt } from './recipe.js';

export function promptOf(prompt: string, vocab: Coder): string {
  const symbols = symbolsOf(vocab);
  if (symbols !== undefined && [...prompt].some((symbol) => !symbols.includes(symbol)))
    throw misused(`--prompt has symbols that the model does not know; it knows ${JSON.stringify(symbols.join(''))}.`);
  return prompt === '' ? usualPrompt(vocab) : prompt;
}

export interface Speech {
  readonly model: LanguageCore;
  readonly vocab: Coder;
  readonly prompt: string;
  readonly seed: number;
  readonly temperature: number;
}

function said({ model, vocab, prompt, seed, temperature }: Speech, length: number, round = 0): Observable<string> {
  const encoded = vocab.encode(prompt);
  return generateFrom(model, ids([encoded.length, 1], encoded), { length, temperature, seed: seed + round, vocab }).pipe(
    asText(vocab),
  );
}

/** A short sample every few seconds, with the weights of the moment. */
export const samples = (speech: Speech): Observable<string> =>
  timer(1000 * recipe.sample.everySeconds, 1000 * recipe.sample.everySeconds).pipe(
    exhaustMap((round) => said(speech, recipe.sample.symbols, round).pipe(reduce((all, symbol) => all + symbol, ''))),
  );

export async function lastWords(speech: Speech, { screen, ending }: Context): Promise<string> {
  let all = speech.prompt;
  screen.write(`\n${all}`);
  await said(speech, recipe.sample.last)
    .pipe(takeUntil(ending.requested$))
    .forEach((symbol) => {
      all += symbol;
      screen.write(symbol);
    });
  screen.write('\n');
  return all;
}

/** Bits per character of text that was not learnt, read in a few lanes, each with its carry. */
export async function heldOutBits(model: LanguageCore, heldOut: Int32Array, { screen, ending }: Context) {
  const chosen = heldOut.subarray(0, recipe.scored + 1);
  const predictable = chosen.length - 1;
  const batch = Math.min(16, Math.ceil(predictable / 256));
  const length = Math.min(128, Math.floor(predictable / batch));
  let [bits, characters] = [0, 0];
  await lanes(chosen, { batch, length })
    .pipe(
      takeUntil(ending.requested$),
      map(({ input }) => input),
      surprisal(model),
      takeWhile(() => !ending.requested()),
    )
    .forEach(({ data }) => {
      // Nothing precedes a lane's first symbol, so it says nothing about the model.
      const counted = characters === 0 ? data.subarray(batch) : data;
      for (const surprise of counted) bits += surprise;
      characters += counted.length;
      screen.live(() => `scoring what was held out: ${count(characters)} of ${count(predictable)} characters`);
    });
  return ending.requested() || characters === 0 ? undefined : { bitsPerCharacter: bits / characters, characters };
}
