import * as E from 'fp-ts/lib/Either.js';
import { isRecord, requireKind } from '../../checks.js';
import { parseJson } from '../../formats/json.js';
import { wholeText } from '../well-formed.js';
import { type AddedTokens, addedTokens } from './added.js';
import { bytes } from './bytes.js';
import { type Decoding, decoderBy, decodingOf } from './decoding.js';
import { type Encoding, encoderBy } from './encoding.js';
import { loaded } from './library.js';
import { type Model, modelOf } from './models.js';
import { normalizingOf } from './normalizing.js';
import { type Reader, readerOf, refuseOf } from './reading.js';
import { type Stage, stagesOf } from './stages.js';
import { checkToken, type Tokenizer, type TokenizerData } from './tokenizer.js';

/** Far above what is in use: the largest files have some 33,000,000 characters and 2,000,000 values. */
export const MOST = { characters: 2 ** 26, values: 2 ** 23, depth: 16 } as const;

/**
 * The tokenizer that a `tokenizer.json` describes, in the format of the library Tokenizers: byte pairs (BPE), WordPiece, Unigram.
 *
 * What such a file can say and is not done here exactly, is refused by name. What a template puts around texts (`post_processor`,
 * `truncation`, `padding`) is left out, since a stream is no text of that kind. Words of more than 1,024 characters are cut
 * there, so that memory is bounded for a stream that has no spaces.
 *
 * Law: the ids of a stream are those of its whole text, wherever its chunks end.
 *
 * Source: Sennrich et al. (2016), “Neural machine translation of rare words with subword units”; Schuster and Nakajima (2012) for
 * WordPiece; Kudo (2018), “Subword regularization”, for Unigram.
 *
 * @param file the text of a `tokenizer.json`, or what `toJSON` of a tokenizer gave.
 * @returns resolves with the tokenizer.
 * @throws TypeError (as a rejection) where it is neither.
 * @throws OxbowError `BadTokenizer` (as a rejection) that names the place in the file.
 * @example
 * ```ts no-run
 * const bpe = await tokenizerFrom(await (await fetch('/tokenizer.json')).text());
 * fromText('Call me Ishmael.').pipe(tokens(bpe)).subscribe(({ data }) => console.log(data));
 * ```
 */
export async function tokenizerFrom(file: string | TokenizerData): Promise<Tokenizer> {
  const data: Readonly<Record<string, unknown>> = isRecord(file) ? file : { tokenizer: file };
  const json = data.tokenizer;
  const takes = "the text of a tokenizer.json, or a tokenizer's toJSON()";
  requireKind(
    'tokenizerFrom',
    data.bytes === true || typeof json === 'string',
    takes,
    file,
    'read a file by loadTokenizer()',
  );
  return typeof json === 'string' ? read('tokenizerFrom', json) : bytes();
}

/** Reads a file's text on behalf of an operation. */
export async function read(operation: string, json: string): Promise<Tokenizer> {
  const refuse = refuseOf(operation);
  if (json.length > MOST.characters) refuse('', `has ${json.length} characters; ${MOST.characters} are taken at most.`);
  const parsed = parseJson(json, MOST);
  if (E.isLeft(parsed)) return refuse('', `is no JSON that can be read: ${parsed.left.what}.`);
  const file = readerOf(parsed.right, '', refuse);
  file.only('version', '1.0');
  const library = await loaded();
  const normalizing = normalizingOf(file.part('normalizer'), library);
  const added = addedTokens(file, normalizing !== undefined);
  const model = modelOf(file.part('model') ?? file.refuse('is not there.', 'model'), library);
  const names = namesOf(file, model, added);
  const encoding: Encoding = {
    added,
    normalizing,
    ...cutsOf(file, stagesOf(file.part('pre_tokenizer'), library), model),
    model,
    unknown: model.unknown === undefined ? undefined : model.ids.get(model.unknown),
  };
  return made(json, names, encoding, decodingOf(file.part('decoder'), added.ids, library));
}

/** Tokens by their ids, those of the model and those that were added to it. */
function namesOf(file: Reader, model: Model, added: AddedTokens): ReadonlyMap<number, string> {
  const names = new Map(Array.from(model.ids, ([token, id]) => [id, token]));
  for (const [token, id] of added.ids) {
    if ((names.get(id) ?? token) !== token || (model.ids.get(token) ?? id) !== id) {
      file.refuse(`gives ${JSON.stringify(token)} the id ${id}, which the model has otherwise.`, 'added_tokens');
    }
    names.set(id, token);
  }
  return names;
}

/** What cuts the text first, where it arrives, with what comes before and after. */
function cutsOf(file: Reader, stages: readonly Stage[], model: Model): Pick<Encoding, 'head' | 'splitter' | 'tail'> {
  const at = stages.findIndex(({ kind }) => kind === 'split');
  const [first, tail] = at < 0 ? [undefined, []] : [stages[at], stages.slice(at + 1)];
  const head = (at < 0 ? stages : stages.slice(0, at)) as Encoding['head'];
  const splitter = first?.kind === 'split' ? first.splitter : model.splitter();
  return splitter === undefined
    ? file.refuse('is not there, or cuts nothing: this model reads words.', 'pre_tokenizer')
    : { head, splitter, tail };
}

function made(json: string, names: ReadonlyMap<number, string>, encoding: Encoding, decoding: Decoding): Tokenizer {
  const size = 1 + Array.from(names.keys()).reduce((most, id) => Math.max(most, id), 0);
  function tokenOf(id: number): string {
    checkToken(id, size);
    return names.get(id) ?? '\uFFFD';
  }
  const encoder = () => encoderBy(encoding);
  const decoder = () => decoderBy(decoding, tokenOf);
  return {
    size,
    encode(text) {
      const { push, end } = encoder();
      const [ids, rest] = [push(wholeText('encode', text)), end()];
      const all = new Int32Array(ids.length + rest.length);
      all.set(ids);
      all.set(rest, ids.length);
      return all;
    },
    decode(ids) {
      const { push, end } = decoder();
      return push(ids) + end();
    },
    encoder,
    decoder,
    toJSON: () => ({ tokenizer: json }),
  };
}
