import * as E from 'fp-ts/lib/Either.js';
import { configure } from 'oxbow';
import type { MachineChoice } from '../../src/cli/shared/arguments.js';
import { type Failure, failure, messageOf } from './failure.js';
import { several } from './numbers.js';

export type { MachineChoice };

/** Sets the machine up as asked; what it is then, in a few words. */
export function chooseMachine({ threads, tier }: MachineChoice): E.Either<Failure, string> {
  return E.tryCatch(
    () => {
      const machine = configure({ ...(threads !== undefined && { threads }), ...(tier !== undefined && { tier }) });
      return `${several(machine.threads, 'thread')}, tier ${machine.tier}`;
    },
    // The package names its own `configure`, which nobody typed.
    (error) =>
      failure(
        messageOf(error)
          .replace(/^configure: /, '--threads, --tier: ')
          .replace(/^the tier /, '--tier: $&'),
      ),
  );
}
