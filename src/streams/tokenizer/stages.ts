/** What cuts a text into the pieces that a tokenizer's model reads, one stage after the other. */

import { piecesOf, type Splitter } from './cutter.js';
import type { Library } from './library.js';
import { type Pattern, PatternFault, patternOf } from './pattern.js';
import type { Reader } from './reading.js';

export type Stage =
  /** What is put before a text, once. `first`: whether nothing at all has come before. */
  | { readonly kind: 'begin'; readonly begin: (text: string, first: boolean) => string }
  /** Characters, each by itself. */
  | { readonly kind: 'map'; readonly map: (text: string) => string }
  | { readonly kind: 'split'; readonly splitter: Splitter };

const MOST_STAGES = 32;

/** `keep`: the pattern's matches, what is between them, or both. */
function splitterOf({ end, isOpen }: Pattern, keep: 'matches' | 'between' | 'both'): Splitter {
  const between = keep !== 'matches';
  return {
    next(text, at, ended) {
      for (let place = at; place < text.length; place += (text.codePointAt(place) as number) > 0xffff ? 2 : 1) {
        if (!ended && isOpen(text, place)) return undefined;
        const found = end(text, place);
        if (found === undefined) continue;
        return place > at ? { end: place, keep: between } : { end: found, keep: keep !== 'between' };
      }
      return ended ? { end: text.length, keep: between } : undefined;
    },
  };
}

/** Cuts between two characters that stand next to one another in no token, so that no token goes across. */
export function splitterBetween(tokens: Iterable<string>, fuses: boolean): Splitter {
  const pairs = new Set<string>();
  const known = new Set<string>();
  for (const token of tokens) {
    let before = '';
    for (const symbol of token) {
      if (before !== '') pairs.add(before + symbol);
      before = symbol;
    }
    if (before === token) known.add(token);
  }
  // Two unknown characters in a row may be one unknown token.
  const parts = (a: string, b: string) => !pairs.has(a + b) && (!fuses || known.has(a) || known.has(b));
  return {
    next(text, at, ended) {
      let before = '';
      let place = at;
      while (place < text.length) {
        const symbol = String.fromCodePoint(text.codePointAt(place) as number);
        if (before !== '' && parts(before, symbol)) return { end: place, keep: true };
        before = symbol;
        place += symbol.length;
      }
      return ended ? { end: place, keep: true } : undefined;
    },
  };
}

// ASCII's own symbols count, whether or not Unicode calls them punctuation.
const PUNCTUATION = '\\p{P}!-/:-@\\[-`\\{-~';
// Source: Radford et al. (2019), GPT-2.
const WORDS = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

/** Stages as a file describes them. */
export function stagesOf(described: Reader | undefined, library: Library): readonly Stage[] {
  const split = (reader: Reader, expression: string, keep: 'matches' | 'between' | 'both'): Stage => {
    try {
      // Expressions are written for Oniguruma.
      const { pattern } = new library.SplitPreTokenizer({
        type: 'Split',
        pattern: { Regex: expression },
        behavior: 'Removed',
        invert: true,
      });
      if (pattern === null) throw new PatternFault('is none');
      return { kind: 'split', splitter: splitterOf(patternOf(pattern.source), keep) };
    } catch (error) {
      if (!(error instanceof PatternFault || error instanceof SyntaxError)) throw error;
      return reader.refuse(`has a pattern that is not taken here: it ${error.message}.`, 'pattern');
    }
  };

  function splitBy(reader: Reader): Stage {
    const pattern = reader.part('pattern') ?? reader.refuse('is not there.', 'pattern');
    const literal = pattern.text('String', '');
    const expression = literal === '' ? pattern.text('Regex') : literal.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    reader.only('behavior', 'Removed', 'Isolated');
    const removed = reader.text('behavior') === 'Removed';
    const inverted = reader.flag('invert', false);
    return split(reader, expression, removed ? (inverted ? 'matches' : 'between') : 'both');
  }

  function byteLevel(reader: Reader): readonly Stage[] {
    const bytes = new library.ByteLevelPreTokenizer({ add_prefix_space: false, use_regex: false });
    const prefix: Stage = { kind: 'begin', begin: (text) => (text.startsWith(' ') ? text : ` ${text}`) };
    return [
      ...(reader.flag('add_prefix_space', true) ? [prefix] : []),
      ...(reader.flag('use_regex', true) ? [split(reader, WORDS, 'both')] : []),
      { kind: 'map', map: (text) => bytes.pre_tokenize_text(text)[0] ?? '' },
    ];
  }

  function metaspace(reader: Reader, isFirst: boolean): readonly Stage[] {
    if (!isFirst) reader.refuse('comes after another pre-tokenizer, which is not taken here.');
    const mark = reader.text('replacement', '▁');
    if ([...mark].length !== 1) reader.refuse('is not one character.', 'replacement');
    reader.only('str_rep', mark);
    reader.only('prepend_scheme', 'always', 'first', 'never');
    const scheme = reader.text('prepend_scheme', reader.flag('add_prefix_space', true) ? 'always' : 'never');
    const begins = (first: boolean) => scheme === 'always' || (scheme === 'first' && first);
    const begin = (text: string, first: boolean) => (begins(first) && !text.startsWith(mark) ? mark + text : text);
    const literal = mark.replace(/[\\\]^-]/g, '\\$&');
    return [
      { kind: 'map', map: (text) => text.replaceAll(' ', mark) },
      { kind: 'begin', begin },
      ...(reader.flag('split', true) ? [split(reader, `[${literal}][^${literal}]*|[^${literal}]+`, 'both')] : []),
    ];
  }

  function punctuation(reader: Reader): Stage {
    reader.only('behavior', 'Isolated', 'Contiguous', 'Removed');
    const behaviour = reader.text('behavior', 'Isolated');
    return split(
      reader,
      `[${PUNCTUATION}]${behaviour === 'Contiguous' ? '+' : ''}`,
      behaviour === 'Removed' ? 'between' : 'both',
    );
  }

  function read(reader: Reader, before: number): readonly Stage[] {
    switch (reader.type) {
      case 'Sequence': {
        const stages: Stage[] = [];
        for (const each of reader.parts('pretokenizers', MOST_STAGES))
          stages.push(...read(each, before + stages.length));
        return stages.length > MOST_STAGES ? reader.refuse(`has more than ${MOST_STAGES} stages.`) : stages;
      }
      case 'ByteLevel':
        return byteLevel(reader);
      case 'Split':
        return [splitBy(reader)];
      case 'Metaspace':
        return metaspace(reader, before === 0);
      case 'Whitespace':
        return [split(reader, '\\w+|[^\\w\\s]+', 'matches')];
      case 'WhitespaceSplit':
        return [split(reader, '\\s+', 'between')];
      case 'BertPreTokenizer':
        return [split(reader, `[^\\s${PUNCTUATION}]+|[${PUNCTUATION}]`, 'matches')];
      case 'Punctuation':
        return [punctuation(reader)];
      case 'Digits':
        return [split(reader, `\\p{N}${reader.flag('individual_digits', false) ? '' : '+'}`, 'both')];
      default:
        return reader.refuse(
          `${JSON.stringify(reader.type.slice(0, 80))} is no pre-tokenizer that is taken here.`,
          'type',
        );
    }
  }
  return described === undefined ? [] : read(described, 0);
}

/** The pieces of a text, cut by each stage in turn. */
export const throughStages = (stages: readonly Stage[], text: string): readonly string[] =>
  stages.reduce<readonly string[]>((pieces, stage) => pieces.flatMap((piece) => throughStage(stage, piece)), [text]);

function throughStage(stage: Stage, piece: string): readonly string[] {
  if (stage.kind === 'split') return piecesOf(stage.splitter, piece);
  return [stage.kind === 'map' ? stage.map(piece) : stage.begin(piece, false)];
}
