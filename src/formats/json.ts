/**
 * JSON from files of others, within bounds. What `JSON.parse` does not tell: that a name is there twice, how a number was
 * written, and before it is too late, that there is more than anybody wants.
 */
import * as E from 'fp-ts/lib/Either.js';

/** Numbers that are digits alone are numbers; other ones stay as they were written. */
export type Json = string | number | OtherNumber | boolean | null | readonly Json[] | JsonObject;
export type JsonObject = ReadonlyMap<string, Json>;

/** A number with a sign, a point or an exponent. */
export class OtherNumber {
  constructor(readonly text: string) {}
}

export interface JsonLimits {
  /** Objects and lists within one another. */
  readonly depth: number;
  /** Values of all kinds, names not counted. */
  readonly values: number;
}

/** What is wrong with a text, and at which of its characters, from 0. */
export interface JsonFault {
  readonly kind: 'syntax' | 'duplicate' | 'limit';
  readonly what: string;
}

/** Carries a fault out of the recursion. */
class Fault extends Error {
  constructor(readonly fault: JsonFault) {
    super(fault.what);
  }
}

const numeral = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const digits = /^\d+$/;
const literals = [
  ['true', true],
  ['false', false],
  ['null', null],
] as const;

/**
 * Parses JSON (RFC 8259) in time and memory that are linear in the text's length, on a stack that is as deep as the limit.
 * Names that are there twice in one object are a fault.
 */
export function parseJson(text: string, { depth: deepest, values: most }: JsonLimits): E.Either<JsonFault, Json> {
  let at = 0;
  let count = 0;

  const fail = (what: string, kind: JsonFault['kind'] = 'syntax'): never => {
    throw new Fault({ kind, what: `${what} at character ${at}` });
  };

  /** The next character that is no blank. */
  function next(): string | undefined {
    for (; ; at += 1) {
      const char = text[at];
      if (char !== ' ' && char !== '\n' && char !== '\r' && char !== '\t') return char;
    }
  }

  function pass(char: string): void {
    if (next() !== char) fail(`${at < text.length ? JSON.stringify(text[at]) : 'the end'} instead of ${char}`);
    at += 1;
  }

  /** Whether a list or an object goes on with another member; passes its comma or its end. */
  function another(end: string): boolean {
    if (next() === ',') {
      at += 1;
      return true;
    }
    pass(end);
    return false;
  }

  function isEscaped(quote: number): boolean {
    let from = quote;
    while (text[from - 1] === '\\') from -= 1;
    return (quote - from) % 2 === 1;
  }

  function string(): string {
    const start = at;
    let end = start;
    do {
      end = text.indexOf('"', end + 1);
      if (end < 0) return fail('a text without an end');
    } while (isEscaped(end));
    try {
      // A slice would hold on to the whole text; what is parsed is a string of its own.
      const value = JSON.parse(text.slice(start, end + 1)) as string;
      at = end + 1;
      return value;
    } catch {
      return fail('a control character or an unknown escape in the text');
    }
  }

  function object(depth: number): JsonObject {
    const members = new Map<string, Json>();
    at += 1;
    if (next() === '}') {
      at += 1;
      return members;
    }
    do {
      if (next() !== '"') fail('no name');
      const name = string();
      if (members.has(name)) fail(`the name ${shown(name)} a second time in one object`, 'duplicate');
      pass(':');
      members.set(name, value(depth));
    } while (another('}'));
    return members;
  }

  function list(depth: number): readonly Json[] {
    const items: Json[] = [];
    at += 1;
    if (next() === ']') {
      at += 1;
      return items;
    }
    do items.push(value(depth));
    while (another(']'));
    return items;
  }

  function scalar(): Json {
    numeral.lastIndex = at;
    const [number] = numeral.exec(text) ?? [];
    if (number !== undefined) {
      at += number.length;
      return digits.test(number) ? Number(number) : new OtherNumber(number);
    }
    for (const [name, literal] of literals) {
      if (!text.startsWith(name, at)) continue;
      at += name.length;
      return literal;
    }
    return fail(at < text.length ? `${JSON.stringify(text[at])}, which begins no value,` : 'the end');
  }

  function value(depth: number): Json {
    count += 1;
    if (count > most) fail(`more than ${most} values`, 'limit');
    const first = next();
    if (first === '"') return string();
    if (first !== '{' && first !== '[') return scalar();
    if (depth === deepest) fail(`more than ${deepest} objects and lists within one another`, 'limit');
    return first === '{' ? object(depth + 1) : list(depth + 1);
  }

  try {
    const parsed = value(0);
    if (next() !== undefined) fail('more after the end of the value');
    return E.right(parsed);
  } catch (error) {
    if (error instanceof Fault) return E.left(error.fault);
    throw error;
  }
}

const LONGEST = 80;

/** A value as a message shows it: no longer than a line. */
export function shown(value: Json | undefined): string {
  const text = written(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

function written(value: Json | undefined): string {
  if (value === undefined || value === null) return String(value);
  if (typeof value === 'string') return JSON.stringify(value.slice(0, LONGEST + 1));
  if (value instanceof OtherNumber) return value.text;
  if (value instanceof Map) return 'an object';
  if (Array.isArray(value)) return `[${value.slice(0, LONGEST).map(shown).join(',')}]`;
  return String(value);
}
