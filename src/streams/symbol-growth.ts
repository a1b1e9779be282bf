/** Models that grow by the symbols of an open vocabulary, window by window. */
import { requireCount, requireKind } from '../checks.js';
import { lengthenings, shorten } from '../kernels/lines.js';
import { growTogether } from '../parameters/growth.js';
import { type Parameter, type Params, parametersOf } from '../parameters/parameter.js';
import type { PiecewiseTask } from '../piecewise-task.js';
import { type Ids, isTensor, type Shape, showShape, sizeOf, type Tensor } from '../tensor.js';
import type { Trainer } from '../training/trainer.js';
import type { TrainerState } from '../training/trainer-state.js';
import { ESCAPE, isOpen, type OpenVocabulary } from './open-vocabulary.js';
import type { Vocabulary } from './symbols.js';
import type { Tokenizer } from './tokenizer/tokenizer.js';

/** A symbol that was not known where it stood: the escape was to be predicted in its place, and what it is has to be said besides. */
export interface NamedSymbol {
  readonly symbol: string;
  /**
   * Its place among the window's targets, `t·B + b`. Undefined where it is not in the window, but became known with it: it has an id
   * below one of the window's, since it came earlier and is to be learnt later.
   */
  readonly place: number | undefined;
  /** What it takes to say which symbol it is, beyond the escape's own `−log₂ p`. */
  readonly bits: number;
}

/**
 * Learns from a window: from these targets, which have the escape in the place of each symbol that is new there. Undefined in the place
 * of the symbols that had to be named where no vocabulary is open.
 */
export type LearnGrown<Y, R> = (target: Y, named: readonly NamedSymbol[] | undefined) => PiecewiseTask<R>;

/** How a model grows by a vocabulary's symbols. */
export interface SymbolGrowth {
  /**
   * Lets the model grow by the symbols of a window and has it learnt from. Where nothing comes of that, or it is ended before, model,
   * vocabulary and what the optimizer keeps are as before.
   */
  learn<Y extends Tensor, R>(
    window: { readonly input: Tensor; readonly target: Y },
    learner: Pick<Trainer<never>, 'state'>,
    learn: LearnGrown<Y, R>,
  ): PiecewiseTask<R>;
  /** @throws RangeError where there are ids among these that the vocabulary has not given. */
  check(ids: Tensor | number): void;
  /** What the optimizer keeps, and how many symbols are known, of the last whole update: also where the model has grown for the next one. */
  whole(state: TrainerState): { readonly state: TrainerState; readonly known?: number };
  /** Has as many symbols be known as a snapshot says. @throws TypeError, RangeError where it is not of this model and vocabulary. */
  goBackTo(known: number | undefined): void;
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
/** The growth of a model by an open vocabulary; none by others, and without one. */
export function symbolGrowth(
  operation: string,
  params: Params,
  vocab: Vocabulary | Tokenizer | undefined,
): SymbolGrowth {
  requireVocabulary(operation, vocab);
  return isOpen(vocab) ? growingBy(operation, params, vocab) : nowhere(operation);
}

/** @throws TypeError where what is given as a vocabulary is none. */
export function requireVocabulary(operation: string, vocab: Vocabulary | Tokenizer | undefined): void {
  if (vocab === undefined) return;
  const fits = typeof vocab === 'object' && vocab !== null && typeof vocab.encode === 'function';
  requireKind(operation, fits, 'a vocabulary as vocab', vocab, 'give the one that tokens() has');
}

const nowhere = (operation: string): SymbolGrowth => ({
  learn: ({ target }, _, learn) => learn(target, undefined),
  check: nothing,
  whole: (state) => ({ state }),
  goBackTo(known) {
    if (known === undefined) return;
    throw new TypeError(
      `${operation}: 'from' is of a model that grew by an open vocabulary; give the one that was kept with it, vocab: vocabularyFrom(…).`,
    );
  },
  keep: () => nothing,
});

function growingBy(operation: string, params: Params, vocab: OpenVocabulary): SymbolGrowth {
  /** Symbols that were known before the window for which the model has grown, and which is not learnt from yet. */
  let before: number | undefined;

  return {
    *learn(window, learner, learn) {
      requireAlike(operation, params, vocab);
      const { size } = vocab;
      const { target, named, most } = asEscapes(operation, window, vocab);
      if (most < size) return yield* learn(target, named);
      growBy(params, most + 1);
      vocab.know(most + 1);
      before = size;
      let learnt = false;
      try {
        const result = yield* learn(target, named);
        learnt = true;
        return result;
      } finally {
        before = undefined;
        if (!learnt) {
          shrinkTo(params, vocab, size);
          // What the optimizer keeps follows the weights before there are other new symbols.
          learner.state();
        }
      }
    },
    check(ids) {
      for (const id of typeof ids === 'number' ? [ids] : ids.data) {
        if (id >= vocab.size) requireGiven(operation, id, vocab);
      }
    },
    whole: (state) => ({
      state: before === undefined ? state : stateOf(state, params, before),
      known: before ?? vocab.size,
    }),
    goBackTo(known) {
      if (known === undefined) return;
      requireAlike(operation, params, vocab);
      requireCount(
        operation,
        `known of 'from', symbols of the open vocabulary that was kept with it,`,
        known,
        1,
        vocab.size,
      );
      if (known < vocab.size) shrinkTo(params, vocab, known);
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

/** The shape of a parameter that has so many symbols. */
const shapeOf = ({ shape, grows }: Parameter, size: number): Shape =>
  shape.map((length, axis) => (grows.includes(axis) ? size : length));

function shrinkTo(params: Params, vocab: OpenVocabulary, size: number): void {
  for (const parameter of growingIn(params)) parameter.shorten(shapeOf(parameter, size));
  vocab.know(size);
}

/** What of a state is kept for so many symbols. */
function stateOf(state: TrainerState, params: Params, size: number): TrainerState {
  const growing = new Map(parametersOf(params).filter(([, { grows }]) => grows.length > 0));
  const slots = Object.entries(state.slots).map(([name, slot]) => {
    const parameter = growing.get(name.slice(0, Math.max(0, name.lastIndexOf('.'))));
    if (parameter === undefined) return [name, slot] as const;
    const shape = shapeOf(parameter, size);
    const data = Float32Array.from(slot.data);
    for (const step of lengthenings(shape, slot.shape).toReversed()) shorten(data, 0, step);
    return [name, { ...slot, shape, data: data.slice(0, sizeOf(shape)) }] as const;
  });
  return { ...state, slots: Object.fromEntries(slots) };
}

/** @throws RangeError where an id is none that the vocabulary has given: it comes from another vocabulary. */
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
  let most = size - 1;
  for (const part of [input, target]) for (const id of part.data) most = Math.max(most, id);
  requireGiven(operation, most, vocab);
  const there = most < size ? undefined : new Set([...input.data, ...target.data]);
  // Others have brought what lies between, and it becomes known all the same.
  for (let id = size; id < most; id += 1) {
    if (there?.has(id)) continue;
    named.push({ symbol: vocab.decode([id]), place: undefined, bits: vocab.naming(size - 1 + met.size) });
    met.add(id);
  }
  const read = (id: number) => {
    if (id < size || met.has(id)) return false;
    met.add(id);
    return true;
  };
  for (let place = 0; place < target.data.length; place += 1) {
    // A decoder has the inputs of a step before its targets.
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
