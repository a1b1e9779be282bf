import { requireModel } from '../checks.js';
import { described } from '../description.js';
import { type Core, type Layer, layer } from '../layer.js';
import { checkLengths, type Padded, type Restarts, restartsWith } from '../ops/lengths.js';
import type { Ops } from '../ops/ops.js';
import { cleared, mixedLanes } from '../ops/padding.js';
import type { Params } from '../parameters/parameter.js';
import { opsAfter } from '../stack.js';
import { isTensor, showShape, type Tensor } from '../tensor.js';
import { stepsBetween } from '../training/training-window.js';
import * as tree from '../tree.js';

/**
 * A layer over sequences of several lengths, padded to one: whatever within it remembers, or looks at several steps, stops
 * at each lane's own last step, and a backward direction starts there. It shares its weights with the layer it is made of.
 *
 * Equation: for each lane b, `y_{1…L}, carry = layer(x_{1…L})` with L = lengths[b]; after that y of recurrent layers is 0,
 * and of others finite but nothing to go by.
 * Where x has `restarts`, as windows of `liveLanes` do, a lane goes on from the zero carry there, and no gradient flows back across.
 * Source: PyTorch's packed sequences (`pack_padded_sequence`), whose results these are.
 *
 * Shapes: those of the layer; x is a `Padded` signal, as `padded` makes it, whatever stands at its padding; within a layer
 * that is masked already, any signal. The carry: the layer's own.
 *
 * Law: y and carry of a lane are bit for bit those of the lane alone, without padding, where nothing is dropped at random.
 * Masks of dropout are each lane's own, and do not depend on how much padding there is (but for attention's weights).
 *
 * @param inner the layer, or a stack of layers, that does not know of padding.
 * @returns the layer over padded signals, with the same weights.
 * @throws TypeError where x has no lengths, or a layer cannot tell how many of the steps it gives are real.
 * @throws RangeError where there is not one length for each lane, one is not a whole number from 0 to T, or a lane is too
 * short for a layer.
 * @example
 * const model = stack({ embed: embedding(9, 8), rnn: bidirectional(gru(8, 16), gru(8, 16)), head: dense(32, 4) });
 * const learning$ = batches$.pipe(map(padded), tbptt(masked(model), { loss: crossEntropy(), optimizer: adam(1e-2) }));
 */
export function masked<S, X extends Tensor, Y, P extends Params = Params>(
  inner: Core<S, X, Y, P>,
): Layer<S, Padded<X>, Y, P> {
  requireModel('masked', inner);
  const whole = toldLengths(inner);
  return described(
    layer<S, Padded<X>, Y, P>(
      {
        ...whole,
        apply(ops, carry, x) {
          if (!isTensor(x)) {
            throw new TypeError(
              `masked: takes a signal [T, B, …] with lengths, but ${inner.kind} was given a record; tell it what is padding ` +
                'in its own way, by a mask or an option.',
            );
          }
          if (x.lengths === undefined && ops.lengths === undefined) {
            throw new TypeError(
              `masked: the signal ${showShape(x.shape)} has no lengths; make it by padded(), or use the ${inner.kind} as it is. ` +
                'Within a sequential model, give its fit, evaluate and predict a mask.',
            );
          }
          return whole.apply(ops, carry, x);
        },
      },
      undefined,
      '',
    ),
    'masked',
    [inner],
  );
}

/** A core that goes by its input's lengths where that has some, and else by those that its ops have, if any. */
export function toldLengths<S, X, Y, P extends Params = Params>(inner: Core<S, X, Y, P>): Core<S, X, Y, P> {
  const byLengths: Core<S, X, Y, P> = {
    ...inner,
    apply(ops, carry, x) {
      if (!isPadded(x)) return inner.apply(ops, carry, x);
      const { lengths, restarts } = x;
      if (restarts?.some((steps) => steps.length > 0)) return inParts(ops, byLengths, carry, x, restarts);
      const real = checkLengths(lengths, x, 'masked');
      const aware: Ops = { ...ops, lengths };
      const result = inner.apply(aware, carry, real === undefined ? x : cleared(ops, x, real));
      opsAfter(aware, inner, x, result[0]);
      return result;
    },
  };
  return byLengths;
}

/**
 * A model over windows of live lanes: where one says at which steps lanes begin afresh, they do, and what is nobody's is
 * padding, as in `masked`. Of any other window it is the model as it is.
 */
export function overLiveLanes<S, X, Y, P extends Params = Params>(inner: Core<S, X, Y, P>): Core<S, X, Y, P> {
  const byLengths = toldLengths(inner);
  return {
    kind: inner.kind,
    params: inner.params,
    initial: (batch) => inner.initial(batch),
    apply: (ops, carry, x) => (isTensor(x) && restartsWith(x) ? byLengths : inner).apply(ops, carry, x),
  };
}

/** Cut wherever a lane begins afresh, which is at the carry before the first step. */
function inParts<S, X, Y>(
  ops: Ops,
  inner: Core<S, X, Y>,
  carry: S,
  x: X & Tensor,
  restarts: Restarts,
): readonly [y: Y, carry: S] {
  const [steps = 0, batch = 0] = x.shape;
  const cuts = [...new Set([0, ...restarts.flat(), steps])].sort((a, b) => a - b);
  const wrong = cuts.find((step) => !Number.isInteger(step) || step < 0 || step > steps);
  if (wrong !== undefined || restarts.length !== batch) {
    throw new RangeError(
      `masked: ${showShape(x.shape)} takes for each of ${batch} lanes the steps from 0 to ${steps - 1} at which it begins afresh, ` +
        `but got ${JSON.stringify(restarts)}.`,
    );
  }
  const zero = inner.initial(batch);
  let state = carry;
  const outputs = cuts.slice(1).map((end, k) => {
    const start = cuts[k] as number;
    const isFresh = (lane: number) => restarts[lane]?.includes(start) === true;
    if (restarts.some((_, lane) => isFresh(lane))) {
      state = tree.zip([state, zero], ([kept, fresh]) =>
        isTensor(kept) && isTensor(fresh) ? mixedLanes(ops, kept, fresh, isFresh) : kept,
      ) as S;
    }
    const part = { ...stepsBetween(x, start, end), restarts: undefined };
    const [y, next] = inner.apply(ops, state, part as Tensor as Tensor & X);
    state = next;
    if (isTensor(y)) return y;
    throw new TypeError(`masked: ${inner.kind} gives a record, which cannot be put together where lanes begin afresh.`);
  });
  return [ops.concat(outputs, 0) as Tensor & Y, state];
}

const isPadded = (x: unknown): x is Padded => isTensor(x) && (x as Partial<Padded>).lengths !== undefined;
