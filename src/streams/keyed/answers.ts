/** What goes into a step of many keys, and what is read off its output for each of them. */
import { type Ids, type Numbers, type NumberType, type Shape, showShape, sizeOf, type Tensor } from '../../tensor.js';
import { natsOf, placeOfLargest } from '../logits.js';

/** What comes out of a value: what the model gives, bits of surprise, or the most probable next symbol. */
export type KeyedOutput = 'step' | 'surprisal' | 'argmax';

/** What comes out of a value of a kind. */
export type Answers<V, O extends KeyedOutput> = O extends 'step'
  ? Tensor
  : V extends number
    ? number
    : O extends 'argmax'
      ? Ids
      : Tensor;

export interface Reader {
  /** Bits of surprise of a lane's symbol, by the logits that begin at an index; the first symbol has none. */
  surprise(lane: number, id: number, at: number | undefined, numbers: Float32Array): void;
  /** Takes what a step gave, to be read before the next one. */
  take(y: Tensor): void;
  /** What a lane's step comes to, of a value of that step alone. */
  one(lane: number, isNumber: boolean): Tensor | number;
  /** The same as a step of several, in what there is of them. */
  add(answer: Tensor | undefined, lane: number, step: number, steps: number): Tensor;
}

/** Numbers that answers share one array of: who keeps one, or posts it to another thread, keeps no more than 16 KB of others. */
const BLOCK = 4096;

/** Reads answers of one subscription. */
export function answers(output: KeyedOutput, kind: string, symbols: number | undefined): Reader {
  let bits = new Float32Array(1);
  /** What a step gave, and how much of it is a lane's. */
  let numbers: Numbers = bits;
  let row = 0;
  /** What an answer of one step and of one more is. */
  let type: NumberType = 'float32';
  let shape: Shape = [];
  let given: Shape | undefined;
  /** Copies of so many lanes each. */
  let blocks: (Numbers | undefined)[] = [];
  let lanesOfBlock = 1;

  /** What an answer's steps are made of: bits, symbols or rows. */
  const numbersOf = (size: number): Numbers => (type === 'int32' ? new Int32Array(size) : new Float32Array(size));

  function write(into: Numbers, at: number, lane: number): void {
    if (output === 'surprisal') into[at] = bits[lane] as number;
    else if (output === 'argmax') into[at] = placeOfLargest('argmax', numbers, lane * row, row);
    else into.set(numbers.subarray(lane * row, (lane + 1) * row), at * row);
  }

  /** A row of a block: an array of its own would take longer to make than everything else. */
  function copied(lane: number): Numbers {
    const k = Math.floor(lane / lanesOfBlock);
    const first = k * lanesOfBlock;
    blocks[k] ??= numbers.slice(first * row, (first + lanesOfBlock) * row);
    return (blocks[k] as Numbers).subarray((lane - first) * row, (lane - first + 1) * row);
  }

  return {
    surprise(lane, id, at, logits) {
      const wide = symbols as number;
      if (lane >= bits.length) {
        const longer = new Float32Array(2 * bits.length + lane);
        longer.set(bits);
        bits = longer;
      }
      bits[lane] = at === undefined ? Math.log2(wide) : natsOf('surprisal', logits, id, at, wide) / Math.LN2;
    },
    take(y) {
      numbers = y.data;
      blocks = [];
      if (y.shape === given) return;
      given = y.shape;
      const rest = given.slice(2);
      if (output === 'argmax' && rest.length === 0) {
        throw new TypeError(
          `argmax: takes logits [T, B, V], but ${kind} gives ${showShape(given)} for ${given[1]} lanes.`,
        );
      }
      row = sizeOf(rest);
      if (output === 'surprisal' && row !== symbols) {
        throw new RangeError(
          `surprisal: the model gave ${symbols} logits when the keys began, and ${row} now; what was expected by as many as then is kept ` +
            'for each key, so subscribe anew once it has grown.',
        );
      }
      lanesOfBlock = Math.max(1, Math.floor(BLOCK / row));
      if (output === 'step') {
        type = y.type === 'int32' ? 'int32' : 'float32';
        shape = [1, 1, ...rest];
      } else if (output === 'argmax') {
        type = 'int32';
        shape = [1, 1, ...rest.slice(0, -1)];
      } else {
        shape = [1, 1];
      }
    },
    one(lane, isNumber) {
      if (output === 'step') return { shape, type, data: copied(lane) };
      if (!isNumber) return this.add(undefined, lane, 0, 1);
      return output === 'surprisal' ? (bits[lane] as number) : placeOfLargest('argmax', numbers, lane * row, row);
    },
    add(answer, lane, step, steps) {
      const whole = answer ?? { shape: [steps, ...shape.slice(1)], type, data: numbersOf(steps * sizeOf(shape)) };
      write(whole.data, step, lane);
      return whole;
    },
  };
}
