/** `npm run bench`: the workloads, ours and on request the peers' beside them. */
import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { configure, machine, type Tier } from '../src/index.js';
import { type Figure, rate, summary } from './measure.js';
import { measuredPeak } from './peak.js';
import { type Peer, startPeer, torch } from './peers.js';
import type { Case, Result, Workload } from './workload.js';
import { inference } from './workloads/inference.js';
import { products } from './workloads/products.js';
import { training } from './workloads/training.js';

const workloads: readonly Workload[] = [products, ...training, ...inference];

interface Options {
  readonly json?: true;
  readonly peers?: true;
  readonly threads?: number;
  readonly tier?: Tier;
  readonly repetitions: number;
  readonly seconds: number;
}

const wholeNumber = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('It is a whole number above 0.');
  return value;
};

const duration = (text: string): number => {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('It is a number of seconds above 0.');
  return value;
};

const program = new Command('npm run bench --')
  .description('Measures the workloads: checks a result against float64, warms up, repeats, prints medians.')
  .argument('[workload...]', `which to run: ${workloads.map(({ id }) => id).join(', ')}; all by default`)
  .option('--json', 'one JSON line for each figure')
  .option('--peers', 'PyTorch beside us, repetition by repetition, and the ratios')
  .option('--threads <n>', 'threads, this one included; default: all processors', wholeNumber)
  .option('--tier <tier>', 'wide, fma or simd; default: the best that works here')
  .option('--repetitions <n>', 'repetitions that are counted', wholeNumber, 7)
  .option('--seconds <s>', 'seconds a repetition takes at least', duration, 0.4)
  .showHelpAfterError()
  .parse();

function select(ids: readonly string[]): readonly Workload[] {
  const unknown = ids.find((id) => !workloads.some((workload) => workload.id === id));
  if (unknown !== undefined) {
    const known = workloads.map(({ id }) => id).join(', ');
    program.error(`error: there is no workload ${unknown}; there are ${known}.`, { exitCode: 2 });
  }
  return ids.length === 0 ? workloads : workloads.filter(({ id }) => ids.includes(id));
}

/** Ours and the peers' in turn, so that a machine that slows down slows everyone. */
async function alternate(
  one: Case,
  peers: readonly Peer[],
  { repetitions, seconds }: Options,
): Promise<{ readonly ours: Figure; readonly theirs: ReadonlyMap<Peer, Figure> }> {
  const own = () => one.measure?.(seconds) ?? rate(() => one.step(), one.work, seconds);
  const ours: number[] = [];
  const theirs = new Map<Peer, number[]>(peers.map((peer) => [peer, []]));
  own();
  for (let repetition = 0; repetition < repetitions; repetition += 1) {
    ours.push(own());
    for (const [peer, figures] of theirs) {
      const figure = await peer.measure(one.name, seconds);
      if (figure !== undefined) figures.push(figure);
    }
  }
  const known = [...theirs].filter(([, figures]) => figures.length > 0);
  return { ours: summary(ours), theirs: new Map(known.map(([peer, figures]) => [peer, summary(figures)])) };
}

const number = (value: number) => value.toLocaleString('en-US', { maximumSignificantDigits: 4 });
const round = (value: number) => Number(value.toPrecision(4));

function show(result: Result): void {
  const { peer, workload, median, min, max, unit, gflops, share } = result;
  const reached =
    gflops === undefined ? '' : `   ${gflops.toFixed(1)} GFLOP/s, ${(100 * (share ?? 0)).toFixed(0)} % of the peak`;
  const name = peer === 'oxbow' ? workload : `  ${peer}`;
  console.log(
    `${name.padEnd(28)} ${number(median).padStart(10)} ${unit.padEnd(8)} (${number(min)} … ${number(max)})${reached}`,
  );
}

async function run(one: Case, peers: readonly Peer[], options: Options, peak: number): Promise<void> {
  one.check();
  const { ours, theirs } = await alternate(one, peers, options);
  one.release?.();
  const { threads, tier } = machine();
  // A time tells operations a microsecond, anything else operations a second.
  const gflops = round(one.unit === 'us/char' ? one.flop / ours.median / 1e3 : (ours.median * one.flop) / 1e9);
  const common = { workload: one.name, unit: one.unit };
  const results: readonly Result[] = [
    { peer: 'oxbow', threads, tier, ...common, ...ours, gflops, share: round(gflops / peak) },
    ...[...theirs].map(([{ name }, figure]) => ({ peer: name, threads, ...common, ...figure })),
  ];
  for (const result of results) {
    if (options.json) console.log(JSON.stringify(result));
    else show(result);
  }
  if (theirs.size === 0) return;
  const medians = [...theirs.values()].map(({ median }) => median);
  const ratio = one.unit === 'us/char' ? Math.min(...medians) / ours.median : ours.median / Math.max(...medians);
  if (options.json) console.log(JSON.stringify({ workload: one.name, ratio: round(ratio) }));
  else console.log(`  × ${ratio.toFixed(2)} the best of them`);
}

/** What PyTorch is at its best with, by workload: one thread of its own. */
async function startPeers(threads: number): Promise<readonly Peer[]> {
  const wide = readFileSync('/proc/cpuinfo', 'utf8').includes('avx512f');
  const starts = [torch(1, threads, false), ...(wide ? [torch(1, threads, true)] : [])];
  const peers: Peer[] = [];
  for (const start of starts) {
    const peer = await startPeer(start);
    if (peer !== undefined) peers.push(peer);
  }
  if (peers.length === 0) program.error('error: no peer is installed; bench/README.md says how.', { exitCode: 2 });
  return peers;
}

const options = program.opts<Options>();
const chosen = select(program.args);
try {
  const { threads, tier } = configure({
    ...(options.threads && { threads: options.threads }),
    ...(options.tier && { tier: options.tier }),
  });
  const peers = options.peers ? await startPeers(threads) : [];
  const peak = measuredPeak();
  if (!options.json) {
    const node = process.versions.node;
    console.log(`Oxbow, ${tier} tier, ${threads} threads, Node ${node}; measured peak ${peak.toFixed(0)} GFLOP/s`);
  }
  for (const workload of chosen) for (const one of workload.cases()) await run(one, peers, options, peak);
} catch (error) {
  program.error(`error: ${error instanceof Error ? error.message : String(error)}`, { exitCode: 2 });
}
process.exit(0);
