/** `npm run bench`: the workloads, ours and on request the peers' beside them. */
import { Command, InvalidArgumentError } from 'commander';
import { configure, machine, type Tier } from '../src/index.js';
import { type Budget, throughput } from './measure.js';
import { measuredPeak } from './peak.js';
import type { Case, Result, Workload } from './workload.js';
import { products } from './workloads/products.js';
import { training } from './workloads/training.js';

const workloads: readonly Workload[] = [products, ...training];

interface Options {
  readonly json?: true;
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
  .option('--threads <n>', 'threads, this one included; default: all processors', wholeNumber)
  .option('--tier <tier>', 'wide, fma or simd; default: the best that works here')
  .option('--repetitions <n>', 'repetitions that are counted', wholeNumber, 7)
  .option('--seconds <s>', 'seconds a repetition takes at least', duration, 0.4)
  .showHelpAfterError()
  .parse();

function select(ids: readonly string[]): readonly Workload[] {
  const unknown = ids.find((id) => !workloads.some((workload) => workload.id === id));
  if (unknown !== undefined) {
    program.error(`error: there is no workload ${unknown}; there are ${workloads.map(({ id }) => id).join(', ')}.`, {
      exitCode: 2,
    });
  }
  return ids.length === 0 ? workloads : workloads.filter(({ id }) => ids.includes(id));
}

function measure(one: Case, budget: Budget, peak: number): Result {
  one.check();
  const figure = throughput(() => one.step(), one.work, budget);
  one.release?.();
  const { threads, tier } = machine();
  const gflops = (figure.median * one.flop) / 1e9;
  return { peer: 'oxbow', threads, tier, workload: one.name, unit: one.unit, ...figure, gflops, share: gflops / peak };
}

const round = (value: number) => Number(value.toPrecision(4));

function show(result: Result, json: boolean): void {
  if (json) {
    const { gflops = 0, share = 0 } = result;
    console.log(JSON.stringify({ ...result, gflops: round(gflops), share: round(share) }));
    return;
  }
  const { workload, median, min, max, unit, gflops = 0, share = 0 } = result;
  const number = (value: number) => value.toLocaleString('en-US', { maximumSignificantDigits: 4 });
  console.log(
    `${workload.padEnd(28)} ${number(median).padStart(10)} ${unit.padEnd(8)} (${number(min)} … ${number(max)})` +
      `   ${gflops.toFixed(1)} GFLOP/s, ${(100 * share).toFixed(0)} % of the peak`,
  );
}

const options = program.opts<Options>();
const chosen = select(program.args);
try {
  const { threads, tier } = configure({
    ...(options.threads && { threads: options.threads }),
    ...(options.tier && { tier: options.tier }),
  });
  const peak = measuredPeak();
  if (!options.json)
    console.log(
      `Oxbow, ${tier} tier, ${threads} threads, Node ${process.versions.node}; measured peak ${peak.toFixed(0)} GFLOP/s`,
    );
  for (const workload of chosen)
    for (const one of workload.cases()) show(measure(one, options, peak), options.json === true);
} catch (error) {
  program.error(`error: ${error instanceof Error ? error.message : String(error)}`, { exitCode: 2 });
}
process.exit(0);
