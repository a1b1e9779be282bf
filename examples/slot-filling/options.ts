/** The command line. */
import { resolve } from 'node:path';
import * as E from 'fp-ts/lib/Either.js';
import { type CommonOptions, command, parse } from '../shared/command.js';
import { type Failure, failure } from '../shared/failure.js';
import { whole } from '../shared/numbers.js';
import { type RunOptions, runOptions } from '../shared/run.js';
import { forgetting, offline, stream } from './recipe.js';

/** What is to be done. */
export type Mode = 'stream' | 'offline' | 'online' | 'forgetting';

/** All that decides what a run learns. */
export interface SlotsRecipe {
  readonly mode: Mode;
  readonly train?: string | undefined;
  readonly valid?: string | undefined;
  readonly test?: string | undefined;
  readonly utterances: number;
  readonly epochs: number;
  readonly units?: number | undefined;
  /** Whether the recurrent layer reads forwards only. */
  readonly forwards: boolean;
  readonly seed: number;
}

export interface Options extends CommonOptions, RunOptions, SlotsRecipe {
  /** What of the recipe was asked for by name, to be held against that of a run which is there. */
  readonly asked: Partial<SlotsRecipe>;
  /** One run each. */
  readonly seeds: number;
}

interface Typed extends CommonOptions, RunOptions {
  readonly train?: string;
  readonly valid?: string;
  readonly test?: string;
  readonly online?: true;
  readonly forgetting?: true;
  readonly utterances?: number;
  readonly epochs?: number;
  readonly units?: number;
  readonly forwards?: true;
  readonly seed?: number;
  readonly seeds: number;
}

const about = `Slots of what people say: "arrive Taipei on November 2nd" against "leave Taipei on November 2nd".

Without a folder, utterances come from a grammar, and the tagger learns from each as it arrives; in a terminal you can
then talk to it. With --train it learns from a folder with seq.in, seq.out and label, a line an utterance.`;

const program = () =>
  runOptions(
    command('slots', 'run example:slots', about)
      .option('--train <dir>', 'folder to learn from')
      .option('--valid <dir>', 'folder on which the epoch is chosen (default: every tenth utterance of --train)')
      .option('--test <dir>', 'folder that is looked at once, at the end')
      .option('--online', 'learn from each utterance once, in the given order, after it was tagged')
      .option('--forgetting', 'learn one domain of the grammar, then the other, with and without replay')
      .option(
        '--utterances <n>',
        `utterances of the grammar (default: ${stream.utterances}; with --forgetting ${forgetting.utterances} of each domain)`,
        whole(1),
      )
      .option('--epochs <n>', `times that the folder is read (default: ${offline.epochs})`, whole(1))
      .option('--units <n>', 'units of the recurrent layer', whole(1))
      .option('--forwards', 'read forwards only, so that each word has a tag as it comes')
      .option('--seed <n>', 'of weights, order and utterances (default: 1)', whole(0))
      .option('--seeds <n>', 'runs, each with a seed of its own, and their mean', whole(1), 1),
  );

/** Options that make no sense together, and why. */
function conflict({
  train,
  valid,
  test,
  online,
  forgetting: forget,
  utterances,
  epochs,
  units,
  forwards,
  seeds,
  load,
  save,
  resume,
}: Typed): string | undefined {
  const given = (names: Readonly<Record<string, unknown>>) =>
    Object.keys(names).find((name) => names[name] !== undefined);
  if (forget) {
    const other = given({ train, valid, test, online, epochs, load, save });
    if (other !== undefined) return `--forgetting is about the grammar's own domains; leave --${other} out.`;
  }
  if (load !== undefined) {
    const other = seeds > 1 ? 'seeds' : given({ units, forwards });
    if (other !== undefined) return `--load begins with one tagger and its net; leave --${other} out.`;
  }
  if (save !== undefined && seeds > 1) {
    return '--save keeps one tagger, and --seeds makes several; leave one of them out.';
  }
  // The run's own are not typed again.
  if (resume) return undefined;
  if (train === undefined) {
    const other = given({ valid, test, epochs });
    if (other !== undefined) return `--${other} goes with a folder to learn from; give --train, or leave it out.`;
  } else if (utterances !== undefined) {
    return '--utterances counts those of the grammar, and --train has its own; leave one of them out.';
  }
  if (online) {
    const other = given({ valid, epochs });
    if (other !== undefined) return `--online reads everything once and chooses nothing; leave --${other} out.`;
  }
  return undefined;
}

/** The grammar's utterances come once in any case; with `--online` nobody is asked to talk afterwards. */
function modeOf({ forgetting: forget, online, train }: Typed): Mode {
  if (forget) return 'forgetting';
  if (online) return 'online';
  return train === undefined ? 'stream' : 'offline';
}

/** Folders as a run knows them again, wherever it goes on. */
export function placesOf({ train, valid, test }: Pick<SlotsRecipe, 'train' | 'valid' | 'test'>) {
  const place = (folder: string | undefined) => (folder === undefined ? undefined : resolve(folder));
  return { train: place(train), valid: place(valid), test: place(test) };
}

function complete(typed: Typed): Options {
  const { utterances, epochs, units, forwards, seed, seeds, threads, tier, json } = typed;
  const { save, saveEvery, resume, load } = typed;
  const mode = modeOf(typed);
  const { train, valid, test } = typed;
  const usual = mode === 'forgetting' ? forgetting.utterances : stream.utterances;
  return {
    ...{ mode, train, valid, test, units, seeds, threads, tier, json, save, saveEvery, resume, load },
    asked: { ...placesOf(typed), utterances, epochs, units, forwards, seed } as Partial<SlotsRecipe>,
    forwards: forwards === true,
    seed: seed ?? 1,
    utterances: utterances ?? usual,
    epochs: epochs ?? offline.epochs,
  };
}

/** What of the net was asked for. */
export const netOf = ({ units, forwards }: Pick<SlotsRecipe, 'units' | 'forwards'>) => ({
  ...(units !== undefined && { units }),
  ...(forwards && { bidirectional: false }),
});

/** Parses the command line; `'help'` where help was asked for, and has been shown. */
export function parseOptions(args: readonly string[]): E.Either<Failure, Options | 'help'> {
  const parsed = parse<Typed>(program(), 'each run', args);
  if (E.isLeft(parsed) || parsed.right === 'help') return parsed as E.Either<Failure, 'help'>;
  const wrong = conflict(parsed.right);
  return wrong === undefined ? E.right(complete(parsed.right)) : E.left(failure(wrong));
}
