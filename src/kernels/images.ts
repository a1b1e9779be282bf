/** Kernels of images `[N, H, W, C]`: convolution and pooling, with their adjoints. */
import { Job } from './jobs.js';
import type { Machine } from './machine.js';

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

function give({ ints, arguments: base }: Machine, words: readonly number[]): void {
  for (let k = 0; k < words.length; k += 1) ints[base + k] = words[k] as number;
}

function giveConvolution(machine: Machine, image: number, s: Sliding, ...words: readonly number[]): void {
  const { height, width, channels, down, across, windowHeight, windowWidth, strideY, strideX } = s;
  give(machine, [image, height, width, channels, down, across, windowHeight, windowWidth, strideY, strideX, ...words]);
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
  give(machine, [x, y, height, width * channels, rows, columns * channels, above, before * channels]);
  machine.run(Job.pad, s.images * rows, Math.max(1, Math.floor(CHEAP / Math.max(1, columns * channels))));
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
  giveConvolution(machine, x, s, weights, bias, y, outputs, relu ? 1 : 0);
  const pixels = pixelsOf(s);
  const grain = roundUp(Math.ceil(GRAIN / (patchSize(s) * roundUp(outputs, 16))), 48);
  machine.run(Job.convolution, pixels, Math.min(grain, Math.max(48, roundUp(pixels / machine.threads, 48))));
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
  giveConvolution(machine, dx, s, s.above, s.before, weights, dy, outputs, rows, bands);
  const work = (pixelsOf(s) * patchSize(s) * outputs) / Math.max(1, s.images * bands);
  machine.run(Job.convolutionInputAdjoint, s.images * bands, Math.max(1, Math.floor(GRAIN / Math.max(1, work))));
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
  giveConvolution(machine, x, s, dy, result, outputs, pixelsOf(s), cellRows, columns);
  machine.run(Job.convolutionWeightsAdjoint, Math.ceil(rows / cellRows) * across, 1);
}

function givePooling(machine: Machine, s: Sliding, x: number, y: number, places = 0): void {
  const { height, width, channels, down, across, windowHeight, windowWidth, strideY, strideX } = s;
  give(machine, [x, y, height, width, channels, down, across, windowHeight, windowWidth, strideY, strideX, places]);
}

const pixelGrain = (s: Sliding) => Math.max(1, Math.floor(CHEAP / Math.max(1, patchSize(s))));
const imageGrain = (s: Sliding) => Math.max(1, Math.floor(CHEAP / Math.max(1, s.height * s.width * s.channels)));

export function maxPooling(machine: Machine, s: Sliding, x: number, y: number, places: number): void {
  givePooling(machine, s, x, y, places);
  machine.run(Job.maxPooling, pixelsOf(s), pixelGrain(s));
}

export function maxPoolingAdjoint(machine: Machine, s: Sliding, dx: number, dy: number, places: number): void {
  givePooling(machine, s, dx, dy, places);
  machine.run(Job.maxPoolingAdjoint, s.images, imageGrain(s));
}

export function meanPooling(machine: Machine, s: Sliding, x: number, y: number): void {
  givePooling(machine, s, x, y);
  machine.run(Job.meanPooling, pixelsOf(s), pixelGrain(s));
}

export function meanPoolingAdjoint(machine: Machine, s: Sliding, dx: number, dy: number): void {
  givePooling(machine, s, dx, dy);
  machine.run(Job.meanPoolingAdjoint, s.images, imageGrain(s));
}
