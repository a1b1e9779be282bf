/** What every run needs. */
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import type { Failure } from '../shared/failure.js';
import { type Interrupt, onInterrupt } from '../shared/interrupt.js';
import { chooseMachine } from '../shared/machine.js';
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

export const openSession = (options: Options): E.Either<Failure, Session> =>
  pipe(
    chooseMachine(options),
    E.map((machine) => ({
      options,
      screen: screen(options.json),
      paint: painter(coloured()),
      interrupt: onInterrupt(),
      machine,
    })),
  );
