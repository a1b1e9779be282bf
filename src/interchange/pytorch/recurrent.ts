/** Recurrent layers as PyTorch's RNN, LSTM and GRU: stacked and bidirectional ones are one module there. */
import { below } from '../../path.js';
import { activationName } from './activations.js';
import { biases, gates, gruBiases, type Link } from './layout.js';
import type { Node, Planner, Site } from './plan.js';

const types = {
  simpleRnn: { type: 'nn.RNN', order: [0] },
  lstm: { type: 'nn.LSTM', order: [0, 1, 2, 3] },
  // r, z, n there; z, r, n here.
  gru: { type: 'nn.GRU', order: [1, 0, 2] },
} as const;

/** What one layer of a module is. */
interface Level {
  readonly kind: keyof typeof types;
  readonly nonlinearity?: string;
  /** Where its directions have their weights. */
  readonly paths: readonly string[];
  readonly units: number;
  /** Whether it gives the last step alone. */
  readonly last?: boolean;
}

type Options = Readonly<Record<string, unknown>>;

const optionsOf = (node: Node, at: number): Options => (node.args[at] ?? {}) as Options;

/** A layer, in one direction. */
function oneWay(planner: Planner, given: Node, path: string): Level | undefined {
  const site = { path, name: '' };
  const cell = given.$ === 'unroll' ? planner.node(given.args[0], site) : given;
  const kind = cell.$.replace(/Cell$/, '');
  if (!Object.hasOwn(types, kind)) return undefined;
  const options = optionsOf(cell, 2);
  if (kind === 'lstm') {
    const { forget = 'learned', peepholes = false, layerNorm = false } = options;
    if (forget !== 'learned')
      planner.refuse(site, 'forget', `PyTorch's LSTM learns to forget, and this one has '${forget}'`);
    if (peepholes) planner.refuse(site, 'peepholes', "PyTorch's LSTM has none");
    if (layerNorm) planner.refuse(site, 'layerNorm', "PyTorch's LSTM normalises nothing");
  }
  if (kind === 'gru' && (options.reset ?? 'after') !== 'after') {
    planner.refuse(site, 'reset', "PyTorch's GRU resets after the product, and this one before it");
  }
  const nonlinearity = kind === 'simpleRnn' ? (activationName(options.activation) ?? 'tanh') : undefined;
  if (nonlinearity !== undefined && nonlinearity !== 'tanh' && nonlinearity !== 'relu') {
    planner.refuse(site, 'activation', `PyTorch's RNN has tanh or relu, and this one ${nonlinearity}`);
  }
  const units = planner.shapeOf(below(path, 'wh'))[0] as number;
  return { kind: kind as Level['kind'], units, paths: [path], ...(nonlinearity && { nonlinearity }) };
}

/** A layer, or undefined where it is none that PyTorch's recurrent modules have. */
function level(planner: Planner, node: Node, path: string): Level | undefined {
  if (node.$ !== 'bidirectional') return oneWay(planner, node, path);
  const site = { path, name: '' };
  const [forward, backward] = ['forward', 'backward'].map((part, k) =>
    oneWay(planner, planner.node(node.args[k], site), below(path, part)),
  );
  if (forward === undefined || backward === undefined) return undefined;
  const { merge, last = false } = optionsOf(node, 2);
  if (merge !== undefined) planner.refuse(site, 'merge', 'PyTorch puts both directions side by side');
  if (
    forward.kind !== backward.kind ||
    forward.units !== backward.units ||
    forward.nonlinearity !== backward.nonlinearity
  ) {
    planner.refuse(site, '', "both directions of PyTorch's modules are of one kind and width");
  }
  return { ...forward, paths: [...forward.paths, ...backward.paths], ...(last === true && { last }) };
}

function linksOf({ kind, paths }: Level, layer: number): readonly Link[] {
  const { order } = types[kind];
  return paths.flatMap((path, direction) => {
    const suffix = `l${layer}${direction === 1 ? '_reverse' : ''}`;
    const [wx, wh, b, bn] = ['wx', 'wh', 'b', 'bn'].map((each) => below(path, each)) as [
      string,
      string,
      string,
      string,
    ];
    return [
      gates(`weight_ih_${suffix}`, wx, order),
      gates(`weight_hh_${suffix}`, wh, order),
      kind === 'gru' ? gruBiases(suffix, b, bn, order) : biases(suffix, b),
    ];
  });
}

const alike = (a: Level, b: Level) =>
  a.kind === b.kind && a.units === b.units && a.nonlinearity === b.nonlinearity && a.paths.length === b.paths.length;

/** Plans recurrent layers as one module; false where they are none, or not alike. */
export function planRecurrent(
  planner: Planner,
  nodes: readonly (readonly [node: Node, path: string])[],
  site: Site,
): boolean {
  const levels = nodes.map(([node, path]) => level(planner, node, path));
  const [first] = levels;
  if (first === undefined || !levels.every((each) => each !== undefined && alike(each, first))) return false;
  const all = levels as readonly Level[];
  // A layer that gives one step has none above it that sees the others.
  if (all.slice(0, -1).some(({ last }) => last)) return false;
  const inputs = planner.shapeOf(below(first.paths[0] as string, 'wx'))[0] as number;
  const args = [
    inputs,
    first.units,
    ...(all.length > 1 ? [`num_layers=${all.length}`] : []),
    ...(first.nonlinearity === 'relu' ? ["nonlinearity='relu'"] : []),
    ...(first.paths.length === 2 ? ['bidirectional=True'] : []),
  ];
  planner.module(site, types[first.kind].type, args.join(', '), all.flatMap(linksOf));
  planner.line(`x, _ = ${planner.call(site)}(x)`);
  const { units } = first;
  if (all.at(-1)?.last) planner.becomes(`torch.cat([x[-1:, :, :${units}], x[:1, :, ${units}:]], -1)`);
  return true;
}
