import {
  type GatedDeltaRuleCarry,
  type GatedDeltaRuleOptions,
  gatedDeltaRuleCell,
  gatedDeltaRuleNames,
} from '../cells/gated-delta-rule.js';
import { unroll } from '../cells/unroll.js';
import { requireCount, requireDecays } from '../checks.js';
import { described } from '../description.js';
import { type Layer, layer, noCarry } from '../layer.js';
import type { Ops } from '../ops/ops.js';
import { checkedOptions, type Names } from '../options.js';
import { ones } from '../parameters/initializers.js';
import { type Initializer, type Parameter, parameter } from '../parameters/parameter.js';
import { type Features, sizeOf, type Tensor } from '../tensor.js';
import type { Convolution1dCarry } from './convolution-1d.js';
import { type DenseParams, dense } from './dense.js';
import { type DepthwiseConvolution1dParams, depthwiseConvolution1d } from './depthwise-convolution-1d.js';

/** The last inputs of the convolution, `[B, size − 1, N·(2K + V)]`, and the memories, `[B, N, K, V]`. */
export type GatedDeltaNetCarry = {
  readonly convolution: Convolution1dCarry;
  readonly memory: GatedDeltaRuleCarry;
};

/** Those of its parts, and the gains of the norm, `[V]`. */
export type GatedDeltaNetParams = {
  readonly input: DenseParams;
  readonly convolution: DepthwiseConvolution1dParams;
  readonly decay: DenseParams;
  readonly rate: DenseParams;
  readonly gate: DenseParams;
  readonly gain: Parameter;
  readonly output: DenseParams;
};

/** Options of {@link gatedDeltaNet}. */
export interface GatedDeltaNetOptions extends GatedDeltaRuleOptions {
  /** Draws the first weights, unless a model around it has a seed. */
  readonly seed?: number;
  /** Memories side by side, N, of which the units are a multiple; default the largest of 4, 2 and 1 that divides them. */
  readonly heads?: number;
  /** Numbers of a head's key, K; default as many as its values, U / N. */
  readonly keys?: number;
  /** Features that it gives; default as many as it takes. */
  readonly outputs?: number;
  /** Moments that the convolution sees; default 4. */
  readonly size?: number;
  /** Between which two numbers α of a head lies at first, where its input says nothing. Default [0.9, 0.999]. */
  readonly decays?: readonly [low: number, high: number];
}

const names: Names<GatedDeltaNetOptions> = {
  ...gatedDeltaRuleNames,
  seed: true,
  heads: true,
  keys: true,
  outputs: true,
  size: true,
  decays: true,
};

/** Added to a mean of squares before its root is taken. */
const LEAST = 1e-5;

/** z σ(z), the SiLU. */
const passing = (ops: Ops, z: Tensor): Tensor => ops.multiply(z, ops.logistic(z));

/** Biases of which the logistic function is uniform between two numbers. */
function biasesOf(decays: readonly [low: number, high: number]): Initializer {
  const [low, high] = requireDecays('gatedDeltaNet', decays);
  return (shape, random) =>
    new Float32Array(sizeOf(shape)).map(() => {
      const decay = low + (high - low) * random.uniform();
      return Math.log(decay / (1 - decay));
    });
}

/** N, as given or by default. @throws RangeError where the units are no multiple of it. */
function headsOf(units: number, heads = [4, 2].find((count) => units % count === 0) ?? 1): number {
  requireCount('gatedDeltaNet', 'heads', heads);
  if (units % heads === 0) return heads;
  throw new RangeError(
    `gatedDeltaNet: ${units} units do not share out among ${heads} heads; give it a multiple of them, or other heads.`,
  );
}

/**
 * A gated delta network's layer: memories of values by keys, matrices, in which each step forgets a share of everything and then replaces what is
 * under its key. Keys, values, queries and rates do not see the memory, so that all of them are worked out at once and only the recurrence itself goes step by
 * step. It can do what recurrences on a scan cannot: a step may turn what is under a key round, and so count modulo 2.
 *
 * Equation: `q, k, v = SiLU(conv(x·W_input))`, `a = x·W_decay + b_decay`, `b = x·W_rate + b_rate`, o of those by the rule of
 * {@link gatedDeltaRuleCell}, and `y = ((o / √(mean o² + 10⁻⁵) ⊙ gain) ⊙ SiLU(x·W_gate + b_gate))·W_output + b_output`, the mean being over a head's values.
 * Source: Yang, Kautz and Hatamizadeh, Gated delta networks: improving Mamba2 with delta rule (2024), §3 and figure 1; β up to 2 after Grazzi et al.,
 * Unlocking state-tracking in linear RNNs through negative eigenvalues (2024). With α = σ(a), which is the paper's e^(−A softplus(a)) for A = 1, and with biases.
 *
 * Shapes, N heads of K keys and V = U / N values: `x: [T, B, I] → y: [T, B, O]`, O being I by default; parameters `input.w [I, N·(2K + V)]`,
 * `convolution [size, N·(2K + V)]` and its bias, `decay` and `rate` `[I, N]` and `[N]`, `gate` `[I, U]` and `[U]`, `gain [V]`, `output` `[U, O]` and `[O]`.
 * The carry: `{ convolution, memory }`, the last `size − 1` inputs of the convolution and `memory.s [B, N, K, V]`; its size does not depend on how long a
 * stream is.
 *
 * @param inputs features that it takes, I.
 * @param units values of all heads together, U.
 * @param options heads, their keys, what it gives, the convolution's width, how slowly heads forget at first, how far β goes, and the seed.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws RangeError where a size is not a whole number above 0, units are no multiple of the heads, decays do not lie between 0 and 1, or x has other
 * features.
 * @throws TypeError where an option is not known.
 * @example
 * const block = () => ({
 *   mixing: residual(stack({ norm: layerNorm(48), memory: gatedDeltaNet(48, 64) })),
 *   network: residual(stack({ norm: layerNorm(48), f: feedForward(48, 144, { activation: 'gelu' }) })),
 * });
 * stack({ embed: embedding(65, 48), first: stack(block()), second: stack(block()), head: dense(48, 65) }, { seed: 1 })
 */
export function gatedDeltaNet(
  inputs: number,
  units: number,
  options: GatedDeltaNetOptions = {},
): Layer<GatedDeltaNetCarry, Features, Tensor, GatedDeltaNetParams> {
  requireCount('gatedDeltaNet', 'inputs', inputs);
  requireCount('gatedDeltaNet', 'units', units);
  const checked = checkedOptions('gatedDeltaNet', options, names);
  const heads = headsOf(units, checked.heads);
  const values = units / heads;
  const {
    seed,
    keys = values,
    outputs = inputs,
    size = 4,
    decays = [0.9, 0.999],
    negativeEigenvalues = true,
  } = checked;
  requireCount('gatedDeltaNet', 'keys', keys);
  requireCount('gatedDeltaNet', 'outputs', outputs);
  requireCount('gatedDeltaNet', 'the size', size);
  const mixed = heads * (2 * keys + values);
  const input = dense(inputs, mixed, { bias: false });
  const convolution = depthwiseConvolution1d(mixed, size);
  const decay = dense(inputs, heads, { initializers: { b: biasesOf(decays) } });
  const rate = dense(inputs, heads);
  const gate = dense(inputs, units);
  const gain = parameter([values], ones());
  const output = dense(units, outputs);
  const memory = unroll(gatedDeltaRuleCell(heads, keys, values, { negativeEigenvalues }));

  /** Each head's values over the root of their mean square, times the gains. */
  function normed(ops: Ops, x: Tensor): Tensor {
    const rows = ops.reshape(x, [sizeOf(x.shape) / values, values]);
    const squares = ops.sumTo(ops.multiply(rows, rows), [rows.shape[0] as number, 1]);
    const even = ops.divide(rows, ops.sqrt(ops.affine(squares, 1 / values, LEAST)));
    return ops.reshape(ops.multiply(even, gain), x.shape);
  }

  return described(
    layer(
      {
        kind: 'gatedDeltaNet',
        inputs,
        outputs,
        params: {
          input: input.params,
          convolution: convolution.params,
          decay: decay.params,
          rate: rate.params,
          gate: gate.params,
          gain,
          output: output.params,
        },
        initial: (batch) => ({ convolution: convolution.initial(batch), memory: memory.initial(batch) }),
        apply(ops, carry: GatedDeltaNetCarry, x) {
          const [entering] = input.apply(ops, noCarry, x);
          const [seen, past] = convolution.apply(ops, carry.convolution, entering);
          const [forgetting] = decay.apply(ops, noCarry, x);
          const [writing] = rate.apply(ops, noCarry, x);
          const all = ops.concat([passing(ops, seen), forgetting, writing], 2);
          const [read, after] = memory.apply(ops, carry.memory, all);
          const [open] = gate.apply(ops, noCarry, x);
          const [y] = output.apply(ops, noCarry, ops.multiply(normed(ops, read), passing(ops, open)));
          return [y, { convolution: past, memory: after }];
        },
      },
      seed,
    ),
    'gatedDeltaNet',
    [inputs, units, options],
  );
}
