/** Descriptions as the exporter reads them: a thing's name and options, things that stand at several places put there. */
import { isRecord } from '../../checks.js';
import type { Json, ModelDescription } from '../../runs/description.js';

/** A layer, a cell or an activation of a description. */
export interface Thing {
  readonly $: string;
  readonly args: readonly Json[];
}

export type Options = Readonly<Record<string, Json | undefined>>;

export const isThing = (value: unknown): value is Thing =>
  isRecord(value) && typeof value.$ === 'string' && Array.isArray(value.args);

/** What a description says, its references followed. */
export class Descriptions {
  readonly #known = new Map<unknown, Thing>();

  constructor(root: ModelDescription) {
    const note = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return;
      if (isThing(value) && 'id' in value) this.#known.set(value.id, value);
      for (const each of Object.values(value)) note(each);
    };
    note(root);
  }

  /** A thing that stands at a place, or that is referred to there. */
  thing(value: Json | undefined): Thing | undefined {
    if (!isThing(value)) return undefined;
    return value.$ === 'same' ? this.#known.get(value.args[0]) : value;
  }

  /** Options, those left out that were given as undefined. */
  options(value: Json | undefined): Options {
    if (!isRecord(value) || isThing(value)) return {};
    const plain = Object.entries(value).map(([name, each]) => [name, plainOf(each as Json)] as const);
    return Object.fromEntries(plain.filter(([, each]) => each !== undefined));
  }

  /** Layers by name. */
  children(value: Json | undefined): readonly (readonly [name: string, child: Json])[] {
    if (isThing(value) && value.$ === 'record') return value.args as unknown as readonly (readonly [string, Json])[];
    return isRecord(value) ? (Object.entries(value) as [string, Json][]) : [];
  }
}

function plainOf(value: Json): Json | undefined {
  if (!isThing(value)) return value;
  if (value.$ === 'undefined') return undefined;
  return value.$ === 'number' ? Number(value.args[0]) : value;
}

const stackOf = (layers: readonly (readonly [name: string, layer: Thing])[]): Thing => ({
  $: 'stack',
  args: [Object.fromEntries(layers) as unknown as Json],
});

const thing = ($: string, ...args: readonly (Json | Options)[]): Thing => ({ $, args: args as readonly Json[] });

const whole = (value: Json | undefined, otherwise: number): number => (typeof value === 'number' ? value : otherwise);

/** Models that are stacks of layers, as these: with their factories' own defaults. */
export const models: Readonly<Record<string, (options: Options) => Thing>> = {
  languageModel({ symbols = 0, cell = 'lstm', units = 256, layers = 1, embed = 64 }) {
    const $ = cell === 'rnn' ? 'simpleRnn' : String(cell);
    const widths = Array.from({ length: Number(layers) }, (_, k) => (k > 0 ? units : embed === 0 ? symbols : embed));
    return stackOf([
      ['embed', embed === 0 ? thing('oneHot', symbols) : thing('embedding', symbols, embed)],
      [
        'rnn',
        thing(
          'stacked',
          widths.map((width) => thing($, width as Json, units) as unknown as Json),
        ),
      ],
      ['head', thing('dense', units, symbols)],
    ]);
  },
  gpt({ symbols = 0, context = 0, features = 0, heads = 0, blocks = 0, tied, dropout = 0, activation }) {
    const form: Options = { blocks, context, ...(activation !== undefined && { activation }) };
    return stackOf([
      ['embed', thing('embedding', symbols, features)],
      ['positions', thing('learnedPositions', context, features)],
      ...(dropout === 0 ? [] : [['drop', thing('dropout', dropout)] as const]),
      ['blocks', thing('causalBlocks', features, heads, form)],
      ['head', tied === true ? thing('tiedHead', 'embed.table') : thing('dense', features, symbols)],
    ]);
  },
  leNet5({ dropout = 0, relu, maps = [6, 16] }) {
    const hidden: Options = relu === 'all' ? { activation: 'relu' } : {};
    const [first = 0, second = 0] = maps as readonly number[];
    return stackOf([
      ['convolve1', thing('convolution2d', 0, first, 5, { activation: 'relu' })],
      ['pool1', thing('maxPooling2d', 2)],
      ['convolve2', thing('convolution2d', first, second, 5, hidden)],
      ['pool2', thing('maxPooling2d', 2)],
      ['flat', thing('flatten')],
      ...(dropout === 0 ? [] : [['drop', thing('dropout', dropout)] as const]),
      ['dense1', thing('dense', 0, 0, hidden)],
      ['dense2', thing('dense', 0, 0, hidden)],
      ['head', thing('dense', 0, 0)],
    ]);
  },
  alexNet({ narrower = 1, dropout = 0.5 }) {
    const [a = 0, b = 0, c = 0] = [96, 256, 384].map((width) => width / Number(narrower));
    const bent: Options = { activation: 'relu' };
    const seen = (outputs: number, size: number, options: Options) =>
      thing('convolution2d', 0, outputs, size, { ...bent, ...options });
    const pool = thing('maxPooling2d', 3, { stride: 2 });
    return stackOf([
      ['convolve1', seen(a, 11, { stride: 4 })],
      ['norm1', thing('localResponseNorm', a)],
      ['pool1', pool],
      ['convolve2', seen(b, 5, { padding: 'same', groups: 2 })],
      ['norm2', thing('localResponseNorm', b)],
      ['pool2', pool],
      ['convolve3', seen(c, 3, { padding: 'same' })],
      ['convolve4', seen(c, 3, { padding: 'same', groups: 2 })],
      ['convolve5', seen(b, 3, { padding: 'same', groups: 2 })],
      ['pool5', pool],
      ['flat', thing('flatten')],
      ['drop6', thing('dropout', dropout)],
      ['dense6', thing('dense', 0, 0, bent)],
      ['drop7', thing('dropout', dropout)],
      ['dense7', thing('dense', 0, 0, bent)],
      ['head', thing('dense', 0, 0)],
    ]);
  },
  convolutionBlocks(options) {
    const {
      maps = [],
      channels,
      convolutions,
      poolings = 1,
      size = 3,
      pool = 2,
      pooling = 'max',
      activation = 'relu',
    } = options;
    const counts = maps as readonly number[];
    return stackOf(
      counts.map((outputs, k) => {
        const layers = Array.from({ length: whole(convolutions, 2) }, (_, at): readonly [string, Thing] => {
          const inputs = at > 0 ? outputs : k > 0 ? (counts[k - 1] as number) : whole(channels, 3);
          return [`convolve${at + 1}`, thing('convolution2d', inputs, outputs, size, { padding: 'same', activation })];
        });
        const last = thing(pooling === 'max' ? 'maxPooling2d' : 'meanPooling2d', pool);
        return [`block${k + 1}`, stackOf(poolings === 1 ? [...layers, ['pool', last]] : layers)] as const;
      }),
    );
  },
};

/** The kinds of layers whose factories have other names, for what `sequential` calls them. */
const kinds: Readonly<Record<string, string>> = {
  languageModel: 'stack',
  gpt: 'stack',
  bert: 'stack',
  leNet5: 'stack',
  alexNet: 'stack',
  convolutionBlocks: 'stack',
  simpleRnnCell: 'simpleRnn',
  lstmCell: 'lstm',
  gruCell: 'gru',
  residualRnnCell: 'residualRnn',
};

/** A layer's kind, by which `sequential` names it. */
export function kindOf(descriptions: Descriptions, { $, args }: Thing): string {
  const inner = $ === 'masked' || $ === 'unroll' ? descriptions.thing(args[0]) : undefined;
  return inner ? kindOf(descriptions, inner) : (kinds[$] ?? $);
}
