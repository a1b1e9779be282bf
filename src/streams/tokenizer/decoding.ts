/** Tokens as text while they arrive; the bytes of a character may be spread over several. */

import type { Library } from './library.js';
import type { Reader } from './reading.js';
import { characters, type TokenDecoder } from './tokenizer.js';

/** A token's bytes, or its text. `first`: whether nothing came before. */
type Shown = (token: string, first: boolean) => Uint8Array | string;

export interface Decoding {
  readonly shown: Shown;
  /** What is taken away where the whole text begins with it, so often at most. */
  readonly strip: { readonly content: string; readonly count: number };
}

const MOST = 32;
const NOTHING = { content: ' ', count: 0 };
const byteToken = /^<0x[\dA-Fa-f]{2}>$/;

/** How ids of tokens are shown, as a file describes it. Added tokens are their own text where tokens are bytes. */
export function decodingOf(
  described: Reader | undefined,
  added: ReadonlyMap<string, number>,
  library: Library,
): Decoding {
  if (described === undefined) return { shown: (token, first) => (first ? token : ` ${token}`), strip: NOTHING };
  switch (described.type) {
    case 'ByteLevel':
      return { shown: byteLevel(added, library), strip: NOTHING };
    case 'WordPiece':
      return { shown: wordPiece(described), strip: NOTHING };
    case 'Metaspace': {
      const mark = described.text('replacement', '▁');
      const strips = described.text('prepend_scheme', 'always') !== 'never' && described.flag('add_prefix_space', true);
      if (mark === '') described.refuse('is empty.', 'replacement');
      const shown: Shown = (token, first) => {
        const text = token.replaceAll(mark, ' ');
        return first && strips && text.startsWith(' ') ? text.slice(1) : text;
      };
      return { shown, strip: NOTHING };
    }
    case 'Sequence':
      return sequence(described, added, library);
    default:
      return described.refuse(
        `${JSON.stringify(described.type.slice(0, 80))} is no decoder that is taken here.`,
        'type',
      );
  }
}

function byteLevel(added: ReadonlyMap<string, number>, library: Library): Shown {
  const bytesOf = new Map<string, number>();
  const table = new library.ByteLevelPreTokenizer({ add_prefix_space: false, use_regex: false });
  for (const [byte, symbol] of Object.entries(table.byte_encoder)) bytesOf.set(symbol, Number(byte));
  return (token) => {
    if (added.has(token)) return token;
    const bytes = Array.from(token, (symbol) => bytesOf.get(symbol));
    // A symbol that stands for no byte is itself.
    return bytes.includes(undefined) ? token : Uint8Array.from(bytes as number[]);
  };
}

function wordPiece(described: Reader): Shown {
  const prefix = described.text('prefix', '##');
  const cleanup = described.flag('cleanup', true);
  return (token, first) => {
    const text = first ? token : prefix !== '' && token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`;
    return cleanup ? tidied(text) : text;
  };
}

const tidied = (text: string): string =>
  text
    .replace(/ ([.?!,])/g, '$1')
    .replaceAll(" ' ", "'")
    .replaceAll(" n't", "n't")
    .replace(/ '(m|s|ve|re)/g, "'$1");

function sequence(described: Reader, added: ReadonlyMap<string, number>, library: Library): Decoding {
  let shown: (token: string) => Uint8Array | string = (token) => token;
  let [strip, fused, isOwn]: [Decoding['strip'], boolean, boolean] = [NOTHING, false, true];
  const decoders = described.parts('decoders', MOST);
  for (const each of decoders) {
    if (decoders.length === 1 && each.type !== 'Sequence') return decodingOf(each, added, library);
    const before = shown;
    switch (each.type) {
      case 'Replace': {
        const from = each.part('pattern')?.text('String') ?? '';
        const to = each.text('content', '');
        if (from === '' || !isOwn) each.refuse('is empty, or comes after bytes, which is not taken here.', 'pattern');
        shown = (token) => (before(token) as string).replaceAll(from, () => to);
        break;
      }
      case 'ByteFallback':
        if (!isOwn) each.refuse('comes a second time.');
        isOwn = false;
        shown = (token) => {
          const text = before(token) as string;
          return byteToken.test(text) ? Uint8Array.of(Number.parseInt(text.slice(3, 5), 16)) : text;
        };
        break;
      case 'Fuse':
        fused = true;
        break;
      case 'Strip':
        if (!fused || strip !== NOTHING) each.refuse('is taken here once, after Fuse.');
        each.only('stop', 0);
        strip = { content: each.text('content'), count: each.count('start', 1024, 0) };
        if ([...strip.content].length !== 1) each.refuse('is not one character.', 'content');
        break;
      default:
        each.refuse(
          `${JSON.stringify(each.type.slice(0, 80))} is no decoder that is taken here within others.`,
          'type',
        );
    }
  }
  return { shown, strip };
}

/** Decodes one text. Memory: the bytes of a character that is not whole. */
export function decoderBy({ shown, strip }: Decoding, tokenOf: (id: number) => string): TokenDecoder {
  const whole = characters();
  const utf8 = new TextEncoder();
  let first = true;
  let left = strip.count;

  function stripped(text: string): string {
    let at = 0;
    while (left > 0 && at < text.length) {
      if (text.startsWith(strip.content, at)) {
        at += strip.content.length;
        left -= 1;
      } else left = 0;
    }
    return text.slice(at);
  }

  return {
    push(ids) {
      let text = '';
      for (let k = 0; k < ids.length; k += 1) {
        const part = shown(tokenOf(ids[k] as number), first);
        first = false;
        text += whole.push(typeof part === 'string' ? utf8.encode(part) : part);
      }
      return stripped(text);
    },
    end: () => stripped(whole.end()),
  };
}
