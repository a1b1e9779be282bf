/** What makes tokens of the pieces of a text: byte pairs, WordPiece, or the likeliest pieces of Unigram. */

import { type Json, shown } from '../../formats/json.js';
import type { Splitter } from './cutter.js';
import type { Library } from './library.js';
import { numberOf, plainOf, type Reader } from './reading.js';
import { splitterBetween } from './stages.js';

export interface Model {
  readonly ids: ReadonlyMap<string, number>;
  /** The token in place of what is not known; where there is none, that is left out. */
  readonly unknown: string | undefined;
  /** The tokens of a piece. */
  tokens(piece: string): readonly string[];
  /** Cuts a text without pre-tokenizers; undefined where nothing can. */
  splitter(): Splitter | undefined;
}

/** Far above what is in use: the largest vocabularies have some 260,000 tokens and twice as many merges. */
const MOST = { ids: 2 ** 20, merges: 2 ** 21, length: 1024, word: 256 } as const;

export function modelOf(model: Reader, library: Library): Model {
  const readers = { BPE: bytePairs, WordPiece: wordPiece, Unigram: unigram };
  const type = model.type || (model.part('vocab') && model.list('merges', MOST.merges).length > 0 ? 'BPE' : '');
  if (!Object.hasOwn(readers, type)) {
    model.refuse(
      `${JSON.stringify(type.slice(0, 80))} is no model that is taken here; BPE, WordPiece and Unigram are.`,
      'type',
    );
  }
  return readers[type as keyof typeof readers](model, library);
}

/** Checked tokens with their ids. */
function idsOf(model: Reader): ReadonlyMap<string, number> {
  const vocab = model.object('vocab');
  if (vocab.size === 0 || vocab.size > MOST.ids)
    model.refuse(`has ${vocab.size} tokens; 1 to ${MOST.ids} are taken.`, 'vocab');
  const taken = new Map<number, string>();
  for (const [token, id] of vocab) {
    checkTokenText(model, token);
    if (typeof id !== 'number' || id >= MOST.ids) {
      model.refuse(`gives ${shown(token)} the id ${shown(id)} instead of a whole number below ${MOST.ids}.`, 'vocab');
    }
    const other = taken.get(id as number);
    if (other !== undefined) model.refuse(`gives ${shown(token)} and ${shown(other)} the same id, ${id}.`, 'vocab');
    taken.set(id as number, token);
  }
  return vocab as ReadonlyMap<string, number>;
}

function checkTokenText(model: Reader, token: string): void {
  if (token.length <= MOST.length) return;
  model.refuse(`has a token of ${token.length} characters; ${MOST.length} are taken at most.`, 'vocab');
}

function unknownOf(model: Reader, ids: ReadonlyMap<string, number>, needed: boolean): string | undefined {
  const unknown = model.text('unk_token', '');
  if (unknown === '' && !needed) return undefined;
  return ids.has(unknown) ? unknown : model.refuse(`${shown(unknown)} is not in the vocabulary.`, 'unk_token');
}

function bytePairs(model: Reader, library: Library): Model {
  const ids = idsOf(model);
  model.only('dropout', 0);
  model.only('continuing_subword_prefix', '');
  model.only('end_of_word_suffix', '');
  const unknown = unknownOf(model, ids, false);
  const merges = model.list('merges', MOST.merges).map((merge, k) => pairOf(model, merge, k, ids));
  const pairs = new library.BPE({
    vocab: plainOf(model.object('vocab')) as Record<string, number>,
    merges,
    unk_token: unknown,
    fuse_unk: unknown !== undefined && model.flag('fuse_unk', false),
    byte_fallback: model.flag('byte_fallback', false),
    ignore_merges: model.flag('ignore_merges', false),
  });
  return {
    ids,
    unknown,
    tokens: (piece) => pairs._call([piece]),
    splitter: () => splitterBetween(ids.keys(), unknown !== undefined),
  };
}

function pairOf(model: Reader, merge: Json, k: number, ids: ReadonlyMap<string, number>): [string, string] {
  const parts = typeof merge === 'string' ? merge.split(' ') : merge;
  const [a, b, ...more] = Array.isArray(parts) ? (parts as readonly Json[]) : [];
  if (typeof a !== 'string' || typeof b !== 'string' || more.length > 0) {
    return model.refuse(`has ${shown(merge)} at ${k} instead of two tokens.`, 'merges');
  }
  for (const token of [a, b, a + b]) {
    if (token === '' || !ids.has(token))
      model.refuse(`has ${shown(token)} at ${k}, which is not in the vocabulary.`, 'merges');
  }
  return [a, b];
}

function wordPiece(model: Reader, library: Library): Model {
  const ids = idsOf(model);
  const unknown = unknownOf(model, ids, true);
  const pieces = new library.WordPiece({
    vocab: plainOf(model.object('vocab')) as Record<string, number>,
    unk_token: unknown as string,
    continuing_subword_prefix: model.text('continuing_subword_prefix', '##'),
    max_input_chars_per_word: model.count('max_input_chars_per_word', MOST.word, 100),
  });
  return { ids, unknown, tokens: (piece) => pieces._call([piece]), splitter: () => undefined };
}

function unigram(model: Reader, library: Library): Model {
  model.only('byte_fallback', false);
  const ids = new Map<string, number>();
  const listed = model.list('vocab', MOST.ids);
  const vocab = listed.map((entry, id): [string, number] => {
    const [token, score] = Array.isArray(entry) ? (entry as readonly Json[]) : [];
    const number = numberOf(score);
    if (typeof token !== 'string' || number === undefined || Math.abs(number) > 1e9) {
      return model.refuse(`has ${shown(entry)} at ${id} instead of a token and its score.`, 'vocab');
    }
    checkTokenText(model, token);
    if (token === '' || ids.has(token))
      model.refuse(`has ${shown(token)} at ${id}, which is empty or there before.`, 'vocab');
    ids.set(token, id);
    return [token, number];
  });
  const unknown = model.count('unk_id', vocab.length - 1);
  const likeliest = new library.Unigram({ vocab, unk_id: unknown }, '');
  return {
    ids,
    unknown: vocab[unknown]?.[0],
    tokens: (piece) => likeliest._call([piece]),
    splitter: () => splitterBetween(ids.keys(), true),
  };
}
