/** Models as graphs of ONNX, layer by layer as their description has them. */
import type { Json } from '../../runs/description.js';
import type { Described } from '../format.js';
import { cannot, Emitter, type Signal } from './emitter.js';
import { Descriptions, kindOf, models, type Options, type Thing } from './nodes.js';
import { attention, positions, sines } from './write-attention.js';
import { bent, linear, normalised, responseNormalised } from './write-dense.js';
import { convolution1d, convolution2d, pooling } from './write-images.js';
import { inputOf } from './write-input.js';
import { recurrent, recurrentKinds } from './write-recurrent.js';

/** What a layer's writer is given. */
interface Place {
  readonly e: Emitter;
  readonly d: Descriptions;
  /** Where its parameters and its carry are; empty at the root. */
  readonly path: string;
  readonly x: Signal;
  readonly args: readonly Json[];
  /** Its last argument, where there are so many before it. */
  options(position: number): Options;
}

type Writer = (place: Place) => Signal;

const below = (path: string, name: string) => (path === '' ? name : `${path}.${name}`);

/** A layer's signal, at a path. */
function written(e: Emitter, d: Descriptions, layer: Json | undefined, path: string, x: Signal): Signal {
  const thing = d.thing(layer);
  if (thing === undefined) return cannot(path || 'the model', 'it is no layer that is described');
  const { $, args } = thing;
  const expand = Object.hasOwn(models, $) ? models[$] : undefined;
  if (expand) return written(e, d, expand(d.options(args[0])) as unknown as Json, path, x);
  const writer = Object.hasOwn(writers, $) ? writers[$] : undefined;
  const place = path || $;
  if (writer === undefined)
    return cannot(place, `${$} ${Object.hasOwn(reasons, $) ? reasons[$] : 'has no form in ONNX'}`);
  if (e.lengths !== undefined && !stepwise.has($)) {
    return cannot(
      place,
      `${$} within masked has no form in ONNX; padded windows may have recurrent layers and such as take each step by itself`,
    );
  }
  if (whole.has($) || ($ === 'convolution1d' && (d.options(args[3]).padding ?? 'causal') !== 'causal'))
    e.requireWindow(place);
  return writer({ e, d, path, x, args, options: (position) => d.options(args[position]) });
}

/** Why what the package has cannot be written. */
const reasons: Readonly<Record<string, string>> = {
  residualRnn: 'is a recurrence of layers, which no recurrent operator of ONNX is',
  hashedFeatures: 'takes hashes of several axes, which the graph has no input for',
  spelling: 'takes characters of words, which the graph has no input for',
  crossAttention: 'takes a record { x, memory }, and the graph has one input',
  decoderBlock: 'takes a record { x, memory }, and the graph has one input',
  decoder: 'takes a record { x, memory }, and the graph has one input',
  encoderDecoder: 'takes a record of two sequences, and the graph has one input',
  scaledDotProductAttention: 'takes a record { queries, keys, values }, and the graph has one input',
  bert: 'takes a record of ids and segments, and the graph has one input',
  tagger: 'takes a record of words and spellings, and the graph has one input',
};

/** What takes a window for a whole. */
const whole = new Set([
  'bidirectional',
  'masked',
  'maxPooling1d',
  'meanPooling1d',
  'selfAttention',
  'encoderBlock',
  'encoder',
]);

/** What gives right steps also where others are padding. */
const stepwise = new Set([
  ...[
    'stack',
    'stacked',
    'sequential',
    'sequential.compile',
    'residual',
    'bidirectional',
    'unroll',
    'masked',
    'lastStep',
  ],
  ...[
    'dense',
    'embedding',
    'oneHot',
    'activation',
    'dropout',
    'feedForward',
    'layerNorm',
    'maxout',
    'prelu',
    'tiedHead',
  ],
  ...recurrentKinds,
]);

function chain({ e, d, path, x }: Place, layers: readonly (readonly [name: string, layer: Json])[]): Signal {
  return layers.reduce((signal, [name, layer]) => written(e, d, layer, below(path, name), signal), x);
}

/** An option that is an activation: a thing or a name. */
const choiceOf = (d: Descriptions, choice: Json | undefined): Thing | string | undefined =>
  typeof choice === 'string' ? choice : d.thing(choice);

/** The activation that is left to do; a function that is not described at all has no name either. */
const withActivation = ({ e, d, path }: Place, kind: string, { activation }: Options, y: Signal): Signal =>
  bent(e, path || kind, choiceOf(d, activation), y);

const recurrentWriter =
  (kind: string, position: number): Writer =>
  (place) =>
    recurrent(place.e, kind, recurrentOptions(place.d, place.options(position)), place.path, place.x, false).y;

const recurrentOptions = (d: Descriptions, options: Options): Options => {
  const activation = choiceOf(d, options.activation);
  return activation === undefined ? options : { ...options, activation: activation as unknown as Json };
};

/** A recurrent layer that is to be read backwards, or is it that alone: what it is and its options. */
function recurrentOf(d: Descriptions, layer: Json | undefined): readonly [kind: string, options: Options] | undefined {
  const thing = d.thing(layer);
  const cell = thing?.$ === 'unroll' ? d.thing(thing.args[0]) : thing;
  if (cell === undefined) return undefined;
  const kind = cell.$.replace(/Cell$/, '');
  return recurrentKinds.includes(kind) ? [kind, recurrentOptions(d, d.options(cell.args[2]))] : undefined;
}

function bidirectional({ e, d, path, x, args, options }: Place): Signal {
  const { merge, last } = options(2);
  const place = path || 'bidirectional';
  if (merge !== undefined)
    cannot(`${place}, merge`, 'a function of one’s own has no form in ONNX; leave both directions side by side');
  const [ahead, behind] = (['forward', 'backward'] as const).map((name, k) => {
    const found = recurrentOf(d, args[k]);
    if (found === undefined) {
      const kind = d.thing(args[k])?.$ ?? 'nothing';
      return cannot(
        below(path, name),
        `${kind} in a direction of its own has no form in ONNX; take simpleRnn, lstm or gru`,
      );
    }
    return recurrent(e, found[0], found[1], below(path, name), x, k === 1);
  });
  const parts = [ahead, behind].map((each) => (last === true ? each?.last : each?.y) as Signal);
  const width = parts.reduce((sum, { axes }) => sum + (axes[2] as number), 0);
  if (last === true) e.lengths = undefined;
  const name = e.node(
    place,
    'Concat',
    parts.map((each) => each.name),
    { axis: 2 },
  );
  return { name, axes: [...(parts[0] as Signal).axes.slice(0, 2), width] };
}

function lastStep({ e, path, x }: Place): Signal {
  const place = path || 'lastStep';
  const axes = [1, ...x.axes.slice(1)];
  if (e.lengths === undefined) {
    return { name: e.node(place, 'Slice', [x.name, e.ints([-1]), e.ints([2 ** 31 - 1]), e.ints([0])]), axes };
  }
  const lanes = e.node(place, 'Transpose', [x.name], { perm: [1, 0, ...x.axes.slice(2).map((_, k) => k + 2)] });
  const last = e.node(place, 'Sub', [e.node(place, 'Cast', [e.lengths], { to: 7 }), e.ints(1)]);
  const own = e.node(place, 'GatherND', [lanes, e.node(place, 'Unsqueeze', [last, e.ints([1])])], { batch_dims: 1 });
  e.lengths = undefined;
  return { name: e.node(place, 'Unsqueeze', [own, e.ints([0])]), axes };
}

function block(place: Place, options: Options, context: number | undefined): Signal {
  const { e, d, path, x, args } = place;
  const { norm = 'pre', epsilon = 1e-5, activation = 'relu' } = options;
  const at = (name: string) => below(path, name);
  const normal = (k: number, z: Signal) => normalised(e, at(`norm${k}`), z, Number(epsilon));
  const sum = (a: Signal, b: Signal): Signal => ({ ...a, name: e.node(path || 'block', 'Add', [a.name, b.name]) });
  const join = (k: number, z: Signal, f: (z: Signal) => Signal) =>
    norm === 'pre' ? sum(z, f(normal(k, z))) : normal(k, sum(z, f(z)));
  const z = join(1, x, (q) => attention(e, at('attention'), q, { heads: Number(args[1]), context }));
  return join(2, z, (q) => feed(e, d, at('feed'), q, activation));
}

function feed(e: Emitter, d: Descriptions, path: string, x: Signal, activation: Json): Signal {
  const inner = bent(e, path, choiceOf(d, activation), linear(e, below(path, 'inner'), x));
  return linear(e, below(path, 'outer'), inner);
}

function blocks(place: Place, causal: boolean): Signal {
  const { blocks: count, norm = 'pre', finalNorm = norm === 'pre', epsilon = 1e-5, context } = place.options(2);
  const all = Array.from({ length: Number(count) }, (_, k) => `block${k + 1}`);
  const y = all.reduce(
    (x, name) =>
      block({ ...place, x, path: below(place.path, name) }, place.options(2), causal ? Number(context) : undefined),
    place.x,
  );
  return finalNorm === true ? normalised(place.e, below(place.path, 'norm'), y, Number(epsilon)) : y;
}

function stacked(place: Place): Signal {
  const { e, d, path, args, options } = place;
  const { residual, dropout } = options(1);
  const { scaling, rate } = d.options(dropout);
  return (args[0] as readonly Json[]).reduce<Signal>((x, layer, k) => {
    const dropped = k > 0 && scaling === 'classic' ? scaled(e, path, x, 1 - Number(rate)) : x;
    const y = written(e, d, layer, below(path, `layer${k + 1}`), dropped);
    const linked = residual === true && x.axes.at(-1) === y.axes.at(-1);
    return linked ? { ...y, name: e.node(path || 'stacked', 'Add', [y.name, x.name]) } : y;
  }, place.x);
}

const scaled = (e: Emitter, path: string, x: Signal, by: number): Signal => ({
  ...x,
  name: e.node(path || 'dropout', 'Mul', [x.name, e.number(by)]),
});

/** `sequential`'s names: the kind, and how many of it there have been. */
function sequentialNames(d: Descriptions, layers: readonly Json[]): readonly (readonly [name: string, layer: Json])[] {
  const counts = new Map<string, number>();
  return layers.map((layer) => {
    const thing = d.thing(layer);
    const kind = thing === undefined ? 'layer' : kindOf(d, thing);
    const number = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, number);
    return [`${kind}${number}`, layer] as const;
  });
}

const writers: Readonly<Record<string, Writer>> = {
  stack: (place) => chain(place, place.d.children(place.args[0])),
  sequential: (place) => chain(place, sequentialNames(place.d, place.args[0] as readonly Json[])),
  'sequential.compile': ({ e, d, path, x, args }) => written(e, d, args[0], path, x),
  stacked,
  residual({ e, d, path, x, args }) {
    const y = written(e, d, args[0], path, x);
    return { ...y, name: e.node(path || 'residual', 'Add', [x.name, y.name]) };
  },
  masked({ e, d, path, x, args }) {
    e.lengths ??= e.input('lengths', 'int32', ['batch']).name;
    return written(e, d, args[0], path, x);
  },
  unroll({ e, d, path, x, args }) {
    const found = recurrentOf(d, { $: 'unroll', args } as unknown as Json);
    if (found) return recurrent(e, found[0], found[1], path, x, false).y;
    return cannot(path || 'unroll', 'a cell of one’s own has no form in ONNX; take simpleRnn, lstm or gru');
  },
  bidirectional,
  simpleRnn: recurrentWriter('simpleRnn', 2),
  lstm: recurrentWriter('lstm', 2),
  gru: recurrentWriter('gru', 2),
  dense: (place) => withActivation(place, 'dense', place.options(2), linear(place.e, place.path, place.x)),
  tiedHead({ e, path, x, args }) {
    const table = String(args[0]);
    const turned = e.node(path || 'head', 'Transpose', [e.parameter(table)], { perm: [1, 0] });
    return {
      name: e.node(path || 'head', 'MatMul', [x.name, turned]),
      axes: [...x.axes.slice(0, -1), e.weight(table).shape[0] as number],
    };
  },
  embedding({ e, path, x }) {
    const table = below(path, 'table');
    const name = e.node(path || 'embedding', 'Gather', [e.parameter(table), x.name], { axis: 0 });
    return { name, axes: [...x.axes, e.weight(table).shape[1] as number] };
  },
  oneHot({ e, path, x, args }) {
    const values = e.constant('off_on', [2], Float32Array.of(0, 1));
    const name = e.node(path || 'oneHot', 'OneHot', [x.name, e.ints(Number(args[0])), values], { axis: -1 });
    return { name, axes: [...x.axes, Number(args[0])] };
  },
  activation: ({ e, d, path, x, args }) => bent(e, path || 'activation', choiceOf(d, args[0]), x),
  dropout({ e, path, x, args, options }) {
    return options(1).scaling === 'classic' ? scaled(e, path, x, 1 - Number(args[0])) : x;
  },
  feedForward: ({ e, d, path, x, options }) => feed(e, d, path, x, options(2).activation ?? 'relu'),
  layerNorm: ({ e, path, x, options }) => normalised(e, path, x, Number(options(1).epsilon ?? 1e-5)),
  localResponseNorm: ({ e, path, x, args, options }) => responseNormalised(e, path, x, Number(args[0]), options(1)),
  flatten({ e, path, x }) {
    const sizes = x.axes.slice(2);
    const known = sizes.every((each) => typeof each === 'number');
    const width = known ? (sizes as number[]).reduce((a, b) => a * b, 1) : `${path || 'flatten'}.features`;
    return {
      name: e.node(path || 'flatten', 'Reshape', [x.name, e.ints([0, 0, -1])]),
      axes: [...x.axes.slice(0, 2), width],
    };
  },
  lastStep,
  maxout({ e, path, x, args }) {
    const parts = linear(e, path, x);
    const [units, width] = [Number(args[1]), parts.axes.at(-1) as number];
    const sizes = e.ints(new Array<number>(width / units).fill(units));
    const each = e.nodes(path || 'maxout', 'Split', [parts.name, sizes], { axis: -1 }, width / units);
    return { name: e.node(path || 'maxout', 'Max', each), axes: [...x.axes.slice(0, -1), units] };
  },
  prelu: ({ e, path, x }) => ({
    ...x,
    name: e.node(path || 'prelu', 'PRelu', [x.name, e.parameter(below(path, 'slope'))]),
  }),
  convolution1d: (place) =>
    withActivation(
      place,
      'convolution1d',
      place.options(3),
      convolution1d(place.e, place.path, place.x, place.options(3)),
    ),
  convolution2d: (place) =>
    withActivation(
      place,
      'convolution2d',
      place.options(3),
      convolution2d(place.e, place.path, place.x, place.args[2], place.options(3)),
    ),
  ...Object.fromEntries(
    ['maxPooling1d', 'maxPooling2d', 'meanPooling1d', 'meanPooling2d'].map((kind): [string, Writer] => [
      kind,
      ({ e, path, x, args, options }) => pooling(e, path, kind, x, args[0], options(1)),
    ]),
  ),
  learnedPositions: ({ e, path, x, args, options }) =>
    positions(e, path, x, e.parameter(below(path, 'table')), Number(args[0]), options(2).restart === true),
  sinusoidalPositions({ e, path, x, args, options }) {
    const { shape, data } = sines(Number(args[0]), Number(args[1]));
    const table = e.constant(below(path, 'sines'), shape, data as Float32Array);
    return positions(e, path, x, table, Number(args[0]), options(2).restart === true);
  },
  selfAttention: ({ e, path, x, args }) => attention(e, path, x, { heads: Number(args[1]), context: undefined }),
  causalAttention: ({ e, path, x, args, options }) =>
    attention(e, path, x, { heads: Number(args[1]), context: Number(options(2).context) }),
  encoderBlock: (place) => block(place, place.options(2), undefined),
  causalBlock: (place) => block(place, place.options(2), Number(place.options(2).context)),
  encoder: (place) => blocks(place, false),
  causalBlocks: (place) => blocks(place, true),
};

/** A model as a graph: of a window, `[T, B, …]`, or of one step, `[B, …]`, which has no axis of time. */
export function graphOf({ description, weights }: Described, graph: 'window' | 'step'): Uint8Array {
  const e = new Emitter(weights, graph);
  const d = new Descriptions(description);
  const takes = inputOf(d, description as unknown as Json) ?? ['features'];
  const rest = takes === 'ids' ? [] : takes === 'images' ? ['height', 'width', 'channels'] : takes;
  const input = e.input('x', takes === 'ids' ? 'int64' : 'float', [
    ...(graph === 'window' ? ['time'] : []),
    'batch',
    ...rest,
  ]);
  const x =
    graph === 'window'
      ? input
      : { name: e.node('x', 'Unsqueeze', [input.name, e.ints([0])]), axes: [1, ...input.axes] };
  const y = written(e, d, description as unknown as Json, '', x);
  if (graph === 'window') e.output('y', y);
  else e.output('y', { name: e.node('y', 'Squeeze', [y.name, e.ints([0])]), axes: y.axes.slice(1) });
  return e.finish();
}
