import * as kernels from '../../kernels/chain.js';
import type { Ids, Tensor } from '../../tensor.js';
import { chainSizes } from '../chain.js';
import { requireArguments } from '../operands.js';
import type { Ops } from '../ops.js';
import { checkSame } from '../shapes.js';
import type { Workspace } from './workspace.js';

export function chains(space: Workspace): Pick<Ops, 'linearChain' | 'linearChainAdjoint'> {
  const { machine } = space;
  const allocate = (numbers: number) => space.arena.allocate(4 * numbers);

  function operands(parts: readonly Tensor[], tags: Ids): kernels.ChainOperands {
    const sizes = chainSizes(parts, tags);
    const [x, transitions, start, end] = parts.map((part) => space.numbers(part, 'linearChain')) as [
      number,
      number,
      number,
      number,
    ];
    return { ...sizes, x, transitions, start, end, tags: space.ids(tags) };
  }

  return {
    linearChain(x, transitions, start, end, tags) {
      requireArguments('linearChain', x, transitions, start, end, tags);
      const of = operands([x, transitions, start, end], tags);
      const y = space.result([of.batch]);
      kernels.linearChain(machine, of, y.address, allocate);
      return y;
    },
    linearChainAdjoint(gradient, x, transitions, start, end, tags) {
      requireArguments('linearChainAdjoint', gradient, x, transitions, start, end, tags);
      const parts = [x, transitions, start, end];
      const of = operands(parts, tags);
      checkSame(gradient.shape, [of.batch], 'linearChainAdjoint');
      const results = parts.map(({ shape }) => space.result(shape));
      const [dx, dTransitions, dStart, dEnd] = results.map(({ address }) => address) as [
        number,
        number,
        number,
        number,
      ];
      kernels.linearChainAdjoint(
        machine,
        of,
        space.numbers(gradient, 'linearChainAdjoint'),
        { x: dx, transitions: dTransitions, start: dStart, end: dEnd },
        allocate,
      );
      return results;
    },
  };
}
