import { defer, map, type OperatorFunction } from 'rxjs';
import { requireModel } from '../checks.js';
import { type Core, evaluator } from '../layer.js';
import { type Ids, type Numbers, showShape, type Tensor, tensor } from '../tensor.js';
import { checkSymbol, natsOf } from './logits.js';

/**
 * Bits of surprise of each symbol, given those before it: what a perfect coder with this model would spend on it.
 *
 * `y[t, b] = −log₂ p(x[t, b] | x[0 … t−1, b])`, Shannon (1948), with `p` from the logits after the step before. Nothing
 * precedes the first symbol of a lane: it counts as one of V equally likely ones, `log₂ V` bits.
 *
 * Shapes: ids `[T, B]` → `[T, B]`. The carry, and the last prediction of each lane, live as long as the subscription.
 *
 * @param model of ids `[T, B]`, that gives logits `[T, B, V]`.
 * @returns an operator: bits of each symbol.
 * @throws TypeError (as an error notification) where the model gives no logits `[T, B, V]`.
 * @throws RangeError (as an error notification) where the model has diverged, or a symbol is not among its V.
 * @example
 * text$.pipe(tokens(vocab), surprisal(model)) // the mean of its values is the model's bits per character
 */
export function surprisal<S>(model: Core<S, Ids, Tensor>): OperatorFunction<Ids, Tensor> {
  return surprisalSeen(model);
}

/** {@link surprisal}, that shows of each symbol what was predicted: its logits, or undefined where nothing precedes it. */
export function surprisalSeen<S>(
  model: Core<S, Ids, Tensor>,
  see?: (prediction: Numbers | undefined) => void,
): OperatorFunction<Ids, Tensor> {
  requireModel('surprisal', model);
  return (source) =>
    defer(() => {
      const predict = evaluator(model);
      let expected: Numbers | undefined;
      return source.pipe(
        map((x) => {
          const logits = predict(x).output;
          const [steps, lanes, symbols] = logits.shape;
          if (logits.shape.length !== 3 || steps === undefined || lanes === undefined || symbols === undefined) {
            throw new TypeError(
              `surprisal: takes a model that gives logits [T, B, V], but ${model.kind} gives ${showShape(logits.shape)}.`,
            );
          }
          const row = (numbers: Numbers, k: number) => numbers.subarray(k * symbols, (k + 1) * symbols);
          const surprises = new Float32Array(steps * lanes);
          for (let k = 0; k < surprises.length; k += 1) {
            // Rows are time-major, so the prediction made one step before is B rows up, or the last signal's.
            const prediction = k < lanes ? expected && row(expected, k) : row(logits.data, k - lanes);
            const id = x.data[k] as number;
            checkSymbol('surprisal', id, symbols);
            see?.(prediction);
            surprises[k] = prediction ? natsOf('surprisal', prediction, id) / Math.LN2 : Math.log2(symbols);
          }
          expected = logits.data.slice((steps - 1) * lanes * symbols);
          return tensor([steps, lanes], surprises);
        }),
      );
    });
}
