/** Changes to files and texts as records, so that fast-check can print them, shrink them and make them again. */
import fc from 'fast-check';

/** A place in whatever there is: taken modulo its length. */
const place = fc.nat({ max: 1_000_000 });
const few = fc.nat({ max: 40 });

export type ByteMutation =
  | { readonly kind: 'flip'; readonly at: number; readonly bit: number }
  | { readonly kind: 'set'; readonly at: number; readonly byte: number }
  | { readonly kind: 'cut'; readonly at: number; readonly length: number }
  | { readonly kind: 'end'; readonly at: number }
  | { readonly kind: 'copy'; readonly at: number; readonly length: number; readonly to: number }
  | { readonly kind: 'insert'; readonly at: number; readonly bytes: Uint8Array };

export const byteMutation: fc.Arbitrary<ByteMutation> = fc.oneof(
  fc.record({ kind: fc.constant('flip' as const), at: place, bit: fc.nat({ max: 7 }) }),
  fc.record({
    kind: fc.constant('set' as const),
    at: place,
    byte: fc.constantFrom(0, 9, 10, 13, 32, 34, 0x5c, 0x7b, 0x7d, 0x7f, 0x80, 0xbf, 0xc3, 0xed, 0xef, 0xf0, 0xfe, 0xff),
  }),
  fc.record({ kind: fc.constant('cut' as const), at: place, length: few }),
  fc.record({ kind: fc.constant('end' as const), at: place }),
  fc.record({ kind: fc.constant('copy' as const), at: place, length: few, to: place }),
  fc.record({ kind: fc.constant('insert' as const), at: place, bytes: fc.uint8Array({ maxLength: 16 }) }),
);

/** Bytes with a range of them replaced. */
function spliced(bytes: Uint8Array, from: number, to: number, by: Uint8Array): Uint8Array {
  const made = new Uint8Array(bytes.length - (to - from) + by.length);
  made.set(bytes.subarray(0, from));
  made.set(by, from);
  made.set(bytes.subarray(to), from + by.length);
  return made;
}

export const mutatedBytes = (bytes: Uint8Array, mutations: readonly ByteMutation[]): Uint8Array =>
  mutations.reduce(withMutatedBytes, bytes);

function withMutatedBytes(now: Uint8Array, mutation: ByteMutation): Uint8Array {
  const at = mutation.at % (now.length + 1);
  const replaced = (by: (byte: number) => number) =>
    at === now.length ? now : spliced(now, at, at + 1, Uint8Array.of(by(now[at] as number)));
  switch (mutation.kind) {
    case 'flip':
      return replaced((byte) => byte ^ (1 << mutation.bit));
    case 'set':
      return replaced(() => mutation.byte);
    case 'cut':
      return spliced(now, at, Math.min(now.length, at + mutation.length), new Uint8Array());
    case 'end':
      return now.slice(0, at);
    case 'copy': {
      const to = mutation.to % (now.length + 1);
      return spliced(now, to, to, now.slice(at, at + mutation.length));
    }
    case 'insert':
      return spliced(now, at, at, mutation.bytes);
  }
}

/** Numbers at which readers err. */
const numbers = [
  ...['0', '1', '2', '3', '4', '8', '00', '-0', '-1', '1.5', '1e0', '1e400', '0.1e-7', 'NaN', 'Infinity', '2147483648'],
  ...[
    '4294967295',
    '4294967296',
    '9007199254740991',
    '9007199254740993',
    '18446744073709551616',
    '99999999999999999999',
  ],
];

/** Texts that are names of something else, that are no characters, or that are long. */
const names = [
  ...[
    '',
    ' ',
    '.',
    'a',
    '#',
    '# id = 1',
    '-DOCSTART-',
    'O',
    'B-',
    'I-x',
    '__proto__',
    'constructor',
    'toString',
    'length',
  ],
  ...[
    '__metadata__',
    'optimizer.',
    'optimizer.head.w.mean',
    'dtype',
    'shape',
    'data_offsets',
    'F32',
    'F64',
    'step',
    'words',
  ],
  ...[
    'é',
    'e\u0301',
    '🐂',
    '\ud83d',
    '\udc02',
    '\u0000',
    '\ufeff',
    '\u2028',
    '\u00a0',
    '\r',
    '\n',
    '\t',
    '"',
    '\\',
    '\\ud83e',
  ],
  'x'.repeat(2000),
];

/** What may stand where JSON has a value. */
const values = [
  ...numbers,
  ...[
    'null',
    'true',
    '""',
    '[]',
    '{}',
    '[[]]',
    '[null]',
    '[1,2,3]',
    '["a"]',
    '{"__proto__":1}',
    '{"toString":1,"valueOf":2}',
  ],
  ...['{"length":3}', '{"constructor":{"name":{"toString":0}}}', '[{"toString":null}]', '{"names":[],"counts":[]}'],
];

export type TextMutation =
  | { readonly kind: 'number' | 'name' | 'value'; readonly nth: number; readonly by: string }
  | { readonly kind: 'nest'; readonly nth: number; readonly depth: number; readonly by: 'list' | 'object' }
  | { readonly kind: 'cut'; readonly at: number; readonly length: number }
  | { readonly kind: 'copy'; readonly at: number; readonly length: number; readonly to: number; readonly times: number }
  | { readonly kind: 'insert'; readonly at: number; readonly text: string };

export const textMutation: fc.Arbitrary<TextMutation> = fc.oneof(
  fc.record({ kind: fc.constant('number' as const), nth: place, by: fc.constantFrom(...numbers) }),
  fc.record({ kind: fc.constant('name' as const), nth: place, by: fc.constantFrom(...names) }),
  fc.record({ kind: fc.constant('value' as const), nth: place, by: fc.constantFrom(...values) }),
  fc.record({ kind: fc.constant('cut' as const), at: place, length: few }),
  fc.record({
    kind: fc.constant('copy' as const),
    at: place,
    length: few,
    to: place,
    times: fc.integer({ min: 1, max: 4 }),
  }),
  fc.record({
    kind: fc.constant('insert' as const),
    at: place,
    text: fc.oneof(fc.constantFrom(...names, ...values), fc.string({ unit: 'binary', maxLength: 8 })),
  }),
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('nest' as const),
      nth: place,
      depth: fc.oneof({ weight: 9, arbitrary: fc.nat({ max: 12 }) }, { weight: 1, arbitrary: fc.constant(12_000) }),
      by: fc.constantFrom('list' as const, 'object' as const),
    }),
  },
);

const tokens = {
  number: /-?\d+(?:\.\d+)?/g,
  name: /"(?:[^"\\]|\\.)*"|[^\s"{}[\],:]+/g,
  // A text that is a name is passed over with its colon.
  scalar: /"(?:[^"\\]|\\.)*"(\s*:)?|-?\d[\d.eE+-]*|true|false|null/g,
  list: /\[[^[\]]*\]/g,
  record: /\{[^{}]*\}/g,
};

/** The tokens of a kind; of values, lists and records that have none of their own within them come after the others. */
function tokensOf(text: string, kind: 'number' | 'name' | 'value'): readonly RegExpExecArray[] {
  if (kind !== 'value') return [...text.matchAll(tokens[kind])];
  const scalars = [...text.matchAll(tokens.scalar)].filter(([, colon]) => colon === undefined);
  return [...scalars, ...text.matchAll(tokens.list), ...text.matchAll(tokens.record)];
}

/** A text with one of its tokens replaced, or as it was where it has none of the kind. */
function replaced(text: string, kind: 'number' | 'name' | 'value', nth: number, by: (token: string) => string): string {
  const found = tokensOf(text, kind);
  const match = found[nth % Math.max(1, found.length)];
  if (match === undefined) return text;
  return text.slice(0, match.index) + by(match[0]) + text.slice(match.index + match[0].length);
}

export const mutatedText = (text: string, mutations: readonly TextMutation[]): string =>
  mutations.reduce(withMutatedText, text);

function withMutatedText(now: string, mutation: TextMutation): string {
  switch (mutation.kind) {
    case 'number':
    case 'value':
      return replaced(now, mutation.kind, mutation.nth, () => mutation.by);
    case 'name':
      return replaced(now, 'name', mutation.nth, (token) =>
        token.startsWith('"') ? JSON.stringify(mutation.by) : mutation.by,
      );
    case 'nest': {
      const [open, close] = mutation.by === 'list' ? ['[', ']'] : ['{"a":', '}'];
      return replaced(
        now,
        'value',
        mutation.nth,
        (token) => open.repeat(mutation.depth) + token + close.repeat(mutation.depth),
      );
    }
    case 'cut': {
      const at = mutation.at % (now.length + 1);
      return now.slice(0, at) + now.slice(at + mutation.length);
    }
    case 'copy': {
      const [at, to] = [mutation.at % (now.length + 1), mutation.to % (now.length + 1)];
      return now.slice(0, to) + now.slice(at, at + mutation.length).repeat(mutation.times) + now.slice(to);
    }
    case 'insert': {
      const at = mutation.at % (now.length + 1);
      return now.slice(0, at) + mutation.text + now.slice(at);
    }
  }
}

/** So many of a kind at most, and often none at all: a valid file has to come through, too. */
export const upTo = <T>(most: number, each: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant<T[]>([]) },
    { weight: 2, arbitrary: fc.array(each, { minLength: 1, maxLength: most }) },
  );

/** Where a text or a file is cut into the chunks that it arrives in. */
export const cuts = fc.array(place, { maxLength: 6 });

/** Bytes in pieces; some of these may be empty. */
export function cutUp(bytes: Uint8Array, at: readonly number[]): readonly Uint8Array[] {
  const places = [0, ...at.map((each) => each % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, k) => bytes.slice(places[k], end));
}
