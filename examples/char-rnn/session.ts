/** What a run needs, put together and checked before anything is learnt. */
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import { type Ids, ids, type Vocabulary, vocabulary } from 'oxbow';
import { readCheckpoint, writeCheckpoint } from '../shared/checkpoint.js';
import { checkSymbols, readCorpus } from '../shared/corpus.js';
import { type Failure, failure } from '../shared/failure.js';
import type { Interrupt } from '../shared/interrupt.js';
import { prepare } from '../shared/program.js';
import { type Screen, screen } from '../shared/screen.js';
import { checkSize, checkWindow } from '../shared/weights.js';
import { fromCheckpoint, type Speaker, speaker, toCheckpoint } from './model.js';
import type { Options } from './options.js';
import { speech } from './recipe.js';

export interface Session {
  readonly options: Options;
  readonly speaker: Speaker;
  /** Empty where it comes from stdin. */
  readonly text: string;
  /** What the model continues. */
  readonly prompt: Ids;
  readonly screen: Screen;
  readonly interrupt: Interrupt;
  /** Writes the checkpoint, when one that is being written is done. */
  readonly keep: TE.TaskEither<Failure, void>;
  /** The machine in a few words. */
  readonly machine: string;
}

/** Printable ASCII, tab and newline: a stream's symbols cannot be known beforehand. */
const streamSymbols = `\t\n${Array.from({ length: 95 }, (_, k) => String.fromCharCode(32 + k)).join('')}`;

export function openSession(options: Options, interrupt: Interrupt): TE.TaskEither<Failure, Session> {
  return pipe(
    prepare(options),
    TE.bind('text', () => textOf(options)),
    TE.bind('speaker', ({ text }) => speakerOf(options, text)),
    TE.chainFirstEitherK(({ speaker }) => checkSize(speaker.model.params, 'fewer --units or --layers')),
    TE.chainFirstEitherK(({ text, speaker }) => checkSymbols('the text', text, speaker.vocab)),
    TE.bind('prompt', ({ speaker }) => TE.fromEither(promptOf(options, speaker.vocab))),
    TE.chainFirstEitherK(({ speaker }) => windowFits(options, speaker)),
    TE.map((parts) => ({
      ...parts,
      options,
      interrupt,
      screen: screen(options.json),
      keep: keeper(options, parts.speaker),
    })),
  );
}

function windowFits({ stdin, length, batch }: Options, { shape, vocab }: Speaker): E.Either<Failure, void> {
  const widest = Math.max(shape.units, shape.embed, vocab.size);
  return checkWindow(length * (stdin ? 1 : batch), widest, 'a smaller --batch or --length');
}

/** One after another, so that the last to be asked for is what stays. */
function keeper({ save }: Options, speaker: Speaker): TE.TaskEither<Failure, void> {
  let latest: Promise<unknown> = Promise.resolve();
  return () => {
    const kept = latest.then(() => writeCheckpoint(save, toCheckpoint(speaker))());
    latest = kept.catch(() => undefined);
    return kept;
  };
}

function textOf({ stdin, file }: Options): TE.TaskEither<Failure, string> {
  return stdin ? TE.right('') : readCorpus(file);
}

function speakerOf(options: Options, text: string): TE.TaskEither<Failure, Speaker> {
  const { load, shape, asked, seed } = options;
  if (load === undefined) {
    const vocab = options.stdin ? vocabulary(streamSymbols, { unknown: { replace: '\uFFFD' } }) : vocabulary(text);
    return TE.right(speaker(shape, vocab, seed));
  }
  return pipe(
    readCheckpoint(load),
    TE.chainEitherK((checkpoint) =>
      pipe(
        fromCheckpoint(checkpoint, asked, seed),
        E.mapLeft(({ message }) => failure(`--load ${load}: ${message}`)),
      ),
    ),
  );
}

function promptOf({ prompt }: Options, vocab: Vocabulary): E.Either<Failure, Ids> {
  const known = new Set(vocab.symbols);
  const usual = speech.prompts.find((text) => [...text].every((symbol) => known.has(symbol)));
  const text = prompt ?? usual ?? (vocab.symbols[0] as string);
  if (text === '') return E.left(failure('--prompt is empty; give the model something to continue.'));
  return pipe(
    checkSymbols('--prompt', text, vocab),
    E.map(() => {
      const encoded = vocab.encode(text);
      return ids([encoded.length, 1], encoded);
    }),
  );
}
