/** The command line. */
import { Command, CommanderError } from 'commander';
import * as E from 'fp-ts/lib/Either.js';
import { type Failure, failure } from '../shared/failure.js';
import { whole } from '../shared/numbers.js';
import { forgetting, offline, stream } from './recipe.js';

/** What is to be done. */
export type Mode = 'stream' | 'offline' | 'online' | 'forgetting';

export interface Options {
  readonly mode: Mode;
  readonly train: string | undefined;
  readonly valid: string | undefined;
  readonly test: string | undefined;
  readonly utterances: number;
  readonly epochs: number;
  readonly units: number | undefined;
  readonly seed: number;
  /** One run each. */
  readonly seeds: number;
  readonly threads: number | undefined;
  readonly json: boolean;
}

interface Typed {
  readonly train?: string;
  readonly valid?: string;
  readonly test?: string;
  readonly online: boolean;
  readonly forgetting: boolean;
  readonly utterances?: number;
  readonly epochs?: number;
  readonly units?: number;
  readonly seed: number;
  readonly seeds: number;
  readonly threads?: number;
  readonly json: boolean;
}

const description = `Slots of what people say: "arrive Taipei on November 2nd" against "leave Taipei on November 2nd".

Without a folder, utterances come from a grammar, and the tagger learns from each as it arrives; in a terminal you can
then talk to it. With --train it learns from a folder with seq.in, seq.out and label, a line an utterance.`;

function command(): Command {
  return new Command('slots')
    .description(description)
    .usage('[options]        (npm run example:slots -- [options])')
    .option('--train <dir>', 'folder to learn from')
    .option('--valid <dir>', 'folder on which the epoch is chosen (default: the last epoch is taken)')
    .option('--test <dir>', 'folder that is looked at once, at the end')
    .option('--online', 'learn from each utterance once, in the given order, after it was tagged', false)
    .option('--forgetting', 'learn one domain of the grammar, then the other, with and without replay', false)
    .option(
      '--utterances <n>',
      `utterances of the grammar (default: ${stream.utterances}; with --forgetting ${forgetting.utterances} of each domain)`,
      whole(1),
    )
    .option('--epochs <n>', `times that the folder is read (default: ${offline.epochs})`, whole(1))
    .option('--units <n>', 'units of the recurrent layer', whole(1))
    .option('--seed <n>', 'of weights, order and utterances', whole(0), 1)
    .option('--seeds <n>', 'runs, each with a seed of its own, and their mean', whole(1), 1)
    .option('--threads <n>', 'threads to use (default: all processors)', whole(1))
    .option('--json', 'print the figures as one line of JSON, and nothing else', false)
    .allowExcessArguments(false)
    .showSuggestionAfterError(false)
    .configureOutput({ writeErr: () => undefined })
    .exitOverride();
}

/** Options that make no sense together, and why. */
function conflict({ train, valid, test, online, forgetting: forget, utterances, epochs }: Typed): string | undefined {
  const given = (names: Readonly<Record<string, unknown>>) =>
    Object.keys(names).find((name) => names[name] !== undefined && names[name] !== false);
  if (forget) {
    const other = given({ train, valid, test, online, epochs });
    if (other !== undefined) return `--forgetting is about the grammar's own domains; leave --${other} out.`;
  }
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

function complete(typed: Typed): Options {
  const { train, valid, test, units, seed, seeds, threads, json } = typed;
  const folderMode: Mode = typed.online ? 'online' : 'offline';
  // The grammar's utterances come once in any case; with --online nobody is asked to talk afterwards.
  const mode: Mode = typed.forgetting ? 'forgetting' : train === undefined ? 'stream' : folderMode;
  const usual = typed.forgetting ? forgetting.utterances : stream.utterances;
  return {
    mode: mode === 'stream' && typed.online ? 'online' : mode,
    ...{ train, valid, test, units, seed, seeds, threads, json },
    utterances: typed.utterances ?? usual,
    epochs: typed.epochs ?? offline.epochs,
  };
}

/** Parses the command line; `'help'` where help was asked for, and has been shown. */
export function parseOptions(args: readonly string[]): E.Either<Failure, Options | 'help'> {
  const program = command();
  try {
    program.parse(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return E.right('help');
    return E.left(failure(`${error.message.replace(/^error: /, '')} Try --help.`));
  }
  const typed = program.opts<Typed>();
  const wrong = conflict(typed);
  return wrong === undefined ? E.right(complete(typed)) : E.left(failure(wrong));
}
