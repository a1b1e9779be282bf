/** Models that grow by the symbols of an open vocabulary, window by window. */
import { requireKind } from '../checks.js';
import { growTogether, growthsOf } from '../parameters/growth.js';
import { type Params, parametersOf } from '../parameters/parameter.js';
import { type Ids, isTensor, showShape, type Tensor } from '../tensor.js';
import { ESCAPE, isOpen, type OpenVocabulary } from './open-vocabulary.js';
import type { Vocabulary } from './symbols.js';

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

const nothing = () => undefined;
const nowhere: SymbolGrowth = { before: ({ target }) => ({ target, named: [], undo: nothing }), keep: () => nothing };

/** The growth of a model by an open vocabulary; none by others, and without one. */
export function symbolGrowth(operation: string, params: Params, vocab: Vocabulary | undefined): SymbolGrowth {
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

/** @throws RangeError where the model has not as many rows and columns as the vocabulary has symbols. */
function requireAlike(operation: string, params: Params, { size }: OpenVocabulary): void {
  const growing = parametersOf(params).filter(([, { grows }]) => grows.length > 0);
  const other = growing.find(([, { grows, shape }]) => grows.some((axis) => shape[axis] !== size));
  if (growing.length > 0 && other === undefined) return;
  const got = other === undefined ? 'the model has no parameter that grows' : `${other[0]} is ${showShape(other[1].shape)}`;
  throw new RangeError(
    `${operation}: the open vocabulary has ${size} symbols, but ${got}; make the model by languageModel({ symbols: vocab.size, ` +
      'grows: true }), and go on with the vocabulary that was kept with it.',
  );
}

/** Lets all that grows become so long. What gives logits begins as the escape does. */
function growBy(params: Params, length: number): void {
  growTogether(growthsOf(params, length));
}

function shrinkTo(params: Params, vocab: OpenVocabulary, size: number): void {
  for (const [, parameter] of new Map(parametersOf(params).map(([path, each]) => [each, [path, each] as const])).values()) {
    const { shape, grows } = parameter;
    parameter.shorten(shape.map((length, axis) => (grows.includes(axis) ? size : length)));
  }
  vocab.know(size);
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
    return id >= size && !met.has(id) && met.add(id) !== undefined;
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
