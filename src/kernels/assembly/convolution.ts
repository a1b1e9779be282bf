// Convolution of images [N, H, W, C] with kernels [kh, kw, C, O], channels last, as a product of patches and weights.
//
// A patch is the row of kh·kw·C numbers under a kernel. Patches are gathered into a member's own memory, a block of
// pixels at a time, and never written out as a whole. Work is split over outputs: pixels of y, rows of the input's
// gradient, rows of the weights' gradient. An element is one chain of multiply-adds whatever the blocks, so the bits
// depend neither on the threads nor on how many images or steps there are at once.
//
// args of each, in numbers: image tensor, H, W, C, rows and columns of y, kh, kw, strides, zeros above and to the left
// (12 words); then what each job says.
import { strip } from './gemm';
import { storeUpTo } from './math';
import { packBlock } from './pack';
import { DEPTH, packedOf, transposedOf } from './scratch';

/** Bytes of a member's memory that patches, or gradients of patches, may take. */
const PATCH_BYTES: usize = 500_000;
/** Of the sums of a cell of the weights' gradient, and where its packed gradient of y starts. */
const SUM_BYTES: usize = 196_608;
const PACKED_BYTES: usize = 300_000;
const SHORT_BYTES: usize = 49_152;
/** A row-major operand within so many bytes is read as it lies. */
const NEAR: usize = 32_768;

// @ts-ignore: decorator
@inline
function patchSize(args: usize): i32 {
  return load<i32>(args, 24) * load<i32>(args, 28) * load<i32>(args, 12);
}

/** Pixels of a block: enough to use each panel of weights often, few enough to stay near. */
function pixelsAtOnce(size: i32): i32 {
  const near = min(192, max(48, 6144 / size));
  return max(1, min(near, <i32>(PATCH_BYTES / (<usize>(size + 16) << 2))));
}

/** Copies, writing up to three numbers too many: what lies there is written later. */
// @ts-ignore: decorator
@inline
function copyRun(from: usize, to: usize, count: i32): void {
  for (; count > 0; count -= 4, from += 16, to += 16) v128.store(to, v128.load(from));
}

// @ts-ignore: decorator
@inline
function zeroRun(to: usize, count: i32): void {
  const zero = f32x4.splat(0);
  for (; count > 0; count -= 4, to += 16) v128.store(to, zero);
}

/** Numbers `first` to `last` of the patches of pixels `from` to `to`, a patch every `stride` bytes. */
function gather(args: usize, from: i32, to: i32, first: i32, last: i32, target: usize, stride: usize): void {
  const height = load<i32>(args, 4);
  const width = load<i32>(args, 8);
  const channels = load<i32>(args, 12);
  const down = load<i32>(args, 16);
  const across = load<i32>(args, 20);
  const kernelWidth = load<i32>(args, 28);
  const strideY = load<i32>(args, 32);
  const strideX = load<i32>(args, 36);
  const above = load<i32>(args, 40);
  const before = load<i32>(args, 44);
  const line = kernelWidth * channels;
  const lineOfImage = (<usize>(width * channels)) << 2;
  const firstLine = first / line;
  let column = from % across;
  let row = (from / across) % down;
  let image = load<usize>(args) + <usize>(from / (across * down)) * <usize>height * lineOfImage;
  for (let pixel = from; pixel < to; pixel += 1, target += stride) {
    const left = column * strideX - before;
    // Of a line of the patch, these numbers lie within the image.
    const inside = min(line, max(0, -left) * channels);
    const outside = max(inside, min(kernelWidth, width - left) * channels);
    let y = target;
    let start = firstLine * line;
    for (let r = row * strideY - above + firstLine; start < last; r += 1, start += line) {
      const begin = max(first - start, 0);
      const end = min(last - start, line);
      if (r < 0 || r >= height) {
        zeroRun(y, end - begin);
      } else {
        const x = image + <usize>r * lineOfImage + <usize>((left * channels) << 2);
        const low = min(end, max(begin, inside));
        const high = max(low, min(end, outside));
        zeroRun(y, low - begin);
        copyRun(x + <usize>(low << 2), y + <usize>((low - begin) << 2), high - low);
        zeroRun(y + <usize>((high - begin) << 2), end - high);
      }
      y += <usize>((end - begin) << 2);
    }
    column += 1;
    if (column == across) {
      column = 0;
      row += 1;
      if (row == down) {
        row = 0;
        image += <usize>height * lineOfImage;
      }
    }
  }
}

/** One panel of 16 columns against rows of A, all of K. */
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

/** Further args: weights in panels, bias or 0, y, O, whether negative results become 0. Items: pixels of y. */
export function convolution(args: usize, from: i32, to: i32, member: i32): void {
  const weights = load<usize>(args, 48);
  const bias = load<usize>(args, 52);
  const outputs = load<i32>(args, 60);
  const relu = load<i32>(args, 64);
  const size = patchSize(args);
  const stride = (<usize>size) << 2;
  const bytes = (<usize>outputs) << 2;
  const panelBytes = (<usize>size) << 6;
  const atOnce = pixelsAtOnce(size);
  const patches = packedOf(member);
  const aside = transposedOf(member);
  const zero = f32x4.splat(0);
  for (let pixel = from; pixel < to; pixel += atOnce) {
    const rows = min(atOnce, to - pixel);
    gather(args, pixel, pixel + rows, 0, size, patches, stride);
    const y = load<usize>(args, 56) + <usize>pixel * bytes;
    let panel = weights;
    let column = 0;
    for (; column + 16 <= outputs; column += 16, panel += panelBytes) {
      const at = (<usize>column) << 2;
      throughPanel(rows, size, patches, stride, panel, bias == 0 ? 0 : bias + at, y + at, bytes);
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
    const at = (<usize>column) << 2;
    throughPanel(rows, size, patches, stride, panel, bias == 0 ? 0 : bias + at, aside, 64);
    for (let row = 0; row < rows; row += 1) {
      const z = aside + ((<usize>row) << 6);
      const target = y + <usize>row * bytes + at;
      for (let k = 0; k < outputs - column; k += 4) {
        const x = v128.load(z + ((<usize>k) << 2));
        storeUpTo(target + ((<usize>k) << 2), relu ? f32x4.pmax(x, zero) : x, outputs - column - k);
      }
    }
  }
}

/**
 * The image tensor is the input's gradient. Further args: weights transposed in panels, gradient of y, O, rows of a
 * band, bands of an image. Items: bands. Each gains the gradients of the patches that touch it, in the order of pixels.
 */
export function convolutionInputAdjoint(args: usize, from: i32, to: i32, member: i32): void {
  const height = load<i32>(args, 4);
  const width = load<i32>(args, 8);
  const channels = load<i32>(args, 12);
  const down = load<i32>(args, 16);
  const across = load<i32>(args, 20);
  const kernelHeight = load<i32>(args, 24);
  const kernelWidth = load<i32>(args, 28);
  const strideY = load<i32>(args, 32);
  const strideX = load<i32>(args, 36);
  const above = load<i32>(args, 40);
  const before = load<i32>(args, 44);
  const weights = load<usize>(args, 48);
  const outputs = load<i32>(args, 56);
  const bandRows = load<i32>(args, 60);
  const bands = load<i32>(args, 64);
  const size = patchSize(args);
  const padded = (size + 15) & ~15;
  const stride = (<usize>padded) << 2;
  const panelBytes = (<usize>outputs) << 6;
  const bytes = (<usize>outputs) << 2;
  const line = kernelWidth * channels;
  const lineOfImage = (<usize>(width * channels)) << 2;
  const atOnce = pixelsAtOnce(padded);
  const patches = packedOf(member);
  for (let item = from; item < to; item += 1) {
    const image = item / bands;
    const rowFrom = (item % bands) * bandRows;
    const rowTo = min(height, rowFrom + bandRows);
    const dx = load<usize>(args) + <usize>(image * height) * lineOfImage;
    memory.fill(dx + <usize>rowFrom * lineOfImage, 0, <usize>(rowTo - rowFrom) * lineOfImage);
    const firstRow = max(0, (rowFrom + above - kernelHeight + strideY) / strideY);
    const lastRow = min(down - 1, (rowTo - 1 + above) / strideY);
    const end = (lastRow + 1) * across;
    const dy = load<usize>(args, 52) + <usize>(image * down * across) * bytes;
    for (let pixel = firstRow * across; pixel < end; pixel += atOnce) {
      const rows = min(atOnce, end - pixel);
      for (let column = 0; column < padded; column += 16) {
        const panel = weights + <usize>(column >> 4) * panelBytes;
        throughPanel(rows, outputs, dy + <usize>pixel * bytes, bytes, panel, 0, patches + ((<usize>column) << 2), stride);
      }
      for (let k = 0; k < rows; k += 1) {
        const left = ((pixel + k) % across) * strideX - before;
        const top = ((pixel + k) / across) * strideY - above;
        const inside = min(line, max(0, -left) * channels);
        const count = min(kernelWidth, width - left) * channels - inside;
        const patch = patches + <usize>k * stride + ((<usize>inside) << 2);
        const lastLine = min(kernelHeight, rowTo - top);
        for (let r = max(0, rowFrom - top); r < lastLine; r += 1) {
          const target = dx + <usize>(top + r) * lineOfImage + <usize>((left * channels + inside) << 2);
          addRun(patch + ((<usize>(r * line)) << 2), target, count);
        }
      }
    }
  }
}

/** y += x. */
// @ts-ignore: decorator
@inline
function addRun(x: usize, y: usize, count: i32): void {
  for (; count > 0; count -= 4, x += 16, y += 16) {
    storeUpTo(y, f32x4.add(v128.load(y), v128.load(x)), count);
  }
}

/**
 * Further args: gradient of y, result [kh·kw·C + 1, O] (the last row is the bias's), O, pixels, rows and columns of a
 * cell. Items: cells of the result, column-major.
 */
export function convolutionWeightsAdjoint(args: usize, from: i32, to: i32, member: i32): void {
  const outputs = load<i32>(args, 56);
  const pixels = load<i32>(args, 60);
  const cellRows = load<i32>(args, 64);
  const cellColumns = load<i32>(args, 68);
  const size = patchSize(args);
  const down = (size + cellRows) / cellRows;
  const bytes = (<usize>outputs) << 2;
  const sums = packedOf(member);
  const packed = sums + SUM_BYTES;
  const patches = transposedOf(member);
  for (let item = from; item < to; item += 1) {
    const rowFrom = (item % down) * cellRows;
    const rowTo = min(size + 1, rowFrom + cellRows);
    const columnFrom = (item / down) * cellColumns;
    const columnTo = min(outputs, columnFrom + cellColumns);
    const rows = rowTo - rowFrom;
    const columns = (columnTo - columnFrom + 15) & ~15;
    const ldc = (<usize>columns) << 2;
    // Off multiples of 4 KB, and with room for what a run writes too many.
    const stride = (<usize>(rows + 3)) << 2;
    const atOnce = min(DEPTH, min(<i32>(SHORT_BYTES / stride), <i32>(PACKED_BYTES / ldc)));
    const packs = bytes * <usize>atOnce > NEAR && rows > 6;
    let z: usize = 0;
    for (let pixel = 0; pixel < pixels; pixel += atOnce) {
      const deep = min(atOnce, pixels - pixel);
      gather(args, pixel, pixel + deep, rowFrom, min(rowTo, size), patches, stride);
      // The bias is the weight of a patch's further number, 1.
      if (rowTo > size) {
        let one = patches + ((<usize>(size - rowFrom)) << 2);
        for (let k = 0; k < deep; k += 1, one += stride) store<f32>(one, 1);
      }
      const dy = load<usize>(args, 48);
      const panelBytes = (<usize>deep) << 6;
      if (packs) packBlock(dy, bytes, 0, pixel, deep, columnFrom, columnTo, packed, panelBytes);
      for (let column = 0; column < columns; column += 16) {
        const at = (<usize>column) << 2;
        // A panel that reaches beyond the last column works out numbers that nobody reads.
        const panel = packs
          ? packed + <usize>(column >> 4) * panelBytes
          : dy + <usize>pixel * bytes + ((<usize>(columnFrom + column)) << 2);
        strip(rows, deep, patches, 4, stride, panel, packs ? 64 : bytes, z == 0 ? 0 : z + at, ldc, sums + at, ldc);
      }
      z = sums;
    }
    for (let row = 0; row < rows; row += 1) {
      const target = load<usize>(args, 52) + <usize>(rowFrom + row) * bytes + ((<usize>columnFrom) << 2);
      const count = (<usize>(columnTo - columnFrom)) << 2;
      if (pixels == 0) memory.fill(target, 0, count);
      else memory.copy(target, sums + <usize>row * ldc, count);
    }
  }
}
