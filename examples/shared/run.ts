/** Runs as all examples keep them, by `--save`, `--save-every` and `--resume`; and `--load`, which begins with the weights of another. */
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import { type CheckpointedOptions, checkpointed, loadRun, type Params, type Resumed, resume } from 'oxbow';
import { identity, type MonoTypeOperatorFunction } from 'rxjs';
import { type Failure, failure, messageOf } from './failure.js';
import { count, positive } from './numbers.js';
import type { Screen } from './screen.js';

/** What was typed of a run's folder. */
export interface RunOptions {
  readonly save?: string | undefined;
  /** Seconds. */
  readonly saveEvery: number;
  readonly resume?: true | undefined;
  readonly load?: string | undefined;
}

/** What every run says of itself; `task` is what its model is for. */
export interface About {
  readonly example: string;
  readonly task: 'language' | 'tagger' | 'images' | 'memory';
  /** All that decides what is learnt, by the names of options. */
  readonly recipe: object;
}

/** A run to go on with. */
export type Kept<M, A, S> = Omit<Resumed<M, S>, 'about'> & { readonly about: A };

export const runOptions = (program: Command, usual?: string): Command =>
  program
    .option(
      '--save <folder>',
      `folder that keeps the run while it learns and at the end, whatever ends it${usual === undefined ? '' : ` (default: ${usual})`}`,
    )
    .option('--save-every <n>', 'seconds from one file of the run to the next', positive(), 30)
    .option('--resume', 'go on with the run in the folder of --save where it was, with its recipe')
    .option('--load <path>', 'begin with the weights of another run: its folder, or a file of it');

const refused = (option: string) => (error: unknown) => failure(`${option}: ${messageOf(error).replace(/^\w+: /, '')}`);

/** Whether a folder has files of a run. */
export const hasRun = (folder: string): TE.TaskEither<Failure, boolean> =>
  TE.tryCatch(
    async () => {
      try {
        return (await readdir(folder)).some((name) => /^step-\d+\.safetensors$/.test(name));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
        throw error;
      }
    },
    (error) => failure(`--save ${folder} is no folder of a run: ${messageOf(error)}; give another one.`),
  );

/** What was typed of the folder, as far as that goes without a look at it. */
export function checkAsked({
  save,
  resume,
  load,
}: Pick<RunOptions, 'save' | 'resume' | 'load'>): E.Either<Failure, void> {
  if (!resume) return E.right(undefined);
  if (save === undefined) return E.left(failure('--resume: say which run by --save FOLDER.'));
  if (load === undefined) return E.right(undefined);
  return E.left(failure('--resume goes on with the weights of its run; leave --load out, or --resume.'));
}

/** The run that `--resume` asks for, with its folder; undefined where a new one is to begin, for which the folder is free. */
export function openRun<M extends { readonly params: Params }, A extends About, S>(
  example: A['example'],
  { save, resume: asked, load }: RunOptions,
): TE.TaskEither<Failure, Kept<M, A, S> | undefined> {
  const goesOn = asked === true;
  const found = (folder: string) =>
    pipe(
      TE.tryCatch(() => resume<M, S>(folder), refused('--resume')),
      TE.chainEitherK((kept) => {
        if (kept === undefined) return E.left(failure(`--resume: ${folder} has no file of its run that is whole.`));
        return pipe(
          isOf(example, '--resume', folder, kept.about),
          E.map((): Kept<M, A, S> => kept),
        );
      }),
    );
  return pipe(
    TE.fromEither(checkAsked({ save, resume: asked, load })),
    TE.chain((): TE.TaskEither<Failure, Kept<M, A, S> | undefined> => {
      if (save === undefined) return TE.right(undefined);
      return pipe(
        hasRun(save),
        TE.filterOrElse(
          (there) => there === goesOn,
          (there) => failure(there ? taken(save) : nothingIn(save)),
        ),
        TE.chainW(() => (goesOn ? found(save) : TE.right(undefined))),
      );
    }),
  );
}

export const taken = (save: string) =>
  `--save ${save} has a run already; go on with it by --resume, or give the new run a folder of its own by --save.`;
export const nothingIn = (save: string) => `--resume: ${save} has no run yet; leave --resume out to begin one there.`;

function isOf(example: string, option: string, path: string, about: About | undefined): E.Either<Failure, void> {
  if (about?.example === example) return E.right(undefined);
  const what = about?.example === undefined ? 'another program' : `the example ${about.example}`;
  return E.left(failure(`${option}: ${path} is of ${what}; give a run of this one.`));
}

/** Takes the folder of a new run, once all else is known to be right. */
export const takeFolder = ({ save, resume: goesOn }: RunOptions): TE.TaskEither<Failure, void> =>
  save === undefined || goesOn
    ? TE.right(undefined)
    : pipe(
        TE.tryCatch(() => resume(save), refused('--save')),
        TE.filterOrElse(
          (kept) => kept === undefined,
          () => failure(taken(save)),
        ),
        TE.map(() => undefined),
      );

/** The model of another run, and what that said of itself. */
export const loadedRun = <M extends { readonly params: Params }, A extends About>(
  example: string,
  path: string,
  option = '--load',
): TE.TaskEither<Failure, { readonly model: M; readonly about: A }> =>
  pipe(
    TE.tryCatch(() => loadRun<M>(path), refused(option)),
    TE.chainFirstEitherK(({ about }) => isOf(example, option, path, about)),
  );

/** What was asked for by name against what a run is; `option` is how a name is typed where that differs. */
export function sameAs<R extends object>(
  from: string,
  is: R,
  asked: Partial<R>,
  option: Partial<Record<keyof R, string>> = {},
): E.Either<Failure, void> {
  const names = (Object.keys(asked) as (keyof R & string)[]).filter(
    (name) => asked[name] !== undefined && asked[name] !== is[name],
  );
  if (names.length === 0) return E.right(undefined);
  const typed = names.map((name) => `--${option[name] ?? name}`);
  const differs = names.map((name, k) => `${typed[k]} ${is[name]}, not ${asked[name]}`);
  return E.left(failure(`${from} has ${differs.join(', and ')}; leave ${typed.join(' and ')} out.`));
}

/** Keeps a run where that was asked for; `about` is what it says of itself at each file. */
export function keeping<T>(
  { save, saveEvery }: RunOptions,
  screen: Screen,
  model: CheckpointedOptions['model'],
  about: () => About,
): MonoTypeOperatorFunction<T> {
  if (save === undefined) return identity;
  return checkpointed(save, {
    model,
    about,
    everyMs: 1000 * saveEvery,
    // What ends an example ends its source first.
    signals: false,
    saved: { next: ({ step }) => screen.note(`saved ${save} after update ${count(step)}`) },
  });
}

/** Says where a run goes on. */
export function sayWhere(
  screen: Screen,
  { step, from }: Pick<Kept<unknown, unknown, unknown>, 'step' | 'from'>,
  ...where: string[]
) {
  screen.note([`goes on after update ${count(step)}`, ...where, `saved ${from.date}`].join(', '));
}

/** A text as a run knows it again. */
export interface TextMark {
  /** Null for the one that is read where none is given. */
  readonly file: string | null;
  readonly sha256: string;
}

export const markOf = (file: string | undefined, text: string): TextMark => ({
  file: file === undefined ? null : resolve(file),
  sha256: createHash('sha256').update(text).digest('hex'),
});

/** A run goes on with the text that it learnt from, wherever that is now. */
export const sameText = (
  save: string | undefined,
  mark: TextMark | undefined,
  text: string,
): E.Either<Failure, void> =>
  mark === undefined || markOf(undefined, text).sha256 === mark.sha256
    ? E.right(undefined)
    : E.left(
        failure(
          `--resume: the run in ${save} learnt from another text (${mark.file ?? 'Moby Dick'}); give that by --file.`,
        ),
      );
