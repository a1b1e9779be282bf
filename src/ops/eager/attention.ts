import * as kernels from '../../kernels/attention.js';
import * as normKernels from '../../kernels/layer-norm.js';
import type { Tensor } from '../../tensor.js';
import { type AttentionForm, attentionSizes } from '../attention.js';
import { requireArguments } from '../operands.js';
import type { Ops } from '../ops.js';
import { checkLayerNorm, checkSame, rowsAndWidth } from '../shapes.js';
import type { Workspace } from './workspace.js';

type Attending = 'attention' | 'attentionAdjoint' | 'layerNorm' | 'layerNormAdjoint';

export function attending(space: Workspace): Pick<Ops, Attending> {
  const { machine } = space;

  function operands(
    parts: readonly Tensor[],
    form: AttentionForm,
    y: number,
    mask: Tensor | undefined,
    known: Tensor | undefined,
  ): kernels.Attention {
    const sizes = attentionSizes(parts, form, mask, known);
    const [q, k, v, pastKeys = 0, pastValues = 0] = parts.map((part) => space.numbers(part, 'attention'));
    return {
      ...sizes,
      q: q as number,
      k: k as number,
      v: v as number,
      pastKeys,
      pastValues,
      known: known === undefined ? 0 : space.numbers(known, 'attention'),
      mask: mask === undefined ? 0 : space.numbers(mask, 'attention'),
      y,
      scratch: space.result([kernels.attentionScratch(machine, sizes)]).address,
    };
  }

  return {
    attention(parts, form, mask, known) {
      requireArguments('attention', parts, form, mask, known);
      attentionSizes(parts, form, mask, known);
      const y = space.result((parts[0] as Tensor).shape);
      kernels.attention(machine, operands(parts, form, y.address, mask, known));
      return y;
    },
    attentionAdjoint(gradient, y, parts, form, mask, known, past) {
      requireArguments('attentionAdjoint', gradient, y, parts, form, mask, known, past);
      checkSame(gradient.shape, y.shape, 'attentionAdjoint');
      const results = parts.slice(0, past ? 5 : 3).map(({ shape }) => space.result(shape));
      const [q, k, v, pastKeys = 0, pastValues = 0] = results.map(({ address }) => address);
      kernels.attentionAdjoint(machine, operands(parts, form, space.numbers(y, 'attentionAdjoint'), mask, known), {
        y: space.numbers(gradient, 'attentionAdjoint'),
        q: q as number,
        k: k as number,
        v: v as number,
        pastKeys,
        pastValues,
      });
      return results;
    },
    layerNorm(x, gain, bias, epsilon) {
      requireArguments('layerNorm', x, gain, bias, epsilon);
      checkLayerNorm(x.shape, gain.shape, bias.shape);
      const { rows, width } = rowsAndWidth(x.shape, 'layerNorm');
      const y = space.result(x.shape);
      const norm = { x: space.numbers(x, 'layerNorm'), gain: space.numbers(gain, 'layerNorm'), rows, epsilon };
      normKernels.layerNorm(machine, { ...norm, columns: width }, space.numbers(bias, 'layerNorm'), y.address);
      return y;
    },
    layerNormAdjoint(gradient, x, gain, epsilon) {
      requireArguments('layerNormAdjoint', gradient, x, gain, epsilon);
      checkSame(gradient.shape, x.shape, 'layerNormAdjoint');
      checkLayerNorm(x.shape, gain.shape, gain.shape, 'layerNormAdjoint');
      const { rows, width } = rowsAndWidth(x.shape, 'layerNormAdjoint');
      const results = [space.result(x.shape), space.result(gain.shape), space.result(gain.shape)] as const;
      const [dx, dgain, dbias] = results;
      normKernels.layerNormAdjoint(
        machine,
        {
          x: space.numbers(x, 'layerNormAdjoint'),
          gain: space.numbers(gain, 'layerNormAdjoint'),
          rows,
          columns: width,
          epsilon,
        },
        space.numbers(gradient, 'layerNormAdjoint'),
        dx.address,
        dgain.address,
        dbias.address,
        space.result([rows, 2]).address,
      );
      return results;
    },
  };
}
