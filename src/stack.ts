/**
 * Stacks: layers one after another, by name, as one layer. Unlike `pipe` a stack knows all of its parts: it names their
 * parameters, checks that they fit, keeps their carries together, and copies nothing between them.
 */

import { outcome } from './carry.js';
import { isRecord, requireKind, requireModel } from './checks.js';
import { described } from './description.js';
import { type Core, type Layer, layer, within } from './layer.js';
import type { Ops } from './ops/ops.js';
import { checkedOptions } from './options.js';
import { type Ids, isTensor } from './tensor.js';

/** Layers by name, first to last. */
export type Children = Readonly<Record<string, Core<unknown, unknown, unknown>>>;

/** The carry of a core. */
export type CarryOf<C> = C extends { initial(batch: number): infer S } ? S : never;

/** The carry of a stack: its children's, by their names. */
export type StackCarry<C extends Children> = { readonly [Name in keyof C]: CarryOf<C[Name]> };

/** The parameters of a stack: its children's, by their names. */
export type StackParams<C extends Children> = { readonly [Name in keyof C]: C[Name]['params'] };

type InputOf<C> = C extends { apply(ops: Ops, carry: never, x: infer X): unknown } ? X : never;
type OutputOf<C> = C extends { apply(ops: Ops, carry: never, x: never): readonly [infer Y, unknown] } ? Y : never;

/** What each child takes, as a union. */
type Inputs<C extends Children> = { readonly [Name in keyof C]: InputOf<C[Name]> }[keyof C];

/** Of a union, the members that are ids. */
type IdsAmong<X> = X extends Ids ? X : never;

/** What all members of a union are at once. */
type Together<X> = (X extends unknown ? (x: X) => void : never) extends (x: infer All) => void ? All : never;

/**
 * What a stack takes. A record's order is not in its type, so this is ids where a child takes ids, which none but the
 * first can, and else what every child could take.
 */
export type StackInput<C extends Children> = [IdsAmong<Inputs<C>>] extends [never]
  ? Together<Inputs<C>>
  : IdsAmong<Inputs<C>>;

/** What a stack gives: what any of its children could give. */
export type StackOutput<C extends Children> = OutputOf<C[keyof C]>;

/** Options of {@link stack}. */
export interface StackOptions {
  /** Draws all weights below, each by its own path. */
  readonly seed?: number;
}

/**
 * Layers one after another.
 *
 * Equation: `y = layer_n(… layer_2(layer_1(x)))`.
 * Source: the lecture's stacked and deep networks.
 *
 * Shapes: those of the first layer's input and the last one's output. The carry: a record of the children's carries, by
 * their names. Parameters are called `child.parameter`, and their first values follow from the seed and that path
 * alone, so that adding a layer changes no other layer's weights.
 *
 * @param children layers by name, in the order in which they come.
 * @param options the seed of all weights.
 * @returns all of them as one layer, for `pipe`, `stepper`, `trainer` and other functions that take a layer.
 * @throws TypeError where there is no layer, or a name is empty, an integer or has a dot, or an option is not known.
 * @throws RangeError where a layer gives another number of features than the next one takes.
 * @example
 * const model = stack({ embed: embedding(65, 64), rnn: lstm(64, 128), head: dense(128, 65) }, { seed: 42 });
 * ids$.pipe(model)
 */
export function stack<const C extends Children>(
  children: C,
  options: StackOptions = {},
): Layer<StackCarry<C>, StackInput<C>, StackOutput<C>, StackParams<C>> {
  const { seed } = checkedOptions('stack', options, { seed: true });
  return described(layer(stackCore('stack', children), seed, ''), 'stack', [children, options]);
}

/** The core of layers one after another; `stack` and `stacked` are made of it. */
export function stackCore<const C extends Children>(
  kind: string,
  children: C,
): Core<StackCarry<C>, StackInput<C>, StackOutput<C>, StackParams<C>> {
  requireKind(kind, isRecord(children), 'layers by their names', children, 'give one after the other, in their order');
  const layers = Object.entries(children);
  for (const [, child] of layers) requireModel(kind, child);
  checkNames(
    kind,
    layers.map(([name]) => name),
  );
  const params = Object.fromEntries(layers.map(([name, child]) => [name, child.params])) as StackParams<C>;
  return {
    kind,
    ...fitWidths(kind, layers),
    params,
    initial(batch) {
      return Object.fromEntries(layers.map(([name, child]) => [name, child.initial(batch)])) as StackCarry<C>;
    },
    lengthsAfter: (lengths) =>
      layers.reduce(
        (real, [name, child]) => within(`"${name}" (${child.kind})`, () => child.lengthsAfter?.(real) ?? real),
        lengths,
      ),
    apply(ops, carry, x) {
      const next: Record<string, unknown> = {};
      let signal: unknown = x;
      let inner = ops;
      for (const [name, child] of layers) {
        within(`"${name}" (${child.kind})`, () => {
          const input = signal;
          [signal, next[name]] = outcome(child.kind, carry[name], child.apply(inner, carry[name], input));
          inner = opsAfter(inner, child, input, signal);
        });
      }
      return [signal as StackOutput<C>, next as StackCarry<C>];
    },
  };
}

/**
 * Ops for what comes after a layer: in a padded window they know how many steps of what it gave are real.
 *
 * @throws TypeError where that cannot be known.
 */
export function opsAfter(ops: Ops, child: Core<unknown, never, unknown>, x: unknown, y: unknown): Ops {
  const { lengths } = ops;
  if (lengths === undefined) return ops;
  if (child.lengthsAfter !== undefined) return { ...ops, lengths: child.lengthsAfter(lengths) };
  if (!isTensor(x) || !isTensor(y) || x.shape[0] === y.shape[0]) return ops;
  throw new TypeError(
    `${child.kind}: cannot be masked, since it gives ${y.shape[0]} steps for ${x.shape[0]} and does not say how many of ` +
      'them are real; give it lengthsAfter, or put it outside masked.',
  );
}

function checkNames(kind: string, names: readonly string[]): void {
  if (names.length === 0) throw new TypeError(`${kind}: needs one layer at least, as in { rnn: lstm(64, 128) }.`);
  for (const name of names) {
    // A record puts integer-like keys before all others, whatever order they were written in.
    if (name === '' || /^\d+$/.test(name)) {
      throw new TypeError(
        `${kind}: "${name}" cannot name a layer, since integers change a record's order; use a word.`,
      );
    }
    if (name.includes('.')) {
      throw new TypeError(
        `${kind}: "${name}" cannot name a layer, since dots separate the parts of a path; use a word.`,
      );
    }
  }
}

/** The chain's own widths. */
function fitWidths(
  kind: string,
  layers: readonly (readonly [name: string, child: Core<unknown, unknown, unknown>])[],
): Pick<Core<unknown>, 'inputs' | 'outputs'> {
  let inputs: number | undefined;
  let width: number | 'inputs' | undefined = 'inputs';
  let giver = '';
  for (const [name, child] of layers) {
    const label = `"${name}" (${child.kind})`;
    if (child.inputs !== undefined) {
      if (typeof width === 'number' && width !== child.inputs) {
        throw new RangeError(
          `${kind}: ${giver} gives ${width} features, but ${label} takes ${child.inputs}; make the two equal.`,
        );
      }
      if (width === 'inputs') {
        inputs = child.inputs;
        width = child.inputs;
        giver = label;
      }
    }
    if (child.outputs !== 'inputs') {
      width = child.outputs;
      giver = label;
    }
  }
  return { inputs, outputs: width };
}
