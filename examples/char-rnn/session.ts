/** What a run needs, put together and checked before anything is learnt. */
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import { configure, type Ids, ids, loadCheckpoint, parametersOf, type Vocabulary, vocabulary } from 'oxbow';
import { type Failure, failure, messageOf } from '../shared/failure.js';
import { type Interrupt, onInterrupt } from '../shared/interrupt.js';
import { count } from '../shared/numbers.js';
import { type Screen, screen } from '../shared/screen.js';
import { readCorpus } from './corpus.js';
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
    TE.Do,
    TE.apS('machine', TE.fromEither(chooseMachine(options))),
    TE.chainFirst(() => checkSavePath(options.save)),
    TE.bind('text', () => textOf(options)),
    TE.bind('speaker', ({ text }) => speakerOf(options, text)),
    TE.chainFirstEitherK(({ speaker }) => checkSize(speaker)),
    TE.chainFirstEitherK(({ text, speaker }) => checkSymbols('the text', text, speaker.vocab)),
    TE.bind('prompt', ({ speaker }) => TE.fromEither(promptOf(options, speaker.vocab))),
    TE.map((parts) => ({ ...parts, options, screen: screen(), interrupt: onInterrupt() })),
  );
}

function chooseMachine({ threads, tier }: Options): E.Either<Failure, string> {
  return E.tryCatch(
    () => {
      const machine = configure({
        ...(threads === undefined ? {} : { threads }),
        ...(tier === undefined ? {} : { tier }),
      });
      return `${machine.threads} ${machine.threads === 1 ? 'thread' : 'threads'}, tier ${machine.tier}`;
    },
    (error) => failure(messageOf(error)),
  );
}

/** Weights that fit into the kernels' memory of 4 GiB: each with its gradient and two numbers of its optimizer's. */
const MOST_WEIGHTS = 200_000_000;

function checkSize({ model }: Speaker): E.Either<Failure, void> {
  const sizes = parametersOf(model.params).map(([, { shape }]) => shape.reduce((a, b) => a * b, 1));
  const weights = sizes.reduce((a, b) => a + b, 0);
  if (weights <= MOST_WEIGHTS) return E.right(undefined);
  return E.left(
    failure(
      `a model of ${count(weights)} weights does not fit into memory, ${count(MOST_WEIGHTS)} do; ` +
        'choose fewer --units or --layers.',
    ),
  );
}

/** Better now than after a minute of training. */
function checkSavePath(path: string): TE.TaskEither<Failure, void> {
  return TE.tryCatch(
    async () => {
      await access(dirname(path), constants.W_OK);
      const there = await stat(path).catch(() => undefined);
      if (there?.isDirectory()) throw new Error('it is a folder');
    },
    (error) => failure(`--save ${path} cannot be written: ${messageOf(error)}.`),
  );
}

function textOf({ source }: Options): TE.TaskEither<Failure, string> {
  if (source.from === 'stdin') return TE.right('');
  return pipe(
    readCorpus(source),
    TE.filterOrElse(
      (text) => text !== '',
      () => failure(`${source.from === 'file' ? source.path : source.from} is empty.`),
    ),
  );
}

function speakerOf(options: Options, text: string): TE.TaskEither<Failure, Speaker> {
  const { load, shape, asked, seed } = options;
  if (load === undefined) {
    const vocab =
      options.source.from === 'stdin'
        ? vocabulary(streamSymbols, { unknown: { replace: '\uFFFD' } })
        : vocabulary(text);
    return TE.right(speaker(shape, vocab, seed));
  }
  return pipe(
    loadCheckpoint(load),
    TE.mapLeft(({ message }) => failure(`--load: ${message}`)),
    TE.chainEitherK((checkpoint) =>
      pipe(
        fromCheckpoint(checkpoint, asked, seed),
        E.mapLeft(({ message }) => failure(`--load ${load}: ${message}`)),
      ),
    ),
  );
}

/** A vocabulary that knows no replacement must know every symbol. */
function checkSymbols(what: string, text: string, vocab: Vocabulary): E.Either<Failure, void> {
  if (typeof vocab.unknown === 'object') return E.right(undefined);
  const known = new Set(vocab.symbols);
  for (const symbol of text) {
    if (known.has(symbol)) continue;
    const shown = `${JSON.stringify(symbol)} (U+${(symbol.codePointAt(0) as number).toString(16).padStart(4, '0')})`;
    return E.left(failure(`${what} has ${shown}, which is not among the model's ${vocab.size} symbols.`));
  }
  return E.right(undefined);
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
