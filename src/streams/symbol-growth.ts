/** Models that grow by the symbols of an open vocabulary, window by window. */
import { requireKind } from '../checks.js';
import { growTogether } from '../parameters/growth.js';
import { type Parameter, type Params, parametersOf } from '../parameters/parameter.js';
import { type Ids, isTensor, showShape, type Tensor } from '../tensor.js';
import { ESCAPE, isOpen, type OpenVocabulary } from './open-vocabulary.js';
import type { Vocabulary } from './symbols.js';
import type { Tokenizer } from './tokenizer/tokenizer.js';

/** A symbol that was not known where it stood: the escape was to be predicted in its place, and what it is has to be said besides. */
export interface NamedSymbol {
  readonly symbol: string;
  /** Its place among the window's targets, `t·B + b`. */
  readonly place: number;
  /** What it takes to say which symbol it is, beyond the escape's own `−log₂ p`. */
  readonly bits: number;
}

/** A window that is about to be learnt, by a model that has grown for it. */
export interface GrownFor<Y> {
  /** The targets, with the escape in the place of each symbol that is new there. */
  readonly target: Y;
  readonly named: readonly NamedSymbol[];
  /** Has model and vocabulary be as before. */
  undo(): void;
}

/** How a model grows by a vocabulary's symbols. */
export interface SymbolGrowth {
  /** Lets the model grow by the symbols of a window. */
  before<Y extends Tensor>(window: { readonly input: Tensor; readonly target: Y }): GrownFor<Y>;
  /** What has the vocabulary be what it is now, once the weights are. */
  keep(): () => void;
}

/** What all targets of a window cost, in nats: those that had to be named, too. */
export const natsOf = ({
  loss,
  named = [],
  window,
}: {
  readonly loss: number;
  readonly named?: readonly NamedSymbol[];
  readonly window: { readonly target: Tensor };
}): number => named.reduce((sum, { bits }) => sum + bits * Math.LN2, loss * window.target.data.length);

const nothing = () => undefined;
const nowhere: SymbolGrowth = { before: ({ target }) => ({ target, named: [], undo: nothing }), keep: () => nothing };

/** The growth of a model by an open vocabulary; none by others, and without one. */
export function symbolGrowth(
  operation: string,
  params: Params,
  vocab: Vocabulary | Tokenizer | undefined,
): SymbolGrowth {
  if (vocab !== undefined) {
    const fits = typeof vocab === 'object' && vocab !== null && typeof vocab.encode === 'function';
    requireKind(operation, fits, 'a vocabulary as vocab', vocab, 'give the one that tokens() has');
  }
  if (!isOpen(vocab)) return nowhere;
  return {
    before(window) {
      requireAlike(operation, params, vocab);
      const { size } = vocab;
      const { target, named, most } = asEscapes(operation, window, vocab);
      if (most < size) return { target, named, undo: nothing };
      growBy(params, most + 1);
      vocab.know(most + 1);
      return { target, named, undo: () => shrinkTo(params, vocab, size) };
    },
    keep() {
      const { size } = vocab;
      return () => vocab.know(size);
    },
  };
}

/** Lets a model grow by all symbols of texts that its open vocabulary does not know, between two windows. */
export function growByTexts(
  operation: string,
  params: Params,
  vocab: Vocabulary | Tokenizer,
  texts: readonly string[],
): void {
  if (!isOpen(vocab)) return;
  requireAlike(operation, params, vocab);
  const { push } = vocab.encoder();
  const most = texts.reduce((last, text) => push(text).reduce((a, b) => Math.max(a, b), last), 0);
  if (most < vocab.size) return;
  growBy(params, most + 1);
  vocab.know(most + 1);
}

/** @throws RangeError where the model has not as many rows and columns as the vocabulary has symbols. */
function requireAlike(operation: string, params: Params, { size }: OpenVocabulary): void {
  const growing = parametersOf(params).filter(([, { grows }]) => grows.length > 0);
  const other = growing.find(([, { grows, shape }]) => grows.some((axis) => shape[axis] !== size));
  if (growing.length > 0 && other === undefined) return;
  const got =
    other === undefined ? 'the model has no parameter that grows' : `${other[0]} is ${showShape(other[1].shape)}`;
  throw new RangeError(
    `${operation}: the open vocabulary has ${size} symbols, but ${got}; make the model by languageModel({ symbols: vocab.size, ` +
      'grows: true }), and go on with the vocabulary that was kept with it.',
  );
}

/** All that grows, each once: a tied head's weights are the embedding's. */
const growingIn = (params: Params): readonly Parameter[] => [
  ...new Set(parametersOf(params).flatMap(([, each]) => (each.grows.length > 0 ? [each] : []))),
];

/**
 * Lets all that grows become so long. Vectors of new symbols are drawn; the weights and the bias of their logits are copies of the
 * escape's, so that each begins as likely as a symbol that is not known.
 */
function growBy(params: Params, length: number): void {
  const growing = growingIn(params);
  const before = growing.map(({ shape }) => shape);
  growTogether(growing.flatMap((each) => each.grows.map((axis) => [each, axis, length] as const)));
  growing.forEach((each, k) => {
    const last = each.shape.length - 1;
    if (last <= 1 && each.grows.includes(last)) likeEscape(each, before[k]?.[last] as number);
  });
}

/** Has the columns of a matrix, or the numbers of a vector, from `first` on be those of the escape. */
function likeEscape(parameter: Parameter, first: number): void {
  const columns = parameter.shape.at(-1) as number;
  const numbers = parameter.data.slice();
  for (let row = 0; row < numbers.length; row += columns) {
    numbers.fill(numbers[row + ESCAPE] as number, row + first, row + columns);
  }
  parameter.assign(numbers);
}

function shrinkTo(params: Params, vocab: OpenVocabulary, size: number): void {
  for (const parameter of growingIn(params)) {
    parameter.shorten(parameter.shape.map((length, axis) => (parameter.grows.includes(axis) ? size : length)));
  }
  vocab.know(size);
}

/** @throws RangeError where an id is none that the vocabulary has given: whoever did has another one. */
function requireGiven(operation: string, id: number, vocab: OpenVocabulary): void {
  try {
    vocab.decode([id]);
  } catch {
    throw new RangeError(
      `${operation}: the open vocabulary has not given the id ${id}; give tokens() and ${operation} the same one, which is the ` +
        'one that was kept with the model.',
    );
  }
}

/** What a window asks for by symbols that are known where they are asked for. */
function asEscapes<Y extends Tensor>(
  operation: string,
  { input, target }: { readonly input: Tensor; readonly target: Y },
  vocab: OpenVocabulary,
): { readonly target: Y; readonly named: readonly NamedSymbol[]; readonly most: number } {
  for (const part of [input, target]) {
    const fits = isTensor(part) && part.type === 'int32' && part.shape.length === 2;
    requireKind(operation, fits, 'windows of ids [T, B] where the vocabulary is open', part, 'put it after tokens()');
  }
  const { size } = vocab;
  const lanes = input.shape[1] as number;
  const met = new Set<number>();
  const named: NamedSymbol[] = [];
  let data: Int32Array | undefined;
  let most = -1;
  const read = (id: number) => {
    most = Math.max(most, id);
    if (id < size || met.has(id)) return false;
    requireGiven(operation, id, vocab);
    met.add(id);
    return true;
  };
  for (let place = 0; place < target.data.length; place += 1) {
    // Whoever decodes has the inputs of a step before its targets.
    if (place % lanes === 0) for (const id of input.data.subarray(place, place + lanes)) read(id);
    const id = target.data[place] as number;
    const known = size - 1 + met.size;
    if (!read(id) && id !== ESCAPE) continue;
    named.push({ symbol: vocab.decode([id]), place, bits: vocab.naming(known) });
    data ??= (target as Tensor as Ids).data.slice();
    data[place] = ESCAPE;
  }
  return { target: data === undefined ? target : { ...target, data }, named, most };
}
