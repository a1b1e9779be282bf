/** What tokenizers are to the operators that turn text into ids and ids into text. */

import type { Vocabulary } from '../symbols.js';

/** A tokenizer as plain data, for checkpoints: the text of its `tokenizer.json`, or that it is the bytes. */
export type TokenizerData = { readonly tokenizer: string } | { readonly bytes: true };

/** Text as ids while it arrives. Its chunks are well-formed Unicode. */
export interface TokenEncoder {
  /** Goes on by some text: the ids that no further text can change. */
  push(text: string): Int32Array;
  /** The ids of what has waited, where the text ends. */
  end(): Int32Array;
}

/** Ids as text while they arrive. */
export interface TokenDecoder {
  /** Goes on by some ids: the characters that are whole. @throws RangeError where an id is not in 0 … size − 1. */
  push(ids: ArrayLike<number>): string;
  /** What is left where the ids end: U+FFFD for bytes that are no whole character. */
  end(): string;
}

/** Texts as ids of tokens, which may be parts of words or bytes of a character. */
export interface Tokenizer {
  /** How many ids there are, V. */
  readonly size: number;
  /** The ids of a text. */
  encode(text: string): Int32Array;
  /** The text of ids. @throws RangeError where an id is not in 0 … size − 1. */
  decode(ids: ArrayLike<number>): string;
  /** An encoder of one text, with a state of its own. */
  encoder(): TokenEncoder;
  /** A decoder of one text, with a state of its own. */
  decoder(): TokenDecoder;
  /** The tokenizer as plain data; `tokenizerFrom` takes it back. */
  toJSON(): TokenizerData;
}

/** Gives the ids of a text, whole or in chunks; an open vocabulary's encoder gives new symbols ids of their own. */
export const encoderOf = (coder: Pick<Vocabulary, 'encode'> | Pick<Tokenizer, 'encoder'>): TokenEncoder =>
  'encoder' in coder ? coder.encoder() : { push: (text) => coder.encode(text), end: () => new Int32Array() };

/** Gives the text of ids, whole or in parts. */
export const decoderOf = (coder: Pick<Vocabulary, 'decode'> | Tokenizer): TokenDecoder =>
  'decoder' in coder ? coder.decoder() : { push: (ids) => coder.decode(ids), end: () => '' };

/** @throws RangeError where an id is none of so many. */
export function checkToken(id: number, size: number): void {
  if (Number.isInteger(id) && id >= 0 && id < size) return;
  throw new RangeError(`decode: ids run from 0 to ${size - 1} in this tokenizer, but got ${id}.`);
}

/** Characters of UTF-8 bytes that arrive in parts: the bytes of one that is not whole yet wait. */
export function characters(): { push(bytes: Uint8Array): string; end(): string } {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return { push: (bytes) => decoder.decode(bytes, { stream: true }), end: () => decoder.decode() };
}
