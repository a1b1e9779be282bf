/** The models that the workloads share, and a step of training held against the reference. */
import {
  adam,
  type Core,
  crossEntropy,
  dense,
  dropout,
  embedding,
  gru,
  type Ids,
  ids,
  type Layer,
  lstm,
  type Optimizer,
  reference,
  stack,
  type Tensor,
  tensor,
  trainer,
} from '../../src/index.js';
import { generator } from '../../src/random.js';
import type { Case } from '../workload.js';

export type AnyModel = Layer<unknown, Tensor, Tensor>;

export interface LanguageModel {
  readonly cell: 'lstm' | 'gru';
  readonly symbols: number;
  readonly features: number;
  readonly units: number;
  readonly layers: 1 | 2;
  readonly dropout?: number;
}

export function languageModel({ cell, symbols, features, units, layers, dropout: rate }: LanguageModel): AnyModel {
  const make = cell === 'lstm' ? lstm : gru;
  const first = make(features, units) as Layer<unknown>;
  const recurrent = layers === 1 ? { rnn1: first } : { rnn1: first, rnn2: make(units, units) as Layer<unknown> };
  const dropped = rate === undefined ? {} : { drop: dropout(rate) };
  return stack({
    embed: embedding(symbols, features),
    ...recurrent,
    ...dropped,
    head: dense(units, symbols),
  }) as unknown as AnyModel;
}

/** FLOP of one step of one lane through a model like PyTorch's, forwards; training takes three times as much. */
export function forwardFlop({ cell, symbols, features, units, layers }: LanguageModel): number {
  const gates = cell === 'lstm' ? 4 : 3;
  const recurrent = 2 * gates * units * (features + units) + (layers - 1) * 2 * gates * units * (2 * units);
  return recurrent + 2 * units * symbols;
}

/** Bytes of the weights that one step of one lane reads, of the embedding one row. */
export function stepBytes(model: LanguageModel): number {
  return 4 * (forwardFlop(model) / 2 + model.features);
}

/**
 * Bytes of the recurrent weights, read for each step forwards and once more backwards. What training reads once a
 * window is not counted.
 */
export function trainingBytes({ cell, units, layers }: LanguageModel): number {
  return 2 * 4 * layers * (cell === 'lstm' ? 4 : 3) * units * units;
}

const symbolsOf = (shape: readonly number[], below: number, seed: number): Ids => {
  const random = generator(seed);
  return ids(
    shape,
    Int32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.below(below)),
  );
};

export interface TrainingCase {
  readonly name: string;
  readonly unit: Case['unit'];
  readonly steps: number;
  readonly batch: number;
  readonly symbols: number;
  readonly flop: number;
  readonly bytes?: number;
  readonly optimizer: Optimizer;
  readonly clipNorm?: number;
  /** Whether each window starts afresh. */
  readonly alone?: boolean;
  /** Steps that the loss counts, from the end; all by default. */
  readonly counted?: number;
  /** Whether its loss is a random one while it learns: it is checked without. */
  readonly random?: boolean;
}

/** A step of training on random data, carry kept. */
export function trainingCase(model: AnyModel, options: TrainingCase): Case {
  const { steps, batch, symbols, counted = steps } = options;
  const input = symbolsOf([steps, batch], symbols, 1);
  const target = symbolsOf([counted, batch], symbols, 2);
  const { learn, release } = trainer(model, {
    loss: crossEntropy(),
    optimizer: options.optimizer,
    clipNorm: options.clipNorm,
  });
  let carry = model.initial(batch);
  return {
    name: options.name,
    unit: options.unit,
    flop: options.flop,
    ...(options.bytes !== undefined && { bytes: options.bytes }),
    work: steps * batch,
    check: () => {
      if (options.random !== true) checkLoss(options.name, model, input, target);
    },
    step() {
      carry = learn({ carry, input, target, alone: options.alone }).carry;
    },
    release,
  };
}

/** The loss of two lanes and three steps on the kernels against float64. */
function checkLoss(name: string, model: AnyModel, input: Tensor, target: Tensor): void {
  const steps = Math.min(3, input.shape[0] as number);
  const lanes = Math.min(2, input.shape[1] as number);
  const small = (x: Tensor, rows: number) => {
    const width = x.data.length / ((x.shape[0] as number) * (x.shape[1] as number));
    const from = ((x.shape[0] as number) - rows) * (x.shape[1] as number);
    const shape = [rows, lanes, ...x.shape.slice(2)];
    const data = Array.from({ length: rows * lanes * width }, (_, i) => {
      const row = Math.floor(i / (lanes * width));
      return x.data[(from + row * (x.shape[1] as number)) * width + (i % (lanes * width))] as number;
    });
    return x.type === 'int32' ? ids(shape, data) : tensor(shape, data);
  };
  const counted = Math.min(steps, target.shape[0] as number);
  const [x, y] = [small(input, steps), small(target, counted)];
  const ops = reference();
  const [prediction] = model.apply(ops, model.initial(lanes), x);
  const early = (prediction.shape[0] as number) - counted;
  const [, last] = ops.split(prediction, 0, [early, counted]);
  const exact = crossEntropy()(ops, last as Tensor, y).data[0] as number;
  const probe = trainer(model, { loss: crossEntropy(), optimizer: adam(0) });
  // Dropout makes the loss a random one: models with it are checked without.
  const got = hasDropout(model) ? exact : probe.learn({ carry: model.initial(lanes), input: x, target: y }).loss;
  probe.release();
  if (!(Math.abs(got - exact) <= 2e-3 * exact)) throw new Error(`${name}: loss ${got} instead of ${exact}`);
}

const hasDropout = (model: Core<unknown>): boolean => 'drop' in (model.initial(1) as Record<string, unknown>);
