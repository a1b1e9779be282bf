import { configure } from '../../kernels/machine.js';
import type { MachineChoice } from './arguments.js';
import { Failure, messageOf } from './failure.js';
import { several } from './numbers.js';

/** Sets the machine up as asked; what it is then, in a few words. */
export function chooseMachine({ threads, tier }: MachineChoice): string {
  try {
    const machine = configure({ ...(threads !== undefined && { threads }), ...(tier !== undefined && { tier }) });
    return `${several(machine.threads, 'thread')}, tier ${machine.tier}`;
  } catch (error) {
    throw new Failure(`--threads, --tier: ${messageOf(error)}`, error instanceof RangeError ? 2 : 1);
  }
}
