/** Regular expressions that cut a text, with the question whether more text could change what they match. */

import { LONGEST } from './cutter.js';

/** Part of an expression. */
interface Part {
  readonly source: string;
  /** Matches where a path through this part comes to the end of the text and asks what follows; undefined where none can. */
  readonly open: string | undefined;
  /** Characters that it matches at least. */
  readonly least: number;
  /** Characters and classes, each as often as it is repeated: what the compiled expression is as large as. */
  readonly size: number;
  /** Logarithm, base 2, of the ways in which it can match: what a search tries at most. */
  readonly ways: number;
}

/** An expression that is tried at one place of a text. */
export interface Pattern {
  /** Where the match from a place on ends; undefined where there is none. */
  end(text: string, at: number): number | undefined;
  /** Whether what stands after the text could change that. */
  isOpen(text: string, at: number): boolean;
}

/** An expression that is not taken: `message` says why. */
export class PatternFault extends Error {}

const refuse = (what: string): never => {
  throw new PatternFault(what);
};

/** Source characters, groups within one another, and repetitions of what is repeated a counted number of times. */
const MOST = { source: 16_384, depth: 24, count: 256, size: 16_384 } as const;
/** Two repetitions without a bound over a window, and some choices next to them. */
const MOST_WAYS = 2 * Math.log2(LONGEST) + 6;

const atoms =
  /\\[pP]\{[\w=]+\}|\\u\{[\dA-Fa-f]+\}|\\u[dD][89abAB][\dA-Fa-f]{2}\\u[dD][c-fC-F][\dA-Fa-f]{2}|\\u[\dA-Fa-f]{4}|\\x[\dA-Fa-f]{2}|\\c[A-Za-z]|\\[dDsSwWtnrfv0^$\\.*+?()[\]{}|/-]|[^\\^$*+?()[\]{}|]/uy;
const classes = /\[(?:\\.|[^\\\]])*\]/suy;
const quantifiers = /([*+?]|\{\d+(?:,\d*)?\})\??/uy;

const either = (a: string | undefined, b: string | undefined) =>
  a === undefined || b === undefined ? (a ?? b) : `(?:${a}|${b})`;

function oneAfterTheOther(parts: readonly Part[]): Part {
  const open = parts.reduceRight<string | undefined>(
    (after, part) => either(part.open, after && part.source + after),
    undefined,
  );
  const sum = (of: (part: Part) => number) => parts.reduce((all, part) => all + of(part), 0);
  return {
    source: parts.map(({ source }) => source).join(''),
    open,
    least: sum((p) => p.least),
    size: sum((p) => p.size),
    ways: sum((p) => p.ways),
  };
}

function oneOf(parts: readonly Part[]): Part {
  if (parts.length === 1) return parts[0] as Part;
  return {
    source: `(?:${parts.map(({ source }) => source).join('|')})`,
    open: parts.map(({ open }) => open).reduce(either),
    least: Math.min(...parts.map(({ least }) => least)),
    size: parts.reduce((all, { size }) => all + size, 0),
    ways: Math.log2(parts.reduce((all, { ways }) => all + 2 ** ways, 0)),
  };
}

function repeated(part: Part, quantifier: string): Part {
  const [, first, comma, second] = /^\{(\d+)(,?)(\d*)\}/.exec(quantifier) ?? [];
  const least = first === undefined ? (quantifier.startsWith('+') ? 1 : 0) : Number(first);
  const endless = first === undefined ? !quantifier.startsWith('?') : comma === ',' && second === '';
  const most = endless ? Number.POSITIVE_INFINITY : first === undefined ? 1 : Number(comma ? second : first);
  if (least > MOST.count || (!endless && most > MOST.count)) refuse(`repeats a part more than ${MOST.count} times`);
  if (most < least || most === 0) refuse('repeats a part no times');
  if (endless && (part.ways > 0 || part.least === 0)) refuse('repeats without a bound what can match in several ways');
  const group = `(?:${part.source})`;
  const before = endless ? `${group}*` : most > 1 ? `${group}{0,${most - 1}}` : '';
  return {
    source: group + quantifier,
    open: part.open && before + part.open,
    least: least * part.least,
    size: (endless ? least + 1 : most) * part.size,
    ways: endless ? Math.log2(LONGEST) : most * part.ways + Math.log2(most - least + 1),
  };
}

/** Parses an expression of the flag `u`. @throws PatternFault where it has what is not taken. */
function parse(source: string): Part {
  let at = 0;
  const taken = (expression: RegExp) => {
    expression.lastIndex = at;
    const found = expression.exec(source);
    at += found?.[0].length ?? 0;
    return found?.[0];
  };
  const next = (text: string) => {
    const is = source.startsWith(text, at);
    if (is) at += text.length;
    return is;
  };

  function group(depth: number): Part {
    if (depth > MOST.depth) refuse(`has more than ${MOST.depth} groups within one another`);
    const ahead = next('?=') ? '=' : next('?!') ? '!' : undefined;
    if (ahead === undefined && !next('?:') && source[at] === '?' && taken(/\?<[A-Za-z_]\w*>/uy) === undefined) {
      refuse('looks back, or has a group of another kind than (…), (?:…), (?=…) and (?!…)');
    }
    const body = choices(depth);
    if (!next(')')) refuse('has a group without an end');
    if (ahead === undefined) return body;
    if (body.ways > MOST_WAYS) refuse('can match in too many ways');
    return {
      source: `(?${ahead}${body.source})`,
      open: body.open && `(?=${body.open})`,
      least: 0,
      size: body.size,
      ways: 0,
    };
  }

  function part(depth: number): Part {
    if (next('(')) return group(depth + 1);
    if (next('$')) return { source: '$', open: '$', least: 0, size: 1, ways: 0 };
    const atom = source[at] === '[' ? taken(classes) : taken(atoms);
    if (atom === undefined) return refuse(`has ${JSON.stringify(source.slice(at, at + 12))}, which is not taken here`);
    return { source: atom, open: '$', least: 1, size: 1, ways: 0 };
  }

  function sequence(depth: number): Part {
    const parts: Part[] = [];
    while (at < source.length && source[at] !== '|' && source[at] !== ')') {
      const own = part(depth);
      const quantifier = taken(quantifiers);
      parts.push(quantifier === undefined ? own : repeated(own, quantifier));
    }
    return oneAfterTheOther(parts);
  }

  function choices(depth: number): Part {
    const parts = [sequence(depth)];
    while (next('|')) parts.push(sequence(depth));
    return oneOf(parts);
  }

  const all = choices(0);
  if (at < source.length) refuse('closes a group that is none');
  return all;
}

/**
 * An expression, given as the source of a `RegExp` of the flag `u`.
 *
 * A match depends on text that has not come only where a path through the expression comes to the end of what is there: that is an
 * expression too, made of the same parts. So it takes what looks ahead, and refuses what looks back; and what could take time
 * without proportion, or match nothing.
 *
 * @throws PatternFault
 */
export function patternOf(source: string): Pattern {
  if (source.length > MOST.source) refuse(`has more than ${MOST.source} characters`);
  const { source: own, open, least, size, ways } = parse(source);
  if (size > MOST.size) refuse(`has more than ${MOST.size} characters, where they are repeated`);
  if (least === 0) refuse('can match nothing');
  if (ways > MOST_WAYS) refuse('can match in too many ways');
  const [matching, opening] = [own, open ?? '(?!)'].map((each) => {
    try {
      const made = new RegExp(each, 'uy');
      // It is compiled, and may be too large, when it is tried.
      made.test('');
      return made;
    } catch (error) {
      return refuse((error as Error).message);
    }
  }) as [RegExp, RegExp];
  return {
    end(text, at) {
      matching.lastIndex = at;
      return matching.test(text) ? matching.lastIndex : undefined;
    },
    isOpen(text, at) {
      opening.lastIndex = at;
      return opening.test(text);
    },
  };
}
