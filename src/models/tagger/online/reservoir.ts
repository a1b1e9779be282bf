/** A reservoir: a sample of bounded size of all that has gone by. */
import { requireCount, shown } from '../../../checks.js';
import { checkedOptions } from '../../../options.js';
import { type GeneratorState, generator, generatorProblem, restoreGenerator } from '../../../random.js';

/** A reservoir as plain data; `reservoir` takes it back. */
export interface ReservoirState<T> {
  readonly items: readonly T[];
  /** How many were offered so far. */
  readonly seen: number;
  readonly random: GeneratorState;
}

/** The options of {@link reservoir}. */
export interface ReservoirOptions<T> {
  /** How many it holds. */
  readonly size: number;
  readonly seed?: number;
  /** Where an earlier one stood. */
  readonly state?: ReservoirState<T> | undefined;
}

/** A uniform sample of what was offered so far; see {@link reservoir}. */
export interface Reservoir<T> {
  readonly items: readonly T[];
  readonly seen: number;
  /** Takes an item in, or leaves it: whichever have gone by, each is in with the same probability. */
  offer(item: T): void;
  /** Puts an item in the place of those that it stands for, where there are any. */
  replace(item: T, standsFor: (item: T) => boolean): void;
  /** So many different ones, or all where there are fewer; in an order that means nothing. */
  draw(count: number): readonly T[];
  state(): ReservoirState<T>;
}

/** What is wrong with what should be a reservoir's state, if anything. */
export function reservoirProblem(
  state: unknown,
  itemProblem: (item: unknown) => string | undefined = () => undefined,
): string | undefined {
  const { items, seen, random } = (state ?? {}) as Partial<ReservoirState<unknown>>;
  if (!Array.isArray(items)) return 'the state has no list of items';
  if (!Number.isSafeInteger(seen) || (seen as number) < items.length) {
    return `the state has ${items.length} items of ${shown(seen)} seen`;
  }
  const drawing = generatorProblem(random);
  if (drawing !== undefined) return `the state's generator is none: ${drawing}`;
  for (const [k, item] of items.entries()) {
    const problem = itemProblem(item);
    if (problem !== undefined) return `item ${k} of the state ${problem}`;
  }
  return undefined;
}

/**
 * A uniform sample of a stream of unknown length, and draws from it.
 *
 * Equation: the nth item replaces one of the `size` at random with probability `size / n`, so that after n each is in with
 * that probability.
 * Source: Vitter, Random sampling with a reservoir (1985), algorithm R; draws without repetition by Floyd's algorithm
 * (Bentley and Floyd, A sample of brilliance, 1987).
 *
 * @param options the size, and where an earlier one was.
 * @returns an empty reservoir, or the one that the state is of.
 * @throws RangeError where the size is not a whole number above 0, or the state is of a larger reservoir.
 * @throws TypeError where the state is not one of a reservoir, or an option is not known.
 * @example
 * const kept = reservoir<string>({ size: 2, seed: 1 });
 * for (const word of ['a', 'b', 'c', 'd']) kept.offer(word);
 * kept.items.length; // 2
 */
export function reservoir<T>(options: ReservoirOptions<T>): Reservoir<T> {
  const { size, seed = 0, state } = checkedOptions('reservoir', options, { size: true, seed: true, state: true });
  requireCount('reservoir', 'size', size);
  const problem = state === undefined ? undefined : reservoirProblem(state);
  if (problem !== undefined) {
    throw new TypeError(`reservoir: ${problem}; give back what state() gave, or leave it out to start afresh.`);
  }
  if (state !== undefined && state.items.length > size) {
    throw new RangeError(
      `reservoir: the state holds ${state.items.length} items, but the size is ${size}; make it as large as it was.`,
    );
  }
  const random = state === undefined ? generator(seed, 'reservoir') : restoreGenerator(state.random);
  const items = [...(state?.items ?? [])];
  let seen = state?.seen ?? 0;
  return {
    items,
    get seen() {
      return seen;
    },
    offer(item) {
      seen += 1;
      if (items.length < size) {
        items.push(item);
        return;
      }
      const at = random.below(seen);
      if (at < size) items[at] = item;
    },
    replace(item, standsFor) {
      items.forEach((held, at) => {
        if (standsFor(held)) items[at] = item;
      });
    },
    draw(count) {
      const chosen = new Set<number>();
      for (let last = items.length - Math.min(count, items.length); last < items.length; last += 1) {
        const at = random.below(last + 1);
        chosen.add(chosen.has(at) ? last : at);
      }
      return Array.from(chosen, (at) => items[at] as T);
    },
    state: () => ({ items: [...items], seen, random: random.state() }),
  };
}
