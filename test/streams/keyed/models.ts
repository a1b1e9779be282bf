import { gru } from '../../../src/cells/gru.js';
import { lstm } from '../../../src/cells/lstm.js';
import { simpleRnn } from '../../../src/cells/simple-rnn.js';
import { stacked } from '../../../src/cells/stacked.js';
import { type Layer, layer } from '../../../src/layer.js';
import { causalAttention } from '../../../src/layers/attention.js';
import { dense } from '../../../src/layers/dense.js';
import { dropout } from '../../../src/layers/dropout.js';
import { embedding } from '../../../src/layers/embedding.js';
import { learnedPositions } from '../../../src/layers/positions.js';
import { gpt } from '../../../src/models/gpt.js';
import { parametersOf } from '../../../src/parameters/parameter.js';
import { generator } from '../../../src/random.js';
import { stack } from '../../../src/stack.js';
import type { Keyed } from '../../../src/streams/keyed/options.js';
import { type Ids, ids, type Tensor, tensor, zeros } from '../../../src/tensor.js';

export const SYMBOLS = 11;
export const FEATURES = 5;

type Model<X extends Tensor> = Layer<unknown, X, Tensor>;

const model = <X extends Tensor>(children: object): Model<X> =>
  stack(children as never, { seed: 3 }) as unknown as Model<X>;

const e = () => embedding(SYMBOLS, 6);
const h = (from: number) => dense(from, SYMBOLS);

/** A model whose weights are in the memory already, so that what is in use there changes no more by them. */
export function drawn<X extends Tensor>(make: (() => Model<X>) | undefined): Model<X> {
  const made = (make as () => Model<X>)();
  for (const [, parameter] of parametersOf(made.params)) void parameter.place;
  return made;
}

/** Models on ids, each of which gives logits. */
export const onIds: Readonly<Record<string, () => Model<Ids>>> = {
  'a simple RNN': () => model({ e: e(), r: simpleRnn(6, 9), h: h(9) }),
  'an LSTM': () => model({ e: e(), r: lstm(6, 16), h: h(16) }),
  'an LSTM, normalised': () => model({ e: e(), r: lstm(6, 12, { layerNorm: true }), h: h(12) }),
  'a GRU, reset before': () => model({ e: e(), r: gru(6, 10, { reset: 'before' }), h: h(10) }),
  'stacked cells, dropout': () =>
    model({ e: e(), r: stacked([lstm(6, 9, { peepholes: true }), gru(9, 7)]), d: dropout(0.5), h: h(7) }),
  'attention with a context': () =>
    model({ e: e(), p: learnedPositions(4, 6), a: causalAttention(6, 2, { context: 3 }), h: h(6) }),
  'a GPT': () =>
    gpt({ symbols: SYMBOLS, features: 8, heads: 2, blocks: 2, context: 4, seed: 1 }) as unknown as Model<Ids>,
  'a table alone': () => model({ e: embedding(SYMBOLS, SYMBOLS) }),
  'one that looks at numbers, and so is not the same at each step': () => looking(),
};

/** Models on features. */
export const onFeatures: Readonly<Record<string, () => Model<Tensor>>> = {
  'an LSTM': () => model({ r: lstm(FEATURES, 12), h: h(12) }),
  'stacked simple RNNs': () => model({ r: stacked([simpleRnn(FEATURES, 9), simpleRnn(9, 8)]) }),
  'a GRU': () => model({ r: gru(FEATURES, 8) }),
};

/** A leaky sum whose body reads its input, and counts its steps in ids. */
function looking(): Model<Ids> {
  const table = embedding(SYMBOLS, SYMBOLS);
  return layer<unknown, Ids, Tensor>(
    {
      kind: 'looking',
      params: table.params,
      initial: (batch: number) => ({ sum: zeros([batch, SYMBOLS]), steps: ids([batch], new Int32Array(batch)) }),
      apply(ops, carry, x) {
        const { sum, steps } = carry as { sum: Tensor; steps: Tensor };
        const [length, lanes] = x.shape as [number, number];
        const [rows] = table.apply(ops, {}, x);
        let state = sum;
        const all = ops.split(rows, 0, new Array<number>(length).fill(1)).map((row, t) => {
          const shift = tensor(
            [lanes, 1],
            Array.from(
              { length: lanes },
              (_, lane) => (x.data[t * lanes + lane] as number) + (steps.data[lane] as number) + t,
            ),
          );
          const shifts = ops.matmul(shift, tensor([1, SYMBOLS], new Float32Array(SYMBOLS).fill(0.1)));
          state = ops.tanh(ops.add(ops.add(ops.reshape(row, [lanes, SYMBOLS]), state), shifts));
          return ops.reshape(state, [1, lanes, SYMBOLS]);
        });
        const after = ids(
          [lanes],
          Int32Array.from(steps.data, (count) => count + length),
        );
        return [ops.concat(all, 0), { sum: state, steps: after }];
      },
    },
    5,
  ) as Model<Ids>;
}

/** Values of some keys in a random order: ids, of one step or of several. */
export function idsOf(keys: number, count: number, seed: number, longest = 1): readonly Keyed<Ids, string>[] {
  const random = generator(seed);
  return Array.from({ length: count }, () => {
    const steps = 1 + random.below(longest);
    return {
      key: `k${random.below(keys)}`,
      value: ids(
        [steps, 1],
        Array.from({ length: steps }, () => random.below(SYMBOLS)),
      ),
    };
  });
}

export function featuresOf(keys: number, count: number, seed: number, longest = 1): readonly Keyed<Tensor, string>[] {
  const random = generator(seed);
  return Array.from({ length: count }, () => {
    const steps = 1 + random.below(longest);
    return {
      key: `k${random.below(keys)}`,
      value: tensor(
        [steps, 1, FEATURES],
        Array.from({ length: steps * FEATURES }, () => random.uniform() - 0.5),
      ),
    };
  });
}
