/** Attention and Transformers as PyTorch's modules. */
import { below } from '../../path.js';
import { activationName, activationOf } from './activations.js';
import { type Link, matrix, projections, same } from './layout.js';
import type { Planner, Site } from './plan.js';

type Options = Readonly<Record<string, unknown>>;

/** The tensors of a `MultiheadAttention`. */
function attentionLinks(path: string, prefix: string, bias: boolean): readonly Link[] {
  const inner = ['query', 'key', 'value'].map((name) => below(path, name));
  const output = below(path, 'output');
  return [
    projections(
      `${prefix}in_proj_weight`,
      inner.map((each) => `${each}.w`),
    ),
    matrix(`${prefix}out_proj.weight`, `${output}.w`),
    ...(bias
      ? [
          projections(
            `${prefix}in_proj_bias`,
            inner.map((each) => `${each}.b`),
          ),
          same(`${prefix}out_proj.bias`, `${output}.b`),
        ]
      : []),
  ];
}

export const normLinks = (path: string, prefix = ''): readonly Link[] => [
  same(`${prefix}weight`, below(path, 'gain')),
  same(`${prefix}bias`, below(path, 'bias')),
];

const linearLinks = (path: string, prefix: string): readonly Link[] => [
  matrix(`${prefix}.weight`, `${path}.w`),
  same(`${prefix}.bias`, `${path}.b`),
];

/** Python for the module, of what it is to apply. */
export function planAttention(planner: Planner, site: Site, heads: unknown, { bias = true }: Options): string {
  const features = planner.shapeOf(below(site.path, 'query.w'))[0] as number;
  const args = `${features}, ${heads}${bias ? '' : ', bias=False'}`;
  planner.module(site, 'nn.MultiheadAttention', args, attentionLinks(site.path, '', bias === true));
  return planner.call(site);
}

/** The tensors of a `TransformerEncoderLayer`, or, with cross-attention, of a `TransformerDecoderLayer`. */
function blockLinks(path: string, prefix: string, crosses: boolean): readonly Link[] {
  const norms = crosses ? [1, 2, 3] : [1, 2];
  return [
    ...attentionLinks(below(path, 'attention'), `${prefix}self_attn.`, true),
    ...(crosses ? attentionLinks(below(path, 'cross'), `${prefix}multihead_attn.`, true) : []),
    ...linearLinks(below(path, 'feed.inner'), `${prefix}linear1`),
    ...linearLinks(below(path, 'feed.outer'), `${prefix}linear2`),
    ...norms.flatMap((k) => normLinks(below(path, `norm${k}`), `${prefix}norm${k}.`)),
  ];
}

interface Block {
  readonly features: number;
  readonly epsilon: number;
  readonly args: string;
}

function blockOf(planner: Planner, site: Site, path: string, heads: unknown, options: Options): Block {
  const { norm = 'pre', epsilon = 1e-5, activation = 'relu', attention } = options;
  if ((attention as Options | undefined)?.bias === false) {
    planner.refuse(site, 'attention.bias', "the attentions of PyTorch's blocks have biases");
  }
  const expression = activationOf(activation, 'z');
  if (expression === undefined) planner.refuse(site, 'activation', `PyTorch has no ${activationName(activation)}`);
  const [features, hidden] = planner.shapeOf(below(path, 'feed.inner.w')) as readonly [number, number];
  const args = [
    features,
    heads,
    hidden,
    'dropout=0.0',
    ...(activationName(activation) === 'relu' ? [] : [`activation=lambda z: ${expression}`]),
    ...(epsilon === 1e-5 ? [] : [`layer_norm_eps=${epsilon}`]),
    ...(norm === 'pre' ? ['norm_first=True'] : []),
  ];
  return { features, epsilon: epsilon as number, args: args.join(', ') };
}

/** A block by itself. */
export function planBlock(planner: Planner, site: Site, heads: unknown, options: Options, crosses: boolean): string {
  const { args } = blockOf(planner, site, site.path, heads, options);
  planner.module(site, `nn.Transformer${crosses ? 'De' : 'En'}coderLayer`, args, blockLinks(site.path, '', crosses));
  return planner.call(site);
}

/** Blocks one after another, and what normalises them last. */
export function planBlocks(planner: Planner, site: Site, heads: unknown, options: Options, crosses: boolean): string {
  const { blocks, norm = 'pre', finalNorm = norm === 'pre' } = options;
  const paths = Array.from({ length: blocks as number }, (_, k) => below(site.path, `block${k + 1}`));
  const { features, epsilon, args } = blockOf(planner, site, paths[0] as string, heads, options);
  const type = `nn.Transformer${crosses ? 'De' : 'En'}coder`;
  const last = finalNorm ? `, norm=nn.LayerNorm(${features}, eps=${epsilon})` : '';
  planner.module(site, type, `${type}Layer(${args}), ${blocks}${last}`, [
    ...paths.flatMap((path, k) => blockLinks(path, `layers.${k}.`, crosses)),
    ...(finalNorm ? normLinks(below(site.path, 'norm'), 'norm.') : []),
  ]);
  return planner.call(site);
}
