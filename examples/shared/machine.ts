import * as E from 'fp-ts/lib/Either.js';
import { configure, type Tier } from 'oxbow';
import { type Failure, failure, messageOf } from './failure.js';

export interface MachineChoice {
  readonly threads?: number | undefined;
  readonly tier?: Tier | undefined;
}

/** Sets the machine up as asked; what it is then, in a few words. */
export function chooseMachine({ threads, tier }: MachineChoice): E.Either<Failure, string> {
  return E.tryCatch(
    () => {
      const machine = configure({ ...(threads !== undefined && { threads }), ...(tier !== undefined && { tier }) });
      return `${machine.threads} ${machine.threads === 1 ? 'thread' : 'threads'}, tier ${machine.tier}`;
    },
    (error) => failure(messageOf(error)),
  );
}
