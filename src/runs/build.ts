import * as E from 'fp-ts/lib/Either.js';
import { MOST_NUMBERS } from '../checks.js';
import { limited, registeredAs, spend, TOO_MUCH } from '../description.js';
import { type DescriptionError, OxbowError } from '../errors.js';
import { orThrow } from '../formats/or-throw.js';
import type { Core } from '../layer.js';
import { type Growth, growTogether } from '../parameters/growth.js';
import { parametersOf } from '../parameters/parameter.js';
import { type Shape, sizeOf } from '../tensor.js';
import { type ArgumentSlot, type CatalogEntry, entryOf, type SlotKind } from './catalog.js';
import { paramsOf } from './describe.js';
import { DEEPEST, isNumberKind, type ModelDescription, numberKinds } from './description.js';

/** Things that a model is made of, with those that factories make within: more than any model has. */
const MOST_THINGS = 10_000;

/**
 * Makes anew what {@link describe} has described: a model with the same paths, shapes and first weights, bit for bit, so that
 * a checkpoint's weights can be loaded into it. What the description says is not trusted: nothing is drawn before all of it is
 * known to fit, and its depth, its parts and its sizes are bounded.
 *
 * What a registered factory has made is built where the same name was registered before ({@link register}).
 *
 * @param description as `describe` has given it, or as it came from JSON.
 * @returns the model; say as a type what it is.
 * @throws OxbowError, a {@link DescriptionError} that names the place, where it is no description, or is one of what cannot be.
 * @example
 * const text = JSON.stringify(describe(sequential([dense(8, 4)], { seed: 1 })));
 * build(JSON.parse(text)).kind; // 'sequential'
 */
export function build<M = Core<unknown>>(description: ModelDescription): M {
  return orThrow(buildEither<M>(description));
}

/**
 * {@link build} for fp-ts: what cannot be built is a value.
 *
 * @param description as `describe` has given it, or as it came from JSON.
 * @returns the model, or a {@link DescriptionError}.
 * @example
 * buildEither(describe(dense(8, 4)))._tag; // 'Right'
 * buildEither({ $: 'dense', args: [-1, 4] })._tag; // 'Left'
 */
export function buildEither<M = Core<unknown>>(description: ModelDescription): E.Either<DescriptionError, M> {
  try {
    return E.right(limited(MOST_THINGS, () => whole(description)) as M);
  } catch (error) {
    return E.left(
      error instanceof OxbowError ? (error as DescriptionError) : refused('it', reasonOf(error, 'what is described')),
    );
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

/** Why a factory makes nothing: in its own words, which begin with a name, and not in V8's, where it has looked no closer. */
function reasonOf(error: unknown, name: string): string {
  const message = messageOf(error);
  const isOwn = message === TOO_MUCH || (/^[\w./]+: /.test(message) && !message.includes('[object '));
  return isOwn ? message : `${name} takes no such arguments`;
}

const refused = (place: string, reason: string, cause?: unknown) =>
  new OxbowError<DescriptionError>({
    _tag: 'BadDescription',
    place,
    message: `build: ${place}: ${/[.!]$/.test(reason) ? reason : `${reason}; describe the model anew.`}`,
    cause,
  });

/** A thing that was built, and how many things that took. */
interface Built {
  readonly thing: object;
  readonly kind: SlotKind;
  readonly things: number;
}

function whole(description: unknown): object {
  const again = new Map<number, Built>();
  /** Things that have been asked for, those that stand at several places each time. */
  let asked = 0;

  function made(node: Record<string, unknown>, place: string, depth: number): Built {
    const { $: name, args, id } = node;
    if (typeof name !== 'string' || !Array.isArray(args)) {
      throw refused(place, 'a thing is { $: name, args: […] }');
    }
    if (name === 'same') {
      const known = args.length === 1 ? again.get(args[0] as number) : undefined;
      if (known === undefined)
        throw refused(place, `there is nothing before it with the id ${JSON.stringify(args[0])}`);
      spend(known.things);
      asked += known.things;
      return known;
    }
    const before = asked;
    asked += 1;
    const inner = place === '' ? name : `${place} (${name})`;
    const entry = factoryOf(name, inner);
    const values = args.map((each, k) => valueAt(each, `${inner}.args[${k}]`, [String(k)], entry, depth + 1));
    let thing: unknown;
    try {
      thing = (entry.make as (...given: unknown[]) => unknown)(...values);
    } catch (error) {
      throw error instanceof OxbowError ? error : refused(inner, reasonOf(error, name), error);
    }
    const built = { thing: thing as object, kind: entry.kind, things: asked - before };
    if (id !== undefined) {
      if (!Number.isSafeInteger(id) || again.has(id as number))
        throw refused(inner, `the id ${JSON.stringify(id)} is none`);
      again.set(id as number, built);
    }
    return built;
  }

  function valueAt(json: unknown, place: string, path: readonly string[], entry: CatalogEntry, depth: number): unknown {
    if (depth > DEEPEST) throw refused(place, `it is more than ${DEEPEST} levels deep`);
    const slot = entry.slotAt(path);
    if (typeof json !== 'object' || json === null) {
      const isJson = json === null || ['string', 'number', 'boolean'].includes(typeof json);
      if (!isJson || (typeof json === 'number' && !Number.isFinite(json)))
        throw refused(place, `${String(json)} is no JSON`);
      return fitting(slot, json, undefined, place, entry);
    }
    spend(1);
    if (Array.isArray(json)) {
      const list = json.map((each, k) => valueAt(each, `${place}[${k}]`, [...path, String(k)], entry, depth + 1));
      return fitting(slot, list, undefined, place, entry);
    }
    const record = json as Record<string, unknown>;
    if (!Object.hasOwn(record, '$')) {
      return fitting(slot, recordOf(Object.entries(record), place, path, entry, depth), undefined, place, entry);
    }
    const { $: name, args } = record;
    if (Array.isArray(args)) {
      if (name === 'undefined') return undefined;
      if (name === 'number') return fitting(slot, numberOf(args[0], place), undefined, place, entry);
      if (name === 'record') {
        const entries = args.map((pair): [string, unknown] =>
          Array.isArray(pair) && typeof pair[0] === 'string' ? [pair[0], pair[1]] : ['', pair],
        );
        return fitting(slot, recordOf(entries, place, path, entry, depth), undefined, place, entry);
      }
      if (typeof name === 'string' && isNumberKind(name)) {
        const numbers = args.map((each) => (typeof each === 'number' ? each : numberOf(numberIn(each), place)));
        return fitting(slot, numberKinds[name].from(numbers), undefined, place, entry);
      }
    }
    const built = made(record, place, depth);
    return fitting(slot, built.thing, built.kind, place, entry);
  }

  function recordOf(
    entries: readonly (readonly [name: string, value: unknown])[],
    place: string,
    path: readonly string[],
    entry: CatalogEntry,
    depth: number,
  ): Record<string, unknown> {
    return Object.fromEntries(
      entries.map(([name, each]) => [name, valueAt(each, `${place}.${name}`, [...path, name], entry, depth + 1)]),
    );
  }

  if (typeof description !== 'object' || description === null) {
    throw refused('it', `a description is { $: name, args: […] }, not ${String(description)}`);
  }
  const { thing } = made(description as Record<string, unknown>, '', 0);
  return grown(thing, (description as { readonly shapes?: unknown }).shapes);
}

function factoryOf(name: string, place: string): CatalogEntry {
  const own = registeredAs(name);
  const entry: CatalogEntry | undefined =
    own === undefined ? entryOf(name) : { kind: 'own', make: own as CatalogEntry['make'], slotAt: () => undefined };
  if (entry !== undefined) return entry;
  const remedy = name.includes('/')
    ? `register('${name}', …) before it is built.`
    : 'this version of the package has none; take the one that has described it, or a later one.';
  throw refused(place, `there is no factory of the name ${JSON.stringify(name)}; ${remedy}`);
}

/** A value, where it may stand at its place. */
function fitting(
  slot: ArgumentSlot | undefined,
  value: unknown,
  kind: SlotKind | undefined,
  place: string,
  entry: CatalogEntry,
): unknown {
  const fits =
    kind === 'own' || entry.kind === 'own'
      ? true
      : slot === undefined
        ? kind === undefined
        : kind === undefined
          ? typeof value === slot.plain
          : slot.kinds.includes(kind);
  if (fits) return value;
  const wanted = [...(slot?.kinds ?? []), ...(slot?.plain ? [slot.plain] : [])].join(' or ');
  throw refused(place, `it takes ${wanted || 'what was registered'}, not ${kind ?? typeof value}`);
}

const numberIn = (node: unknown) => (node as { readonly args?: readonly unknown[] } | null)?.args?.[0];

function numberOf(name: unknown, place: string): number {
  if (name === '-0' || name === 'NaN' || name === 'Infinity' || name === '-Infinity') return Number(name);
  throw refused(place, `${JSON.stringify(name)} is no number`);
}

/** A model whose parameters have the shapes that they had grown to, all of them of sizes that can be. */
function grown(thing: object, shapes: unknown): object {
  const parameters = new Map(parametersOf(paramsOf(thing)));
  const wanted = new Map<string, Shape>(Array.from(parameters, ([path, { shape }]) => [path, shape]));
  const growths: Growth[] = [];
  if (shapes !== undefined) {
    if (typeof shapes !== 'object' || shapes === null) throw refused('shapes', 'they are lists by paths');
    for (const [path, shape] of Object.entries(shapes)) {
      const each = parameters.get(path);
      const place = `shapes["${path}"]`;
      if (each === undefined) throw refused(place, 'there is no such parameter');
      if (!Array.isArray(shape) || shape.length !== each.shape.length) throw refused(place, 'it is of other axes');
      wanted.set(path, shape);
      shape.forEach((length, axis) => {
        if (length !== each.shape[axis]) growths.push([each, axis, length]);
      });
    }
  }
  const distinct = new Map(Array.from(parameters, ([path, each]) => [each, sizeOf(wanted.get(path) as Shape)]));
  const numbers = [...distinct.values()].reduce((sum, size) => sum + size, 0);
  if (!(numbers <= MOST_NUMBERS)) {
    throw refused('it', `its parameters have ${numbers} numbers, and memory has room for ${MOST_NUMBERS}`);
  }
  growTogether(growths);
  return thing;
}
