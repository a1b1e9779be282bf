/** From scores to tags: the best path through a chain of tags, and how probable each of its tags is. */
import type { Numbers } from '../../tensor.js';
import { type ChainTable, chainSteps } from './chain-sums.js';

/** What the scores of neighbouring tags add: from each tag to each, to the first and from the last. */
export interface ChainScores {
  /** `[N, N]`, from row to column. */
  readonly transitions: Numbers;
  readonly start: Numbers;
  readonly end: Numbers;
}

/** Which tags may follow which: `[N, N]` from row to column, and which may come first; 1 where they may. */
export interface Grammar {
  readonly follows: Uint8Array;
  readonly starts: Uint8Array;
}

/** A decoded lane: the ids of its tags, and the probability of each. */
export interface DecodedChain {
  readonly tags: Int32Array;
  readonly probabilities: Float64Array;
}

/**
 * What BIO notation allows: I-x follows B-x or I-x alone. Where a list has I-x without B-x, as in IOB1, I-x may also begin.
 *
 * Source: Ramshaw and Marcus, Text chunking using transformation-based learning (1995), with the B of each chunk's begin.
 */
export function bioGrammar(names: readonly string[]): Grammar {
  const count = names.length;
  const known = new Set(names);
  const starts = Uint8Array.from(names, (name) => (name.startsWith('I-') && known.has(`B-${name.slice(2)}`) ? 0 : 1));
  const follows = new Uint8Array(count * count);
  for (let to = 0; to < count; to += 1) {
    const slot = (names[to] as string).slice(2);
    for (let from = 0; from < count; from += 1) {
      const before = names[from] as string;
      follows[from * count + to] = starts[to] || before === `B-${slot}` || before === `I-${slot}` ? 1 : 0;
    }
  }
  return { follows, starts };
}

/** @throws RangeError where a score is not a number. */
export function chainTable(count: number, chain: ChainScores | undefined, grammar: Grammar | undefined): ChainTable {
  const never = Number.NEGATIVE_INFINITY;
  const may = (allowed: Uint8Array | undefined, k: number) => allowed === undefined || allowed[k] === 1;
  if (chain !== undefined) requireNumbers(chain);
  const scoreOf = (scores: Numbers | undefined, k: number) => (scores?.[k] as number | undefined) ?? 0;
  const each = (of: (k: number) => number) => belowTop(Float64Array.from({ length: count }, (_, k) => of(k)));
  const start = each((k) => (may(grammar?.starts, k) ? scoreOf(chain?.start, k) : never));
  const end = each((k) => scoreOf(chain?.end, k));
  // From all tags to one in a row, so that both passes run through memory from first to last.
  const into = new Float64Array(count * count);
  const tops = new Float64Array(count).fill(-Number.MAX_VALUE);
  // The chain may have grown since the scores were worked out: its rows are longer then.
  const row = chain?.start.length ?? count;
  for (let from = 0; from < count; from += 1) {
    for (let to = 0; to < count; to += 1) {
      const score = may(grammar?.follows, from * count + to) ? scoreOf(chain?.transitions, from * row + to) : never;
      into[to * count + from] = score;
      if (score > (tops[to] as number)) tops[to] = score;
    }
  }
  const powers = new Float64Array(count * count);
  for (let to = 0; to < count; to += 1) {
    const top = tops[to] as number;
    for (let k = to * count; k < (to + 1) * count; k += 1) powers[k] = Math.exp((into[k] as number) - top);
  }
  return { count, start, end, into, tops, powers };
}

function requireNumbers(chain: ChainScores): void {
  for (const part of ['transitions', 'start', 'end'] as const) {
    const at = chain[part].findIndex(Number.isNaN);
    if (at < 0) continue;
    throw new RangeError(
      `tagger: number ${at} of chain.${part} is NaN; the model has diverged: go back to weights that were saved.`,
    );
  }
}

/** Differences alone matter: what all have in common would only take their digits. */
function belowTop(scores: Float64Array): Float64Array {
  const top = scores.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  return Number.isFinite(top) ? scores.map((score) => score - top) : scores;
}

/** Decodes lanes of one model. */
export function chainDecoder(
  table: ChainTable,
): (scores: (step: number, tag: number) => number, steps: number) => DecodedChain {
  const { count, end } = table;
  return (scoreOf, length) => {
    const steps = chainSteps();
    for (let step = 0; step < length; step += 1) {
      steps.add(
        Float64Array.from({ length: count }, (_, tag) => scoreOf(step, tag)),
        table,
      );
    }
    const tags: number[] = [];
    steps.trace(tags, end);
    return { tags: Int32Array.from(tags), probabilities: steps.probabilities(tags, 0, end) };
  };
}
