/** Names and their ids, which only ever grow: words, tags, intents. */

/** A list of names in which each has an id, 0 … size − 1, that never changes. */
export interface Lexicon {
  readonly size: number;
  /** The names in the order of their ids. */
  readonly names: readonly string[];
  idOf(name: string): number | undefined;
  /** How often the name with this id has been added. */
  countOf(id: number): number;
  /** Counts a name once more; one that is new gets the next id. Whoever adds one sees to the weights that belong to it. */
  add(name: string): number;
  /** As plain data, which JSON takes; `restore` takes it back. */
  toJSON(): LexiconData;
  /**
   * Becomes the lexicon that was written down.
   *
   * @throws RangeError where that one does not begin with this one's names: the ids would change.
   */
  restore(data: LexiconData): void;
}

/** A lexicon as plain data. */
export interface LexiconData {
  readonly names: readonly string[];
  readonly counts: readonly number[];
}

/**
 * A lexicon of names, in the order of their first occurrence; those that come several times are counted.
 *
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
    toJSON: () => ({ names: [...all], counts: [...counts] }),
    restore({ names: wanted, counts: times }) {
      const other = all.findIndex((name, id) => wanted[id] !== name);
      if (other >= 0 || times.length !== wanted.length || new Set(wanted).size !== wanted.length) {
        throw new RangeError(
          `lexicon: what was written down has ${JSON.stringify(wanted[other])} for name ${other}, not ` +
            `${JSON.stringify(all[other])}; it must begin with the ${all.length} names that are here, each name once.`,
        );
      }
      for (const name of wanted.slice(all.length)) add(name);
      times.forEach((count, id) => {
        counts[id] = count;
      });
    },
  };
}
