import { describe, expect, it } from 'vitest';
import { noCarry } from '../../src/layer.js';
import type { Ops } from '../../src/ops/ops.js';
import { inWindow, toSignal } from '../../src/ops/window.js';
import { parameter } from '../../src/parameters/parameter.js';
import { stepper } from '../../src/stepper.js';
import { type Ids, ids, type Tensor } from '../../src/tensor.js';
import { uniform } from '../kernels/machines.js';

const table = parameter([400, 50], () => uniform(400 * 50, 1));

describe.each<readonly [string, (ops: Ops, x: Ids) => Tensor]>([
  ['a sum to one number', (ops, x) => ops.add(ops.gather(table, x), ops.sumTo(ops.gather(table, x), []))],
  ['rows added to a large table', (ops, x) => ops.scatterAdd(ops.gather(table, x), x, 400)],
])('a step with %s', (_, body) => {
  it('comes out the same when it is run again as it was written down', () => {
    const { step, release } = stepper({
      kind: 'step',
      params: { table },
      initial: () => noCarry,
      apply: (ops, carry: typeof noCarry, x: Ids) => [body(ops, x), carry],
    });
    for (const id of [3, 3, 70, 399, 4, 0]) {
      const x = ids([1, 2], [id, 17]);
      expect(Array.from(step(x).data)).toEqual(Array.from(inWindow((ops) => toSignal(body(ops, x))).data));
    }
    release();
  });
});
