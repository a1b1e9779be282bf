/** What every run needs. */
import * as E from 'fp-ts/lib/Either.js';
import { configure } from 'oxbow';
import { type Failure, failure, messageOf } from '../shared/failure.js';
import { type Interrupt, onInterrupt } from '../shared/interrupt.js';
import { type Screen, screen } from '../shared/screen.js';
import type { Options } from './options.js';
import { coloured, type Paint, painter } from './show.js';

export interface Session {
  readonly options: Options;
  readonly screen: Screen;
  readonly paint: Paint;
  readonly interrupt: Interrupt;
  /** The machine in a few words. */
  readonly machine: string;
}

const silent: Screen = { live: () => undefined, say: () => undefined, write: () => undefined, dim: (text) => text };

export function openSession(options: Options): E.Either<Failure, Session> {
  return E.tryCatch(
    () => {
      const machine = configure(options.threads === undefined ? {} : { threads: options.threads });
      return {
        options,
        screen: options.json ? silent : screen(),
        paint: painter(coloured()),
        interrupt: onInterrupt(),
        machine: `${machine.threads} ${machine.threads === 1 ? 'thread' : 'threads'}, tier ${machine.tier}`,
      };
    },
    (error) => failure(messageOf(error)),
  );
}
