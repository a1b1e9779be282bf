/** Windows whose lanes are filled each at its own pace. */
import type { Padded } from '../../ops/lengths.js';
import { type Numbers, sizeOf, type Tensor } from '../../tensor.js';
import { requireRoom } from '../options.js';
import { numbersOf, requireLayout, type SignalLayout, signalLayoutOf } from '../signals.js';
import type { SignalWindow } from '../window.js';

/** Places of a lane that belong to one source. */
export interface LaneSpan {
  readonly lane: number;
  /** Steps of the window, from this one on … */
  readonly from: number;
  /** … to this one, which is left out. */
  readonly to: number;
  /** The source, counted from 0 in the order in which they came. */
  readonly source: number;
  /** How many steps of the source came before. */
  readonly at: number;
}

/**
 * A window of live lanes. Its input has the `lengths` of its lanes, beyond which places are nobody's, and their `restarts`, the steps
 * within it at which a lane begins afresh; `reset` flags those that do so before its first step.
 */
export interface LiveWindow<X extends Tensor = Tensor, Y extends Tensor = Tensor>
  extends SignalWindow<Padded<X>, Padded<Y>> {
  readonly reset: readonly boolean[];
  /** Whose places are whose. */
  readonly spans: readonly LaneSpan[];
}

/** What a source has said so far. */
export interface Voice {
  readonly source: number;
  /** Steps of it that are in windows. */
  at: number;
  /** Its last step, where the next one is its target. */
  last: Numbers | undefined;
}

/** One side of a window, inputs or targets. */
function side(like: Tensor, length: number, batch: number) {
  const whole = signalLayoutOf(like);
  const layout: SignalLayout = { ...whole, rest: [batch, ...whole.rest.slice(1)], width: sizeOf(whole.rest.slice(1)) };
  const { type, rest, width } = layout;
  const fresh = (padding: number) => {
    const numbers = numbersOf(type, length * batch * width);
    return padding === 0 ? numbers : numbers.fill(padding);
  };
  return {
    own: whole,
    width,
    fresh,
    signal: (data: Numbers, steps: number) => ({
      shape: [steps, ...rest],
      type: type === 'int32' ? ('int32' as const) : ('float32' as const),
      data: steps === length ? data : data.slice(0, steps * batch * width),
    }),
  };
}

/** Writes a row, or one number. */
function copyRow(from: Numbers, row: number, to: Numbers, place: number, width: number): void {
  if (width === 1) to[place] = from[row] as number;
  else to.set(from.subarray(row * width, (row + 1) * width), place * width);
}

/** A window after another, as long as they are filled. */
export function liveWindows(operation: string, batch: number, length: number) {
  let sides: { readonly input: ReturnType<typeof side>; readonly target: ReturnType<typeof side> } | undefined;
  let numbers: { readonly input: Numbers; readonly target: Numbers } | undefined;
  let filled = new Array<number>(batch).fill(0);
  let reset = new Array<boolean>(batch).fill(false);
  let restarts: number[][] = filled.map(() => []);
  let spans: { lane: number; from: number; to: number; source: number; at: number }[] = [];
  /** The span that a lane is in. */
  let open: ((typeof spans)[number] | undefined)[] = [];

  function sidesFor(input: Tensor, target: Tensor) {
    if (sides === undefined) {
      const made = { input: side(input, length, batch), target: side(target, length, batch) };
      for (const { width } of [made.input, made.target]) requireRoom(operation, length, batch, width);
      sides = made;
    }
    requireLayout(operation, sides.input.own, input);
    requireLayout(operation, sides.target.own, target);
    return sides;
  }

  function begin(lane: number, voice: Voice): void {
    const from = filled[lane] as number;
    if (voice.at === 0) {
      if (from === 0) reset[lane] = true;
      else restarts[lane]?.push(from);
    }
    const span = { lane, from, to: from, source: voice.source, at: voice.at };
    spans.push(span);
    open[lane] = span;
  }

  return {
    isEmpty: () => spans.length === 0,
    isFull: (lane: number) => filled[lane] === length,
    /**
     * Puts steps of a source into its lane, from one of them on, as many as have room; the first step that is left. Without a
     * target each step is that of the one before.
     */
    put(lane: number, voice: Voice, input: Tensor, target: Tensor | undefined, from: number, to: number): number {
      const known = sidesFor(input, target ?? input);
      const { width } = known.input;
      let at = from;
      if (target === undefined && voice.last === undefined && at < to) {
        voice.last = input.data.slice(at * width, (at + 1) * width);
        at += 1;
      }
      for (; at < to && (filled[lane] as number) < length; at += 1) {
        numbers ??= {
          input: known.input.fresh(0),
          target: known.target.fresh((target ?? input).type === 'int32' ? -1 : 0),
        };
        if (open[lane]?.source !== voice.source) begin(lane, voice);
        const place = (filled[lane] as number) * batch + lane;
        if (target) {
          copyRow(input.data, at, numbers.input, place, width);
          copyRow(target.data, at, numbers.target, place, known.target.width);
        } else if (voice.last) {
          copyRow(voice.last, 0, numbers.input, place, width);
          copyRow(input.data, at, numbers.target, place, width);
          copyRow(input.data, at, voice.last, 0, width);
        }
        voice.at += 1;
        filled[lane] = (filled[lane] as number) + 1;
        (open[lane] as { to: number }).to = filled[lane] as number;
      }
      return at;
    },
    /** The window as it is, and the next one begins. It is as long as its longest lane. */
    take(): LiveWindow {
      if (sides === undefined || numbers === undefined)
        throw new RangeError(`${operation}: there is no step in the window.`);
      const lanes = { lengths: filled, restarts };
      const steps = Math.max(...filled);
      const window = {
        input: { ...sides.input.signal(numbers.input, steps), ...lanes },
        target: { ...sides.target.signal(numbers.target, steps), ...lanes },
        reset,
        spans,
      };
      numbers = undefined;
      filled = new Array<number>(batch).fill(0);
      reset = new Array<boolean>(batch).fill(false);
      restarts = filled.map(() => []);
      spans = [];
      open = [];
      return window;
    },
  };
}
