/** Which tensors of a file are whose weights. */

import { below } from '../../path.js';
import { type Shape, showShape, type Tensor } from '../../tensor.js';
import { type FileTensor, wrong } from './file.js';
import type { Link } from './layout.js';
import type { Unit } from './plan.js';

type Tensors = ReadonlyMap<string, FileTensor>;
type Weights = Readonly<Record<string, Tensor>>;

const MOST_NAMED = 8;
const listed = (names: readonly string[]): string =>
  names.slice(0, MOST_NAMED).join(', ') + (names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : '');

/** A unit's tensors by their names in it: their shapes, and whether they may be left out. */
function wantedOf({ links }: Unit, weights: Weights) {
  return new Map(
    links.flatMap((link) => {
      const torch = link.toTorch(ours(link, weights));
      return link.names.map(
        (name, k) => [name, { shape: (torch[k] as Tensor).shape, optional: link.without !== undefined }] as const,
      );
    }),
  );
}

const ours = ({ paths }: Link, weights: Weights) => paths.map((path) => weights[path] as Tensor);
const sameShape = (a: Shape, b: Shape) => a.length === b.length && a.every((length, axis) => length === b[axis]);

/** What all names have before the first dot, as long as they do: `model.`, `module.` */
function* prefixesOf(names: readonly string[]): Generator<string> {
  let prefix = '';
  for (;;) {
    yield prefix;
    const [first = ''] = names;
    const dot = first.indexOf('.', prefix.length);
    if (dot < 0) return;
    const longer = first.slice(0, dot + 1);
    if (!names.every((name) => name.startsWith(longer))) return;
    prefix = longer;
  }
}

/**
 * Where each unit's tensors are, by the name of the unit: the module's prefix, with its dot.
 *
 * @throws OxbowError, an InterchangeError, where that is not clear.
 */
function modulesOf(
  path: string,
  units: readonly Unit[],
  weights: Weights,
  tensors: Tensors,
): ReadonlyMap<Unit, string> {
  const names = [...tensors.keys()];
  const wanted = new Map(units.map((unit) => [unit, wantedOf(unit, weights)]));
  const requiredIn = (prefix: string) =>
    units.flatMap((unit) =>
      [...(wanted.get(unit) as ReturnType<typeof wantedOf>)].flatMap(([name, { optional }]) =>
        optional ? [] : [prefix + below(unit.name, name)],
      ),
    );
  let best: readonly string[] | undefined;
  for (const prefix of prefixesOf(names)) {
    const missing = requiredIn(prefix).filter((name) => !tensors.has(name));
    if (missing.length === 0)
      return new Map(units.map((unit) => [unit, prefix + (unit.name === '' ? '' : `${unit.name}.`)]));
    if (best === undefined || missing.length < best.length) best = missing;
  }
  const byShape = modulesByShape(path, wanted, tensors);
  if (byShape !== undefined) return byShape;
  throw wrong(
    path,
    `it lacks ${listed(best ?? [])} of the model; it has ${listed(names)}. Give as \`as\` what these are the weights of`,
  );
}

/**
 * Modules of other names, each found by the shapes of its tensors; undefined where they do not cover the file.
 *
 * @throws OxbowError, an InterchangeError, with both candidates where two modules could be either of two layers.
 */
function modulesByShape(
  path: string,
  wanted: ReadonlyMap<Unit, ReturnType<typeof wantedOf>>,
  tensors: Tensors,
): ReadonlyMap<Unit, string> | undefined {
  const within = new Map<string, Map<string, Shape>>();
  for (const [name, { shape }] of tensors) {
    for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
      const prefix = name.slice(0, dot + 1);
      const rest = within.get(prefix) ?? new Map<string, Shape>();
      within.set(prefix, rest.set(name.slice(dot + 1), shape));
    }
  }
  const found = new Map<Unit, string>();
  const classes = new Map<string, { units: Unit[]; prefixes: string[] }>();
  for (const [unit, names] of wanted) {
    const all = JSON.stringify([...names].map(([name, { shape }]) => [name, shape]).sort());
    const one = classes.get(all) ?? { units: [], prefixes: prefixesThatFit(names, within) };
    one.units.push(unit);
    classes.set(all, one);
  }
  const claimed = new Map<string, readonly Unit[]>();
  for (const { units, prefixes } of classes.values()) {
    if (prefixes.length !== units.length) return undefined;
    if (units.length > 1 && !inOrder(prefixes)) throw unclear(path, units, prefixes);
    prefixes.forEach((prefix, k) => {
      if (claimed.has(prefix)) throw unclear(path, [...(claimed.get(prefix) as readonly Unit[]), ...units], [prefix]);
      claimed.set(prefix, units);
      found.set(units[k] as Unit, prefix);
    });
  }
  const covered = [...tensors.keys()].every((name) => [...claimed.keys()].some((prefix) => name.startsWith(prefix)));
  return covered ? found : undefined;
}

function prefixesThatFit(
  names: ReturnType<typeof wantedOf>,
  within: ReadonlyMap<string, ReadonlyMap<string, Shape>>,
): string[] {
  return [...within].flatMap(([prefix, has]) => {
    const fits =
      [...has.keys()].every((name) => names.has(name)) &&
      [...names].every(([name, { shape, optional }]) =>
        has.has(name) ? sameShape(has.get(name) as Shape, shape) : optional,
      );
    return fits ? [prefix] : [];
  });
}

/** Whether prefixes are numbers of one list, as those of `nn.Sequential` are, in their order. */
function inOrder(prefixes: string[]): boolean {
  const parts = prefixes.map((prefix) => /^(.*?)(\d+)\.$/.exec(prefix));
  if (!parts.every((each) => each !== null && each[1] === parts[0]?.[1])) return false;
  prefixes.sort((a, b) => Number(/(\d+)\.$/.exec(a)?.[1]) - Number(/(\d+)\.$/.exec(b)?.[1]));
  return true;
}

function unclear(path: string, units: readonly Unit[], prefixes: readonly string[]) {
  const [first, second] = units.map(({ path: each }) => each || 'the model');
  const [a, b] = prefixes.map((each) => each.slice(0, -1));
  const candidates =
    b === undefined
      ? `${a} could be ${first} or ${second}`
      : `${a} could be ${first} and ${b} ${second}, or ${b} ${first} and ${a} ${second}`;
  return wrong(path, `${candidates}, which are of the same shapes; name the layers of \`as\` as the file does`);
}

/**
 * The weights of a model from a file: all of the model's, and all of the file's.
 *
 * @param weights the model's own, for their shapes.
 * @throws OxbowError, an InterchangeError, that names the tensor where one is missing, left over or of another shape.
 */
export function weightsFrom(path: string, units: readonly Unit[], weights: Weights, tensors: Tensors): Weights {
  const modules = modulesOf(path, units, weights, tensors);
  const used = new Set<string>();
  const result = new Map<string, Tensor>();
  const needed: (() => void)[] = [];
  for (const unit of units) {
    for (const link of unit.links) {
      const names = link.names.map((name) => modules.get(unit) + name);
      const there = names.filter((name) => tensors.has(name));
      if (there.length === 0 && link.without !== undefined) {
        const zeros = link.without(ours(link, weights));
        link.paths.forEach((each, k) => {
          if (!result.has(each)) result.set(each, zeros[k] as Tensor);
        });
        continue;
      }
      const missing = names.find((name) => !tensors.has(name));
      if (missing !== undefined) throw wrong(`${path}: ${missing}`, `it is missing beside ${there[0] ?? names[0]}`);
      const shapes = link.toTorch(ours(link, weights)).map(({ shape }) => shape);
      names.forEach((name, k) => {
        const { shape } = tensors.get(name) as FileTensor;
        if (!sameShape(shape, shapes[k] as Shape)) {
          throw wrong(
            `${path}: ${name}`,
            `it is ${showShape(shape)}, and ${unit.path || 'the model'} takes ${showShape(shapes[k] as Shape)}`,
          );
        }
        used.add(name);
      });
      needed.push(() => {
        const given = link.toOurs(names.map((name) => (tensors.get(name) as FileTensor).numbers()));
        link.paths.forEach((each, k) => {
          const known = result.get(each);
          const tensor = given[k] as Tensor;
          // Only weights that are tied are given twice.
          if (known !== undefined && link.without !== undefined && !equal(known, tensor)) {
            throw wrong(
              `${path}: ${names[0]}`,
              `it is tied to ${each} in the model, but has other numbers; give \`as\` without the tie`,
            );
          }
          result.set(each, tensor);
        });
      });
    }
  }
  const left = [...tensors.keys()].filter((name) => !used.has(name));
  if (left.length > 0) {
    throw wrong(
      path,
      `it has ${listed(left)}, for which the model has no place; give \`as\` a model that has one, or leave them out of the file`,
    );
  }
  for (const convert of needed) convert();
  return Object.fromEntries(result);
}

const equal = (a: Tensor, b: Tensor) => a.data.every((value, k) => Object.is(value, b.data[k]));
