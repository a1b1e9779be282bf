/** Every layer and model that PyTorch has modules for, by the name that descriptions have for it. */
import { isRecord } from '../../checks.js';
import type { Layer } from '../../layer.js';
import { below } from '../../path.js';
import { build } from '../../runs/build.js';
import type { ModelDescription } from '../../runs/description.js';
import type { Shape } from '../../tensor.js';
import { activationName, activationOf } from './activations.js';
import { normLinks, planAttention, planBlock, planBlocks } from './attention.js';
import { again, matrix, matrixOfImages, same, turned } from './layout.js';
import { type Node, type Plan, Planner, type Site, within } from './plan.js';
import { planRecurrent } from './recurrent.js';

type Options = Readonly<Record<string, unknown>>;
type Rule = (planner: Planner, node: Node, site: Site) => void;

const optionsAt = (node: Node, at: number): Options => (isRecord(node.args[at]) ? node.args[at] : {});
const made = ($: string, ...args: readonly unknown[]): Node => ({ $, args });

function part(planner: Planner, value: unknown, site: Site): void {
  const node = planner.node(value, site);
  if (planRecurrent(planner, [[node, site.path]], site)) return;
  const rule = Object.hasOwn(rules, node.$) ? rules[node.$] : undefined;
  if (rule === undefined) throw planner.refuse(site, '', `there is no module of PyTorch for ${node.$}`);
  if (planner.flattened !== undefined && !passesOrder.has(node.$)) {
    planner.refuse(
      site,
      '',
      `${node.$} stands between images that were flattened and the dense layer, and would see them in another order`,
    );
  }
  rule(planner, node, site);
}

/** What takes features in any order. */
const passesOrder = new Set(['activation', 'dropout', 'dense', 'stack', 'sequential', 'sequential.compile']);

function children(planner: Planner, layers: readonly (readonly [name: string, layer: unknown])[], site: Site): void {
  for (const [name, layer] of layers) part(planner, layer, within(site, name));
}

function activated(planner: Planner, site: Site, choice: unknown): void {
  if (choice === undefined) return;
  const expression = activationOf(choice, 'x');
  if (expression === undefined) planner.refuse(site, 'activation', `PyTorch has no ${activationName(choice)}`);
  else planner.becomes(expression);
}

/** The kinds of a model's layers number them. */
const namesIn = (node: Node): readonly string[] =>
  Object.keys((build(node as ModelDescription) as unknown as Layer<unknown>).params);

const dense: Rule = (planner, node, site) => {
  const { activation } = optionsAt(node, 2);
  const [inputs, units] = planner.shapeOf(below(site.path, 'w')) as readonly [number, number];
  const bias = hasBias(node, 2);
  const { flattened } = planner;
  planner.flattened = undefined;
  if (flattened !== undefined && inputs % flattened !== 0) {
    planner.refuse(site, '', `its ${inputs} inputs are no whole number of images' ${flattened} channels`);
  }
  const w = below(site.path, 'w');
  planner.module(site, 'nn.Linear', `${inputs}, ${units}${bias ? '' : ', bias=False'}`, [
    flattened === undefined ? matrix('weight', w) : matrixOfImages('weight', w, flattened),
    ...biasOf(site, bias),
  ]);
  planner.becomes(`${planner.call(site)}(x)`);
  activated(planner, site, activation);
};

const hasBias = (node: Node, at: number) => optionsAt(node, at).bias !== false;
const biasOf = (site: Site, bias: boolean) => (bias ? [same('bias', below(site.path, 'b'))] : []);

const embedding: Rule = (planner, _, site) => {
  const table = below(site.path, 'table');
  planner.module(site, 'nn.Embedding', planner.shapeOf(table).join(', '), [same('weight', table)]);
  planner.becomes(`${planner.call(site)}(x)`);
};

const attention =
  (kind: 'self' | 'causal' | 'cross'): Rule =>
  (planner, node, site) => {
    const options = optionsAt(node, 2);
    const call = planAttention(planner, site, node.args[1], options);
    if (kind === 'cross') planner.inputs('x, memory');
    const memory = kind === 'cross' ? 'memory' : 'x';
    const mask = kind === 'causal' ? `, attn_mask=unseen(x, ${options.context})` : '';
    planner.becomes(`${call}(x, ${memory}, ${memory}, need_weights=False${mask})[0]`);
  };

const block =
  (kind: 'encoder' | 'causal' | 'decoder', plan: typeof planBlock): Rule =>
  (planner, node, site) => {
    const options = optionsAt(node, 2);
    const call = plan(planner, site, node.args[1], options, kind === 'decoder');
    if (kind === 'decoder') planner.inputs('x, memory');
    const past = kind === 'encoder' ? '' : `unseen(x, ${options.context})`;
    planner.becomes(kind === 'decoder' ? `${call}(x, memory, tgt_mask=${past})` : `${call}(x${past && `, ${past}`})`);
  };

/** Python for zeros around an axis, from `F.pad`'s list, which begins at the last axis. */
function zerosFor(size: number, padding: unknown): readonly [number, number] {
  if (padding === 'same') return [Math.floor((size - 1) / 2), Math.ceil((size - 1) / 2)];
  if (padding === 'full') return [size - 1, size - 1];
  if (padding === 'causal') return [size - 1, 0];
  return typeof padding === 'number' ? [padding, padding] : [0, 0];
}

const pairOf = (value: unknown): readonly [number, number] =>
  Array.isArray(value) ? (value as [number, number]) : [value as number, value as number];

const convolution1d: Rule = (planner, node, site) => {
  const { padding = 'causal', stride = 1, flipped, activation } = optionsAt(node, 3);
  if (flipped === true) planner.refuse(site, 'flipped', "PyTorch's kernels are not turned");
  const w = below(site.path, 'w');
  const [size, inputs, outputs] = planner.shapeOf(w) as readonly [number, number, number];
  const bias = hasBias(node, 3);
  const args = [inputs, outputs, size, ...(stride === 1 ? [] : [`stride=${stride}`]), ...(bias ? [] : ['bias=False'])];
  planner.module(site, 'nn.Conv1d', args.join(', '), [turned('weight', w, [2, 1, 0]), ...biasOf(site, bias)]);
  const zeros = zerosFor(size, padding).join(', ');
  planner.becomes(`${planner.call(site)}(F.pad(x.permute(1, 2, 0), (${zeros}))).permute(2, 0, 1)`);
  activated(planner, site, activation);
};

/** Python for what works on images `[N, C, H, W]`, of ours. */
const onImages = (expression: (images: string) => string) =>
  `${expression('x.flatten(0, 1).permute(0, 3, 1, 2)')}.permute(0, 2, 3, 1).unflatten(0, x.shape[:2])`;

const convolution2d: Rule = (planner, node, site) => {
  const { padding = 'valid', stride = 1, groups = 1, flipped, activation } = optionsAt(node, 3);
  if (flipped === true) planner.refuse(site, 'flipped', "PyTorch's kernels are not turned");
  const w = below(site.path, 'w');
  const [rows, columns, , outputs] = planner.shapeOf(w) as readonly [number, number, number, number];
  const bias = hasBias(node, 3);
  const inputs = (planner.shapeOf(w)[2] as number) * (groups as number);
  const args = [
    ...[inputs, outputs, `(${rows}, ${columns})`],
    ...(String(stride) === '1' ? [] : [`stride=(${pairOf(stride).join(', ')})`]),
    ...(groups === 1 ? [] : [`groups=${groups}`]),
    ...(bias ? [] : ['bias=False']),
  ];
  planner.module(site, 'nn.Conv2d', args.join(', '), [turned('weight', w, [3, 2, 0, 1]), ...biasOf(site, bias)]);
  const [down, across] = Array.isArray(padding) ? padding : [padding, padding];
  const zeros = [...zerosFor(columns, across), ...zerosFor(rows, down)].join(', ');
  planner.becomes(onImages((x) => `${planner.call(site)}(F.pad(${x}, (${zeros})))`));
  planner.images = outputs;
  activated(planner, site, activation);
};

const pooling =
  (python: string, images: boolean): Rule =>
  (planner, node) => {
    const size = pairOf(node.args[0]);
    const stride = pairOf(optionsAt(node, 1).stride ?? node.args[0]);
    if (images) planner.becomes(onImages((x) => `F.${python}(${x}, (${size.join(', ')}), (${stride.join(', ')}))`));
    else planner.becomes(`F.${python}(x.permute(1, 2, 0), ${size[0]}, ${stride[0]}).permute(2, 0, 1)`);
  };

const positions: Rule = (planner, _, site) => {
  const table = below(site.path, 'table');
  planner.module(site, 'nn.Embedding', planner.shapeOf(table).join(', '), [same('weight', table)]);
  planner.becomes(`x + ${planner.call(site)}(torch.arange(len(x), device=x.device))[:, None]`);
};

/** A head that is an embedding's own table. */
const tied =
  (embed: Site): Rule =>
  (planner, _, site) => {
    const table = below(embed.path, 'table');
    const [symbols, features] = planner.shapeOf(table) as readonly [number, number];
    planner.module(site, 'nn.Linear', `${features}, ${symbols}, bias=False`, [again('weight', table)]);
    planner.tie(`${planner.attribute(site)}.weight = ${planner.attribute(embed)}.weight`);
    planner.becomes(`${planner.call(site)}(x)`);
  };

const languageModel: Rule = (planner, node, site) => {
  const { symbols, cell = 'lstm', units = 256, layers = 1, embed = 64 } = optionsAt(node, 0);
  const kind = cell === 'rnn' ? 'simpleRnn' : String(cell);
  const cells = Array.from({ length: layers as number }, (_, k) =>
    made(kind, k > 0 ? units : embed === 0 ? symbols : embed, units),
  );
  const parts = {
    embed: embed === 0 ? made('oneHot', symbols) : made('embedding', symbols, embed),
    rnn: made('stacked', cells),
    head: made('dense', units, symbols),
  };
  children(planner, Object.entries(parts), site);
};

const gpt: Rule = (planner, node, site) => {
  const { symbols, context, features, heads, blocks, hidden, activation, tied: isTied } = optionsAt(node, 0);
  const form = {
    blocks,
    context,
    ...(hidden !== undefined && { hidden }),
    ...(activation !== undefined && { activation }),
  };
  children(
    planner,
    [
      ['embed', made('embedding', symbols, features)],
      ['positions', made('learnedPositions', context, features)],
      ['blocks', made('causalBlocks', features, heads, form)],
    ],
    site,
  );
  const head = within(site, 'head');
  if (isTied === true) tied(within(site, 'embed'))(planner, node, head);
  else part(planner, made('dense', features, symbols, { bias: false }), head);
};

const bert: Rule = (planner, node, site) => {
  const options = optionsAt(node, 0);
  const { symbols, length, features, heads, padding } = options;
  planner.line('ids = x');
  children(
    planner,
    [
      ['embed', made('embedding', symbols, features)],
      ['positions', made('learnedPositions', length, features)],
    ],
    site,
  );
  const call = planBlocks(planner, within(site, 'encoder'), heads, options, false);
  planner.becomes(`${call}(x${padding === undefined ? '' : `, src_key_padding_mask=(ids == ${padding}).T`})`);
  part(planner, made('dense', features, symbols), within(site, 'head'));
};

const encoderDecoder: Rule = (planner, node, site) => {
  const options = optionsAt(node, 0);
  const { source, target, features, heads, length, padding } = options;
  planner.inputs('source, target');
  const hides = (name: string) => (padding === undefined ? '' : `, ${name}=(source == ${padding}).T`);
  planner.becomes('source');
  part(planner, made('embedding', source, features), within(within(site, 'read'), 'embed'));
  planner.becomes('sines(x)');
  const read = planBlocks(planner, within(within(site, 'read'), 'encoder'), heads, options, false);
  planner.line(`memory = ${read}(x${hides('src_key_padding_mask')})`);
  planner.becomes('target');
  part(planner, made('embedding', target, features), within(within(site, 'write'), 'embed'));
  planner.becomes('sines(x)');
  const write = planBlocks(planner, within(within(site, 'write'), 'decoder'), heads, options, true);
  planner.becomes(`${write}(x, memory, tgt_mask=unseen(x, ${length})${hides('memory_key_padding_mask')})`);
  part(planner, made('dense', features, target), within(site, 'head'));
};

const tagger: Rule = (planner, node, site) => {
  const options = optionsAt(node, 0);
  const { characters, hashed = false, chain, cell = 'lstm', layers = 1, bidirectional = true, intents } = options;
  if (chain !== false) {
    planner.refuse(site, 'chain', 'PyTorch has no linear chain; export a tagger made with { chain: false }');
  }
  if (characters !== false)
    planner.refuse(site, 'characters', 'PyTorch has no module for spellings; make it { characters: false }');
  if (hashed !== false)
    planner.refuse(site, 'hashed', 'PyTorch has no module for hashed features; make it { hashed: false }');
  part(planner, made('embedding'), within(site, 'words'));
  const one = made(String(cell));
  const level = bidirectional === false ? one : made('bidirectional', one, one);
  part(
    planner,
    made(
      'stacked',
      Array.from({ length: layers as number }, () => level),
    ),
    within(site, 'rnn'),
  );
  const states = planner.variable();
  planner.line(`${states} = x`);
  part(planner, made('dense'), within(site, 'tags'));
  if (intents === undefined) return;
  const tags = planner.variable();
  planner.line(`${tags} = x`);
  planner.becomes(`${states}.amax(0)`);
  part(planner, made('dense'), within(site, 'intents'));
  planner.becomes(`(${tags}, x)`);
};

const prelu: Rule = (planner, _, site) => {
  const slope = below(site.path, 'slope');
  planner.module(site, 'nn.PReLU', String(planner.shapeOf(slope)[0]), [same('weight', slope)]);
  planner.becomes(`torch.where(x > 0, x, x * ${planner.attribute(site)}.weight)`);
};

const rules: Readonly<Record<string, Rule>> = {
  stack: (planner, node, site) => children(planner, Object.entries(optionsAt(node, 0)), site),
  sequential(planner, node, site) {
    const { padding } = optionsAt(node, 1);
    if (padding !== undefined) planner.refuse(site, 'padding', "PyTorch's modules take lengths of lanes with the data");
    const names = namesIn(node);
    children(
      planner,
      (node.args[0] as readonly unknown[]).map((layer, k) => [names[k] as string, layer]),
      site,
    );
  },
  'sequential.compile': (planner, node, site) => part(planner, node.args[0], site),
  stacked(planner, node, site) {
    const layers = (node.args[0] as readonly unknown[]).map((layer, k) => [`layer${k + 1}`, layer] as const);
    if (optionsAt(node, 1).residual === true)
      planner.refuse(site, 'residual', "PyTorch's stacked layers have no residual links");
    const nodes = layers.map(([name, layer]) => [planner.node(layer, site), below(site.path, name)] as const);
    if (!planRecurrent(planner, nodes, site)) children(planner, layers, site);
  },
  residual(planner, node, site) {
    const before = planner.variable();
    planner.line(`${before} = x`);
    part(planner, node.args[0], site);
    planner.becomes(`${before} + x`);
  },
  dense,
  embedding,
  oneHot: (planner, node) => planner.becomes(`F.one_hot(x, ${node.args[0]}).to(torch.get_default_dtype())`),
  activation: (planner, node, site) => activated(planner, site, node.args[0]),
  dropout: () => undefined,
  lastStep: (planner) => planner.becomes('x[-1:]'),
  flatten(planner) {
    const { images } = planner;
    planner.becomes(images === undefined ? 'x.flatten(2)' : 'x.permute(0, 1, 4, 2, 3).flatten(2)');
    planner.images = undefined;
    planner.flattened = images;
  },
  feedForward(planner, node, site) {
    const { activation = 'relu' } = optionsAt(node, 2);
    part(planner, made('dense', 0, 0, { activation }), within(site, 'inner'));
    part(planner, made('dense'), within(site, 'outer'));
  },
  layerNorm(planner, node, site) {
    const { epsilon = 1e-5 } = optionsAt(node, 1);
    planner.module(site, 'nn.LayerNorm', `${node.args[0]}, eps=${epsilon}`, normLinks(site.path));
    planner.becomes(`${planner.call(site)}(x)`);
  },
  prelu,
  convolution1d,
  convolution2d,
  maxPooling1d: pooling('max_pool1d', false),
  meanPooling1d: pooling('avg_pool1d', false),
  maxPooling2d: pooling('max_pool2d', true),
  meanPooling2d: pooling('avg_pool2d', true),
  learnedPositions: positions,
  sinusoidalPositions: (planner) => planner.becomes('sines(x)'),
  selfAttention: attention('self'),
  causalAttention: attention('causal'),
  crossAttention: attention('cross'),
  encoderBlock: block('encoder', planBlock),
  causalBlock: block('causal', planBlock),
  decoderBlock: block('decoder', planBlock),
  encoder: block('encoder', planBlocks),
  causalBlocks: block('causal', planBlocks),
  decoder: block('decoder', planBlocks),
  languageModel,
  gpt,
  bert,
  encoderDecoder,
  tagger,
};

/**
 * What a model is in PyTorch.
 *
 * @param shapes of its weights, by path.
 * @throws OxbowError, an InterchangeError, that names what PyTorch has no module for.
 */
export function planOf(operation: string, description: ModelDescription, shapes: ReadonlyMap<string, Shape>): Plan {
  const planner = new Planner(operation, (path) => shapes.get(path) ?? []);
  const root = { path: '', name: '' };
  part(planner, description, root);
  const linked = new Set(planner.units.flatMap(({ links }) => links.flatMap(({ paths }) => paths)));
  const left = [...shapes.keys()].find((path) => !linked.has(path));
  if (left !== undefined) planner.refuse({ path: left, name: left }, '', 'there is no tensor of PyTorch for it');
  return planner.plan(description);
}
