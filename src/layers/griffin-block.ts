import { type RgLruCarry, type RgLruParams, rgLru } from '../cells/rg-lru.js';
import { requireCount } from '../checks.js';
import { described } from '../description.js';
import { type Layer, layer, noCarry } from '../layer.js';
import { checkedOptions, type Names } from '../options.js';
import type { Features, Tensor } from '../tensor.js';
import type { Convolution1dCarry } from './convolution-1d.js';
import { type DenseParams, dense } from './dense.js';
import { type DepthwiseConvolution1dParams, depthwiseConvolution1d } from './depthwise-convolution-1d.js';

/** The last inputs of the convolution, `[B, size − 1, U]`, and the state of the recurrence, `[B, U]`. */
export type GriffinBlockCarry = {
  readonly convolution: Convolution1dCarry;
  readonly recurrence: RgLruCarry;
};

/** Those of its five parts. */
export type GriffinBlockParams = {
  readonly input: DenseParams;
  readonly gate: DenseParams;
  readonly convolution: DepthwiseConvolution1dParams;
  readonly recurrence: RgLruParams;
  readonly output: DenseParams;
};

/** Options of {@link griffinBlock}. */
export interface GriffinBlockOptions {
  /** Draws the first weights, unless a model around it has a seed. */
  readonly seed?: number;
  /** Features that it gives; default as many as it takes. */
  readonly outputs?: number;
  /** Moments that the convolution sees; default 4. */
  readonly size?: number;
  /** As that of {@link rgLru}; default [0.9, 0.999]. */
  readonly decays?: readonly [low: number, high: number];
}

const names: Names<GriffinBlockOptions> = { seed: true, outputs: true, size: true, decays: true };

/**
 * The recurrent block of Griffin and Hawk: an RG-LRU after a short convolution, and a parallel branch that says how much of each unit
 * passes.
 *
 * Equation: `y = (GELU(x·W_gate + b_gate) ⊙ RG-LRU(conv(x·W_input + b_input)))·W_output + b_output`.
 * Source: De et al., Griffin: mixing gated linear recurrences with local attention for efficient language models (2024), §2.3 and
 * figure 2c. In a model it stands in a residual link after a norm, and a gated network after it likewise (figure 2a); the example has
 * that with our layers.
 *
 * Shapes: `x: [T, B, I] → y: [T, B, O]`, O being I by default; parameters `input` and `gate` `[I, U]` and `[U]`, `convolution` `[size, U]` and
 * `[U]`, `recurrence` those of `rgLru`, `output` `[U, O]` and `[O]`. The carry: `{ convolution, recurrence }`, the last `size − 1` inputs of the
 * convolution and `h [B, U]`; its size does not depend on how long a stream is.
 *
 * @param inputs features that it takes, I.
 * @param units features of the recurrence, U; in the paper about 4/3 of I.
 * @param options what it gives, the convolution's width, how slowly units forget at first, and the seed.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws RangeError where a size is not a whole number above 0, decays do not lie between 0 and 1, or x has other features.
 * @throws TypeError where an option is not known.
 * @example
 * const block = () => ({
 *   mixing: residual(stack({ norm: layerNorm(48), block: griffinBlock(48, 64) })),
 *   network: residual(stack({ norm: layerNorm(48), f: feedForward(48, 144, { activation: 'gelu' }) })),
 * });
 * stack({ embed: embedding(65, 48), first: stack(block()), second: stack(block()), head: dense(48, 65) }, { seed: 1 })
 */
export function griffinBlock(
  inputs: number,
  units: number,
  options: GriffinBlockOptions = {},
): Layer<GriffinBlockCarry, Features, Tensor, GriffinBlockParams> {
  requireCount('griffinBlock', 'inputs', inputs);
  requireCount('griffinBlock', 'units', units);
  const { seed, outputs = inputs, size = 4, decays } = checkedOptions('griffinBlock', options, names);
  requireCount('griffinBlock', 'outputs', outputs);
  requireCount('griffinBlock', 'the size', size);
  const input = dense(inputs, units);
  const gate = dense(inputs, units, { activation: 'gelu' });
  const convolution = depthwiseConvolution1d(units, size);
  const recurrence = rgLru(units, { ...(decays && { decays }) });
  const output = dense(units, outputs);
  return described(
    layer(
      {
        kind: 'griffinBlock',
        inputs,
        outputs,
        params: {
          input: input.params,
          gate: gate.params,
          convolution: convolution.params,
          recurrence: recurrence.params,
          output: output.params,
        },
        initial: (batch) => ({ convolution: convolution.initial(batch), recurrence: recurrence.initial(batch) }),
        apply(ops, carry: GriffinBlockCarry, x) {
          const [passing] = gate.apply(ops, noCarry, x);
          const [entering] = input.apply(ops, noCarry, x);
          const [seen, past] = convolution.apply(ops, carry.convolution, entering);
          const [state, after] = recurrence.apply(ops, carry.recurrence, seen);
          const [y] = output.apply(ops, noCarry, ops.multiply(passing, state));
          return [y, { convolution: past, recurrence: after }];
        },
      },
      seed,
    ),
    'griffinBlock',
    [inputs, units, options],
  );
}
