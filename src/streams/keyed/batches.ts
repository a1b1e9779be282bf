/** Steps of many keys at once: rows of records are gathered into a stepper's carry, and put back after its step. */

import { BufferView } from '../../kernels/buffer-view.js';
import { atOnce } from '../../kernels/capture.js';
import { moveRecords } from '../../kernels/kernels.js';
import { machine } from '../../kernels/machine.js';
import type { Core } from '../../layer.js';
import type { Ops } from '../../ops/ops.js';
import type { Ending } from '../../stepper/capture-step.js';
import { sharedPanels } from '../../stepper/shared-panels.js';
import { type Inside, type Stepper, steppedTo } from '../../stepper.js';
import { type Numbers, type Shape, showShape, sizeOf, type Tensor } from '../../tensor.js';
import type { Part, RecordLayout } from './layout.js';

export interface Batches {
  /** Address of each lane's record. */
  readonly records: Float64Array;
  /** Room for the inputs of so many lanes, one after the other. */
  inputs(lanes: number): Numbers;
  /**
   * A step of so many lanes: their carries are those of their records, before and after. What it gives `[1, B, …]`, B at least as
   * many as the lanes, is to be read before the next step.
   *
   * @throws whatever the model throws; nothing has changed then.
   */
  step(lanes: number): Tensor;
  release(): void;
}

export interface BatchesOptions<S, X extends Tensor> {
  readonly model: Core<S, X, Tensor>;
  readonly layout: RecordLayout<S>;
  readonly maxBatch: number;
  readonly finish: ((ops: Ops, y: Tensor) => Tensor) | undefined;
  /** Shape and type of a lane's input. */
  readonly input: { readonly shape: Shape; readonly type: 'int32' | 'float32' };
  /** The record of those who are nobody's lanes. */
  readonly fresh: number;
  /** What ends a step of any number of lanes. */
  readonly ending?: Ending;
}

interface Batch<S, X extends Tensor> {
  readonly stepper: Stepper<S, X> & Inside<S, X>;
  readonly x: X;
}

/** Words of a part in the kernels' table of them. */
const PART = 3;

/**
 * Batches of few sizes, so that each is written down once: powers of two and, since a step of a few lanes too many costs as much as they
 * do, three times those. They share the panels of the weights.
 */
export function batches<S, X extends Tensor>({
  model,
  layout,
  maxBatch,
  finish,
  input,
  fresh,
  ending,
}: BatchesOptions<S, X>): Batches {
  const home = machine();
  const width = sizeOf(input.shape);
  const bySize = new Map<number, Batch<S, X>>();
  const records = new Float64Array(maxBatch);
  const addresses = home.heap.allocate(4 * maxBatch);
  const table = home.heap.allocate(4 * PART * (layout.parts.length + 1));
  const carryBytes = layout.parts.reduce((sum, { bytes }) => sum + bytes, 0);

  const panels = sharedPanels(home);

  function sizeFor(lanes: number): number {
    const power = 2 ** Math.ceil(Math.log2(lanes));
    return Math.min(maxBatch, power >= 4 && 0.75 * power >= lanes ? 0.75 * power : power);
  }

  function batchOf(size: number): Batch<S, X> {
    let batch = bySize.get(size);
    if (batch === undefined) {
      const { shape, type } = input;
      const ArrayOf = type === 'int32' ? Int32Array : Float32Array;
      const x = { shape: [1, size, ...shape], type, data: new ArrayOf(size * width) } as Tensor as X;
      batch = { stepper: steppedTo<S, X>(model, finish && { finish }, ending && (() => ending), panels), x };
      bySize.set(size, batch);
    }
    return batch;
  }

  /** Between records and blocks that are places; others are copied here. */
  function move(parts: readonly Part[], blocks: readonly Tensor[], lanes: number, back: boolean): void {
    let places = 0;
    let bytes = 0;
    const { ints } = home;
    parts.forEach((part, k) => {
      const block = blocks[k] as Tensor;
      if (block instanceof BufferView) {
        ints.set([part.offset, block.address, part.bytes], table / 4 + PART * places);
        places += 1;
        bytes += part.bytes;
      } else {
        moveHere(part, block, lanes, back);
      }
    });
    if (bytes > 0) moveRecords(home, addresses, table, places, back, lanes, bytes);
  }

  /** A model that is not the same at each step has its carry in arrays of the stepper's own. */
  function moveHere({ offset, bytes, type }: Part, { data }: Tensor, lanes: number, back: boolean): void {
    const numbers: Numbers = type === 'int32' ? home.ints : home.floats;
    const row = bytes / 4;
    for (let lane = 0; lane < lanes; lane += 1) {
      const at = ((records[lane] as number) + offset) / 4;
      if (back) numbers.set(data.subarray(lane * row, (lane + 1) * row), at);
      else data.set(numbers.subarray(at, at + row), lane * row);
    }
  }

  function step(lanes: number): Tensor {
    const size = sizeFor(lanes);
    const { stepper, x } = batchOf(size);
    // Lanes that are nobody's do what the first one does, from a carry of their own.
    for (let lane = lanes; lane < size; lane += 1) {
      x.data.copyWithin(lane * width, 0, width);
      records[lane] = fresh;
    }
    stepper.put(x);
    const { ints } = home;
    for (let lane = 0; lane < size; lane += 1) ints[addresses / 4 + lane] = records[lane] as number;
    if (carryBytes > 0) move(layout.parts, layout.tensorsOf(stepper.held, size), size, false);
    const y = stepper.again();
    if (y.shape[0] !== 1 || y.shape[1] !== size) {
      throw new TypeError(
        `keyed: takes a model that gives [1, B, …] for one step, but ${model.kind} gives ${showShape(y.shape)} for ${size} lanes.`,
      );
    }
    const blocks = [...layout.tensorsOf(stepper.held, size)];
    const { expected } = layout;
    if (expected === undefined) move(layout.parts, blocks, lanes, true);
    else move([...layout.parts, expected], [...blocks, y], lanes, true);
    return y;
  }

  return {
    records,
    inputs: (lanes) => batchOf(sizeFor(lanes)).x.data,
    step: (lanes) => atOnce(home, () => step(lanes)),
    release() {
      for (const { stepper } of bySize.values()) stepper.release();
      bySize.clear();
      panels.release();
      home.heap.free(addresses);
      home.heap.free(table);
    },
  };
}
