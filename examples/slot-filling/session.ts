/** What every run needs. */
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import type { FitTaggerSnapshot, LearnTagsSnapshot, Tagger } from 'oxbow';
import type { Failure } from '../shared/failure.js';
import type { Interrupt } from '../shared/interrupt.js';
import { prepare } from '../shared/program.js';
import { loadedRun, openRun, sameAs } from '../shared/run.js';
import { type Screen, screen } from '../shared/screen.js';
import { type Options, placesOf } from './options.js';
import { EXAMPLE, type KeptSlots, type SlotsAbout } from './saved.js';
import { coloured, type Paint, painter } from './show.js';

export interface Session {
  /** Those of the run that goes on, where one does. */
  readonly options: Options;
  readonly screen: Screen;
  readonly paint: Paint;
  readonly interrupt: Interrupt;
  /** The machine in a few words. */
  readonly machine: string;
  /** The run to go on with. */
  readonly kept: KeptSlots | undefined;
  /** The tagger that `--load` names. */
  readonly loaded: Tagger | undefined;
}

/** What was typed for the run that goes on; more utterances may be asked of it, and nothing else. */
function optionsOf(options: Options, kept: KeptSlots | undefined): E.Either<Failure, Options> {
  if (kept === undefined) return E.right(options);
  const { recipe } = kept.about;
  const { utterances, mode: _, ...asked } = options.asked;
  return pipe(
    sameAs(`--resume: the run in ${options.save}`, recipe, asked),
    E.map(() => ({ ...options, ...recipe, utterances: utterances ?? recipe.utterances })),
  );
}

export const openSession = (options: Options, interrupt: Interrupt): TE.TaskEither<Failure, Session> =>
  pipe(
    prepare(options),
    TE.bind('kept', () => openRun<Tagger, SlotsAbout, LearnTagsSnapshot & FitTaggerSnapshot>(EXAMPLE, options)),
    TE.bind('options', ({ kept }) => TE.fromEither(optionsOf(options, kept))),
    TE.bind('loaded', ({ options: { load } }) =>
      load === undefined
        ? TE.right(undefined)
        : pipe(
            loadedRun<Tagger, SlotsAbout>(EXAMPLE, load),
            TE.map(({ model }) => model),
          ),
    ),
    TE.map((parts) => ({
      ...parts,
      screen: screen(options.json),
      paint: painter(coloured()),
      interrupt,
    })),
  );

/** What a run says of itself, besides how far it is. */
export const aboutOf = ({ options }: Pick<Session, 'options'>) => {
  const { mode, utterances, epochs, units, forwards, seed } = options;
  return {
    example: EXAMPLE,
    task: 'tagger' as const,
    recipe: { mode, utterances, epochs, units, forwards, seed, ...placesOf(options) },
  };
};
