/**
 * What model a file's tensors are of, where names and shapes leave one answer: recurrent modules, with an embedding before and a
 * matrix behind them. All else needs to be said: names have no activations, heads, strides, nor what follows what.
 */
import type { ModelDescription } from '../../runs/description.js';
import type { Shape } from '../../tensor.js';
import { type FileTensor, wrong } from './file.js';

type Part = { readonly $: string; readonly args: readonly never[] };
const made = ($: string, ...args: readonly unknown[]) => ({ $, args }) as unknown as Part;

/** A reading of a module: what it would be, and the widths that it takes and gives. Ids have no width. */
interface Reading {
  readonly part: Part;
  readonly inputs: number | 'ids';
  readonly outputs: number;
}

/** More modules than these are no chain that anybody would have guessed. */
const MOST_MODULES = 6;

const remedy = 'say by `as` what they are the weights of, as in importModel(file, { as: stack({ … }) })';

/** @throws OxbowError, an InterchangeError, that shows two candidates where there are two. */
export function inferred(path: string, tensors: ReadonlyMap<string, FileTensor>): ModelDescription {
  const modules = new Map<string, Map<string, Shape>>();
  for (const [name, { shape }] of tensors) {
    const dot = name.lastIndexOf('.') + 1;
    const module = modules.get(name.slice(0, dot)) ?? new Map<string, Shape>();
    modules.set(name.slice(0, dot), module.set(name.slice(dot), shape));
  }
  if (modules.size === 0) throw wrong(path, 'it has no tensors');
  if (modules.size > MOST_MODULES)
    throw wrong(path, `it has ${modules.size} modules, and what they make is not in their names; ${remedy}`);
  const readings = [...modules].map(([prefix, shapes]) => [prefix, readingsOf(path, prefix, shapes)] as const);
  const chains = chainsOf(readings);
  const [first, second] = chains;
  if (first === undefined)
    throw wrong(
      path,
      `its modules, ${[...modules.keys()].map((each) => each.slice(0, -1)).join(', ')}, are no chain in which each takes what one gives; ${remedy}`,
    );
  if (second !== undefined) throw wrong(path, `it could be ${shown(first)} or ${shown(second)}; ${remedy}`);
  return asModel(first);
}

type Chain = readonly (readonly [prefix: string, reading: Reading])[];

/** At most two orders and readings in which widths fit. */
function chainsOf(modules: readonly (readonly [string, readonly Reading[]])[]): readonly Chain[] {
  const found: Chain[] = [];
  const extend = (chain: Chain, left: typeof modules): void => {
    if (found.length === 2) return;
    if (left.length === 0) {
      found.push(chain);
      return;
    }
    const width = chain.at(-1)?.[1].outputs;
    for (const [k, [prefix, readings]] of left.entries()) {
      for (const reading of readings) {
        if (width !== undefined && reading.inputs !== width) continue;
        extend(
          [...chain, [prefix, reading]],
          left.filter((_, each) => each !== k),
        );
      }
    }
  };
  extend([], modules);
  return found;
}

const shown = (chain: Chain) => chain.map(([prefix, { part }]) => `${prefix}${textOf(part)}`).join(' → ');
const textOf = ({ $, args }: Part): string =>
  `${$}(${args.map((each: unknown) => (Array.isArray(each) ? `[${each.map((one) => textOf(one as Part)).join(', ')}]` : typeof each === 'object' && each !== null ? ('$' in each ? textOf(each as Part) : JSON.stringify(each)) : String(each))).join(', ')})`;

function asModel(chain: Chain): ModelDescription {
  const [only] = chain;
  if (chain.length === 1 && only !== undefined) return only[1].part as unknown as ModelDescription;
  // A stack's names are words without dots.
  const parts = chain.map(([prefix, { part }], k) => {
    const name = prefix.slice(0, -1).replaceAll('.', '_');
    return [/^\d*$/.test(name) ? `layer${k + 1}` : name, part] as const;
  });
  return made('stack', Object.fromEntries(parts)) as unknown as ModelDescription;
}

/** All that a module's tensors could be. */
function readingsOf(path: string, prefix: string, shapes: ReadonlyMap<string, Shape>): readonly Reading[] {
  const place = `${path}: ${prefix}*`;
  const names = [...shapes.keys()];
  if (names.some((name) => name.startsWith('weight_ih_l'))) return recurrent(place, shapes);
  const weight = shapes.get('weight');
  const bias = shapes.get('bias');
  const known = names.every((name) => name === 'weight' || name === 'bias');
  if (!known || weight?.length !== 2) {
    throw wrong(
      place,
      `what ${names.join(', ')} do is not in their names and shapes (heads, strides, activations, ε); ${remedy}`,
    );
  }
  const [rows, columns] = weight as unknown as readonly [number, number];
  const plain = (activation?: string): Reading => ({
    part: made(
      'dense',
      columns,
      rows,
      ...(bias && activation === undefined
        ? []
        : [{ ...(!bias && { bias: false }), ...(activation && { activation }) }]),
    ),
    inputs: columns,
    outputs: rows,
  });
  const table: Reading = { part: made('embedding', rows, columns), inputs: 'ids', outputs: columns };
  return bias === undefined ? [table, plain()] : [plain()];
}

const kinds = { 4: 'lstm', 3: 'gru' } as const;

function recurrent(place: string, shapes: ReadonlyMap<string, Shape>): readonly Reading[] {
  if (shapes.has('weight_hr_l0')) throw wrong(place, 'an LSTM with projections (proj_size) has no counterpart');
  const bothWays = shapes.has('weight_ih_l0_reverse');
  const [rows = 0, inputs = 0] = shapes.get('weight_ih_l0') ?? [];
  const units = shapes.get('weight_hh_l0')?.[1] ?? 0;
  const ratio = rows / units;
  let layers = 0;
  while (shapes.has(`weight_ih_l${layers}`)) layers += 1;
  if (!(ratio === 1 || ratio === 3 || ratio === 4) || layers === 0) {
    throw wrong(place, `weights of ${rows} rows for ${units} units are of no RNN, GRU or LSTM`);
  }
  const readings = (kind: string, ...options: readonly unknown[]): Reading => {
    const one = (width: number) => made(kind, width, units, ...options);
    const level = (width: number) => (bothWays ? made('bidirectional', one(width), one(width)) : one(width));
    const outputs = bothWays ? 2 * units : units;
    const all = Array.from({ length: layers }, (_, k) => level(k === 0 ? inputs : outputs));
    return { part: layers === 1 ? (all[0] as Part) : made('stacked', all), inputs, outputs };
  };
  if (ratio !== 1) return [readings(kinds[ratio])];
  return [readings('simpleRnn'), readings('simpleRnn', { activation: 'relu' })];
}
