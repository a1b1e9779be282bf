/** A tagger as `--save` writes it, and how `--load` goes on with it. */
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import {
  type Checkpoint,
  type LearnTagsState,
  type LexiconData,
  restoreTaggerEither,
  type Tagger,
  type TaggerOptions,
  tagger,
  taggerCheckpoint,
} from 'oxbow';
import { limitsOf, readCheckpoint, told } from '../shared/checkpoint.js';
import { type Failure, failure, messageOf, refused } from '../shared/failure.js';

/** All that it takes to make the net again, besides its names and its seed. */
export type Net = Pick<TaggerOptions, 'features' | 'units' | 'dropout' | 'hashed' | 'bidirectional'>;

/** What is written down beside a tagger. */
export interface About {
  readonly net: Net;
  readonly seed: number;
  /** Utterances that were learnt from one by one, and where they are from; they are not learnt from again. */
  readonly read: { readonly from: string; readonly utterances: number };
}

export interface Saved {
  readonly model: Tagger;
  /** Undefined where it learnt from a folder, several times over. */
  readonly state: LearnTagsState | undefined;
  readonly about: About;
}

const EXAMPLE = 'slots';

export function toCheckpoint({ model, state, about }: Saved): Checkpoint {
  const { tensors, metadata } = taggerCheckpoint(model, state);
  return { tensors, metadata: { ...metadata, example: EXAMPLE, about: JSON.stringify(about) } };
}

/** The tagger that a checkpoint is of, with the names that it begins with, and without its weights. */
function shellOf({ tensors, metadata }: Checkpoint): Pick<Saved, 'model' | 'about'> {
  const about = JSON.parse(metadata.about ?? '') as About;
  const { words, tags, intents } = JSON.parse(metadata.lexicons ?? '') as Readonly<
    Record<'words' | 'tags' | 'intents', LexiconData | undefined>
  >;
  const { size } = limitsOf(tensors);
  for (const name of ['features', 'units']) told(about.net, name, 1, size);
  told(about.read, 'utterances', 0);
  const names = {
    words: words?.names.slice(1) ?? [],
    tags: tags?.names ?? [],
    ...(intents && { intents: intents.names }),
  };
  return { model: tagger({ ...names, ...about.net, seed: told(about, 'seed', 0) }), about };
}

export const readSaved = (path: string): TE.TaskEither<Failure, Saved> =>
  pipe(
    readCheckpoint(path),
    TE.chainEitherK((checkpoint) => {
      if (checkpoint.metadata.example !== EXAMPLE) {
        const message = 'it is no checkpoint of this example; give one that --save wrote, or leave --load out.';
        return E.left(failure(`--load ${path}: ${message}`));
      }
      return pipe(
        E.tryCatch(
          () => shellOf(checkpoint),
          (error) => failure(`--load ${path}: its metadata is damaged: ${messageOf(error)}`),
        ),
        E.bind('state', ({ model }) =>
          pipe(restoreTaggerEither(model, checkpoint), E.mapLeft(refused(`--load ${path}`))),
        ),
      );
    }),
  );
