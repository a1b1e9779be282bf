import { defer, map, type OperatorFunction } from 'rxjs';
import { requireModel } from '../checks.js';
import { type Core, evaluator } from '../layer.js';
import { checkedOptions } from '../options.js';
import { type Ids, type Numbers, showShape, type Tensor, tensor } from '../tensor.js';
import { checkSymbol, natsOf } from './logits.js';
import { ESCAPE, escaping, isOpen } from './open-vocabulary.js';
import type { Vocabulary } from './symbols.js';
import type { Tokenizer } from './tokenizer/tokenizer.js';

/** The options of {@link surprisal}. */
export interface SurprisalOptions {
  /** The vocabulary of the ids: where it is open, a symbol that it does not know is the escape, which costs what it takes to name the symbol, too. */
  readonly vocab?: Vocabulary | Tokenizer | undefined;
}

/**
 * Bits of surprise of each symbol, given those before it: what a perfect coder with this model would spend on it.
 *
 * `y[t, b] = −log₂ p(x[t, b] | x[0 … t−1, b])`, Shannon (1948), with `p` from the logits after the step before. Nothing
 * precedes the first symbol of a lane: it counts as one of V equally likely ones, `log₂ V` bits.
 *
 * Shapes: ids `[T, B]` → `[T, B]`. The carry, and the last prediction of each lane, live as long as the subscription.
 *
 * A symbol that an open vocabulary does not know costs what the escape costs, and what it takes to name it (`vocab`). The model may grow
 * meanwhile: what has been predicted stays as it was predicted.
 *
 * @param model of ids `[T, B]`, that gives logits `[T, B, V]`.
 * @param options the open vocabulary that the ids are of.
 * @returns an operator: bits of each symbol.
 * @throws TypeError where an option is not known; as an error notification, where the model gives no logits `[T, B, V]`.
 * @throws RangeError (as an error notification) where the model has diverged, or a symbol is not among its V.
 * @example
 * text$.pipe(tokens(vocab), surprisal(model)) // the mean of its values is the model's bits per character
 */
export function surprisal<S>(
  model: Core<S, Ids, Tensor>,
  options: SurprisalOptions = {},
): OperatorFunction<Ids, Tensor> {
  return surprisalSeen(model, checkedOptions('surprisal', options, { vocab: true }));
}

interface Seeing extends SurprisalOptions {
  /** Called for each symbol with what was predicted: its logits, or undefined where nothing precedes it. */
  readonly see?: ((prediction: Numbers | undefined) => void) | undefined;
}

/** {@link surprisal}, that shows of each symbol what was predicted. */
export function surprisalSeen<S>(
  model: Core<S, Ids, Tensor>,
  { vocab, see }: Seeing = {},
): OperatorFunction<Ids, Tensor> {
  requireModel('surprisal', model);
  const open = isOpen(vocab) ? vocab : undefined;

  function bitsOf(prediction: Numbers | undefined, given: number, symbols: number): number {
    // A symbol that has become known since was not when this was predicted.
    const id = open !== undefined && prediction !== undefined && given >= prediction.length ? ESCAPE : given;
    const bits = prediction ? natsOf('surprisal', prediction, id) / Math.LN2 : Math.log2(symbols);
    return open !== undefined && id === ESCAPE ? bits + open.naming() : bits;
  }

  return (source) =>
    defer(() => {
      const predict = evaluator(model);
      let expected: readonly Numbers[] | undefined;
      return source.pipe(
        map((given) => {
          const x = escaping(vocab)(given);
          const logits = predict(x).output;
          const [steps, lanes, symbols] = logits.shape;
          if (logits.shape.length !== 3 || steps === undefined || lanes === undefined || symbols === undefined) {
            throw new TypeError(
              `surprisal: takes a model that gives logits [T, B, V], but ${model.kind} gives ${showShape(logits.shape)}.`,
            );
          }
          const row = (k: number) => logits.data.subarray(k * symbols, (k + 1) * symbols);
          const surprises = new Float32Array(steps * lanes);
          for (let k = 0; k < surprises.length; k += 1) {
            // Rows are time-major, so the prediction made one step before is B rows up, or the last signal's.
            const prediction = k < lanes ? expected?.[k] : row(k - lanes);
            const id = x.data[k] as number;
            checkSymbol('surprisal', id, symbols);
            see?.(prediction);
            surprises[k] = bitsOf(prediction, id, symbols);
          }
          expected = Array.from({ length: lanes }, (_, lane) => row((steps - 1) * lanes + lane).slice());
          return tensor([steps, lanes], surprises);
        }),
      );
    });
}
