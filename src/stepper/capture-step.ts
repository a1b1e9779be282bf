/** A step of a model, captured as it runs, with the new carry laid over the old one at its end, so that it can run again. */
import { outcome } from '../carry.js';
import type { BufferView } from '../kernels/buffer-view.js';
import { capture, run } from '../kernels/capture.js';
import type { Core } from '../layer.js';
import { type Workspace, workspace } from '../ops/eager/workspace.js';
import type { Ops } from '../ops/ops.js';
import { type Recorded, recorder } from '../ops/recording.js';
import { windowOps } from '../ops/window.js';
import { isTensor, sameShape, sizeOf, type Tensor } from '../tensor.js';
import * as tree from '../tree.js';
import type { StepperMemory } from './memory.js';
import type { SharedPanels } from './shared-panels.js';

/** Address of so many bytes. */
export type Allocate = (bytes: number) => number;

/** What ends a step and is no operation, such as a draw. What it leaves in the input is the next step's, if `again` is called. */
export type Ending = (output: BufferView, input: BufferView, allocate: Allocate) => void;

/** What is done at each step. */
export interface StepBody<S, X extends Tensor> {
  readonly model: Core<S, X>;
  readonly finish: ((ops: Ops, y: Tensor) => Tensor) | undefined;
  readonly end: Ending | undefined;
  readonly panels: SharedPanels | undefined;
}

/** The output and the carry after a step, in the window that the Ops are of. */
export function stepped<S, X extends Tensor>(
  { model, finish }: StepBody<S, X>,
  ops: Ops,
  space: Workspace,
  before: S,
  x: BufferView,
): readonly [output: BufferView, next: S] {
  const [y, next] = outcome(model.kind, before, model.apply(ops, before, x as Tensor as X));
  return [space.place(finish?.(ops, y) ?? y), next];
}

/** A step that was captured. */
export interface CapturedStep<S> {
  readonly output: BufferView;
  readonly next: S;
  /** What ran; undefined where it cannot run again. Otherwise the new carry lies where the old one was, and the step has ended. */
  readonly record: Recorded | undefined;
  /** What the input's ids must be below. */
  readonly limit: number;
}

/** Runs a step, from a carry that lies in the stepper's memory, and captures it. */
export function captureStep<S, X extends Tensor>(
  memory: StepperMemory,
  body: StepBody<S, X>,
  before: S,
  x: BufferView,
): CapturedStep<S> {
  const { machine, arena, scope } = memory;
  const parts = tree.leaves(before).map(([, part]) => part as BufferView);
  const apart = apartFrom(memory, [x, ...parts]);
  const captured = capture(machine, (forks) => {
    const written = recorder(forks, [x, ...parts]);
    const space = workspace(machine, scope, {
      arena,
      repeats: true,
      apart: written.apart,
      copied: written.copied,
      panels: body.panels?.of,
    });
    const [result, next] = stepped(body, windowOps(space, written.over), space, before, x);
    const moves = movesOf(space, before, next);
    if (moves === undefined || !written.repeatable) return { written, outputs: undefined, output: result, next };
    let output = result;
    written.last(() => {
      output = apart(result);
      moveAll(memory, moves, apart);
      body.end?.(output, x, arena.allocate);
    });
    return { written, outputs: [result, ...moves.map(({ from }) => from)], output, next };
  });
  const { written, outputs, output, next } = run(machine, captured);
  return { output, next, record: outputs && written.leadingTo(outputs), limit: written.limitOf(x) };
}

interface Move {
  readonly from: BufferView;
  readonly to: BufferView;
}

/** How the new carry comes to lie where the old one is; undefined where they differ in more than their numbers. */
function movesOf(space: Workspace, before: unknown, after: unknown): readonly Move[] | undefined {
  const moves: Move[] = [];
  let alike = true;
  tree.zip([before, after], ([to, from]) => {
    if (isTensor(to) && isTensor(from) && sameShape(to.shape, from.shape)) {
      moves.push({ from: space.place(from), to: to as BufferView });
    } else {
      alike &&= Object.is(to, from);
    }
  });
  return alike ? moves : undefined;
}

type Apart = (place: BufferView) => BufferView;

/** Gives a place that the next step's input and carry do not overwrite: its own, or a copy's. */
function apartFrom(memory: StepperMemory, held: readonly BufferView[]): Apart {
  return (place) => {
    const { address, shape, type } = place;
    if (!held.some((one) => address >= one.address && address < one.address + 4 * sizeOf(one.shape))) return place;
    const aside = memory.place(shape, type);
    memory.copy(place, aside);
    return aside;
  };
}

/** Moves all parts at once, since some may be parts of the old carry at other places. */
function moveAll(memory: StepperMemory, moves: readonly Move[], apart: Apart): void {
  const sources = moves.map(({ from, to }) => (from.address === to.address ? from : apart(from)));
  moves.forEach(({ to }, k) => {
    const from = sources[k] as BufferView;
    if (from.address !== to.address) memory.copy(from, to);
  });
}
