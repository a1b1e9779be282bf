/** What each workload has to reach, as a multiple of PyTorch's figure, and whether it did. */
import type { Figure } from './measure.js';
import type { Case } from './workload.js';

/** The two kinds of processor that bars are set for: X has AVX-512, which PyTorch and OpenBLAS use by themselves. */
export type Kind = 'E' | 'X';

export const kindOf = (cpuinfo: string): Kind => (/\bavx512f\b/.test(cpuinfo) ? 'X' : 'E');

const bars: Readonly<Record<string, Readonly<Record<Kind, number>>>> = {
  W1: { E: 1, X: 1 },
  'W2 rnn128': { E: 4, X: 2.7 },
  'W3 lstm128x2': { E: 4, X: 3 },
  'W3b lstm512x2': { E: 2.2, X: 1.4 },
  'W3g gru128x2': { E: 4, X: 2.7 },
  'W3o online lstm128 B1 T32': { E: 20, X: 9 },
  'W4 word lstm500x2': { E: 2.5, X: 1.5 },
  'W5 lstm128x1': { E: 20, X: 10 },
  'W5 lstm512x2': { E: 4, X: 2.5 },
  W6: { E: 3, X: 2 },
  W7: { E: 1.8, X: 1.3 },
  W8: { E: 2.5, X: 2.2 },
};

/** OpenBLAS on one core. */
const ONE_THREAD_PRODUCT = 0.95;

/** How we were run. */
export interface Setting {
  readonly kind: Kind;
  readonly tier: string;
  readonly threads: number;
  readonly processors: number;
}

const workloadOf = (name: string) => name.split(' ')[0] as string;

/** The bar of a case; undefined where none is set: bars are for the wide tier on all processors, W1's for one thread too. */
export function barOf(name: string, { kind, tier, threads, processors }: Setting): number | undefined {
  if (tier !== 'wide') return undefined;
  const bar = (bars[name] ?? bars[workloadOf(name)])?.[kind];
  if (threads === processors) return bar;
  return threads === 1 && workloadOf(name) === 'W1' ? ONE_THREAD_PRODUCT : undefined;
}

/** What of a peer decides whether it is the one to compare with. */
export interface Contender {
  readonly name: string;
  /** The vectors that PyTorch works with: the processor's own, or held to AVX2. Undefined for other peers. */
  readonly vectors?: 'own' | 'AVX2';
}

export interface Comparison {
  /** How many times as fast as PyTorch at its best setting, or as the best of the others where it did not run. */
  readonly ratio: number;
  readonly against: string;
  readonly bar?: number;
  readonly reached?: boolean;
}

/** How many times as fast ours is as theirs. */
export function ratioOf(unit: Case['unit'], ours: number, theirs: number): number {
  return unit === 'us/char' ? theirs / ours : ours / theirs;
}

/**
 * Whether a case is to be compared with a peer. WebAssembly's vectors end at 256 bits, so on X a product is compared with
 * OpenBLAS held to AVX2; everything else with PyTorch as it comes.
 */
function counts(name: string, { vectors }: Contender, kind: Kind): boolean {
  if (vectors === undefined) return true;
  return vectors === (kind === 'X' && workloadOf(name) === 'W1' ? 'AVX2' : 'own');
}

/**
 * Ours beside PyTorch's best by medians, and beside the best of the other peers where PyTorch did not run: then no bar is
 * judged. Undefined where no peer was measured.
 */
export function compare(
  { name, unit }: Pick<Case, 'name' | 'unit'>,
  ours: Figure,
  theirs: Iterable<readonly [Contender, Figure]>,
  setting: Setting,
): Comparison | undefined {
  const ratios = [...theirs]
    .filter(([peer]) => counts(name, peer, setting.kind))
    .map(([peer, { median }]) => ({ peer, ratio: ratioOf(unit, ours.median, median) }));
  const pytorch = ratios.filter(({ peer }) => peer.vectors !== undefined);
  const [first, ...rest] = pytorch.length > 0 ? pytorch : ratios;
  if (first === undefined) return undefined;
  const { peer, ratio } = rest.reduce((least, other) => (other.ratio < least.ratio ? other : least), first);
  const result = { ratio, against: peer.name };
  const bar = barOf(name, setting);
  return bar === undefined || pytorch.length === 0 ? result : { ...result, bar, reached: ratio >= bar };
}
