/** What was measured, for people or for machines. */
import type { Setting } from './bars.js';
import type { Figure } from './measure.js';
import type { Outcome } from './run.js';
import type { Case } from './workload.js';

export const number = (value: number): string => value.toLocaleString('en-US', { maximumSignificantDigits: 4 });
export const round = (value: number): number => Number(value.toPrecision(4));
export const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;

/** With a decimal prefix: 1430000 'FLOP' is 1.43 MFLOP. */
export function prefixed(value: number, unit: string): string {
  const prefixes = ['', 'k', 'M', 'G', 'T'];
  const power = Math.min(prefixes.length - 1, Math.max(0, Math.floor(Math.log10(value) / 3)));
  return `${Number((value / 1000 ** power).toPrecision(3))} ${prefixes[power]}${unit}`;
}

const workUnits: Readonly<Record<Case['unit'], string>> = {
  'GFLOP/s': 'product',
  'chars/s': 'character',
  'us/char': 'character',
  'words/s': 'word',
  'images/s': 'image',
  'steps/s': 'step',
};

const line = (name: string, unit: string, { median, min, max }: Figure) =>
  `${name.padEnd(28)} ${number(median).padStart(10)} ${unit.padEnd(8)} (${number(min)} … ${number(max)})`;

/** FLOP of what the figure counts; a product is counted whole. */
const flopOf = ({ unit, flop, work }: Case) => (unit === 'GFLOP/s' ? work * flop : flop);

const times = (ratio: number) => `× ${ratio.toFixed(2)}`;

/** The lines of a case. */
export function lines(one: Case, { ours, theirs, absent, comparison }: Outcome): readonly string[] {
  const each = workUnits[one.unit];
  const { gflops, share, traffic, bar } = ours;
  const result = [line(one.name, one.unit, ours)];
  result.push(`  ${prefixed(flopOf(one), 'FLOP')} a ${each}: ${number(gflops)} GFLOP/s, ${percent(share)} of the peak`);
  if (traffic !== undefined) {
    const { gbytes, bandwidth } = traffic;
    result.push(
      `  ${prefixed(one.bytes as number, 'B')} of weights a ${each}: ${number(gbytes)} GB/s, ` +
        `${percent(traffic.share)} of the ${number(bandwidth)} GB/s measured`,
    );
  }
  for (const { peer, figure, ratio } of theirs) result.push(`${line(`  ${peer}`, one.unit, figure)}   ${times(ratio)}`);
  const unknown = absent.filter(({ why }) => why === 'unknown').map(({ peer }) => peer);
  if (unknown.length > 0) result.push(`  not a case of ${unknown.join(', ')}`);
  for (const { peer, why } of absent) if (why !== 'unknown') result.push(`  ${peer} failed: ${why}`);
  if (comparison !== undefined) {
    const { ratio, against, reached } = comparison;
    const held = comparison.bar === undefined ? '' : `; bar ${comparison.bar} ×: ${reached ? 'reached' : 'short'}`;
    result.push(`  ${times(ratio)} ${against}${held}`);
  } else if (bar !== undefined) result.push(`  bar: ${bar} × PyTorch`);
  return result;
}

/** A figure as it is written for machines. */
export const figures = ({ median, min, max }: Figure) => ({ median: round(median), min: round(min), max: round(max) });

/** The records of a case: ours, each peer's, and the comparison. */
export function records(one: Case, outcome: Outcome, { kind, tier, threads }: Setting): readonly object[] {
  const { ours, theirs, absent, comparison } = outcome;
  const { gflops, share, traffic, bar } = ours;
  const common = { workload: one.name, unit: one.unit };
  const own = {
    peer: 'oxbow',
    threads,
    tier,
    ...common,
    ...figures(ours),
    flop: flopOf(one),
    gflops: round(gflops),
    share: round(share),
    ...(traffic && {
      bytes: one.bytes,
      gbytes: round(traffic.gbytes),
      bandwidth: round(traffic.bandwidth),
      bandwidthShare: round(traffic.share),
    }),
    ...(bar !== undefined && { bar }),
  };
  return [
    own,
    ...theirs.map(({ peer, figure, ratio }) => ({ peer, ...common, ...figures(figure), ratio: round(ratio) })),
    ...absent.map(({ peer, why }) => ({ peer, workload: one.name, error: why })),
    ...(comparison ? [{ workload: one.name, kind, ...comparison, ratio: round(comparison.ratio) }] : []),
  ];
}
