/** What makes texts alike before they are cut into tokens: Unicode's forms, lower case, marks for spaces. */

import type { Splitter } from './cutter.js';
import type { Library } from './library.js';
import type { Reader } from './reading.js';

export interface Normalizing {
  /** Of a part of a text; `begins`: whether it is the start of it. */
  normalize(text: string, begins: boolean): string;
  /** Cuts texts where both parts by themselves become what they are together. */
  readonly splitter: Splitter;
}

const MOST = 32;
const BLANK = /[\t\n\r ]/;

/**
 * Before a blank of ASCII: it begins a character for every form of Unicode's, and ends a word for the rule of the final sigma.
 */
const beforeBlanks: Splitter = {
  next(text, at, ended) {
    for (let place = at + 1; place < text.length; place += 1) {
      if (BLANK.test(text[place] as string)) return { end: place, keep: true };
    }
    return ended ? { end: text.length, keep: true } : undefined;
  },
};

type Step = (text: string, begins: boolean) => string;

export function normalizingOf(described: Reader | undefined, library: Library): Normalizing | undefined {
  function replace(reader: Reader): Step {
    const pattern = reader.part('pattern') ?? reader.refuse('is not there.', 'pattern');
    const [from, to] = [pattern.text('String'), reader.text('content', '')];
    if (from === '' || BLANK.test(from.slice(1))) {
      pattern.refuse('is empty or has a blank after its first character, which is not taken here.', 'String');
    }
    return (text) => text.replaceAll(from, () => to);
  }

  function read(reader: Reader): readonly Step[] {
    const { type } = reader;
    switch (type) {
      case 'Sequence':
        return reader.parts('normalizers', MOST).flatMap(read);
      case 'NFC':
      case 'NFD':
      case 'NFKC':
      case 'NFKD':
        return [(text) => text.normalize(type)];
      case 'Lowercase':
        return [(text) => text.toLowerCase()];
      case 'StripAccents':
        return [(text) => text.replace(/\p{M}/gu, '')];
      case 'Prepend': {
        const before = reader.text('prepend');
        return [(text, begins) => (begins ? before + text : text)];
      }
      case 'Replace':
        return [replace(reader)];
      case 'BertNormalizer': {
        const lowercase = reader.flag('lowercase', true);
        const bert = new library.BertNormalizer({
          clean_text: reader.flag('clean_text', true),
          handle_chinese_chars: reader.flag('handle_chinese_chars', true),
          lowercase,
          strip_accents: reader.flag('strip_accents', lowercase),
        });
        return [(text) => bert.normalize(text)];
      }
      default:
        return reader.refuse(`${JSON.stringify(type.slice(0, 80))} is no normalizer that is taken here.`, 'type');
    }
  }

  if (described === undefined) return undefined;
  const steps = read(described);
  if (steps.length > MOST) return described.refuse(`has more than ${MOST} steps.`);
  return {
    normalize: (text, begins) => steps.reduce((now, step) => step(now, begins), text),
    splitter: beforeBlanks,
  };
}
