/** Names and their ids: words, tags, intents. Those that came last may be forgotten again. */
import { requireCount, shown } from '../../checks.js';

/** A list of names in which each has an id, 0 … size − 1, that never changes. */
export interface Lexicon {
  readonly size: number;
  /** The names in the order of their ids. */
  readonly names: readonly string[];
  idOf(name: string): number | undefined;
  /** How often the name with this id has been added. */
  countOf(id: number): number;
  /** Counts a name once more; one that is new gets the next id. The weights that belong to it are not added. */
  add(name: string): number;
  /** How often it was cut: ids from its size on may be other names' since. */
  readonly cuts: number;
  /** Counts a name once less, as before an `add`. The name stays. */
  uncount(name: string): void;
  /** Forgets the names that came last, so that so many stay. */
  cut(size: number): void;
  /** As plain data, which JSON takes; `restore` takes it back. */
  toJSON(): LexiconData;
  /**
   * Becomes the lexicon that was written down.
   *
   * @throws RangeError where that one does not begin with this one's names (the ids would change), or is none: one whose
   * names are not text, each once and counted. Then nothing changes.
   */
  restore(data: LexiconData): void;
}

/** A lexicon as plain data. */
export interface LexiconData {
  readonly names: readonly string[];
  readonly counts: readonly number[];
}

/** What is wrong with what should be a lexicon written down, if anything. */
export function lexiconProblem(data: unknown): string | undefined {
  const { names, counts } = (data ?? {}) as Partial<LexiconData>;
  if (!Array.isArray(names) || !Array.isArray(counts) || names.length !== counts.length) {
    return 'has no names with a count each';
  }
  const nameless = names.findIndex((name) => typeof name !== 'string');
  if (nameless >= 0) return `has ${shown(names[nameless])} for name ${nameless}, which is no text`;
  const met = new Set<string>();
  // A set is as large as before where it had the name.
  const twice = names.find((name) => met.size === met.add(name).size);
  if (twice !== undefined) return `has ${shown(twice)} twice`;
  const wrong = counts.findIndex((count) => !Number.isSafeInteger(count) || count < 0);
  return wrong < 0 ? undefined : `counts ${shown(names[wrong])} ${shown(counts[wrong])} times`;
}

/**
 * A lexicon of names, in the order of their first occurrence; those that come several times are counted.
 *
 * @param names those to begin with; default none.
 * @returns a lexicon that grows by `add`.
 * @throws RangeError (by `restore`) where what was written down is not a lexicon, or does not begin with this one's names.
 * @example
 * const words = lexicon(['to', 'taipei', 'to']);
 * words.idOf('to'); // 0
 * words.countOf(0); // 2
 * words.add('osaka'); // 2, a new id
 */
export function lexicon(names: Iterable<string> = []): Lexicon {
  const all: string[] = [];
  const counts: number[] = [];
  const ids = new Map<string, number>();
  let cuts = 0;

  function add(name: string): number {
    const known = ids.get(name);
    if (known !== undefined) {
      counts[known] = (counts[known] as number) + 1;
      return known;
    }
    ids.set(name, all.length);
    all.push(name);
    counts.push(1);
    return all.length - 1;
  }

  for (const name of names) add(name);
  return {
    get size() {
      return all.length;
    },
    names: all,
    idOf: (name) => ids.get(name),
    countOf: (id) => counts[id] ?? 0,
    add,
    get cuts() {
      return cuts;
    },
    uncount(name) {
      const id = ids.get(name);
      if (id !== undefined) counts[id] = Math.max(0, (counts[id] as number) - 1);
    },
    cut(size) {
      requireCount('lexicon', 'size', size, 0);
      if (size >= all.length) return;
      for (const name of all.splice(size)) ids.delete(name);
      counts.length = size;
      cuts += 1;
    },
    toJSON: () => ({ names: [...all], counts: [...counts] }),
    restore(data) {
      const problem = lexiconProblem(data);
      if (problem !== undefined) throw new RangeError(`lexicon: what was written down ${problem}; write it down anew.`);
      const { names: wanted, counts: times } = data;
      const other = all.findIndex((name, id) => wanted[id] !== name);
      if (other >= 0) {
        throw new RangeError(
          `lexicon: what was written down has ${shown(wanted[other])} for name ${other}, not ` +
            `${shown(all[other])}; it must begin with the ${all.length} names that are here.`,
        );
      }
      for (const name of wanted.slice(all.length)) add(name);
      times.forEach((count, id) => {
        counts[id] = count;
      });
    },
  };
}
