import * as kernels from '../../kernels/delta-rule.js';
import type { Tensor } from '../../tensor.js';
import { type DeltaSizes, deltaAdjointSizes, deltaSizes } from '../delta-rule.js';
import { requireArguments } from '../operands.js';
import type { Ops } from '../ops.js';
import type { Workspace } from './workspace.js';

export function deltaRules(space: Workspace): Pick<Ops, 'deltaRule' | 'deltaRuleAdjoint'> {
  const { machine } = space;

  function placed(operands: readonly Tensor[], sizes: DeltaSizes, operation: string): kernels.DeltaRule {
    const [state, q, k, v, decay, rate] = operands.map((x) => space.numbers(x, operation)) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    return { state, q, k, v, decay, rate, ...sizes };
  }

  return {
    deltaRule(...operands) {
      requireArguments('deltaRule', ...operands);
      const sizes = deltaSizes(operands.map(({ shape }) => shape));
      const of = placed(operands, sizes, 'deltaRule');
      const [state, , , v] = operands;
      const [y, last] = [space.result(v.shape), space.result(state.shape)];
      const scratch = space.result([kernels.deltaRuleScratch(machine, sizes)]);
      kernels.deltaRule(machine, of, { y: y.address, last: last.address }, scratch.address);
      return [y, last];
    },
    deltaRuleAdjoint(gradient, gradientOfState, operands) {
      requireArguments('deltaRuleAdjoint', gradient, gradientOfState, operands);
      const sizes = deltaAdjointSizes(gradient, gradientOfState, operands);
      const of = placed(operands, sizes, 'deltaRuleAdjoint');
      const [dy, dLast] = [gradient, gradientOfState].map((x) => space.numbers(x, 'deltaRuleAdjoint')) as [
        number,
        number,
      ];
      const results = operands.map(({ shape }) => space.result(shape));
      const [dState, dq, dk, dv, dDecay, dRate] = results.map(({ address }) => address) as [
        number,
        number,
        number,
        number,
        number,
        number,
      ];
      const scratch = space.result([kernels.deltaRuleAdjointScratch(machine, sizes)]);
      kernels.deltaRuleAdjoint(machine, of, { dy, dLast, dState, dq, dk, dv, dDecay, dRate }, scratch.address);
      return results;
    },
  };
}
