/** What a run needs, put together and checked before anything is learnt. */
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import { type Ids, ids, type Vocabulary, vocabulary } from 'oxbow';
import { readCheckpoint } from '../shared/checkpoint.js';
import { checkSymbols, readCorpus } from '../shared/corpus.js';
import { type Failure, failure } from '../shared/failure.js';
import { type Interrupt, onInterrupt } from '../shared/interrupt.js';
import { prepare } from '../shared/program.js';
import { type Screen, screen } from '../shared/screen.js';
import { checkSize } from '../shared/weights.js';
import { fromCheckpoint, type Speaker, speaker } from './model.js';
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
  /** The machine in a few words. */
  readonly machine: string;
}

/** Printable ASCII, tab and newline: a stream's symbols cannot be known beforehand. */
const streamSymbols = `\t\n${Array.from({ length: 95 }, (_, k) => String.fromCharCode(32 + k)).join('')}`;

export function openSession(options: Options): TE.TaskEither<Failure, Session> {
  return pipe(
    prepare(options),
    TE.bind('text', () => textOf(options)),
    TE.bind('speaker', ({ text }) => speakerOf(options, text)),
    TE.chainFirstEitherK(({ speaker }) => checkSize(speaker.model.params, 'fewer --units or --layers')),
    TE.chainFirstEitherK(({ text, speaker }) => checkSymbols('the text', text, speaker.vocab)),
    TE.bind('prompt', ({ speaker }) => TE.fromEither(promptOf(options, speaker.vocab))),
    TE.map((parts) => ({ ...parts, options, screen: screen(options.json), interrupt: onInterrupt() })),
  );
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
