/** What every run needs. */
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import { writeCheckpoint } from '../shared/checkpoint.js';
import type { Failure } from '../shared/failure.js';
import type { Interrupt } from '../shared/interrupt.js';
import { prepare } from '../shared/program.js';
import { type Screen, screen } from '../shared/screen.js';
import type { Options } from './options.js';
import { readSaved, type Saved, toCheckpoint } from './saved.js';
import { coloured, type Paint, painter } from './show.js';

export interface Session {
  readonly options: Options;
  readonly screen: Screen;
  readonly paint: Paint;
  readonly interrupt: Interrupt;
  /** The machine in a few words. */
  readonly machine: string;
  /** What `--load` names. */
  readonly loaded: Saved | undefined;
}

export const openSession = (options: Options, interrupt: Interrupt): TE.TaskEither<Failure, Session> =>
  pipe(
    prepare(options),
    TE.bind('loaded', () => (options.load === undefined ? TE.right(undefined) : readSaved(options.load))),
    TE.map(({ machine, loaded }) => ({
      // The tagger goes on with the seed that it began with.
      options: { ...options, seed: loaded?.about.seed ?? options.seed },
      loaded,
      screen: screen(options.json),
      paint: painter(coloured()),
      interrupt,
      machine,
    })),
  );

/** Writes the tagger where that was asked for; before anything is made of it, since that may be interrupted. */
export function keep(
  { options: { save }, screen }: Pick<Session, 'options' | 'screen'>,
  saved: Saved,
): TE.TaskEither<Failure, void> {
  if (save === undefined) return TE.right(undefined);
  return pipe(
    writeCheckpoint(save, toCheckpoint(saved)),
    TE.map(() => screen.note(`saved ${save}`)),
  );
}
