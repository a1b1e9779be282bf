/** Attention by heads, and its derivative. */
import type { Arguments } from './arguments.js';
import { fork } from './fork.js';
import type { Machine } from './machine-type.js';

/** Where everything lies, and how much of it there is; addresses that are 0 stand for nothing. */
export interface Attention {
  readonly q: number;
  readonly k: number;
  readonly v: number;
  readonly pastKeys: number;
  readonly pastValues: number;
  /** How many steps of the past there have been, one number a lane. */
  readonly known: number;
  readonly mask: number;
  readonly y: number;
  readonly queries: number;
  readonly keys: number;
  readonly lanes: number;
  readonly features: number;
  readonly heads: number;
  /** Steps that the past has room for. */
  readonly before: number;
  readonly causal: boolean;
  /** Weights that are set to 0 at random: the share that stays, and what the draws follow from. */
  readonly drop?: { readonly keep: number; readonly key: number } | undefined;
  readonly scratch: number;
}

/** Where gradients lie and go; those of the past are 0 where they are not wanted. */
export interface AttentionGradients {
  readonly y: number;
  readonly q: number;
  readonly k: number;
  readonly v: number;
  readonly pastKeys: number;
  readonly pastValues: number;
}

type Sizes = Pick<Attention, 'features' | 'heads' | 'keys' | 'before'>;

const roundUp = (value: number, unit: number) => Math.ceil(value / unit) * unit;

/** Queries that the kernel takes at a time. */
const BLOCK = 32;

/** Numbers of working memory that a member needs at most: a head's rows and panels, a block's scores. */
function scratchOf({ features, heads, keys, before }: Sizes): number {
  const count = before + keys;
  const width = features / heads;
  const [columns, across] = [roundUp(count, 16), roundUp(width, 16)];
  const blocks = 2 * BLOCK * (columns + 16) + 2 * BLOCK * across;
  return roundUp(count + 4 * count * width + 3 * columns * across + blocks + 16 * 16, 16);
}

/** Numbers of working memory for all members. */
export const attentionScratch = (machine: Machine, sizes: Sizes): number => machine.threads * scratchOf(sizes);

/** Multiply-adds below which one thread does it all. */
const WORTH_SHARING = 100_000;

/** Where everything lies, as the jobs take it. */
function valuesOf(a: Attention): Arguments<'attention'> {
  const { q, k, v, pastKeys, pastValues, known, mask, y, queries, keys, lanes, features, heads, before, causal } = a;
  return {
    q,
    k,
    v,
    pastKeys,
    pastValues,
    known,
    mask,
    y,
    queries,
    keys,
    lanes,
    features,
    heads,
    before,
    causal,
    scratch: a.scratch,
    scratchBytes: 4 * scratchOf(a),
    scale: Math.sqrt(heads / features),
    dropKey: a.drop?.key ?? 0,
    dropThreshold: a.drop ? Math.min(Math.ceil(a.drop.keep * 0x1_0000_0000), 0xffff_ffff) : 0,
    dropFactor: a.drop ? 1 / a.drop.keep : 0,
  };
}

/** Heads that a thread takes at a time. */
function grainOf({ queries, before, keys, features, lanes, heads }: Attention): number {
  const work = 2 * queries * (before + keys) * features * lanes;
  return work < WORTH_SHARING ? lanes * heads : 1;
}

/** y = softmax(q·kᵀ/√d)·v for each head of each lane. */
export function attention(machine: Machine, a: Attention): void {
  fork(machine, 'attention', valuesOf(a), a.lanes * a.heads, grainOf(a));
}

/** The gradients of q, k and v (and of the past) from that of y. */
export function attentionAdjoint(machine: Machine, a: Attention, gradients: AttentionGradients): void {
  const { y: dy, q: dq, k: dk, v: dv, pastKeys: dPastKeys, pastValues: dPastValues } = gradients;
  const values = { ...valuesOf(a), dy, dq, dk, dv, dPastKeys, dPastValues };
  fork(machine, 'attentionAdjoint', values, a.lanes * a.heads, grainOf(a));
}
