// Convolution of images [N, H, W, C] with kernels [kh, kw, C, O], channels last, as a product of patches and weights.
//
// A patch is the row of kh·kw·C numbers under a kernel. Patches are not copied together: number k of the patch of pixel p
// is at the sum of an address that belongs to p and an offset that belongs to k, and the register tiles read it there. So
// images have their zeros around them already (`pad`). Work is split over outputs: pixels of y, rows of the input's
// gradient, rows of the weights' gradient. An element is one chain of multiply-adds whatever the blocks, so the bits
// depend neither on the threads nor on how many images or steps there are at once.
import { at } from './address';
import { TILE_ROWS } from './config';
import { strip } from './gemm';
import {
  ConvolutionArguments, ConvolutionInputAdjointArguments, ConvolutionWeightsAdjointArguments, PadArguments, SlidingArguments,
} from './generated/arguments';
import { tileAt, tileAtAdd } from './generated/tiles';
import { storeUpTo } from './math';
import { packBlock, panelStride } from './pack';
import { DEPTH, packedOf, tailOf, transposedOf } from './scratch';

/** Bytes of a member's memory that gradients of patches may take. */
const PATCH_BYTES: usize = 500_000;
/** Of the sums of a cell of the weights' gradient; its packed gradient of y lies behind them. */
const SUM_BYTES: usize = 196_608;
/** A row-major operand within so many bytes is read as it lies. */
const NEAR: usize = 32_768;
/** Pixels whose patches are multiplied by their gradients at once: what they touch and a panel stay in the first-level cache. */
const GRADIENT_PIXELS: i32 = 256;
/** Numbers of a patch that pass by a panel at once. */
const PATCH_DEPTH: i32 = 256;
/** Pixels of a block at most. */
const PIXELS: i32 = 192;

// @ts-ignore: decorator
@inline
function patchSize(args: SlidingArguments): i32 {
  return args.windowHeight * args.windowWidth * args.channels;
}

/** Pixels of a block: enough to use each panel of weights often, few enough to stay near. */
function pixelsAtOnce(size: i32): i32 {
  return min(PIXELS, max(48, 6144 / size));
}

/** Where numbers `from` to `to` of a patch are, from its first one on. */
function offsetsOfPatch(args: SlidingArguments, from: i32, to: i32, target: usize): void {
  const channels = args.channels;
  const line = args.windowWidth * channels;
  const lineOfImage = args.width * channels;
  for (let k = from; k < to; k += 1, target += 4) {
    store<i32>(target, ((k / line) * lineOfImage + (k % line)) << 2);
  }
}

/** Where the patches of pixels `from` to `to` start. */
function startsOfPatches(args: SlidingArguments, from: i32, to: i32, target: usize): void {
  const channels = args.channels;
  const down = args.down;
  const across = args.across;
  const right = (args.strideX * channels) << 2;
  const line = (args.width * channels) << 2;
  const below = args.strideY * line;
  let column = from % across;
  let row = (from / across) % down;
  let image = args.image + <usize>(from / (across * down)) * <usize>(args.height * line);
  let start = image + <usize>(row * below + column * right);
  for (let k = from; k < to; k += 1, target += 4) {
    store<usize>(target, start);
    column += 1;
    start += right;
    if (column == across) {
      column = 0;
      row += 1;
      if (row == down) {
        row = 0;
        image += <usize>(args.height * line);
      }
      start = image + <usize>(row * below);
    }
  }
}

/** C = Z + A·B (z = 0: nothing to add) for one panel, cut evenly: A is where two tables say. */
function stripAt(
  rows: i32, k: i32, starts: usize, steps: usize, panel: usize, step: usize, z: usize, ldz: usize, c: usize, ldc: usize,
): void {
  const tiles = (rows + TILE_ROWS - 1) / TILE_ROWS;
  const base = rows / tiles;
  let larger = rows - base * tiles;
  for (let t = 0; t < tiles; t += 1) {
    const height = larger > 0 ? base + 1 : base;
    larger -= 1;
    if (z != 0) {
      tileAtAdd(height, k, starts, steps, panel, step, z, ldz, c, ldc);
      z += <usize>height * ldz;
    } else {
      tileAt(height, k, starts, steps, panel, step, c, ldc);
    }
    starts += (<usize>height) << 2;
    c += <usize>height * ldc;
  }
}

/** Patches through one panel of weights, all of K. */
function patchesThroughPanel(
  rows: i32, k: i32, starts: usize, steps: usize, panel: usize, z: usize, c: usize, ldc: usize,
): void {
  let ldz: usize = 0;
  for (let depth = 0; depth < k; depth += PATCH_DEPTH) {
    stripAt(rows, min(PATCH_DEPTH, k - depth), starts, at(steps, depth), panel + (<usize>depth << 6), 64, z, ldz, c, ldc);
    z = c;
    ldz = ldc;
  }
}

/** x `[N, H, W, C]` with zeros around it, y `[N, H + zeros, W + zeros, C]`. Items: rows of y. */
export function pad(args: PadArguments, from: i32, to: i32): void {
  const height = args.height;
  const bytes = (<usize>args.line) << 2;
  const rows = args.rows;
  const all = (<usize>args.paddedLine) << 2;
  const above = args.above;
  const before = (<usize>args.before) << 2;
  for (let row = from; row < to; row += 1) {
    const y = args.y + <usize>row * all;
    const r = (row % rows) - above;
    if (r < 0 || r >= height) {
      memory.fill(y, 0, all);
      continue;
    }
    memory.fill(y, 0, before);
    memory.copy(y + before, args.x + <usize>((row / rows) * height + r) * bytes, bytes);
    memory.fill(y + before + bytes, 0, all - before - bytes);
  }
}

/** Rows of gradients through one panel of transposed weights, all of K. */
function throughPanel(
  rows: i32, k: i32, a: usize, lda: usize, panel: usize, z: usize, c: usize, ldc: usize,
): void {
  let ldz: usize = 0;
  for (let depth = 0; depth < k; depth += DEPTH) {
    strip(rows, min(DEPTH, k - depth), a + (<usize>depth << 2), lda, 4, panel + (<usize>depth << 6), 64, z, ldz, c, ldc);
    z = c;
    ldz = ldc;
  }
}

/** Items: pixels of y. */
export function convolution(args: ConvolutionArguments, from: i32, to: i32, member: i32): void {
  const weights = args.weights;
  const bias = args.bias;
  const outputs = args.outputs;
  const relu = args.relu;
  const size = patchSize(args);
  const bytes = (<usize>outputs) << 2;
  const panelBytes = panelStride(size);
  const atOnce = pixelsAtOnce(size);
  const steps = packedOf(member);
  const aside = transposedOf(member);
  const starts = aside + ((<usize>PIXELS) << 6);
  const zero = f32x4.splat(0);
  offsetsOfPatch(args, 0, size, steps);
  for (let pixel = from; pixel < to; pixel += atOnce) {
    const rows = min(atOnce, to - pixel);
    startsOfPatches(args, pixel, pixel + rows, starts);
    const y = args.y + <usize>pixel * bytes;
    let panel = weights;
    let column = 0;
    for (; column + 16 <= outputs; column += 16, panel += panelBytes) {
      const offset = (<usize>column) << 2;
      patchesThroughPanel(rows, size, starts, steps, panel, bias == 0 ? 0 : bias + offset, y + offset, bytes);
    }
    if (relu) {
      for (let row = 0; row < rows; row += 1) {
        let z = y + <usize>row * bytes;
        for (const end = z + ((<usize>column) << 2); z < end; z += 32) {
          const a = f32x4.pmax(v128.load(z), zero);
          const b = f32x4.pmax(v128.load(z, 16), zero);
          v128.store(z, a);
          v128.store(z, b, 16);
        }
      }
    }
    if (column == outputs) continue;
    const offset = (<usize>column) << 2;
    patchesThroughPanel(rows, size, starts, steps, panel, bias == 0 ? 0 : bias + offset, aside, 64);
    for (let row = 0; row < rows; row += 1) {
      const z = aside + ((<usize>row) << 6);
      const target = y + <usize>row * bytes + offset;
      for (let k = 0; k < outputs - column; k += 4) {
        const x = v128.load(z + ((<usize>k) << 2));
        storeUpTo(target + ((<usize>k) << 2), relu ? f32x4.pmax(x, zero) : x, outputs - column - k);
      }
    }
  }
}

/** Items: bands. Each gains the gradients of the patches that touch it, in the order of pixels. */
export function convolutionInputAdjoint(args: ConvolutionInputAdjointArguments, from: i32, to: i32, member: i32): void {
  const height = args.height;
  const width = args.width;
  const channels = args.channels;
  const down = args.down;
  const across = args.across;
  const kernelHeight = args.windowHeight;
  const kernelWidth = args.windowWidth;
  const strideY = args.strideY;
  const strideX = args.strideX;
  const above = args.above;
  const before = args.before;
  const weights = args.weights;
  const outputs = args.outputs;
  const bandRows = args.bandRows;
  const bands = args.bands;
  const size = patchSize(args);
  const padded = (size + 15) & ~15;
  const stride = (<usize>padded) << 2;
  const panelBytes = panelStride(outputs);
  const bytes = (<usize>outputs) << 2;
  const line = kernelWidth * channels;
  const lineOfImage = (<usize>(width * channels)) << 2;
  const atOnce = max(1, min(pixelsAtOnce(padded), <i32>(PATCH_BYTES / stride)));
  const patches = packedOf(member);
  for (let item = from; item < to; item += 1) {
    const image = item / bands;
    const rowFrom = (item % bands) * bandRows;
    const rowTo = min(height, rowFrom + bandRows);
    const dx = args.image + <usize>(image * height) * lineOfImage;
    memory.fill(dx + <usize>rowFrom * lineOfImage, 0, <usize>(rowTo - rowFrom) * lineOfImage);
    const firstRow = max(0, (rowFrom + above - kernelHeight + strideY) / strideY);
    const lastRow = min(down - 1, (rowTo - 1 + above) / strideY);
    const end = (lastRow + 1) * across;
    const dy = args.dy + <usize>(image * down * across) * bytes;
    for (let pixel = firstRow * across; pixel < end; pixel += atOnce) {
      const rows = min(atOnce, end - pixel);
      for (let column = 0; column < padded; column += 16) {
        const panel = weights + <usize>(column >> 4) * panelBytes;
        throughPanel(rows, outputs, dy + <usize>pixel * bytes, bytes, panel, 0, patches + ((<usize>column) << 2), stride);
      }
      let left = (pixel % across) * strideX - before;
      let top = (pixel / across) * strideY - above;
      for (let k = 0; k < rows; k += 1) {
        const inside = min(line, max(0, -left) * channels);
        const count = min(kernelWidth, width - left) * channels - inside;
        const patch = patches + <usize>k * stride + ((<usize>inside) << 2);
        const lastLine = min(kernelHeight, rowTo - top);
        for (let r = max(0, rowFrom - top); r < lastLine; r += 1) {
          const target = dx + <usize>(top + r) * lineOfImage + <usize>((left * channels + inside) << 2);
          addRun(patch + ((<usize>(r * line)) << 2), target, count);
        }
        left += strideX;
        if (left == across * strideX - before) {
          left = -before;
          top += strideY;
        }
      }
    }
  }
}

/** y += x. */
// @ts-ignore: decorator
@inline
function addRun(x: usize, y: usize, count: i32): void {
  for (; count >= 8; count -= 8, x += 32, y += 32) {
    const a = f32x4.add(v128.load(y), v128.load(x));
    const b = f32x4.add(v128.load(y, 16), v128.load(x, 16));
    v128.store(y, a);
    v128.store(y, b, 16);
  }
  for (; count > 0; count -= 4, x += 16, y += 16) storeUpTo(y, f32x4.add(v128.load(y), v128.load(x)), count);
}

/** Items: cells of the result, column-major. */
export function convolutionWeightsAdjoint(args: ConvolutionWeightsAdjointArguments, from: i32, to: i32, member: i32): void {
  const dy = args.dy;
  const outputs = args.outputs;
  const pixels = args.pixels;
  const cellRows = args.cellRows;
  const cellColumns = args.cellColumns;
  const size = patchSize(args);
  const down = (size + cellRows) / cellRows;
  const bytes = (<usize>outputs) << 2;
  const sums = packedOf(member);
  const packed = sums + SUM_BYTES;
  const starts = transposedOf(member);
  const steps = starts + ((<usize>GRADIENT_PIXELS) << 2);
  const one = tailOf(member);
  store<f32>(one, 1);
  for (let item = from; item < to; item += 1) {
    const rowFrom = (item % down) * cellRows;
    const rowTo = min(size + 1, rowFrom + cellRows);
    const columnFrom = (item / down) * cellColumns;
    const columnTo = min(outputs, columnFrom + cellColumns);
    const columns = (columnTo - columnFrom + 15) & ~15;
    const ldc = (<usize>columns) << 2;
    const weights = min(rowTo, size) - rowFrom;
    const packs = bytes * <usize>GRADIENT_PIXELS > NEAR && weights > TILE_ROWS;
    offsetsOfPatch(args, rowFrom, rowFrom + weights, steps);
    let z: usize = 0;
    for (let pixel = 0; pixel < pixels; pixel += GRADIENT_PIXELS) {
      const deep = min(GRADIENT_PIXELS, pixels - pixel);
      startsOfPatches(args, pixel, pixel + deep, starts);
      const panelBytes = panelStride(deep);
      if (packs) packBlock(dy, bytes, 0, pixel, deep, columnFrom, columnTo, packed, panelBytes);
      for (let column = 0; column < columns; column += 16) {
        const offset = (<usize>column) << 2;
        // A panel that reaches beyond the last column works out numbers that nobody reads.
        const panel = packs
          ? packed + <usize>(column >> 4) * panelBytes
          : dy + <usize>pixel * bytes + ((<usize>(columnFrom + column)) << 2);
        const step = packs ? 64 : bytes;
        const sum = sums + offset;
        if (weights > 0) stripAt(weights, deep, steps, starts, panel, step, z == 0 ? 0 : sum, ldc, sum, ldc);
        // The bias is the weight of a patch's further number, which is always 1.
        if (rowTo > size) {
          const last = sum + <usize>weights * ldc;
          strip(1, deep, one, 0, 0, panel, step, z == 0 ? 0 : last, ldc, last, ldc);
        }
      }
      z = sums;
    }
    for (let row = 0; row < rowTo - rowFrom; row += 1) {
      const target = args.result + <usize>(rowFrom + row) * bytes + ((<usize>columnFrom) << 2);
      const count = (<usize>(columnTo - columnFrom)) << 2;
      if (pixels == 0) memory.fill(target, 0, count);
      else memory.copy(target, sums + <usize>row * ldc, count);
    }
  }
}
