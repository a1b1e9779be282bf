/** Small `tokenizer.json` files, made here: byte pairs are learnt from a text by counting, one merge after the other. */

/** Printable stand-ins for bytes, as GPT-2 has them. */
export const standIns: readonly string[] = (() => {
  const printable = (byte: number) => (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
  let others = 0;
  return Array.from({ length: 256 }, (_, byte) => {
    if (printable(byte)) return String.fromCharCode(byte);
    others += 1;
    return String.fromCharCode(255 + others);
  });
})();

export const asBytes = (text: string): string[] =>
  Array.from(new TextEncoder().encode(text), (byte) => standIns[byte] as string);

export const words =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

/** The most frequent pairs of neighbours within words, merged one by one. */
export function merges(symbolsOfWords: readonly string[][], count: number): [string, string][] {
  const kept = symbolsOfWords.map((word) => [...word]);
  const made: [string, string][] = [];
  while (made.length < count) {
    const counts = new Map<string, number>();
    for (const word of kept) {
      for (let k = 0; k + 1 < word.length; k += 1) {
        const pair = `${word[k]} ${word[k + 1]}`;
        counts.set(pair, (counts.get(pair) ?? 0) + 1);
      }
    }
    const [best] = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
    if (best === undefined || best[1] < 2) break;
    const [a, b] = best[0].split(' ') as [string, string];
    made.push([a, b]);
    for (const word of kept) {
      for (let k = 0; k + 1 < word.length; k += 1) {
        if (word[k] === a && word[k + 1] === b) word.splice(k, 2, a + b);
      }
    }
  }
  return made;
}

/** Byte pairs by the book: the first merge that fits anywhere, everywhere, until none fits. */
export function naivePairs(symbols: readonly string[], pairs: readonly (readonly [string, string])[]): string[] {
  const ranks = new Map(pairs.map((pair, rank) => [pair.join(' '), rank]));
  const word = [...symbols];
  for (;;) {
    let best = Number.POSITIVE_INFINITY;
    for (let k = 0; k + 1 < word.length; k += 1) best = Math.min(best, ranks.get(`${word[k]} ${word[k + 1]}`) ?? best);
    const pair = pairs[best];
    if (pair === undefined) return word;
    for (let k = 0; k + 1 < word.length; k += 1) {
      if (word[k] === pair[0] && word[k + 1] === pair[1]) word.splice(k, 2, pair[0] + pair[1]);
    }
  }
}

export const SAMPLE = `It's the river that bends, and the river's bend again; we'll see 1234 boats – the boats' 99 oars.
  "Été" said naïve Zoë\u0301, 水の流れ, 🐂🐂 and  👩‍👧   too!\n\n\tDon't they've...   the end\r\nthe river the river`;

export interface File {
  readonly [name: string]: unknown;
  readonly model: { readonly [name: string]: unknown };
}

const pairs = merges(
  Array.from(SAMPLE.repeat(2).matchAll(words), ([word]) => asBytes(word)),
  120,
);
const byteTokens = [...standIns, ...pairs.map(([a, b]) => a + b)];
const idsOf = (tokens: readonly string[]) => Object.fromEntries([...new Set(tokens)].map((token, id) => [token, id]));
const special = (content: string, id: number, more = {}) => ({
  id,
  content,
  special: true,
  normalized: false,
  ...more,
});

export const bytePairs = pairs;

/** As of GPT-2. */
export const byteLevel = (): File => ({
  version: '1.0',
  added_tokens: [special('<|end|>', 1000), special('<|endless|>', 1001)],
  normalizer: null,
  pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
  post_processor: { type: 'ByteLevel' },
  decoder: { type: 'ByteLevel' },
  model: {
    type: 'BPE',
    dropout: null,
    unk_token: null,
    vocab: idsOf(byteTokens),
    merges: pairs.map((p) => p.join(' ')),
  },
});

const LLAMA_3 =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const GPT_4O = [
  "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
  "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
  '\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+',
].join('|');

const cutBy = (pattern: string, behavior = 'Isolated', invert = false): File => ({
  ...byteLevel(),
  pre_tokenizer: {
    type: 'Sequence',
    pretokenizers: [
      { type: 'Split', pattern: { Regex: pattern }, behavior, invert },
      { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
    ],
  },
});

const letters = [...new Set(SAMPLE.toLowerCase().normalize('NFD'))].filter((symbol) =>
  /[\p{L}\p{N}\p{P}]/u.test(symbol),
);
const wholeWords = ['the', 'river', 'bend', 'boat', 'said', 'again'];

const metaspaced = SAMPLE.replaceAll(' ', '▁');
const metaPairs = merges(
  Array.from(metaspaced.repeat(2).matchAll(/▁[^▁]*|[^▁]+/g), ([word]) => [...word]),
  60,
);
const metaTokens = [
  ...['<unk>', '<s>', '</s>'],
  ...Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`),
  ...new Set(metaPairs.flatMap(([a, b]) => [...a, ...b])),
  ...metaPairs.map(([a, b]) => a + b),
];

/** Every kind of file that is taken, by what it is like. */
export const files: Readonly<Record<string, () => File>> = {
  'GPT-2': byteLevel,
  'GPT-2 with a space first': () => ({ ...byteLevel(), pre_tokenizer: { type: 'ByteLevel', add_prefix_space: true } }),
  'Llama 3': () => cutBy(LLAMA_3),
  'GPT-4o': () => cutBy(GPT_4O),
  'an inverted pattern': () => cutBy(LLAMA_3, 'Removed', true),
  'a pattern of separators': () => cutBy('\\s*[,;]|\\n', 'Removed'),
  'a pattern that looks far ahead': () => cutBy('a(?=[^.]*\\.)|\\s+', 'Isolated'),
  StarCoder: () => ({
    ...byteLevel(),
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Digits', individual_digits: true },
        { type: 'ByteLevel', add_prefix_space: false, use_regex: true },
      ],
    },
  }),
  'byte pairs without pre-tokenizers, as of Llama 2': () => ({
    version: '1.0',
    added_tokens: [special('<s>', 1), special('</s>', 2)],
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'Prepend', prepend: '▁' },
        { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
      ],
    },
    pre_tokenizer: null,
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        { type: 'Strip', content: ' ', start: 1, stop: 0 },
      ],
    },
    model: {
      type: 'BPE',
      unk_token: '<unk>',
      fuse_unk: true,
      byte_fallback: true,
      vocab: idsOf(metaTokens),
      merges: metaPairs,
    },
  }),
  WordPiece: () => ({
    version: '1.0',
    added_tokens: [special('[UNK]', 0), special('[MASK]', 1)],
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: idsOf([
        '[UNK]',
        '[MASK]',
        ...letters,
        ...letters.map((letter) => `##${letter}`),
        ...wholeWords,
        '##ing',
        '##s',
      ]),
    },
  }),
  Unigram: () => ({
    version: '1.0',
    added_tokens: [special('<unk>', 0)],
    normalizer: { type: 'Sequence', normalizers: [{ type: 'NFKC' }, { type: 'Lowercase' }] },
    pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'first', split: true },
    decoder: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'first', split: true },
    model: {
      type: 'Unigram',
      unk_id: 0,
      vocab: [
        ['<unk>', 0],
        ['▁', -3],
        ...wholeWords.map((word, k) => [`▁${word}`, -4 - k / 8]),
        ...letters.slice(0, -3).map((letter, k) => [letter, -6 - k / 16]),
        ['bend', -5],
        ['s▁', -1],
      ],
    },
  }),
  'Unigram without pre-tokenizers': () => {
    const { pre_tokenizer: _, ...file } = (files.Unigram as () => File)();
    return { ...file, normalizer: null, decoder: { type: 'Metaspace' } };
  },
  'words and punctuation': () => ({
    ...(files.WordPiece as () => File)(),
    normalizer: { type: 'Sequence', normalizers: [{ type: 'NFD' }, { type: 'Lowercase' }, { type: 'StripAccents' }] },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [{ type: 'WhitespaceSplit' }, { type: 'Punctuation', behavior: 'Contiguous' }, { type: 'Digits' }],
    },
  }),
  Whitespace: () => ({ ...(files.WordPiece as () => File)(), normalizer: null, pre_tokenizer: { type: 'Whitespace' } }),
};

export const jsonOf = (file: File): string => JSON.stringify(file);
