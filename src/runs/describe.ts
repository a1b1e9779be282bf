import { isPlainRecord, type Origin, originOf } from '../description.js';
import { type Params, parametersOf } from '../parameters/parameter.js';
import { constantActivations, DEEPEST, type Json, type ModelDescription, numberKinds } from './description.js';

/** A description while others may yet refer to it. */
type Node = { $: string; args: readonly Json[]; id?: number };

/**
 * What a model is made of, as plain JSON from which {@link build} makes it anew: no weights, but all that names, shapes and
 * draws them. Optimizers, losses, schedules, initialisers, activations and metrics are described in the same way.
 *
 * A layer, cell or function of one's own is described where what makes it was registered ({@link register}). A layer within a
 * model is named by the model, so describe the model itself.
 *
 * @param model what a factory of this package, or a registered one, has made.
 * @returns the description, for `JSON.stringify`.
 * @throws TypeError that names the place of what no factory made that is known.
 * @example
 * const description = describe(stack({ embed: embedding(65, 64), rnn: lstm(64, 128), head: dense(128, 65) }, { seed: 1 }));
 * description.$; // 'stack'
 * const again = build<Layer<unknown, Ids>>(JSON.parse(JSON.stringify(description)));
 * parametersOf(again.params)[0]?.[0]; // 'embed.table'
 */
export function describe(model: object): ModelDescription {
  const nodes = new Map<unknown, Node>();
  let ids = 0;

  function made(thing: object, place: string, depth: number): Node | undefined {
    const known = nodes.get(thing);
    if (known !== undefined) {
      known.id ??= ++ids;
      return { $: 'same', args: [known.id] };
    }
    const origin = originOf(thing) ?? constantOf(thing);
    if (origin === undefined) return undefined;
    const node: Node = { $: origin.name, args: [] };
    nodes.set(thing, node);
    const within = place === '' ? origin.name : `${place} (${origin.name})`;
    const args = typeof origin.args === 'function' ? origin.args() : origin.args;
    const last = args.findLastIndex((each) => each !== undefined);
    node.args = args.slice(0, last + 1).map((each, k) => described(each, `${within}.args[${k}]`, depth + 1));
    return node;
  }

  function described(value: unknown, place: string, depth: number): Json {
    if (depth > DEEPEST)
      throw new TypeError(`describe: ${place} is more than ${DEEPEST} levels deep; flatten the model.`);
    if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
    if (typeof value === 'number') return numberOf(value);
    if (value === undefined) return { $: 'undefined', args: [] };
    if (typeof value === 'object' || typeof value === 'function') {
      const node = made(value, place, depth);
      if (node !== undefined) return node;
    }
    if (Array.isArray(value)) return value.map((each, k) => described(each, `${place}[${k}]`, depth + 1));
    for (const [$, kind] of Object.entries(numberKinds)) {
      if (value instanceof kind) return { $, args: Array.from(value, numberOf) };
    }
    if (!isPlainRecord(value) || isOwn(value)) throw unknown(value, place);
    const entries = Object.entries(value)
      .filter(([, each]) => each !== undefined)
      .map(([name, each]) => [name, described(each, `${place}.${name}`, depth + 1)] as const);
    return Object.hasOwn(value, '$') ? { $: 'record', args: entries } : Object.fromEntries(entries);
  }

  const whole = made(model, '', 0);
  if (whole === undefined) throw unknown(model, 'it');
  const growing = parametersOf(paramsOf(model)).filter(([, { grows }]) => grows.length > 0);
  if (growing.length === 0) return whole;
  return { ...whole, shapes: Object.fromEntries(growing.map(([path, { shape }]) => [path, shape])) };
}

/** The parameters of a thing, if it is one that has some. */
export const paramsOf = (thing: object): Params => ('params' in thing ? (thing.params as Params) : {});

/** What stands for a function that no factory makes. */
function constantOf(thing: object): Origin | undefined {
  const [name] = Object.entries(constantActivations()).find(([, each]) => each === thing) ?? [];
  return name === undefined ? undefined : { name: `activations.${name}`, args: [] };
}

function numberOf(value: number): Json {
  const plain = Number.isFinite(value) && !Object.is(value, -0);
  return plain ? value : { $: 'number', args: [Object.is(value, -0) ? '-0' : String(value)] };
}

/** Whether a record is a layer or cell that was written down without a factory. */
const isOwn = (value: Readonly<Record<string, unknown>>) => typeof value.kind === 'string' && 'params' in value;

function unknown(value: unknown, place: string): TypeError {
  const kind = (value as { readonly kind?: unknown } | null)?.kind;
  const name = typeof kind === 'string' ? `"${kind}"` : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
  return new TypeError(
    `describe: ${place} is ${name} that no factory of this package made; make it by a function that is registered, as in ` +
      "const mine = register('acme/mine', (size: number) => …).",
  );
}
