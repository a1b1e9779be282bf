/**
 * The oracle: every primitive as plain loops in float64, written to be read. The kernels, the derivatives and the
 * figures of other frameworks are held against it.
 */
import { checkedOptions, type Names } from '../options.js';
import { mix32 } from '../random.js';
import { checkedNumbers, checkShape, type Ids, type Numbers, type Shape, sizeOf, type Tensor } from '../tensor.js';
import { type AttentionForm, attend, attendAdjoint, attentionSizes } from './attention.js';
import { referenceChain } from './chain.js';
import { referenceDelta } from './delta-rule.js';
import { draws } from './draws.js';
import { normalise, normaliseAdjoint } from './layer-norm.js';
import { nearNormal, nearNormalSlope, normalDensity, normalDistribution } from './normal.js';
import { guarded } from './operands.js';
import type { Ops } from './ops.js';
import { referenceImages } from './reference-images.js';
import { referenceScan } from './scan.js';
import type { Transposed } from './shapes.js';
import {
  type Broadcast,
  batchedMatmulShape,
  broadcastOf,
  checkLayerNorm,
  checkLinear,
  checkReshape,
  checkSame,
  concatShape,
  countShape,
  crossEntropyShape,
  gatherShape,
  matmulShape,
  oneHotShape,
  type ProductSize,
  rowsAndWidth,
  scatterShape,
  splitShapes,
  swapShape,
} from './shapes.js';

/** Options of {@link reference}. */
export interface ReferenceOptions {
  /** What the layers see as `ops.training`; default false. */
  readonly training?: boolean;
  /** The trainer's step, from which masks follow; default 0. */
  readonly step?: number;
  /** Numbers that stand in for a tensor's own, by identity: a parameter perturbed in float64, which it cannot hold. */
  readonly substitute?: ReadonlyMap<Tensor, Float64Array>;
}

const real = (shape: Shape, data: Float64Array): Tensor => ({ shape, type: 'float64', data });

/** Index of the second operand's element for element k of the first. */
function broadcastIndex({ form, inner }: Broadcast, k: number): number {
  if (form === 'same') return k;
  if (form === 'trailing') return k % inner;
  return form === 'rows' ? Math.floor(k / inner) : 0;
}

/** A row's softmax, shifted by its maximum so that no exponential overflows. */
function softmaxOf(row: Float64Array): Float64Array {
  const top = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const powers = row.map((value) => Math.exp(value - top));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

/**
 * The primitives in float64. Results are float64 tensors; ids stay int32.
 *
 * @param options training, the step, and numbers that stand in for those of tensors.
 * @returns Ops in float64, which need no window.
 * @throws TypeError where an option is not known.
 * @example
 * const ops = reference();
 * ops.tanh(tensor([2], [0, 1])).data; // Float64Array [0, 0.7615941559557649]
 */
export function reference(options: ReferenceOptions = {}): Ops {
  const names: Names<ReferenceOptions> = { training: 'boolean', step: true, substitute: true };
  const { training = false, step = 0, substitute } = checkedOptions('reference', options, names);

  function read(x: Tensor): Float64Array {
    const numbers = substitute?.get(x) ?? checkedNumbers(x, 'tensor');
    return numbers instanceof Float64Array ? numbers : Float64Array.from(numbers);
  }

  /** A tensor's numbers where they are only moved: ids stay whole. */
  const move = (x: Tensor): Numbers => (x.type === 'int32' ? checkedNumbers(x, 'tensor') : read(x));
  const moved = (x: Tensor, shape: Shape, data: Numbers): Tensor =>
    data instanceof Int32Array ? { shape, type: x.type, data } : real(shape, data as Float64Array);

  const unary = (of: (value: number) => number) => (x: Tensor) => real(x.shape, read(x).map(of));

  const binary = (operation: string, of: (a: number, b: number) => number) => (a: Tensor, b: Tensor) => {
    const broadcast = broadcastOf(a.shape, b.shape, operation);
    const right = read(b);
    return real(
      a.shape,
      read(a).map((value, k) => of(value, right[broadcastIndex(broadcast, k)] as number)),
    );
  };

  /** An adjoint that follows from the gradient and the primitive's result, element by element. */
  const adjoint = (operation: string, of: (gradient: number, y: number) => number) => (gradient: Tensor, y: Tensor) => {
    checkSame(gradient.shape, y.shape, operation);
    const result = read(y);
    return real(
      y.shape,
      read(gradient).map((g, k) => of(g, result[k] as number)),
    );
  };

  function multiply(left: Float64Array, right: Float64Array, { m, n, k }: ProductSize, transposed: Transposed) {
    const y = new Float64Array(m * n);
    for (let i = 0; i < m; i += 1) {
      for (let j = 0; j < n; j += 1) {
        let sum = 0;
        for (let p = 0; p < k; p += 1) {
          const l = left[transposed.a ? p * m + i : i * k + p] as number;
          const r = right[transposed.b ? j * k + p : p * n + j] as number;
          sum += l * r;
        }
        y[i * n + j] = sum;
      }
    }
    return y;
  }

  function matmul(a: Tensor, b: Tensor, transposed: Transposed = {}): Tensor {
    const product = matmulShape(a.shape, b.shape, transposed);
    return real(product.shape, multiply(read(a), read(b), product, transposed));
  }

  function batchedMatmul(a: Tensor, b: Tensor, transposed: Transposed = {}): Tensor {
    const product = batchedMatmulShape(a.shape, b.shape, transposed);
    const { m, n, k, count, shape } = product;
    const [left, right] = [read(a), read(b)];
    const y = new Float64Array(count * m * n);
    for (let i = 0; i < count; i += 1) {
      const one = left.subarray(i * m * k, (i + 1) * m * k);
      const other = right.subarray(i * k * n, (i + 1) * k * n);
      y.set(multiply(one, other, product, transposed), i * m * n);
    }
    return real(shape, y);
  }

  function softmax(x: Tensor): Tensor {
    const { rows, width } = rowsAndWidth(x.shape, 'softmax');
    const y = read(x).slice();
    for (let row = 0; row < rows; row += 1) {
      y.set(softmaxOf(y.subarray(row * width, (row + 1) * width)), row * width);
    }
    return real(x.shape, y);
  }

  function softmaxAdjoint(gradient: Tensor, y: Tensor): Tensor {
    checkSame(gradient.shape, y.shape, 'softmaxAdjoint');
    const { rows, width } = rowsAndWidth(y.shape, 'softmaxAdjoint');
    const g = read(gradient);
    const result = read(y);
    const dx = new Float64Array(result.length);
    for (let start = 0; start < rows * width; start += width) {
      let dot = 0;
      for (let k = start; k < start + width; k += 1) dot += (g[k] as number) * (result[k] as number);
      for (let k = start; k < start + width; k += 1) dx[k] = (result[k] as number) * ((g[k] as number) - dot);
    }
    return real(y.shape, dx);
  }

  function split(x: Tensor, axis: number, sizes: readonly number[]): readonly Tensor[] {
    const { shape, shapes, outer, inner } = splitShapes(x.shape, axis, sizes);
    const from = move(x);
    const stride = (shape[axis] as number) * inner;
    let offset = 0;
    return shapes.map((partShape) => {
      const run = (partShape[axis] as number) * inner;
      const part = new (from.constructor as Float64ArrayConstructor)(outer * run);
      for (let o = 0; o < outer; o += 1) {
        part.set(from.subarray(o * stride + offset, o * stride + offset + run), o * run);
      }
      offset += run;
      return moved(x, partShape, part);
    });
  }

  function concat(parts: readonly Tensor[], axis: number): Tensor {
    const { shape, sizes, outer, inner } = concatShape(
      parts.map((part) => part.shape),
      axis,
    );
    const first = parts[0] as Tensor;
    const sources = parts.map(move);
    const y = new ((sources[0] as Numbers).constructor as Float64ArrayConstructor)(sizeOf(shape));
    let offset = 0;
    for (let o = 0; o < outer; o += 1) {
      sources.forEach((source, part) => {
        const run = (sizes[part] as number) * inner;
        y.set(source.subarray(o * run, (o + 1) * run), offset);
        offset += run;
      });
    }
    return moved(first, shape, y);
  }

  function swapAxes(x: Tensor): Tensor {
    const shape = swapShape(x.shape);
    const [inner, outer] = shape as readonly [number, number];
    const from = move(x);
    const width = sizeOf(shape.slice(2));
    const y = new (from.constructor as Float64ArrayConstructor)(from.length);
    for (let row = 0; row < inner * outer; row += 1) {
      const source = ((row % outer) * inner + Math.floor(row / outer)) * width;
      y.set(from.subarray(source, source + width), row * width);
    }
    return moved(x, shape, y);
  }

  function attended(parts: readonly Tensor[], form: AttentionForm, mask?: Tensor, known?: Tensor) {
    const sizes = attentionSizes(parts, form, mask, known);
    return { ...sizes, parts: parts.map(read), mask: mask && read(mask), known: known && read(known) };
  }

  function sumTo(x: Tensor, shape: Shape): Tensor {
    const broadcast = broadcastOf(x.shape, shape, 'sumTo');
    const y = new Float64Array(sizeOf(shape));
    read(x).forEach((value, k) => {
      const at = broadcastIndex(broadcast, k);
      y[at] = (y[at] as number) + value;
    });
    return real(shape, y);
  }

  function crossEntropy(logits: Tensor, targets: Tensor): Tensor {
    const { positions, classes } = crossEntropyShape(logits.shape, targets);
    const scores = read(logits);
    const losses = Float64Array.from({ length: positions }, (_, position) => {
      const target = targets.data[position] as number;
      if (target < 0) return 0;
      const row = scores.subarray(position * classes, (position + 1) * classes);
      // log Σ e^s − s_target, about the maximum: exact also where the target's probability underflows.
      const top = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
      return Math.log(row.reduce((sum, s) => sum + Math.exp(s - top), 0)) + (top - (row[target] as number));
    });
    return real(targets.shape, losses);
  }

  function crossEntropyAdjoint(gradient: Tensor, logits: Tensor, targets: Tensor): Tensor {
    const { positions, classes } = crossEntropyShape(logits.shape, targets);
    checkSame(gradient.shape, targets.shape, 'crossEntropyAdjoint');
    const g = read(gradient);
    const scores = read(logits);
    const dx = new Float64Array(scores.length);
    for (let position = 0; position < positions; position += 1) {
      const target = targets.data[position] as number;
      if (target < 0) continue;
      const start = position * classes;
      const row = softmaxOf(scores.subarray(start, start + classes));
      row[target] = (row[target] as number) - 1;
      dx.set(
        row.map((value) => value * (g[position] as number)),
        start,
      );
    }
    return real(logits.shape, dx);
  }

  const ops: Ops = guarded({
    training,
    draw: draws(step),
    matmul,
    batchedMatmul,
    linear(x, w, b) {
      checkLinear(x.shape, w.shape, b.shape);
      const product = matmul(x, w);
      const bias = read(b);
      return real(
        product.shape,
        read(product).map((value, k) => value + (bias[k % bias.length] as number)),
      );
    },
    add: binary('add', (a, b) => a + b),
    subtract: binary('subtract', (a, b) => a - b),
    multiply: binary('multiply', (a, b) => a * b),
    divide: binary('divide', (a, b) => a / b),
    maximum: binary('maximum', Math.max),
    affine: (x, scale, shift) =>
      real(
        x.shape,
        read(x).map((value) => scale * value + shift),
      ),
    exp: unary(Math.exp),
    expm1: unary(Math.expm1),
    log: unary(Math.log),
    sqrt: unary(Math.sqrt),
    tanh: unary(Math.tanh),
    logistic: unary((value) => 1 / (1 + Math.exp(-value))),
    relu: unary((value) => (value > 0 ? value : 0)),
    softplus: unary((value) => Math.max(value, 0) + Math.log1p(Math.exp(-Math.abs(value)))),
    gelu: unary((value) => value * normalDistribution(value)),
    geluTanh: unary((value) => value * nearNormal(value)),
    softmax,
    reshape(x, shape) {
      checkReshape(x.shape, shape);
      return moved(x, shape, move(x));
    },
    split,
    concat,
    sumTo,
    gather(table, ids) {
      const shape = gatherShape(table.shape, ids);
      const rows = read(table);
      const width = shape.at(-1) as number;
      const y = new Float64Array(sizeOf(shape));
      ids.data.forEach((id, k) => {
        y.set(rows.subarray(id * width, (id + 1) * width), k * width);
      });
      return real(shape, y);
    },
    crossEntropy,
    ...referenceImages(read, real),
    ...referenceChain(read, real),
    ...referenceScan(read, real),
    ...referenceDelta(read, real),
    scatterAdd(gradient, ids, rows) {
      const shape = scatterShape(gradient.shape, ids, rows);
      const g = read(gradient);
      const width = shape.at(-1) as number;
      const table = new Float64Array(sizeOf(shape));
      ids.data.forEach((id, k) => {
        for (let e = 0; e < width; e += 1) {
          table[id * width + e] = (table[id * width + e] as number) + (g[k * width + e] as number);
        }
      });
      return real(shape, table);
    },
    tanhAdjoint: adjoint('tanhAdjoint', (g, y) => g * (1 - y * y)),
    logisticAdjoint: adjoint('logisticAdjoint', (g, y) => g * y * (1 - y)),
    reluAdjoint: adjoint('reluAdjoint', (g, y) => (y > 0 ? g : 0)),
    geluAdjoint: adjoint('geluAdjoint', (g, x) => g * (normalDistribution(x) + x * normalDensity(x))),
    geluTanhAdjoint: adjoint('geluTanhAdjoint', (g, x) => g * nearNormalSlope(x)),
    softmaxAdjoint,
    crossEntropyAdjoint,
    layerNorm(x, gain, bias, epsilon) {
      checkLayerNorm(x.shape, gain.shape, bias.shape);
      return real(x.shape, normalise(read(x), read(gain), read(bias), epsilon));
    },
    layerNormAdjoint(gradient, x, gain, epsilon) {
      checkSame(gradient.shape, x.shape, 'layerNormAdjoint');
      checkLayerNorm(x.shape, gain.shape, gain.shape, 'layerNormAdjoint');
      const [dx, dgain, dbias] = normaliseAdjoint(read(gradient), read(x), read(gain), epsilon);
      return [real(x.shape, dx), real(gain.shape, dgain), real(gain.shape, dbias)];
    },
    attention: (parts, form, mask, known) =>
      real((parts[0] as Tensor).shape, attend(attended(parts, form, mask, known))),
    attentionAdjoint(gradient, y, parts, form, mask, known, past) {
      checkSame(gradient.shape, y.shape, 'attentionAdjoint');
      const slopes = attendAdjoint(attended(parts, form, mask, known), read(gradient));
      return parts.slice(0, past ? 5 : 3).map(({ shape }, k) => real(shape, slopes[k] as Float64Array));
    },
    swapAxes,
    countFrom(start, steps, below) {
      const shape = countShape(start.shape, steps, below);
      const [lanes, from] = [start.shape[0] as number, read(start)];
      const data = Int32Array.from({ length: sizeOf(shape) }, (_, k) =>
        Math.min((from[k % lanes] as number) + Math.floor(k / lanes), below - 1),
      );
      return { shape, type: 'int32', data } satisfies Ids;
    },
    oneHot(ids, classes) {
      const y = new Float64Array(sizeOf(oneHotShape(ids, classes)));
      ids.data.forEach((id, k) => {
        y[k * classes + id] = 1;
      });
      return real([...ids.shape, classes], y);
    },
    fill: (shape, value) => real(shape, new Float64Array(checkShape(shape, 'fill')).fill(value)),
    bernoulli: (shape, keep, key) =>
      real(
        shape,
        Float64Array.from({ length: checkShape(shape, 'bernoulli') }, (_, k) =>
          mix32(key + k) / 0x1_0000_0000 < keep ? 1 : 0,
        ),
      ),
    custom: (operands, rule) => rule.forward(ops, ...operands),
  });
  return ops;
}
