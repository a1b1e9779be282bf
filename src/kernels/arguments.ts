/**
 * The jobs that a team can be asked for, and the arguments of each: one 32-bit word a field, in this order. Both sides follow
 * from this table. Here it types what `fork` takes; `scripts/arguments.mjs` makes of it the structs that the kernels read, the
 * jobs' numbers and the dispatch on them.
 *
 * Addresses that are 0 stand for nothing. Sizes, strides and leading dimensions count numbers.
 */

import {
  attention,
  type Description,
  deltaRule,
  extended,
  type Fields,
  orthonormal,
  paths,
  pathsAdjoint,
  pooling,
  product,
  sliding,
  struct,
} from './structs.js';

/** What each job takes. A job's number is its place here. */
export const jobs = {
  gemm: product,
  batchedGemm: extended(product, 'BatchedProduct', {
    /** From one matrix to the next; 0 repeats an operand. */
    aStride: 'int',
    bStride: 'int',
    cStride: 'int',
  }),
  pack: struct('Pack', { b: 'address', ldb: 'int', transposed: 'flag', n: 'int', k: 'int', target: 'address' }),
  unary: struct('Unary', { x: 'address', y: 'address', op: 'int' }),
  affine: struct('Affine', { x: 'address', y: 'address', scale: 'float', shift: 'float' }),
  binary: struct('Binary', { a: 'address', b: 'address', y: 'address', op: 'int', form: 'int', inner: 'int' }),
  copyBlock: struct('CopyBlock', { x: 'address', xStride: 'int', y: 'address', yStride: 'int', columns: 'int' }),
  fill: struct('Fill', { y: 'address', value: 'float' }),
  bernoulli: struct('Bernoulli', { y: 'address', key: 'int', threshold: 'int', always: 'flag' }),
  sumTrailing: struct('SumTrailing', { x: 'address', y: 'address', rows: 'int', columns: 'int' }),
  sumRows: struct('SumRows', { x: 'address', y: 'address', columns: 'int' }),
  /** `partial` is float64. */
  sumBlocks: struct('SumBlocks', { x: 'address', partial: 'address', size: 'int' }),
  sumFinish: struct('SumFinish', { partial: 'address', blocks: 'int', y: 'address' }),
  gather: struct('Gather', { table: 'address', ids: 'address', y: 'address', columns: 'int' }),
  scatterAdd: struct('ScatterAdd', { gradient: 'address', ids: 'address', count: 'int', y: 'address', columns: 'int' }),
  softmax: struct('Softmax', { x: 'address', y: 'address', columns: 'int' }),
  softmaxAdjoint: struct('SoftmaxAdjoint', { gradient: 'address', y: 'address', result: 'address', columns: 'int' }),
  crossEntropy: struct('CrossEntropy', { logits: 'address', targets: 'address', y: 'address', columns: 'int' }),
  crossEntropyAdjoint: struct('CrossEntropyAdjoint', {
    gradient: 'address',
    logits: 'address',
    targets: 'address',
    result: 'address',
    columns: 'int',
  }),
  sample: struct('Sample', {
    logits: 'address',
    /** A `Drawing` for each row, as `writeDrawing` puts it there. */
    drawings: 'address',
    ids: 'address',
    scratch: 'address',
    columns: 'int',
  }),
  /** `partial` is float64. */
  squares: struct('Squares', { spans: 'address', partial: 'address', stages: 'address', howMany: 'int' }),
  update: struct('Update', {
    spans: 'address',
    rule: 'int',
    sparsePolicy: 'int',
    slots: 'int',
    zeros: 'address',
    stages: 'address',
    howMany: 'int',
    /** The rule's own. */
    numbers: 'floats',
  }),
  lstmForward: struct('LstmForward', {
    z: 'address',
    wh: 'address',
    packed: 'flag',
    gates: 'address',
    cells: 'address',
    states: 'address',
    steps: 'int',
    batch: 'int',
    units: 'int',
    ids: 'address',
    forget: 'int',
    peepholes: 'address',
    /** 0 where nothing is normalised; then the two that follow are not asked for. */
    norms: 'address',
    epsilon: 'float',
    product: 'address',
    normed: 'address',
  }),
  lstmBackward: struct('LstmBackward', {
    dy: 'address',
    wht: 'address',
    packed: 'flag',
    gates: 'address',
    cells: 'address',
    dz: 'address',
    dh: 'address',
    dc: 'address',
    steps: 'int',
    batch: 'int',
    units: 'int',
    forget: 'int',
    peepholes: 'address',
    slopes: 'address',
    /** 0 where nothing is normalised; then those that follow are not asked for. */
    norms: 'address',
    epsilon: 'float',
    product: 'address',
    normed: 'address',
    du: 'address',
    dn: 'address',
    known: 'address',
  }),
  gruForward: struct('GruForward', {
    x: 'address',
    wh: 'address',
    packed: 'flag',
    wn: 'address',
    bn: 'address',
    gates: 'address',
    states: 'address',
    steps: 'int',
    batch: 'int',
    units: 'int',
    product: 'address',
    ids: 'address',
  }),
  gruBackward: struct('GruBackward', {
    dy: 'address',
    wht: 'address',
    packed: 'flag',
    wnt: 'address',
    gates: 'address',
    states: 'address',
    dx: 'address',
    du: 'address',
    dh: 'address',
    steps: 'int',
    batch: 'int',
    units: 'int',
    working: 'address',
  }),
  rnnForward: struct('RnnForward', {
    z: 'address',
    wh: 'address',
    packed: 'flag',
    states: 'address',
    steps: 'int',
    batch: 'int',
    units: 'int',
    ids: 'address',
  }),
  rnnBackward: struct('RnnBackward', {
    dy: 'address',
    wht: 'address',
    packed: 'flag',
    y: 'address',
    dz: 'address',
    dh: 'address',
    steps: 'int',
    batch: 'int',
    units: 'int',
  }),
  transpose: struct('Transpose', { x: 'address', y: 'address', rows: 'int', columns: 'int' }),
  oneHot: struct('OneHot', { ids: 'address', y: 'address', columns: 'int' }),
  convolution: extended(sliding, 'Convolution', {
    /** In panels, as those of the adjoint. */
    weights: 'address',
    bias: 'address',
    y: 'address',
    outputs: 'int',
    relu: 'flag',
  }),
  /** The image is the input's gradient, without zeros around it. */
  convolutionInputAdjoint: extended(sliding, 'ConvolutionInputAdjoint', {
    above: 'int',
    before: 'int',
    /** Transposed. */
    weights: 'address',
    dy: 'address',
    outputs: 'int',
    bandRows: 'int',
    /** Of an image. */
    bands: 'int',
  }),
  convolutionWeightsAdjoint: extended(sliding, 'ConvolutionWeightsAdjoint', {
    dy: 'address',
    /** `[kh·kw·C + 1, O]`: the last row is the bias's. */
    result: 'address',
    outputs: 'int',
    pixels: 'int',
    cellRows: 'int',
    cellColumns: 'int',
  }),
  pad: struct('Pad', {
    x: 'address',
    y: 'address',
    height: 'int',
    /** Numbers of a row of x, and of y. */
    line: 'int',
    rows: 'int',
    paddedLine: 'int',
    /** Rows of zeros above, and numbers of zeros before a row. */
    above: 'int',
    before: 'int',
  }),
  maxPooling: pooling,
  maxPoolingAdjoint: pooling,
  meanPooling: pooling,
  meanPoolingAdjoint: pooling,
  attention,
  attentionAdjoint: extended(attention, 'AttentionAdjoint', {
    dy: 'address',
    dq: 'address',
    dk: 'address',
    dv: 'address',
    dPastKeys: 'address',
    dPastValues: 'address',
  }),
  layerNorm: struct('LayerNorm', {
    x: 'address',
    gain: 'address',
    bias: 'address',
    y: 'address',
    columns: 'int',
    epsilon: 'float',
  }),
  layerNormAdjoint: struct('LayerNormAdjoint', {
    gradient: 'address',
    x: 'address',
    gain: 'address',
    dx: 'address',
    columns: 'int',
    epsilon: 'float',
    /** Of each row, its mean and inverse deviation: what the sums need. */
    known: 'address',
  }),
  layerNormSums: struct('LayerNormSums', {
    gradient: 'address',
    x: 'address',
    known: 'address',
    dgain: 'address',
    dbias: 'address',
    rows: 'int',
    columns: 'int',
  }),
  scan: struct('Scan', { a: 'address', b: 'address', h: 'address', y: 'address', steps: 'int', columns: 'int' }),
  scanAdjoint: struct('ScanAdjoint', {
    gradient: 'address',
    a: 'address',
    y: 'address',
    h: 'address',
    da: 'address',
    db: 'address',
    dh: 'address',
    steps: 'int',
    columns: 'int',
  }),
  deltaRule: extended(deltaRule, 'DeltaRule', { y: 'address', last: 'address' }),
  deltaRuleAdjoint: extended(deltaRule, 'DeltaRuleAdjoint', {
    dy: 'address',
    dLast: 'address',
    dState: 'address',
    dq: 'address',
    dk: 'address',
    dv: 'address',
    dDecay: 'address',
    dRate: 'address',
    /** Steps between memories that are kept. */
    spacing: 'int',
  }),
  swapAxes: struct('SwapAxes', { x: 'address', y: 'address', outer: 'int', inner: 'int', columns: 'int' }),
  /** Items are lanes: parts of their records to or from blocks that have a row a lane. */
  moveRecords: struct('MoveRecords', {
    /** Addresses of records, one a lane. */
    records: 'address',
    /** Three words each: its offset in a record, its block's address, its bytes. */
    parts: 'address',
    howMany: 'int',
    /** Whether into the records. */
    back: 'flag',
  }),
  countFrom: struct('CountFrom', { start: 'address', ids: 'address', lanes: 'int', below: 'int' }),
  chainPowers: struct('ChainPowers', { transitions: 'address', powers: 'address', tops: 'address', count: 'int' }),
  /** `totals` is float64 `[B]`. */
  chain: extended(paths, 'Chain', { totals: 'address' }),
  chainAdjoint: pathsAdjoint,
  chainTransitions: pathsAdjoint,
  orthonormalPanel: orthonormal,
  freeOfPanel: orthonormal,
  fail: struct('Fail', {}),
  straggle: struct('Straggle', { y: 'address', chunks: 'int', held: 'flag' }),
} as const satisfies Readonly<Record<string, Description>>;

export type JobName = keyof typeof jobs;

/** The numbers that jobs go by. */
export const Job = Object.fromEntries(Object.keys(jobs).map((name, k) => [name, k])) as Readonly<
  Record<JobName, number>
>;

interface Given {
  readonly address: number;
  readonly int: number;
  readonly flag: boolean;
  readonly float: number;
  readonly floats: readonly number[];
}

type ValuesOf<F extends Fields> = { readonly [Name in keyof F]: Given[F[Name]] };

/** The arguments of a job. */
export type Arguments<J extends JobName> = ValuesOf<(typeof jobs)[J]['fields']>;

/** Where arguments are written: the machine's memory as numbers, and an index in it. */
export interface ArgumentMemory {
  readonly ints: Int32Array;
  readonly floats: Float32Array;
  readonly arguments: number;
}

/** What writes each job's arguments. */
export type Writers = { readonly [J in JobName]: (words: ArgumentMemory, values: Arguments<J>) => void };
