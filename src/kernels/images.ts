/** Kernels of images `[N, H, W, C]`: convolution and pooling, with their adjoints. */
import { fork } from './fork.js';
import type { Machine } from './machine-type.js';

/** Multiply-adds that a thread takes at a time: about 5 µs. */
const GRAIN = 250_000;
/** Numbers that a thread takes at a time where each is only looked at. */
const CHEAP = 16_384;
/** Rows and columns of a cell of the weights' gradient at most: what a member's memory holds. */
const CELL_ROWS = 192;
const CELL_COLUMNS = 256;

/** Images, a window that moves over them, and what comes of it. */
export interface Sliding {
  readonly images: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Rows and columns of the result. */
  readonly down: number;
  readonly across: number;
  readonly windowHeight: number;
  readonly windowWidth: number;
  readonly strideY: number;
  readonly strideX: number;
  /** Zeros around an image. */
  readonly above: number;
  readonly below: number;
  readonly before: number;
  readonly after: number;
}

const roundUp = (value: number, unit: number) => Math.ceil(value / unit) * unit;

/** Numbers under a window. */
export const patchSize = ({ windowHeight, windowWidth, channels }: Sliding): number =>
  windowHeight * windowWidth * channels;

/** Pixels of all results. */
const pixelsOf = ({ images, down, across }: Sliding) => images * down * across;

/** Sizes as jobs take them. */
function sizesOf(s: Sliding) {
  const { height, width, channels, down, across, windowHeight, windowWidth, strideY, strideX } = s;
  return { height, width, channels, down, across, windowHeight, windowWidth, strideY, strideX };
}

/** The same over images that have their zeros around them already. */
export const withZeros = (s: Sliding): Sliding => ({
  ...s,
  height: s.height + s.above + s.below,
  width: s.width + s.before + s.after,
  above: 0,
  below: 0,
  before: 0,
  after: 0,
});

/** y = x with zeros around each image. */
export function pad(machine: Machine, s: Sliding, x: number, y: number): void {
  const { height, width, channels, above, before } = s;
  const { height: rows, width: columns } = withZeros(s);
  const [line, paddedLine] = [width * channels, columns * channels];
  const zeros = { above, before: before * channels };
  const grain = Math.max(1, Math.floor(CHEAP / Math.max(1, paddedLine)));
  fork(machine, 'pad', { x, y, height, line, rows, paddedLine, ...zeros }, s.images * rows, grain);
}

/** y = patches(x)·w + b over images with their zeros; `weights` is w in panels, `bias` its address or 0. */
export function convolution(
  machine: Machine,
  s: Sliding,
  x: number,
  weights: number,
  bias: number,
  y: number,
  outputs: number,
  relu: boolean,
): void {
  const pixels = pixelsOf(s);
  const grain = roundUp(Math.ceil(GRAIN / (patchSize(s) * roundUp(outputs, 16))), 48);
  const most = Math.max(48, roundUp(pixels / machine.threads, 48));
  const values = { image: x, ...sizesOf(s), weights, bias, y, outputs, relu };
  fork(machine, 'convolution', values, pixels, Math.min(grain, most));
}

/** Gradient of x; `weights` is wᵀ in panels. */
export function convolutionInputAdjoint(
  machine: Machine,
  s: Sliding,
  dx: number,
  weights: number,
  dy: number,
  outputs: number,
): void {
  // Bands of one image work out the patches at their borders twice, so there are few: none where images are enough.
  const wanted = machine.threads === 1 ? 1 : Math.ceil((2 * machine.threads) / Math.max(1, s.images));
  const rows = Math.max(Math.ceil(s.height / wanted), Math.min(s.height, 4 * s.windowHeight));
  const bands = Math.ceil(s.height / rows);
  const work = (pixelsOf(s) * patchSize(s) * outputs) / Math.max(1, s.images * bands);
  const { above, before } = s;
  const values = { image: dx, ...sizesOf(s), above, before, weights, dy, outputs, bandRows: rows, bands };
  const grain = Math.max(1, Math.floor(GRAIN / Math.max(1, work)));
  fork(machine, 'convolutionInputAdjoint', values, s.images * bands, grain);
}

/** Gradients of w and b, one under the other, `[kh·kw·C + 1, O]`, over images with their zeros. */
export function convolutionWeightsAdjoint(
  machine: Machine,
  s: Sliding,
  x: number,
  dy: number,
  result: number,
  outputs: number,
): void {
  const rows = patchSize(s) + 1;
  const columns = Math.min(CELL_COLUMNS, roundUp(outputs, 16));
  const across = Math.ceil(outputs / columns);
  const { threads } = machine;
  const bandsFor = (cells: number) => Math.max(1, Math.ceil(cells / across));
  // Thin bands fill no register tiles: two for each thread only where they are thick.
  const wanted = threads === 1 ? 1 : rows >= 48 * threads ? bandsFor(2 * threads) : bandsFor(threads);
  const bands = Math.max(Math.ceil(rows / CELL_ROWS), Math.min(wanted, Math.ceil(rows / 6)));
  const cellRows = Math.ceil(rows / bands);
  const cells = { cellRows, cellColumns: columns };
  const values = { image: x, ...sizesOf(s), dy, result, outputs, pixels: pixelsOf(s), ...cells };
  fork(machine, 'convolutionWeightsAdjoint', values, Math.ceil(rows / cellRows) * across, 1);
}

const pixelGrain = (s: Sliding) => Math.max(1, Math.floor(CHEAP / Math.max(1, patchSize(s))));
const imageGrain = (s: Sliding) => Math.max(1, Math.floor(CHEAP / Math.max(1, s.height * s.width * s.channels)));

export function maxPooling(machine: Machine, s: Sliding, x: number, y: number, places: number): void {
  fork(machine, 'maxPooling', { x, y, ...sizesOf(s), places }, pixelsOf(s), pixelGrain(s));
}

export function maxPoolingAdjoint(machine: Machine, s: Sliding, dx: number, dy: number, places: number): void {
  fork(machine, 'maxPoolingAdjoint', { x: dx, y: dy, ...sizesOf(s), places }, s.images, imageGrain(s));
}

export function meanPooling(machine: Machine, s: Sliding, x: number, y: number): void {
  fork(machine, 'meanPooling', { x, y, ...sizesOf(s), places: 0 }, pixelsOf(s), pixelGrain(s));
}

export function meanPoolingAdjoint(machine: Machine, s: Sliding, dx: number, dy: number): void {
  fork(machine, 'meanPoolingAdjoint', { x: dx, y: dy, ...sizesOf(s), places: 0 }, s.images, imageGrain(s));
}
