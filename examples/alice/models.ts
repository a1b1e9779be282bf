/** The lecture's two text models: what they learn from, and what they say. */
import {
  adam,
  crossEntropy,
  dense,
  dropout,
  embedding,
  generateFrom,
  type Ids,
  ids,
  lastStep,
  lstm,
  type Model,
  oneHot,
  rmsprop,
  sequential,
  simpleRnn,
  toIds,
  vocabulary,
} from 'oxbow';
import { firstValueFrom, reduce } from 'rxjs';
import * as recipe from './recipe.js';
import { nextSymbols, slidingWindows, type Windows, wordsOf } from './text.js';

/** A model with its data. */
export interface Task {
  readonly model: Model<Ids>;
  readonly data: Windows;
  readonly batch: number;
  readonly heldOut: number | undefined;
  /** What a symbol is called, and how many of them an example has. */
  readonly unit: string;
  readonly length: number;
  readonly symbols: number;
  /** Goes on from an example of the text, likeliest symbol by likeliest symbol. */
  say(from: number): Promise<string>;
}

/** One batch of windows, of the text that is left by its preparation. */
export const leastCharacters = recipe.characters.length + recipe.characters.batch;
export const leastWords = 2 * recipe.words.batch * recipe.words.length;

/** The eleventh character from ten. Undefined where the text is too short. */
export function characterTask(text: string, seed: number): Task | undefined {
  const { length, units, batch, learningRate, rmsprop: numbers, said } = recipe.characters;
  if (text.length < leastCharacters) return undefined;
  const vocab = vocabulary(text);
  const symbols = vocab.encode(text);
  const model = sequential([oneHot(vocab.size), simpleRnn(vocab.size, units), lastStep(), dense(units, vocab.size)], {
    seed,
  }).compile({ loss: crossEntropy(), optimizer: rmsprop(learningRate, numbers), metrics: ['accuracy'] });

  // Each time the model sees the last ten characters only, from the zero carry, as it was trained.
  async function say(from: number): Promise<string> {
    const line = [...symbols.slice(from, from + length)];
    for (let k = 0; k < said; k += 1) {
      const logits = await model.predict(ids([1, length], line.slice(-length)));
      line.push(toIds(logits).data[0] as number);
    }
    return vocab.decode(line);
  }
  const data = slidingWindows(symbols, length);
  return { model, data, batch, heldOut: undefined, unit: 'characters', length, symbols: vocab.size, say };
}

/** The next word at every step. Undefined where the text is too short. */
export function wordTask(text: string, seed: number): Task | undefined {
  const { length, features, units, dropout: rate, batch, learningRate, heldOut, said } = recipe.words;
  const words = wordsOf(text);
  if (words.length < leastWords) return undefined;
  const known = [...new Set(words)].sort();
  const idOf = new Map(known.map((word, id) => [word, id]));
  const symbols = Int32Array.from(words, (word) => idOf.get(word) as number);
  const model = sequential(
    [
      embedding(known.length, features),
      lstm(features, units),
      lstm(units, units),
      dropout(rate),
      dense(units, known.length),
    ],
    { seed },
  ).compile({
    loss: crossEntropy(),
    optimizer: adam(learningRate),
    metrics: ['categoricalAccuracy', 'perplexity'],
  });
  const data = nextSymbols(symbols, length);

  async function say(from: number): Promise<string> {
    const prompt = symbols.slice(from * length, (from + 1) * length);
    const spoken = await firstValueFrom(
      generateFrom(model, ids([length, 1], prompt), { length: said, greedy: true }).pipe(
        reduce((all, { data: [id] }) => [...all, id as number], [] as readonly number[]),
      ),
    );
    return [...prompt.slice(-10), ...spoken].map((id) => known[id]).join(' ');
  }
  return { model, data, batch, heldOut, unit: 'words', length, symbols: known.length, say };
}
