/** A dry run: one example through the layers, one by one, so that a mistake has a name before any weight changes. */

import { within } from '../layer.js';
import type { Padded } from '../ops/lengths.js';
import type { Ops } from '../ops/ops.js';
import { inWindow } from '../ops/window.js';
import { opsAfter } from '../stack.js';
import { isTensor, type Shape, showShape, type Tensor } from '../tensor.js';
import { type LayeredModel, labelOf } from './layered-model.js';

/** What an input's ids must be below, and which layer wants that. */
export interface Limit {
  readonly below: number;
  readonly layer: string;
}

export interface DryRun {
  /** What each layer gave. */
  readonly shapes: readonly Shape[];
  /** What the model gave. */
  readonly output: Shape;
  readonly limit: Limit | undefined;
  readonly endsInSoftmax: boolean;
}

/** The last layer, as messages call it. */
export function lastLabel({ layers }: LayeredModel): string {
  const [name, layer] = layers.at(-1) as LayeredModel['layers'][number];
  return labelOf(name, layer);
}

/**
 * Runs an example through the layers.
 *
 * @throws the layer's own error, with the layer's name before it.
 * @throws TypeError where the model does not give a signal with the input's lanes.
 */
export function runDry(operation: string, subject: LayeredModel, input: Tensor): DryRun {
  const lanes = input.shape[1] as number;
  return inWindow((eager) => {
    const softmaxed = new WeakSet<Tensor>();
    let limit: Limit | undefined;
    let layer = '';
    const demand = (ids: Tensor, below: number) => {
      if (ids === input && (limit === undefined || below < limit.below)) limit = { below, layer };
    };
    const ops: Ops = {
      ...eager,
      gather(table, ids) {
        demand(ids, table.shape[0] as number);
        return eager.gather(table, ids);
      },
      oneHot(ids, classes) {
        demand(ids, classes);
        return eager.oneHot(ids, classes);
      },
      softmax(x) {
        const y = eager.softmax(x);
        softmaxed.add(y);
        return y;
      },
    };
    let signal: unknown = input;
    let inner: Ops = { ...ops, lengths: (input as Partial<Padded>).lengths };
    const shapes = subject.layers.map(([name, core]) => {
      layer = labelOf(name, core);
      within(`${operation}: ${layer}`, () => {
        const given = signal;
        [signal] = core.apply(inner, core.initial(lanes), given);
        inner = opsAfter(inner, core, given, signal);
      });
      return isTensor(signal) ? signal.shape : [];
    });
    const output = shapes.at(-1) as Shape;
    if (!isTensor(signal) || output.length < 2 || output[1] !== lanes) {
      throw new TypeError(
        `${operation}: ${layer} gives ${isTensor(signal) ? showShape(output) : typeof signal} for an input ` +
          `${showShape(input.shape)}; the last layer gives a signal [T, B, …] with the lanes of the input.`,
      );
    }
    return { shapes, output, limit, endsInSoftmax: softmaxed.has(signal) };
  });
}
