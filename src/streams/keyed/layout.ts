/** How a key's carry lies in its record: the rows of all of its tensors, one after the other. */

import { restored, startFrom } from '../../carry.js';
import { shown } from '../../checks.js';
import type { Machine } from '../../kernels/machine-type.js';
import type { Core } from '../../layer.js';
import {
  isTensor,
  type Numbers,
  type NumberType,
  type Shape,
  sameShape,
  showShape,
  sizeOf,
  type Tensor,
} from '../../tensor.js';
import * as tree from '../../tree.js';

/** Steps of a key that have not been learnt from yet. They may go through JSON. */
export interface KeyedSteps {
  /** `[n, 1, …]` */
  readonly input: Tensor;
  /** `[n, 1, …]`; none where the target of a step is the next one. */
  readonly target?: Tensor;
}

/** What is kept of a key: its carry, of one lane, and for surprisal the logits of what comes next. It may go through JSON. */
export interface KeyedState<S> {
  readonly carry: S;
  /** `[1, V]`; of surprisal alone. */
  readonly expected?: Tensor;
  /** Of `keyedTbptt` alone. */
  readonly steps?: KeyedSteps | undefined;
}

/** The carries of many keys at one moment: of N keys one carry of N lanes, in the keys' order. It may go through JSON. */
export interface KeyedSnapshot<S, K> {
  readonly keys: readonly K[];
  readonly carry: S;
  /** `[N, V]`; of surprisal alone. */
  readonly expected?: Tensor;
}

/** A tensor's row within a record. */
export interface Part {
  readonly offset: number;
  readonly bytes: number;
  readonly type: NumberType;
  /** Of a row. */
  readonly shape: Shape;
}

export interface RecordLayout<S> {
  /** Whose errors are named by it. */
  readonly operation: string;
  /** Of a record. */
  readonly bytes: number;
  /** Of the carry. */
  readonly parts: readonly Part[];
  /** Where logits lie, `[V]`. */
  readonly expected: Part | undefined;
  /** The tensors of a carry in the order of the parts. @throws TypeError where it has others, or rows of another size. */
  tensorsOf(carry: S, lanes: number): readonly Tensor[];
  /** What lies in records. */
  read(machine: Machine, records: readonly number[]): KeyedState<S>;
  /** Checks a state of so many lanes. @throws TypeError, RangeError where it is not one of this model. */
  check(state: KeyedState<S>, lanes: number): KeyedState<S>;
  /** Writes a lane of a state that was checked. */
  write(machine: Machine, state: KeyedState<S>, lane: number, record: number): void;
}

/** The layout of a model's carries, with room for so many logits. @throws TypeError where its carry is not rows of lanes. */
export function layout<S>(model: Core<S, never>, symbols?: number, operation = 'keyed'): RecordLayout<S> {
  const template = model.initial(2);
  const parts: Part[] = [];
  let bytes = 0;

  function add(type: NumberType, shape: Shape): Part {
    const part = { offset: bytes, bytes: 4 * sizeOf(shape), type: type === 'int32' ? type : 'float32', shape } as const;
    bytes += part.bytes;
    return part;
  }

  walk(operation, model.kind, template, template, 'carry', (own) => {
    if (own.shape[0] !== 2) {
      throw new TypeError(
        `${operation}: the carry of ${model.kind} has a tensor ${showShape(own.shape)} for 2 lanes, which is not a row a lane; ` +
          'make the batch its first axis.',
      );
    }
    parts.push(add(own.type, own.shape.slice(1)));
  });
  const expected = symbols === undefined ? undefined : add('float32', [symbols]);

  function tensorsOf(carry: S, lanes: number): readonly Tensor[] {
    const tensors: Tensor[] = [];
    walk(operation, model.kind, template, carry, 'carry', (own, given) => {
      if (given.shape[0] !== lanes || !sameShape(given.shape.slice(1), own.shape.slice(1))) {
        throw new TypeError(
          `${operation}: ${model.kind} makes ${showShape(given.shape)} of a carry of ${showShape([lanes, ...own.shape.slice(1)])}; ` +
            'keys need carries of one size: bound it by the model (context).',
        );
      }
      tensors.push(given);
    });
    return tensors;
  }

  const numbersOf = ({ ints, floats }: Machine, { type }: Part): Numbers => (type === 'int32' ? ints : floats);

  function readPart(machine: Machine, records: readonly number[], part: Part): Tensor {
    const row = part.bytes / 4;
    const data = part.type === 'int32' ? new Int32Array(records.length * row) : new Float32Array(records.length * row);
    const numbers = numbersOf(machine, part);
    records.forEach((record, lane) => {
      const from = (record + part.offset) / 4;
      data.set(numbers.subarray(from, from + row), lane * row);
    });
    return { shape: [records.length, ...part.shape], type: part.type, data };
  }

  function writePart(machine: Machine, { data }: Tensor, lane: number, part: Part, record: number): void {
    const row = part.bytes / 4;
    numbersOf(machine, part).set(data.subarray(lane * row, (lane + 1) * row), (record + part.offset) / 4);
  }

  function checkExpected({ expected: given }: KeyedState<S>, lanes: number): Tensor | undefined {
    if (symbols === undefined) return undefined;
    const logits = restored(given, `${operation}: the expected logits`);
    if (isTensor(logits) && logits.type === 'float32' && sameShape(logits.shape, [lanes, symbols])) return logits;
    const got = isTensor(logits) ? `${logits.type} ${showShape(logits.shape)}` : String(logits);
    throw new TypeError(
      `${operation}: for surprisal the logits of what comes next are kept beside the carry, expected float32 [${lanes}, ${symbols}], but ` +
        `got ${got}; give what surprisal of this model kept.`,
    );
  }

  return {
    operation,
    bytes,
    parts,
    expected,
    tensorsOf,
    read(machine, records) {
      let k = 0;
      const carry = tree.map(template, () => {
        k += 1;
        return readPart(machine, records, parts[k - 1] as Part);
      });
      return expected === undefined ? { carry } : { carry, expected: readPart(machine, records, expected) };
    },
    check(state, lanes) {
      if (typeof state !== 'object' || state === null) {
        throw new TypeError(
          `${operation}: what is kept of a key is { carry }, not ${shown(state)}; give what was put.`,
        );
      }
      const logits = checkExpected(state, lanes);
      const carry = startFrom(operation, model as Core<S>, state.carry, lanes);
      tensorsOf(carry, lanes);
      return logits === undefined ? { carry } : { carry, expected: logits };
    },
    write(machine, state, lane, record) {
      let k = 0;
      walk(operation, model.kind, template, state.carry, 'carry', (_, given) => {
        writePart(machine, given, lane, parts[k] as Part, record);
        k += 1;
      });
      if (expected && state.expected) writePart(machine, state.expected, lane, expected, record);
    },
  };
}

/** The tensors of a carry, each with that of the model's own, in the latter's order. */
function walk(
  operation: string,
  kind: string,
  own: unknown,
  given: unknown,
  path: string,
  visit: (own: Tensor, given: Tensor) => void,
): void {
  if (isTensor(own)) {
    if (!isTensor(given))
      throw new TypeError(`${operation}: ${path} of ${kind} is a tensor, but ${kind} gave ${String(given)}.`);
    visit(own, given);
    return;
  }
  if (typeof own === 'object' && own !== null) {
    for (const [name, part] of Object.entries(own)) {
      walk(operation, kind, part, (given as Record<string, unknown> | undefined)?.[name], `${path}.${name}`, visit);
    }
    return;
  }
  throw new TypeError(
    `${operation}: ${path} of ${kind} is ${String(own)}, which belongs to no lane, so that keys of one batch could not have one each; ` +
      'keep it in a tensor [B].',
  );
}
