/** Steps of keys, gathered until there are windows to learn from, and which keys learn together. */
import { restored } from '../../carry.js';
import { isTensor, type Numbers, type Tensor } from '../../tensor.js';
import type { SignalWindow } from '../window.js';
import type { KeyedSteps } from './layout.js';
import { type KeyedStep, showValue, stepsIn, type Values, values } from './values.js';

/** What is gathered of a key. */
export interface Gathered {
  /** Steps one after the other, with room for more. */
  inputs: Numbers;
  targets: Numbers;
  /** Steps. */
  count: number;
  /** Whole windows, each of which is in the line. */
  whole: number;
}

/** Keys that learn together, and from how many steps. */
export interface Together<T> {
  readonly of: readonly T[];
  readonly steps: number;
}

export interface Gathering<T extends Gathered> {
  /** Checks a value and its targets. @throws TypeError, RangeError where they are not as the first ones were. */
  check(value: unknown, target: unknown): void;
  /** Puts steps that were checked after those of a key; windows that are whole by that stand in line. */
  add(one: T, value: Tensor | number, target: Tensor | number | undefined): void;
  /** Windows in line, those of a key as often as it has some. */
  readonly line: readonly T[];
  /** When the first of them came into it. */
  readonly since: number | undefined;
  /** Keys of the first windows in line, each once, where so many are there, or as many windows as two batches have. */
  next(least: number): readonly T[] | undefined;
  /** Steps that can be learnt from and make no whole window, those of one length together. */
  leftOver(all: readonly T[]): Together<T>[];
  /** The first steps of keys, side by side. */
  window(of: readonly T[], steps: number): SignalWindow<Tensor>;
  /** The first steps of keys have been learnt from. */
  learnt(of: readonly T[], steps: number): void;
  steps(one: T): KeyedSteps | undefined;
  /** Takes steps back that were gathered earlier. @throws TypeError, RangeError where they are none of this stream. */
  restore(one: T, steps: KeyedSteps | null | undefined): void;
  /** Puts windows in line as they stood. @throws RangeError where they are not the whole ones of all keys. */
  align(line: readonly T[], all: readonly T[]): void;
}

const NOTHING = new Int32Array(0);

/** How many windows may wait, in batches; then keys with many of them no longer wait for others. */
const BATCHES_IN_LINE = 2;

export const nothingGathered = (): Gathered => ({ inputs: NOTHING, targets: NOTHING, count: 0, whole: 0 });

/** `checkIds` is for what fits as a value. */
export function gathering<T extends Gathered>(
  operation: string,
  length: number,
  batch: number,
  checkIds: (ids: Tensor | number) => void,
): Gathering<T> {
  const inputs = values(operation);
  const targets = values(operation, 'target');
  /** Whether targets are given; unknown before the first value. */
  let given: boolean | undefined;
  let line: T[] = [];
  /** When each came into it. */
  let times: number[] = [];
  /** Keys in line. */
  let keys = 0;

  /** Steps of a key that have their targets. */
  const ready = ({ count }: T) => Math.max(0, given ? count : count - 1);

  function check(value: unknown, target: unknown): void {
    inputs.check(value);
    const has = target !== undefined;
    given ??= has;
    if (given !== has) {
      throw new TypeError(
        `${operation}: ${showValue(value)} comes ${has ? 'with' : 'without'} a target after values ${has ? 'without' : 'with'}; ` +
          'give all values of a stream a target, or none, for the next one of the same key.',
      );
    }
    checkIds(value as Tensor | number);
    if (!has) return;
    targets.check(target);
    checkIds(target as Tensor | number);
    const [steps, asked] = [stepsIn(value as Tensor), stepsIn(target as Tensor)];
    if (steps === asked) return;
    throw new RangeError(`${operation}: a value of ${steps} steps has ${asked} targets; give one for each step.`);
  }

  function append(rows: Numbers, filled: number, { step, width }: Values, value: Tensor | number): Numbers {
    const from = filled * width;
    const to = from + stepsIn(value) * width;
    let room = rows;
    if (to > rows.length) {
      const ArrayOf = step?.type === 'int32' ? Int32Array : Float32Array;
      room = new ArrayOf(Math.max(to, 2 * from));
      room.set(rows.subarray(0, from));
    }
    if (typeof value === 'number') room[from] = value;
    else room.set(value.data, from);
    return room;
  }

  function standInLine(one: T): void {
    for (; one.whole < Math.floor(ready(one) / length); one.whole += 1) {
      if (one.whole === 0) keys += 1;
      line.push(one);
      times.push(performance.now());
    }
  }

  function put(one: T, value: Tensor | number, target: Tensor | number | undefined): void {
    one.inputs = append(one.inputs, one.count, inputs, value);
    if (target !== undefined) one.targets = append(one.targets, one.count, targets, target);
    one.count += stepsIn(value);
  }

  function sideBySide(of: readonly T[], steps: number, side: 'inputs' | 'targets', from: number): Tensor {
    const { step, width } = side === 'inputs' ? inputs : targets;
    const { type, shape } = step as KeyedStep;
    const lanes = of.length;
    const data = type === 'int32' ? new Int32Array(steps * lanes * width) : new Float32Array(steps * lanes * width);
    of.forEach((one, lane) => {
      const rows = one[side];
      for (let t = 0; t < steps; t += 1) {
        const at = (from + t) * width;
        const to = (t * lanes + lane) * width;
        if (width === 1) data[to] = rows[at] as number;
        else data.set(rows.subarray(at, at + width), to);
      }
    });
    return { shape: [steps, lanes, ...shape], type, data };
  }

  const rowsOf = (rows: Numbers, count: number, { step, width }: Values): Tensor => {
    const { type, shape } = step as KeyedStep;
    return { shape: [count, 1, ...shape], type, data: rows.slice(0, count * width) as Numbers };
  };

  return {
    check,
    add(one, value, target) {
      put(one, value, target);
      standInLine(one);
    },
    get line() {
      return line;
    },
    get since() {
      return times[0];
    },
    next(least) {
      if (line.length === 0 || (keys < least && line.length < BATCHES_IN_LINE * batch)) return undefined;
      const of = new Set<T>();
      for (const one of line) {
        of.add(one);
        if (of.size === batch) break;
      }
      return [...of];
    },
    leftOver(all) {
      const bySteps = new Map<number, T[]>();
      for (const one of all) {
        const steps = ready(one) - one.whole * length;
        if (steps === 0) continue;
        const same = bySteps.get(steps) ?? [];
        same.push(one);
        bySteps.set(steps, same);
      }
      return [...bySteps].flatMap(([steps, same]) =>
        Array.from({ length: Math.ceil(same.length / batch) }, (_, k) => ({
          of: same.slice(k * batch, (k + 1) * batch),
          steps,
        })),
      );
    },
    window: (of, steps) => ({
      input: sideBySide(of, steps, 'inputs', 0),
      target: given ? sideBySide(of, steps, 'targets', 0) : sideBySide(of, steps, 'inputs', 1),
    }),
    learnt(of, steps) {
      for (const one of of) {
        one.inputs.copyWithin(0, steps * inputs.width, one.count * inputs.width);
        one.targets.copyWithin(0, steps * targets.width, one.count * targets.width);
        one.count -= steps;
        if (one.whole === 0) continue;
        one.whole -= 1;
        if (one.whole === 0) keys -= 1;
      }
      const first = new Set(of);
      const stays = line.map((one) => !first.delete(one));
      line = line.filter((_, k) => stays[k]);
      times = times.filter((_, k) => stays[k]);
    },
    steps(one) {
      if (one.count === 0) return undefined;
      const input = rowsOf(one.inputs, one.count, inputs);
      return given ? { input, target: rowsOf(one.targets, one.count, targets) } : { input };
    },
    restore(one, steps) {
      if (steps === undefined || steps === null) return;
      const { input, target } = restored(steps, `${operation}: steps that are not learnt from`);
      if (!isTensor(input)) {
        throw new TypeError(`${operation}: steps that are not learnt from are { input, target }; give what was kept.`);
      }
      check(input, target ?? undefined);
      put(one, input, target ?? undefined);
    },
    align(as, all) {
      for (const one of as) {
        one.whole += 1;
        if (one.whole === 1) keys += 1;
      }
      line = [...as];
      times = line.map(() => performance.now());
      const wrong = all.find((one) => one.whole !== Math.floor(ready(one) / length));
      if (wrong === undefined) return;
      throw new RangeError(
        `${operation}: a key has ${wrong.whole} whole windows in line, but steps for ${Math.floor(ready(wrong) / length)} of ` +
          `${length}; go on with the same length, from what snapshot() gave.`,
      );
    },
  };
}
