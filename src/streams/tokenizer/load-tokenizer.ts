import { fileError } from '../../errors.js';
import { readBytes } from '../from-file.js';
import type { Tokenizer } from './tokenizer.js';
import { MOST, read } from './tokenizer-from.js';

const PIECE = 1 << 20;

/**
 * Reads the tokenizer of a `tokenizer.json`; what such a file may say is at {@link tokenizerFrom}.
 *
 * @param path that of the file.
 * @returns resolves with the tokenizer.
 * @throws OxbowError (as a rejection) that names the file: `FileError` where it cannot be read, `BadTokenizer` with the place in it.
 * @example
 * ```ts no-run
 * const bpe = await loadTokenizer('tokenizer.json');
 * fromFile('corpus.txt').pipe(tokens(bpe), windows({ length: 64 }));
 * ```
 */
export async function loadTokenizer(path: string): Promise<Tokenizer> {
  let json = '';
  try {
    const utf8 = new TextDecoder('utf-8', { fatal: true });
    for await (const piece of readBytes(path, PIECE, new AbortController().signal)) {
      json += utf8.decode(piece, { stream: true });
      if (json.length > MOST.characters) break;
    }
    json += utf8.decode();
  } catch (cause) {
    throw fileError('loadTokenizer', 'read', path, cause);
  }
  return read(`loadTokenizer: ${path}`, json);
}
