/** A character model of a text, what it learns, and what it says; knows no page. */
import {
  adam,
  crossEntropy,
  decodeCheckpoint,
  dense,
  embedding,
  encodeCheckpoint,
  generateFrom,
  type Ids,
  ids,
  type Layer,
  lanes,
  loadWeights,
  lstm,
  stack,
  tbptt,
  type Vocabulary,
  vocabulary,
  vocabularyFrom,
  weightsOf,
} from 'oxbow';
import { map, type Observable, reduce } from 'rxjs';

const recipe = { embed: 32, length: 32, lanes: 8, learningRate: 4e-3, clipNorm: 5, seed: 42, said: 160 } as const;

export interface Session {
  readonly units: number;
  readonly vocab: Vocabulary;
  readonly model: Layer<unknown, Ids>;
}

/** What an update came to: nats a symbol, symbols so far, and symbols a second. */
export interface Learnt {
  readonly loss: number;
  readonly symbols: number;
  readonly speed: number;
}

function sessionOf(units: number, vocab: Vocabulary): Session {
  const model = stack(
    { embed: embedding(vocab.size, recipe.embed), rnn: lstm(recipe.embed, units), head: dense(units, vocab.size) },
    { seed: recipe.seed },
  );
  return { units, vocab, model };
}

/** @throws RangeError where there is nothing to learn from the text. */
export function fresh(text: string, units: number): Session {
  if ([...text].length < 2 * recipe.lanes) {
    throw new RangeError(`The text is too short; it needs at least ${2 * recipe.lanes} symbols.`);
  }
  return sessionOf(units, vocabulary(text, { unknown: 'skip' }));
}

/** Learns the text again and again until it is unsubscribed from. */
export function learning({ model, vocab }: Session, text: string): Observable<Learnt> {
  const symbols = vocab.encode(text);
  const length = Math.min(recipe.length, Math.floor((symbols.length - 1) / recipe.lanes));
  if (length < 1) throw new RangeError('The text has too few symbols that these weights know.');
  // In a page the updates run off its own thread, on threads of their own or in slices.
  return lanes(symbols, { batch: recipe.lanes, length, epochs: Number.POSITIVE_INFINITY }).pipe(
    tbptt(model, { loss: crossEntropy(), optimizer: adam(recipe.learningRate), clipNorm: recipe.clipNorm }),
    map(({ loss, tokens, tokensPerSecond }) => ({ loss, symbols: tokens, speed: tokensPerSecond })),
  );
}

/** A sample, by the weights of the moment. */
export function saying({ model, vocab }: Session, temperature: number, seed: number): Observable<string> {
  const prompt = ids([1, 1], [seed % vocab.size]);
  return generateFrom(model, prompt, { length: recipe.said, temperature, seed }).pipe(
    reduce((said, symbol) => said + vocab.decode(symbol.data), vocab.decode(prompt.data)),
  );
}

/** The weights as safetensors, with what makes the model of them again. */
export const saved = ({ units, vocab, model }: Session): Uint8Array =>
  encodeCheckpoint({
    tensors: weightsOf(model.params),
    metadata: { units: String(units), vocabulary: JSON.stringify(vocab) },
  });

/** @throws Error where the bytes are not those of `saved`. */
export function restored(bytes: Uint8Array): Session {
  const { tensors, metadata } = decodeCheckpoint(bytes);
  if (metadata.units === undefined || metadata.vocabulary === undefined) {
    throw new Error('These weights have no vocabulary: they were not saved by this page.');
  }
  const session = sessionOf(Number(metadata.units), vocabularyFrom(JSON.parse(metadata.vocabulary)));
  loadWeights(session.model.params, tensors);
  return session;
}
