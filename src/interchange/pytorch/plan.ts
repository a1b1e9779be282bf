/** What a model is in PyTorch: its modules with their tensors, and a module of Python that has them. */
import { below } from '../../path.js';
import type { ModelDescription } from '../../runs/description.js';
import type { Shape } from '../../tensor.js';
import { refused } from '../format.js';
import { TITLE } from './file.js';
import type { Link } from './layout.js';

/** A part of a model: what made it, and what that was given. */
export interface Node {
  readonly $: string;
  readonly args: readonly unknown[];
  readonly id?: number;
}

/** Where a part is: in our model, and in a state_dict. */
export interface Site {
  readonly path: string;
  readonly name: string;
}

export const within = ({ path, name }: Site, part: string, named = part): Site => ({
  path: below(path, part),
  name: below(name, named),
});

/** A module with tensors of its own. */
export interface Unit extends Site {
  /** Its tensors' names begin after the module's. */
  readonly links: readonly Link[];
}

/** What all parts of a model come to. */
export interface Plan {
  readonly units: readonly Unit[];
  /** A module of Python with a class `Model` of that state_dict. */
  readonly python: string;
}

/** Names that a module of PyTorch has for itself, so that no part of one can have them. */
const taken = new Set(
  `T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda double dump_patches eval extra_repr
  float forward get_buffer get_extra_state get_parameter get_submodule half ipu load_state_dict modules mtia named_buffers
  named_children named_modules named_parameters parameters register_backward_hook register_buffer register_forward_hook
  register_forward_pre_hook register_full_backward_hook register_full_backward_pre_hook register_load_state_dict_post_hook
  register_module register_parameter register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule share_memory
  state_dict to to_empty train training type xpu zero_grad`.split(/\s+/),
);
/** Those of Python, which are no names of attributes. */
const keywords = new Set(
  `False None True and as assert async await break class continue def del elif else except finally for from global if import in is
  lambda nonlocal not or pass raise return try while with yield`.split(/\s+/),
);

interface Module {
  readonly name: string;
  readonly type: string;
  readonly args: string;
}

/** Gathers what parts come to; one for a model. */
export class Planner {
  readonly units: Unit[] = [];
  readonly #modules = new Map<string, Module>();
  readonly #lines: string[] = [];
  readonly #ties: string[] = [];
  readonly #known = new Map<number, Node>();
  #inputs = 'x';
  #variables = 0;
  /** Channels of the images that flow, where they do. */
  images: number | undefined;
  /** Channels of images that were flattened, until a matrix takes them. */
  flattened: number | undefined;

  constructor(
    readonly operation: string,
    readonly shapeOf: (path: string) => Shape,
  ) {}

  refuse(site: Site, attribute: string, reason: string): never {
    const place = [site.path || 'the model', attribute].filter(Boolean).join(': ');
    throw refused(this.operation, TITLE, place, reason);
  }

  /** A part, where another one stands for it. */
  node(value: unknown, site: Site): Node {
    const { $: name, args, id } = Object(value) as Partial<Node>;
    if (typeof name !== 'string' || !Array.isArray(args))
      return this.refuse(site, '', 'it is no described part of a model');
    if (name === 'same')
      return this.#known.get(args[0] as number) ?? this.refuse(site, '', 'it stands for a part that is not there');
    if (id !== undefined) this.#known.set(id, value as Node);
    return value as Node;
  }

  /** A module with its tensors. */
  module(site: Site, type: string, args: string, links: readonly Link[]): void {
    for (const part of site.name.split('.')) {
      if (
        site.name !== '' &&
        (!/^[A-Za-z_]\w*$/.test(part) || taken.has(part) || keywords.has(part)) &&
        !/^\d+$/.test(part)
      ) {
        this.refuse(
          site,
          '',
          `a module of PyTorch can have no part named ${JSON.stringify(part)}; give it another name`,
        );
      }
    }
    this.#modules.set(site.name, { name: site.name, type, args });
    this.units.push({ ...site, links });
  }

  /** Python for the module as an attribute. */
  attribute({ name }: Site): string {
    return name === '' ? 'self' : `self.${name.replaceAll(/\.(\d+)/g, '[$1]')}`;
  }

  /** Python for what applies the module. */
  call(site: Site): string {
    return site.name === '' ? 'super().forward' : this.attribute(site);
  }

  /** A line of `forward`. */
  line(text: string): void {
    this.#lines.push(text);
  }

  /** A line of `forward` that makes another x. */
  becomes(text: string): void {
    this.line(`x = ${text}`);
  }

  /** A variable of its own. */
  variable(): string {
    this.#variables += 1;
    return `x${this.#variables}`;
  }

  inputs(names: string): void {
    this.#inputs = names;
  }

  tie(line: string): void {
    this.#ties.push(line);
  }

  plan(description: ModelDescription): Plan {
    return { units: this.units, python: this.#python(description.$) };
  }

  #python(what: string): string {
    const root = this.#modules.get('');
    const made = new Set<string>();
    const init = [...this.#modules.values()].flatMap(({ name, type, args }) => {
      if (name === '') return [];
      const parts = name.split('.');
      const around = parts.slice(0, -1).flatMap((_, k) => {
        const parent = parts.slice(0, k + 1).join('.');
        if (made.has(parent)) return [];
        made.add(parent);
        return [`self.${parent} = nn.Module()`];
      });
      return [...around, `self.${name} = ${type}(${args})`];
    });
    return [
      `# ${what}, as Oxbow wrote it. Time comes first: [T, B, ...]. Dropout is no weight; it stays behind.`,
      'import math',
      'import torch',
      'from torch import nn',
      'from torch.nn import functional as F',
      '',
      '',
      'def unseen(x, context):',
      '    """What a step does not see: what comes after it, and what is more than context steps ago."""',
      '    return ~torch.ones(len(x), len(x), dtype=torch.bool, device=x.device).tril().triu(1 - context)',
      '',
      '',
      'def sines(x):',
      '    """Sinusoidal positions, added."""',
      '    steps, features = len(x), x.shape[-1]',
      '    at = torch.arange(steps, dtype=torch.float64)[:, None]',
      '    angle = at * torch.exp(torch.arange(0, features, 2, dtype=torch.float64) * (-math.log(10000.0) / features))',
      '    table = torch.zeros(steps, features, dtype=torch.float64)',
      '    table[:, 0::2] = torch.sin(angle)',
      '    table[:, 1::2] = torch.cos(angle)[:, : features // 2]',
      '    return x + table[:, None].to(x)',
      '',
      '',
      `class Model(${root?.type ?? 'nn.Module'}):`,
      '    def __init__(self):',
      `        super().__init__(${root?.args ?? ''})`,
      ...[...init, ...this.#ties].map((line) => `        ${line}`),
      '',
      `    def forward(self, ${this.#inputs}):`,
      ...this.#lines.map((line) => `        ${line}`),
      '        return x',
      '',
    ].join('\n');
  }
}
