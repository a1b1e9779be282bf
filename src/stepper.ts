/**
 * Steppers: a model taken one step at a time, as fast as the machine can. The step's work is written down once and then
 * run again and again over the same memory, the carry staying there: no allocation, no packing, one call a step.
 */

import { carryFrom, outcome } from './carry.js';
import { atOnce, capture, run } from './kernels/capture.js';
import { copyBlock } from './kernels/kernels.js';
import { machine } from './kernels/machine.js';
import type { Program } from './kernels/machine-type.js';
import { Place } from './kernels/place.js';
import { program } from './kernels/program.js';
import { region } from './kernels/region.js';
import type { Scope } from './kernels/scope.js';
import { staying } from './kernels/staying.js';
import type { Core } from './layer.js';
import { eager } from './ops/eager/index.js';
import { workspace } from './ops/eager/workspace.js';
import { throughLookups } from './ops/lookups.js';
import type { Ops } from './ops/ops.js';
import { type Recorded, recorder, sameRecords } from './ops/recording.js';
import { inWindow, mapTensors, toSignal } from './ops/window.js';
import { parametersOf, versionOf } from './parameters/parameter.js';
import { checkedNumbers, isTensor, type Numbers, sameShape, showShape, sizeOf, type Tensor } from './tensor.js';

export interface StepperOptions<S> {
  /** The carry to start from; the zero carry by default. */
  readonly carry?: S;
  /** What is made of the output at the end of each step, in the same call: `(ops, y) => ops.softmax(y)`. */
  readonly finish?: (ops: Ops, y: Tensor) => Tensor;
}

export interface Stepper<S, X extends Tensor = Tensor> {
  /**
   * One step of all lanes: x `[1, B, …]` → y `[1, B, …]`. The result lies in the stepper's memory: read it before the next
   * step, or keep a copy by `toSignal`.
   *
   * @throws RangeError, TypeError where x has not the shape or type of the first one, or an id is outside the table.
   */
  step(x: X): Tensor;
  /** A copy of the carry. */
  readonly carry: S;
  /** Gives its memory back; it is of no use afterwards. */
  release(): void;
  /** `release`, for `using`. */
  [Symbol.dispose](): void;
}

/** A step that is run again and again. */
interface Replay {
  readonly preparation: Program;
  readonly step: Program;
  readonly output: Place;
  /** That of the weights for which the preparation was made. */
  version: number;
}

/**
 * A stepper of a model, for steps of B lanes at once, each lane a stream of its own. It gives bit for bit what a window
 * of all the steps gives, and reads the weights at each step, so a model that is being trained steps with what it has
 * learnt by then. A model whose parameters have grown is written down anew; the carry goes on.
 *
 * A model's `apply` must follow from its arguments alone, as every layer's does. Two steps are written down and compared
 * before any is run again; a model that looks at numbers or does something else the second time runs as it is, each time.
 *
 * Shapes: x `[1, B, …]` → y `[1, B, …]`. The carry stays in the stepper; `carry` is a copy.
 *
 * @throws RangeError, TypeError as the model's layers do, or where `carry` is not one of the model's for these lanes.
 * @example
 * const { step } = stepper(model, { finish: (ops, y) => ops.softmax(y) });
 * step(ids([1, 3], [4, 0, 7])).data; // what each of three lanes expects next
 */
export function stepper<S, X extends Tensor>(model: Core<S, X>, options: StepperOptions<S> = {}): Stepper<S, X> {
  return steppedTo(model, options);
}

/** Address of so many bytes. */
type Allocate = (bytes: number) => number;

/** What ends a step and is no operation, such as a draw. What it leaves in the input is the next step's, if `again` is called. */
export type Ending = (output: Place, input: Place, allocate: Allocate) => void;

/** What those who keep the carry elsewhere between steps need of a stepper: they put an input and a carry, and step. */
export interface Inside<S, X> {
  /** Makes x the input of the next step; before the first one this makes the carry too. @throws as `step` does; nothing changes then. */
  put(x: X): void;
  /** A step from the input and the carry that are there. */
  again(): Tensor;
  /** The carry itself, to be read and overwritten between steps; it may be another after each. */
  readonly held: S;
}

/** A stepper each of whose steps has an ending; `hold` gives it memory for the stepper's whole life. */
export function steppedTo<S, X extends Tensor>(
  model: Core<S, X>,
  { carry: first, finish }: StepperOptions<S>,
  ending?: (hold: Allocate) => Ending,
): Stepper<S, X> & Inside<S, X> {
  const home = machine();
  const own = region(home.heap, LEAST_BLOCK);
  const programs: Program[] = [];
  const scope: Scope = { open: true };
  const end = ending?.(own.allocate);
  let input: Place | undefined;
  let limit = Number.POSITIVE_INFINITY;
  let start = own.mark();
  /** Places, as long as the step is the same each time; signals once it is not. */
  let carry: S | undefined;
  let former: Recorded | undefined;
  let replay: Replay | undefined;
  let steady = true;
  const parameters = parametersOf(model.params).map(([, parameter]) => parameter);
  /** Where they lay, and their version, when what was written down was written down. */
  let places: readonly Place[] = [];
  let version = -1;

  /** What was written down for parameters that lie elsewhere since, because they have grown, is of no use. */
  function follow(): void {
    const now = versionOf(parameters);
    if (version === now) return;
    version = now;
    if (parameters.every(({ place }, k) => place === places[k])) return;
    places = parameters.map(({ place }) => place);
    former = undefined;
    replay = undefined;
    limit = Number.POSITIVE_INFINITY;
    for (const { address } of programs.splice(0)) home.heap.free(address);
  }

  function placed(x: Tensor): Place {
    const numbers = checkedNumbers(x, 'stepper');
    const type = x.type === 'int32' ? 'int32' : 'float32';
    const place = new Place(home, own.allocate(4 * numbers.length), x.shape, type, scope);
    put(numbers, place);
    return place;
  }

  function put(numbers: Numbers, { type, address }: Place): void {
    (type === 'int32' ? home.ints : home.floats).set(numbers, address / 4);
  }

  /** The input's place, holding x. */
  function take(x: X): Place {
    const numbers = checkedNumbers(x, 'stepper');
    if (input === undefined) {
      const lanes = x.shape[1];
      if (lanes === undefined || x.shape[0] !== 1) {
        throw new RangeError(`stepper: takes one step of some lanes, [1, B, …], but got ${showShape(x.shape)}.`);
      }
      const before = first === undefined ? model.initial(lanes) : carryFrom('stepper', model, first, lanes);
      carry = mapTensors(before, placed);
      input = placed(x);
      start = own.mark();
      return input;
    }
    if (!sameShape(x.shape, input.shape) || (x.type === 'int32') !== (input.type === 'int32')) {
      throw new RangeError(
        `stepper: began with ${input.type} ${showShape(input.shape)} and got ${x.type} ${showShape(x.shape)}; ` +
          'make a stepper for each.',
      );
    }
    checkIds(numbers);
    put(numbers, input);
    return input;
  }

  /** What the operations checked while the step was written down. */
  function checkIds(data: Numbers): void {
    if (limit === Number.POSITIVE_INFINITY) return;
    for (let k = 0; k < data.length; k += 1) {
      const id = data[k] as number;
      if (id >= 0 && id < limit) continue;
      throw new RangeError(
        `stepper: id ${id} of lane ${k} is outside 0 … ${limit - 1}; use the model's own vocabulary.`,
      );
    }
  }

  /** Runs a step while writing it down; once two were the same, they are run again from then on. */
  function record(x: Place): Tensor {
    const before = carry as S;
    own.release(start);
    const tensors: Tensor[] = [];
    mapTensors(before, (part) => {
      tensors.push(part);
      return part;
    });
    const held = [x, ...(tensors as Place[])];
    /** A place that the next step's input and carry do not overwrite: its own, or a copy's. */
    function apart(place: Place): Place {
      const { address, shape } = place;
      if (!held.some((one) => address >= one.address && address < one.address + 4 * sizeOf(one.shape))) return place;
      const aside = new Place(home, own.allocate(4 * sizeOf(shape)), shape, place.type, scope);
      copy(address, aside.address, place);
      return aside;
    }
    const captured = capture(home, (forks) => {
      const written = recorder(forks, [x, ...tensors]);
      const space = workspace(home, scope, {
        region: own,
        repeats: true,
        apart: written.apart,
        copied: written.copied,
      });
      const ops = throughLookups(written.over(eager(space)));
      const [y, next] = outcome(model.kind, before, model.apply(ops, before, x as Tensor as X));
      const result = space.place(finish?.(ops, y) ?? y);
      const moves: (readonly [from: Place, to: Place])[] = [];
      const alike = pairUp(before, next, (from, to) => moves.push([space.place(from), to as Place]));
      const repeats = alike && written.repeatable;
      let output = result;
      if (repeats) {
        written.last(() => {
          output = apart(result);
          moveAll(moves, apart);
          end?.(output, x, own.allocate);
        });
      }
      return { written, result, output, next, moves, repeats };
    });
    const { written, result, output, next, moves, repeats } = run(home, captured);
    if (!repeats) {
      steady = false;
      carry = toSignal(next);
      end?.(result, x, own.allocate);
      return toSignal(result);
    }
    const now = written.leadingTo([result, ...moves.map(([from]) => from)]);
    limit = written.limitOf(x);
    if (former !== undefined && sameRecords(former, now)) {
      const [preparation, step] = [program(home, now.preparation), program(home, now.step)] as const;
      programs.push(preparation, step);
      replay = { preparation, step, output, version };
    } else if (former !== undefined) {
      steady = false;
      carry = toSignal(before);
    }
    former = now;
    return output;
  }

  /** The new carry over the old one, all parts at once: some may be parts of the old one at other places. */
  function moveAll(moves: readonly (readonly [from: Place, to: Place])[], apart: (place: Place) => Place): void {
    const sources = moves.map(([from, to]) => (from.address === to.address ? from : apart(from)));
    moves.forEach(([, to], k) => {
      const from = (sources[k] as Place).address;
      if (from !== to.address) copy(from, to.address, to);
    });
  }

  function copy(from: number, to: number, { shape }: Place): void {
    const size = sizeOf(shape);
    const rows = shape[0] ?? 1;
    if (size > 0) copyBlock(home, from, size / rows, to, size / rows, rows, size / rows);
  }

  /** A step of a model that is not the same each time. */
  function plain(x: Place): Tensor {
    return inWindow((ops, space) => {
      const before = carry as S;
      const [y, next] = outcome(model.kind, before, model.apply(ops, before, x as Tensor as X));
      const output = space.place(finish?.(ops, y) ?? y);
      const result = toSignal(output);
      carry = toSignal(next);
      end?.(output, x, home.region.allocate);
      return result;
    });
  }

  function go(x: Place): Tensor {
    if (replay === undefined) return steady ? staying(home, () => record(x)) : plain(x);
    if (replay.version !== version) {
      home.replay(replay.preparation);
      replay.version = version;
    }
    home.replay(replay.step);
    return replay.output;
  }

  function checkOpen(): void {
    if (!scope.open) throw new Error('stepper: it was released; make a new one.');
  }

  const self = {
    step(x: X): Tensor {
      checkOpen();
      if (home.capturing !== undefined) return atOnce(home, () => self.step(x));
      follow();
      return go(take(x));
    },
    again() {
      checkOpen();
      if (input === undefined) throw new Error('stepper: there is no step to follow before the first one.');
      follow();
      if (replay !== undefined) checkIds(input.data);
      return go(input);
    },
    put(x: X) {
      checkOpen();
      follow();
      take(x);
    },
    get held() {
      return carry as S;
    },
    get carry() {
      checkOpen();
      if (carry === undefined)
        throw new Error('stepper: it has no carry before its first step, which tells the lanes.');
      return toSignal(carry);
    },
    release() {
      if (!scope.open) return;
      abandoned.unregister(self);
      scope.open = false;
      giveBack({ own, programs });
    },
    [Symbol.dispose]: () => self.release(),
  };
  abandoned.register(self, { own, programs }, self);
  scope.owner = self;
  return self;
}

const LEAST_BLOCK = 1 << 16;

interface Memory {
  readonly own: ReturnType<typeof region>;
  readonly programs: readonly Program[];
}

function giveBack({ own, programs }: Memory): void {
  own.free();
  for (const { address } of programs) machine().heap.free(address);
}

// A stepper that nobody holds any more gives its memory back all the same.
const abandoned = new FinalizationRegistry<Memory>(giveBack);

/** Whether two carries differ in their numbers alone; calls `pair` for the tensors of both. */
function pairUp(before: unknown, after: unknown, pair: (after: Tensor, before: Tensor) => void): boolean {
  if (isTensor(before)) {
    if (!isTensor(after) || !sameShape(before.shape, after.shape)) return false;
    pair(after, before);
    return true;
  }
  if (typeof before !== 'object' || before === null) return Object.is(before, after);
  if (typeof after !== 'object' || after === null) return false;
  const [left, right] = [Object.entries(before), after as Record<string, unknown>];
  return (
    left.length === Object.keys(after).length &&
    left.every(([name, part]) => name in right && pairUp(part, right[name], pair))
  );
}
