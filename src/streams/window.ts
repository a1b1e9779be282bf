import { requireTensor } from '../checks.js';
import { checkedNumbers, type Ids, showShape, type Tensor } from '../tensor.js';

/** What is learnt from at once: T steps of B lanes, and what should have been predicted at each of them. */
export interface SignalWindow<X = Ids, Y extends Tensor = Tensor> {
  /** `[T, B, …]`. */
  readonly input: X;
  /** `[T, B, …]`: for next-symbol prediction the input, one step later. */
  readonly target: Y;
  /** Whether it stands alone: all lanes start afresh, and nothing goes on from it. */
  readonly alone?: boolean;
  /** Lanes that start afresh here: their carry is zeroed before the window. */
  readonly reset?: readonly boolean[];
}

/** Next-symbol prediction: both are ids, `[T, B]`. */
export type SymbolWindow = SignalWindow<Ids, Ids>;

/** Steps and lanes of ids. @throws TypeError where the signal is not `[T, B]`. */
export function stepsAndLanes(operation: string, signal: Tensor): readonly [steps: number, lanes: number] {
  requireTensor(operation, signal, 'ids [T, B]', 'put it after tokens()');
  const [steps, lanes] = signal.shape;
  if (signal.shape.length !== 2 || steps === undefined || lanes === undefined || signal.type !== 'int32') {
    throw new TypeError(
      `${operation}: takes ids [T, B], but got ${signal.type} ${showShape(signal.shape)}; put it after tokens().`,
    );
  }
  checkedNumbers(signal, operation);
  return [steps, lanes];
}
