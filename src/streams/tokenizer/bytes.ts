import { isRecord } from '../../checks.js';
import { wholeText } from '../well-formed.js';
import { characters, checkToken, type Tokenizer } from './tokenizer.js';

const BYTES = 256;

/**
 * The bytes of UTF-8 as tokens: 256 ids, every text, no file. A character takes one to four ids.
 *
 * Source: Yergeau (2003), RFC 3629; Xue et al. (2022), “ByT5: Towards a token-free future with pre-trained byte-to-byte models”.
 *
 * @returns a tokenizer of V = 256.
 * @throws RangeError (by `decode`, and by its decoders) where an id is not in 0 … 255.
 * @example
 * bytes().encode('é'); // [0xc3, 0xa9]
 * of('an', 'y text').pipe(tokens(bytes()), text(bytes()));
 */
export function bytes(): Tokenizer {
  const utf8 = new TextEncoder();
  const encode = (text: string) => Int32Array.from(utf8.encode(text));
  function decoder() {
    const whole = characters();
    return {
      push(ids: ArrayLike<number>) {
        for (let k = 0; k < ids.length; k += 1) checkToken(ids[k] as number, BYTES);
        return whole.push(Uint8Array.from(ids));
      },
      end: whole.end,
    };
  }
  return {
    size: BYTES,
    encode: (text) => encode(wholeText('encode', text)),
    decode(ids) {
      const { push, end } = decoder();
      return push(ids) + end();
    },
    encoder: () => ({ push: encode, end: () => new Int32Array() }),
    decoder,
    toJSON: () => ({ bytes: true }),
  };
}

/** Whether a coder's ids are the bytes of UTF-8. */
export function isBytes(coder: unknown): boolean {
  // Vocabularies have no decoder of their own, and need not be written down to be told apart.
  if (!isRecord(coder) || !('decoder' in coder) || typeof coder.toJSON !== 'function') return false;
  const data: unknown = coder.toJSON();
  return isRecord(data) && 'bytes' in data;
}
