/** The command line of `npm run bench`. */
import { type Command, Option } from 'commander';
import * as E from 'fp-ts/lib/Either.js';
import { aboveZero, command, parse, wholeNumber } from './arguments.js';

const tiers = ['wide', 'fma', 'simd'] as const;

/** What was typed. */
interface Typed {
  readonly json?: true;
  readonly peers?: true;
  readonly allSettings?: true;
  readonly threads?: number;
  readonly tier?: (typeof tiers)[number];
  readonly repetitions: number;
  readonly seconds: number;
}

export interface Options extends Omit<Typed, 'json' | 'peers' | 'allSettings'> {
  /** Ids of workloads, all by default, in the order of the list that was given. */
  readonly workloads: readonly string[];
  /** Those that were named, in their own order. */
  readonly tables: readonly TableId[];
  readonly json: boolean;
  readonly peers: boolean;
  readonly allSettings: boolean;
}

interface Known {
  readonly id: string;
  readonly title: string;
}

/** Tables, which are measured where they are named, and without peers. */
const tables = [
  { id: 'scaling', title: 'time against T, B, H and threads, of each cell, and what the streams cost a signal' },
  { id: 'kit', title: 'what strengthens a recurrent language model, against the plain LSTM' },
  { id: 'keyed', title: '10,000 keys interleaved at random, against lockstep and against stepping them one by one' },
  {
    id: 'recurrences',
    title: 'windows and steps of minGRU, minLSTM and the RG-LRU block, against the LSTM at equal units',
  },
] as const satisfies readonly Known[];

export type TableId = (typeof tables)[number]['id'];

function commandOf(known: readonly Known[]): Command {
  const lines = [...known, ...tables].map(({ id, title }) => `  ${id.padEnd(13)}${title}`);
  return command('npm run bench --')
    .description('Measures workloads: checks a result against float64, warms up, repeats, prints medians.')
    .argument('[workload...]', 'which to run, of those below; by default all but the tables')
    .option('--json', 'one JSON line for each figure')
    .option('--peers', 'the peers that are installed too, in turn with ours, repetition by repetition, and the ratios')
    .option('--all-settings', 'PyTorch with threads of its own too (with --peers, which this implies)')
    .option('--threads <n>', 'threads, this one included (default: all processors)', wholeNumber)
    .addOption(new Option('--tier <tier>', 'kernels to use (default: the best that works here)').choices([...tiers]))
    .option('--repetitions <n>', 'repetitions that are counted', wholeNumber, 7)
    .option('--seconds <s>', 'seconds a repetition takes at least', aboveZero('seconds'), 0.4)
    .addHelpText('after', `\nWorkloads:\n${lines.join('\n')}`);
}

/** Parses the command line; `'help'` where help was asked for, and has been shown. A string on the left says what is wrong. */
export function parseOptions(args: readonly string[], known: readonly Known[]): E.Either<string, Options | 'help'> {
  const program = commandOf(known);
  const outcome = parse(program, args);
  if (outcome !== undefined) return outcome === 'help' ? E.right('help') : E.left(outcome.wrong);
  const ids = known.map(({ id }) => id);
  const tableIds: readonly string[] = tables.map(({ id }) => id);
  const asked = program.args.filter((id) => !tableIds.includes(id));
  const unknown = asked.find((id) => !ids.includes(id));
  if (unknown !== undefined) {
    return E.left(`there is no workload ${unknown}; there are ${[...ids, ...tableIds].join(', ')}.`);
  }
  const { json = false, peers = false, allSettings = false, ...rest } = program.opts<Typed>();
  if ((peers || allSettings) && program.args.length > 0 && asked.length === 0) {
    return E.left(
      `${program.args.join(' and ')} is measured without peers; leave --peers out, or name a workload too.`,
    );
  }
  return E.right({
    ...rest,
    json,
    peers: peers || allSettings,
    allSettings,
    workloads: program.args.length === 0 ? ids : ids.filter((id) => asked.includes(id)),
    tables: tables.map(({ id }) => id).filter((id) => program.args.includes(id)),
  });
}
