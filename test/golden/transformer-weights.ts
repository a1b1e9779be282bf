/** Where the parameters of PyTorch's attention and Transformer blocks lie in ours. */
import { entry, type Figures, type Named, reorder, transpose } from './load.js';

/** PyTorch's three input projections lie in one matrix. */
export const attentionOf = (torch: Named<Figures>, from: string, to: string): Named<Figures> => ({
  ...Object.fromEntries(
    ['query', 'key', 'value'].flatMap((name, k) => [
      [`${to}${name}.w`, transpose(reorder(entry(torch, `${from}in_proj_weight`), [k], 3))],
      [`${to}${name}.b`, reorder(entry(torch, `${from}in_proj_bias`), [k], 3)],
    ]),
  ),
  [`${to}output.w`]: transpose(entry(torch, `${from}out_proj.weight`)),
  [`${to}output.b`]: entry(torch, `${from}out_proj.bias`),
});

export const normOf = (torch: Named<Figures>, from = '', to = ''): Named<Figures> => ({
  [`${to}gain`]: entry(torch, `${from}weight`),
  [`${to}bias`]: entry(torch, `${from}bias`),
});

/** A block with so many norms, and cross-attention where it is a decoder's. */
export const blockOf =
  (norms: number, cross: boolean) =>
  (torch: Named<Figures>, from = '', to = ''): Named<Figures> => ({
    ...attentionOf(torch, `${from}self_attn.`, `${to}attention.`),
    ...(cross && attentionOf(torch, `${from}multihead_attn.`, `${to}cross.`)),
    [`${to}feed.inner.w`]: transpose(entry(torch, `${from}linear1.weight`)),
    [`${to}feed.inner.b`]: entry(torch, `${from}linear1.bias`),
    [`${to}feed.outer.w`]: transpose(entry(torch, `${from}linear2.weight`)),
    [`${to}feed.outer.b`]: entry(torch, `${from}linear2.bias`),
    ...Object.assign(
      {},
      ...Array.from({ length: norms }, (_, k) => normOf(torch, `${from}norm${k + 1}.`, `${to}norm${k + 1}.`)),
    ),
  });

/** Blocks one after another, and a norm behind them where there is one. */
export const blocksOf = (
  torch: Named<Figures>,
  count: number,
  block: ReturnType<typeof blockOf>,
  from: string,
  to: string,
): Named<Figures> => ({
  ...Object.assign(
    {},
    ...Array.from({ length: count }, (_, k) => block(torch, `${from}layers.${k}.`, `${to}block${k + 1}.`)),
  ),
  ...(`${from}norm.weight` in torch && normOf(torch, `${from}norm.`, `${to}norm.`)),
});
