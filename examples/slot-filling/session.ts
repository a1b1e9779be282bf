/** What every run needs. */
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import { type LearnTagsState, saveTaggerEither, type Tagger } from 'oxbow';
import { type Failure, refused } from '../shared/failure.js';
import type { Interrupt } from '../shared/interrupt.js';
import { prepare } from '../shared/program.js';
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

export const openSession = (options: Options, interrupt: Interrupt): TE.TaskEither<Failure, Session> =>
  pipe(
    prepare(options),
    TE.map(({ machine }) => ({
      options,
      screen: screen(options.json),
      paint: painter(coloured()),
      interrupt,
      machine,
    })),
  );

/** Writes the tagger where that was asked for; before anything is made of it, since that may be interrupted. */
export function keep(
  { options: { save }, screen }: Pick<Session, 'options' | 'screen'>,
  model: Tagger,
  state?: LearnTagsState,
): TE.TaskEither<Failure, void> {
  if (save === undefined) return TE.right(undefined);
  return pipe(
    saveTaggerEither(model, save, state),
    TE.mapLeft(refused('--save')),
    TE.map(() => screen.note(`saved ${save}`)),
  );
}
