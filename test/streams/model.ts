import { type Layer, layer } from '../../src/layer.js';
import { uniform } from '../../src/parameters/initializers.js';
import { Parameter, parameter } from '../../src/parameters/parameter.js';
import { type Ids, type Tensor, zeros } from '../../src/tensor.js';

/** The carry of `tiny`: a hidden state, and a count of windows that belongs to no lane. */
export interface TinyCarry {
  readonly h: Tensor;
  readonly windows: number;
}

/** A simple RNN from ids to logits, written from primitives: h′ = tanh(wx[x] + h·wh), y = h′·wy. */
export function tiny(symbols: number, units = 4, seed = 1): Layer<TinyCarry, Ids, Tensor> {
  const wx = parameter([symbols, units], uniform(1));
  const wh = parameter([units, units], uniform(1));
  const wy = parameter([units, symbols], uniform(2));
  return layer<TinyCarry, Ids, Tensor>(
    {
      kind: 'tiny',
      params: { wx, wh, wy },
      initial: (batch) => ({ h: zeros([batch, units]), windows: 0 }),
      apply(ops, carry, x) {
        const [steps, batch] = x.shape as [number, number];
        const rows = ops.split(ops.gather(wx, x), 0, new Array<number>(steps).fill(1));
        let h = carry.h;
        const states = rows.map((row) => {
          h = ops.tanh(ops.add(ops.reshape(row, [batch, units]), ops.matmul(h, wh)));
          return ops.reshape(h, [1, batch, units]);
        });
        return [ops.matmul(ops.concat(states, 0), wy), { h, windows: carry.windows + 1 }];
      },
    },
    seed,
  );
}

/** A model of one symbol's memory: the logits are row x of a table, which may be a parameter. */
export function bigram(table: Tensor): Layer<Record<string, never>, Ids, Tensor> {
  return layer<Record<string, never>, Ids, Tensor>({
    kind: 'bigram',
    params: table instanceof Parameter ? { table } : {},
    initial: () => ({}),
    apply: (ops, carry, x) => [ops.gather(table, x), carry],
  });
}
