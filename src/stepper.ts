/**
 * Steppers: a model taken one step at a time, as fast as the machine can. The step's work is written down once and then
 * run again and again over the same memory, the carry staying there: no allocation, no packing, one call a step.
 */

import { startFrom } from './carry.js';
import { requireModel } from './checks.js';
import type { BufferView } from './kernels/buffer-view.js';
import { atOnce } from './kernels/capture.js';
import { staying } from './kernels/staying.js';
import type { Core } from './layer.js';
import type { Ops } from './ops/ops.js';
import { inWindow, toSignal } from './ops/window.js';
import { checkedOptions } from './options.js';
import { parametersOf } from './parameters/parameter.js';
import { type Allocate, captureStep, type Ending, type StepBody, stepped } from './stepper/capture-step.js';
import { stepperMemory } from './stepper/memory.js';
import { replayOf } from './stepper/replay.js';
import type { SharedPanels } from './stepper/shared-panels.js';
import { checkedNumbers, type Numbers, sameShape, showShape, type Tensor } from './tensor.js';
import * as tree from './tree.js';

/** Options of {@link stepper}. */
export interface StepperOptions<S> {
  /** The carry to start from; the zero carry by default. */
  readonly carry?: S;
  /** What is made of the output at the end of each step, in the same call: `(ops, y) => ops.softmax(y)`. */
  readonly finish?: (ops: Ops, y: Tensor) => Tensor;
}

/** A model that takes one step of its lanes at a time, and keeps their carry. */
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
 * @param model a layer, a stack, or a model.
 * @param options a carry to start from, and what is made of each output.
 * @returns the stepper; its first step says how many lanes there are.
 * @throws RangeError, TypeError as the model's layers do, or where `carry` is not one of the model's for these lanes.
 * @throws TypeError where an option is not known.
 * @example
 * const { step } = stepper(model, { finish: (ops, y) => ops.softmax(y) });
 * step(ids([1, 3], [4, 0, 7])).data; // what each of three lanes expects next
 */
export function stepper<S, X extends Tensor>(model: Core<S, X>, options: StepperOptions<S> = {}): Stepper<S, X> {
  requireModel('stepper', model);
  return steppedTo(model, checkedOptions('stepper', options, { carry: true, finish: true }));
}

/** What those who keep the carry elsewhere between steps need of a stepper: they put an input and a carry, and step. */
export interface Inside<S, X> {
  /** Makes x the input of the next step; before the first one this makes the carry too. @throws as `step` does; nothing changes then. */
  put(x: X): void;
  /** A step from the input and the carry that are there. */
  again(): Tensor;
  /** The carry itself, to be read and overwritten between steps; it may be another after each. */
  readonly held: S;
}

/**
 * A stepper each of whose steps has an ending; `hold` gives it memory for the stepper's whole life. It may share the panels of its
 * weights with others, which are released by the code that made them.
 */
export function steppedTo<S, X extends Tensor>(
  model: Core<S, X>,
  { carry: first, finish }: StepperOptions<S> = {},
  ending?: (hold: Allocate) => Ending,
  panels?: SharedPanels,
): Stepper<S, X> & Inside<S, X> {
  const memory = stepperMemory();
  const { machine: home, arena, scope } = memory;
  const body: StepBody<S, X> = { model, finish, end: ending?.(arena.allocate), panels };
  const replay = replayOf(
    memory,
    parametersOf(model.params).map(([, parameter]) => parameter),
    panels,
  );
  let input: BufferView | undefined;
  let start = arena.mark();
  /** Places, as long as the step is the same each time; signals once it is not. */
  let carry: S | undefined;
  let steady = true;
  /** What ids must be below, which the operations checked while the step was captured. */
  let limit = Number.POSITIVE_INFINITY;

  /** The input's place, holding x. */
  function take(x: X): BufferView {
    const numbers = checkedNumbers(x, 'stepper');
    if (input === undefined) {
      const lanes = x.shape[1];
      if (lanes === undefined || x.shape[0] !== 1) {
        throw new RangeError(`stepper: takes one step of some lanes, [1, B, …], but got ${showShape(x.shape)}.`);
      }
      carry = tree.map(startFrom('stepper', model, first, lanes), memory.placed);
      input = memory.placed(x);
      start = arena.mark();
      return input;
    }
    if (!sameShape(x.shape, input.shape) || (x.type === 'int32') !== (input.type === 'int32')) {
      throw new RangeError(
        `stepper: began with ${input.type} ${showShape(input.shape)} and got ${x.type} ${showShape(x.shape)}; ` +
          'make a stepper for each.',
      );
    }
    checkIds(numbers);
    memory.put(numbers, input);
    return input;
  }

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

  /** A step that may turn out to be the same each time. */
  function captured(x: BufferView): Tensor {
    const before = carry as S;
    arena.release(start);
    const { output, next, record, limit: below } = captureStep(memory, body, before, x);
    limit = Number.POSITIVE_INFINITY;
    if (record === undefined) {
      steady = false;
      carry = toSignal(next);
      body.end?.(output, x, arena.allocate);
      return toSignal(output);
    }
    steady = replay.take(record, output);
    if (steady) limit = below;
    else carry = toSignal(before);
    return output;
  }

  /** A step of a model that is not the same each time. */
  function plain(x: BufferView): Tensor {
    return inWindow((ops, space) => {
      const [output, next] = stepped(body, ops, space, carry as S, x);
      const result = toSignal(output);
      carry = toSignal(next);
      body.end?.(output, x, home.arena.allocate);
      return result;
    });
  }

  const go = (x: BufferView): Tensor => replay.run() ?? (steady ? staying(home, () => captured(x)) : plain(x));

  /** Makes ready for a step. */
  function follow(): void {
    if (replay.moved()) limit = Number.POSITIVE_INFINITY;
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
      checkIds(input.data);
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
    release: memory.free,
    [Symbol.dispose]: memory.free,
  };
  memory.belongTo(self);
  return self;
}
