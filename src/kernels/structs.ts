/** What the arguments of several jobs have in common, and what such a description is made of; the jobs are in `arguments.ts`. */

/** What a field holds: an address in the machine's memory, an int32, 0 or 1, a float32, or (as the last one) float32s up to the end. */
export type FieldKind = 'address' | 'int' | 'flag' | 'float' | 'floats';

export type Fields = Readonly<Record<string, FieldKind>>;

/** A struct's name and its fields, after those of the one that it extends. */
export interface Description<F extends Fields = Fields> {
  readonly name: string;
  readonly fields: F;
  readonly extends: Description | undefined;
}

export function struct<const F extends Fields>(name: string, fields: F): Description<F> {
  return { name, fields, extends: undefined };
}

export function extended<B extends Fields, const F extends Fields>(
  base: Description<B>,
  name: string,
  fields: F,
): Description<B & F> {
  return { name, fields: { ...base.fields, ...fields }, extends: base };
}

export const product = struct('Product', {
  a: 'address',
  lda: 'int',
  aTransposed: 'flag',
  b: 'address',
  ldb: 'int',
  /** An `OperandLayout`. */
  layout: 'int',
  c: 'address',
  ldc: 'int',
  m: 'int',
  n: 'int',
  k: 'int',
  accumulate: 'flag',
  /** A multiple of 16. */
  cellColumns: 'int',
  cellRows: 'int',
  /** `[n]`. */
  bias: 'address',
});

/** Images `[N, H, W, C]` and a window that moves over them. */
export const sliding = struct('Sliding', {
  image: 'address',
  height: 'int',
  width: 'int',
  channels: 'int',
  /** Rows and columns of the result. */
  down: 'int',
  across: 'int',
  windowHeight: 'int',
  windowWidth: 'int',
  strideY: 'int',
  strideX: 'int',
});

/** Adjoints have gradients in the place of x and y. */
export const pooling = struct('Pooling', {
  x: 'address',
  y: 'address',
  height: 'int',
  width: 'int',
  channels: 'int',
  /** Rows and columns of the result. */
  down: 'int',
  across: 'int',
  windowHeight: 'int',
  windowWidth: 'int',
  strideY: 'int',
  strideX: 'int',
  /** Of the maximum: where it was within its image (int32). */
  places: 'address',
});

export const attention = struct('Attention', {
  q: 'address',
  k: 'address',
  v: 'address',
  pastKeys: 'address',
  pastValues: 'address',
  /** How much of the past there is, one float32 a lane. */
  known: 'address',
  mask: 'address',
  y: 'address',
  queries: 'int',
  keys: 'int',
  lanes: 'int',
  features: 'int',
  heads: 'int',
  /** Length of the past. */
  before: 'int',
  causal: 'flag',
  scratch: 'address',
  /** Bytes of it that a member has. */
  scratchBytes: 'int',
  scale: 'float',
  dropKey: 'int',
  dropThreshold: 'int',
  /** 0 where no weights are dropped. */
  dropFactor: 'float',
});

/** Heads of all lanes, one after the other: queries and keys `[T, heads, K]`, values `[T, heads, V]`, decays and rates `[T, heads]`. */
export const deltaRule = struct('DeltaOperands', {
  /** Before the first step, `[heads, K, V]`. */
  state: 'address',
  q: 'address',
  k: 'address',
  v: 'address',
  decay: 'address',
  rate: 'address',
  steps: 'int',
  heads: 'int',
  keys: 'int',
  values: 'int',
  scratch: 'address',
  /** Bytes of it that a member has. */
  scratchBytes: 'int',
});

/** Rows within are those of steps, lane by lane, as wide as there are tags; S stands for N made up to whole groups of eight. */
export const paths = struct('Paths', {
  steps: 'int',
  batch: 'int',
  /** How many tags, N. */
  count: 'int',
  /** Scores `[T, B, N]`. */
  x: 'address',
  transitions: 'address',
  start: 'address',
  end: 'address',
  /** `[T, B]`; −1 after a lane's last. */
  tags: 'address',
  /** Forwards the result, backwards its gradient, `[B]`. */
  nats: 'address',
  /** Of `chainPowers`: powers `[N, N]`, and the tops of their columns. */
  powers: 'address',
  tops: 'address',
  /** The powers as a right operand, in panels. */
  into: 'address',
  /** Kept of steps: f64 `[…, B, N]`, `[…, B, S]`, `[…, B, S]`, f64 `[…, B, N]`, `[…, B, N]`. */
  logs: 'address',
  shares: 'address',
  sums: 'address',
  reached: 'address',
  bases: 'address',
  /** Of each lane, `[B, S]`: how probable its tags are at the step that is looked at. */
  last: 'address',
});

export const pathsAdjoint = extended(paths, 'PathsAdjoint', {
  /** The powers transposed, in panels. */
  outOf: 'address',
  /** `last` over the sums, `[B, S]`. */
  slopes: 'address',
  /** `[T, B, S]`, `[T, B, N]`, int32 `[T, B]`. */
  weights: 'address',
  rare: 'address',
  far: 'address',
  /** Gradients of scores, transitions and, lane by lane, of the end. */
  dx: 'address',
  dTransitions: 'address',
  dEnd: 'address',
});

export const orthonormal = struct('Orthonormal', {
  /** Float64. */
  rows: 'address',
  length: 'int',
  /** The panel: from its first row up to its end. */
  first: 'int',
  end: 'int',
  count: 'int',
  working: 'address',
});
