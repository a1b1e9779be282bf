import { type Core, type Layer, layer } from '../layer.js';
import { checkLengths, type Padded } from '../ops/padding.js';
import type { Params } from '../parameters/parameter.js';
import { showShape, type Tensor } from '../tensor.js';

/**
 * A layer over sequences of several lengths, padded to one: whatever within it remembers stops at each lane's own last
 * step, and a backward direction starts there. It shares its weights with the layer it is made of.
 *
 * Equation: for each lane b, `y_{1…L}, carry = layer(x_{1…L})` with L = lengths[b]; after that y of recurrent layers is 0.
 * Source: PyTorch's packed sequences (`pack_padded_sequence`), whose results these are.
 *
 * Shapes: those of the layer; x is a `Padded` signal, as `padded` makes it. The carry: the layer's own.
 *
 * Law: y and carry of a lane are bit for bit those of the lane alone, without padding.
 *
 * @throws TypeError where x has no lengths.
 * @throws RangeError where there is not one length for each lane, or one is not a whole number from 0 to T.
 * @example
 * const model = stack({ embed: embedding(9, 8), rnn: bidirectional(gru(8, 16), gru(8, 16)), head: dense(32, 4) });
 * const learning$ = batches$.pipe(map(padded), tbptt(masked(model), { loss: crossEntropy(), optimizer: adam(1e-2) }));
 */
export function masked<S, X extends Tensor, Y, P extends Params = Params>(
  inner: Core<S, X, Y, P>,
): Layer<S, Padded<X>, Y, P> {
  return layer<S, Padded<X>, Y, P>(
    {
      ...inner,
      apply(ops, carry, x) {
        if (x.lengths === undefined) {
          throw new TypeError(
            `masked: the signal ${showShape(x.shape)} has no lengths; make it by padded(), or use the ${inner.kind} as it is.`,
          );
        }
        return inner.apply({ ...ops, lengths: checkLengths(x.lengths, x, 'masked') }, carry, x);
      },
    },
    undefined,
    '',
  );
}
