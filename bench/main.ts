/**
 * `npm run bench`: the workloads, ours and on request the peers' beside them; and how time scales.
 *
 * Exit codes: 0; 1 where a result is wrong or a measurement fails; 2 where what was asked for cannot be done.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import * as E from 'fp-ts/lib/Either.js';
import { configure, type Machine } from '../src/index.js';
import { fail as endWith } from './arguments.js';
import { kindOf } from './bars.js';
import { keyedStreams } from './keyed.js';
import { kit } from './kit.js';
import { type Options, parseOptions, type TableId } from './options.js';
import { measuredPeak } from './peak.js';
import { type Peer, startPeers } from './peers.js';
import { progress } from './progress.js';
import { recurrences } from './recurrences.js';
import { lines, records } from './report.js';
import { currentSetting, run } from './run.js';
import { scaling } from './scaling/scaling.js';
import type { TableOptions } from './table.js';
import type { Workload } from './workload.js';
import { convolution } from './workloads/convolution.js';
import { inference } from './workloads/inference.js';
import { products } from './workloads/products.js';
import { training } from './workloads/training.js';
import { transformer } from './workloads/transformer.js';

const workloads: readonly Workload[] = [products, ...training, ...convolution, ...transformer, ...inference];
const tables: Readonly<Record<TableId, (options: TableOptions) => void | Promise<void>>> = {
  scaling,
  kit,
  keyed: keyedStreams,
  recurrences,
};
const kind = kindOf(process.platform === 'linux' ? readFileSync('/proc/cpuinfo', 'utf8') : '');

function fail(message: string, exitCode: 1 | 2): never {
  return endWith('bench', message, exitCode);
}

function machineFor({ threads, tier }: Options): Machine {
  try {
    return configure({ ...(threads && { threads }), ...(tier && { tier }) });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return fail(message.replace(/^configure: /, '--threads, --tier: '), 2);
  }
}

async function peersOf(options: Options, threads: number): Promise<readonly Peer[]> {
  if (!options.peers) return [];
  const { peers, missing } = await startPeers({ threads, wide: kind === 'X', allSettings: options.allSettings });
  if (peers.length === 0) fail('no peer is installed; bench/README.md says how.', 2);
  if (!options.json) {
    console.log(`Peers: ${peers.map(({ name }) => name).join(', ')}`);
    if (missing.length > 0) console.log(`Not installed: ${missing.join(', ')}`);
  }
  return peers;
}

async function measure(options: Options): Promise<void> {
  const processors = availableParallelism();
  const { threads, tier } = machineFor(options);
  const setting = currentSetting(kind, processors);
  const peak = measuredPeak();
  const live = progress();
  const print = (text: readonly string[], values: readonly object[]) => {
    live.clear();
    for (const one of options.json ? values.map((value) => JSON.stringify(value)) : text) console.log(one);
  };
  const processor = cpus()[0]?.model.trim() ?? 'an unknown processor';
  const node = process.versions.node;
  print(
    [
      `Oxbow on ${processor} (kind ${kind}, ${processors} processors), Node ${node}`,
      `${tier} tier, ${threads} thread${threads === 1 ? '' : 's'}; measured peak ${peak.toFixed(0)} GFLOP/s`,
    ],
    [{ processor, kind, processors, node, tier, threads, peak: Number(peak.toPrecision(4)) }],
  );
  const peers = await peersOf(options, threads);
  try {
    const { repetitions, seconds } = options;
    const chosen = workloads.filter(({ id }) => options.workloads.includes(id));
    for (const workload of chosen) {
      for (const one of workload.cases()) {
        const outcome = await run(one, { peers, repetitions, seconds, setting, peak, progress: live });
        print(lines(one, outcome), records(one, outcome, setting));
      }
    }
    for (const id of options.tables) await tables[id]({ repetitions, seconds, threads, peak, progress: live, print });
  } finally {
    for (const peer of peers) peer.stop();
  }
}

const options = parseOptions(process.argv.slice(2), workloads);
if (E.isLeft(options)) fail(options.left, 2);
if (options.right === 'help') process.exit(0);
// The reader of stdout has closed it (`| head`).
process.stdout.on('error', () => process.exit(0));
await measure(options.right).catch((error: unknown) => fail(error instanceof Error ? error.message : String(error), 1));
process.exit(0);
