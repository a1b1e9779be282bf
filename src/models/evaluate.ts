import { requireCount } from '../checks.js';
import type { Ops } from '../ops/ops.js';
import { inWindow, toSignal } from '../ops/window.js';
import { checkedOptions, type Names } from '../options.js';
import { timeSlice } from '../streams/event-loop.js';
import { showShape, sizeOf, type Tensor } from '../tensor.js';
import type { Loss } from '../training/losses/loss.js';
import { type Data, type Examples, intoExamples, signalOf } from './examples.js';
import type { LayeredModel } from './layered-model.js';
import { type Mask, paddedAfter } from './mask.js';
import { meter } from './meter.js';
import type { Metric } from './metrics/metric.js';
import { everyOf, inputsOf, type PreparedExamples } from './prepared.js';
import type { Evaluation } from './progress.js';

/** Examples at once where nothing is learnt and nothing depends on it. */
export const BATCH = 128;

/** What a model makes of data: loss and metrics of all examples at once, whatever the batch. */
export async function score(
  model: LayeredModel & { readonly loss: Loss; readonly metrics: readonly Metric[] },
  data: PreparedExamples,
  batch: number,
  stopped: () => boolean = () => false,
): Promise<Evaluation> {
  const slice = timeSlice();
  const seen = meter(model.loss, model.metrics);
  const order = everyOf(data.count);
  for (let at = 0; at < data.count && !stopped(); at += batch) {
    await slice();
    const { input, target } = data.batch(order.subarray(at, at + batch));
    inWindow((ops) => {
      const [prediction] = model.core.apply(ops, model.core.initial(input.shape[1] as number), input);
      seen.see(model.loss(ops, prediction, target).data[0] as number, prediction, target);
    });
  }
  return seen.evaluation();
}

/** The options of a model's `predict`. */
export interface PredictOptions {
  /** Examples at once. Default 128. */
  readonly batch?: number;
  /** Which steps of x are real, `[N, T]`; what is given at others is 0. By default all, or what `padding` leaves. */
  readonly mask?: Mask;
  /** What is made of the output: `(ops, y) => ops.softmax(y)` for probabilities. */
  readonly finish?: (ops: Ops, y: Tensor) => Tensor;
}

/** A model's outputs, example by example. */
export async function predict(model: LayeredModel, x: Data, options: PredictOptions): Promise<Tensor> {
  const names: Names<PredictOptions> = { batch: true, mask: true, finish: true };
  const { batch = BATCH, mask, finish = (_, y) => y } = checkedOptions<PredictOptions>('predict', options, names);
  requireCount('predict', 'batch', batch);
  const { examples, layout, after } = inputsOf('predict', model, x, mask);
  const slice = timeSlice();
  const order = everyOf(examples.count);
  let numbers: Float32Array | undefined;
  let shape: readonly number[] = [];
  let steps = 0;
  for (let at = 0; at < examples.count; at += batch) {
    await slice();
    const input = signalOf(examples, order.subarray(at, at + batch), layout);
    const lanes = input.shape[1] as number;
    const y = inWindow((ops) => {
      const [output] = model.core.apply(ops, model.core.initial(lanes), input);
      return toSignal(finish(ops, output));
    });
    if (y.shape[1] !== lanes) {
      throw new TypeError(`predict: finish gives ${showShape(y.shape)} for ${lanes} lanes; it keeps [T, B, …].`);
    }
    const [given = 0, , ...features] = y.shape;
    steps = given;
    shape = steps === 1 ? features : [steps, ...features];
    numbers ??= new Float32Array(examples.count * sizeOf(shape));
    intoExamples(y, numbers, at);
  }
  const outputs: Examples = {
    count: examples.count,
    shape,
    type: 'float32',
    data: numbers as Float32Array,
    plain: false,
  };
  const { data } = after && steps > 1 ? paddedAfter(outputs, after, 0) : outputs;
  return { shape: [examples.count, ...shape], type: 'float32', data };
}
