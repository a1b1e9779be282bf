/** Records of options: a name that the operation does not know is an error where the record is given. */

/** The names that any member of a union has. */
type NameOf<O> = O extends unknown ? keyof O : never;

type ValueOf<O, K> = O extends unknown ? (K extends keyof O ? O[K] : never) : never;

/** What a table says of an option that is true or false: nothing else is taken for it. */
type Flag<V> = [Exclude<V, undefined>] extends [boolean] ? 'boolean' : never;

/** The table of an option that is a record itself. */
type Inner<V> = [Extract<V, object>] extends [never] ? never : Names<Extract<V, object>>;

/**
 * All options of an interface by their names: `'boolean'` for one that is true or false, a table of its own for one that is
 * always a record of options, and else `true`. One that is missing here, or in the interface, is a compile error.
 */
export type Names<O> = { readonly [K in NameOf<O>]: Entry<ValueOf<O, K>> };

type Entry<V> = [Flag<V>] extends [never] ? true | Inner<V> : Flag<V>;

/**
 * A table as `checkedOptions` takes it, also where the options' own types are not known yet, and hence not which are true or false:
 * `Names` says that wherever a table is written down.
 */
type Covering<O> = { readonly [K in NameOf<O>]: true | 'boolean' | Inner<ValueOf<O, K>> };

interface Table {
  readonly [name: string]: true | 'boolean' | Table;
}

/**
 * Checks a record of options, before anything else is done with it, and gives those that are not undefined. Own names
 * are checked, and inherited ones are read, so that an instance of a class with getters is a record too.
 *
 * @param operation the function that the user called
 * @param within the option that the record is the value of, with a dot: `'dropout.'`
 * @throws TypeError where it is not a record, has a name that is not in the table, or anything but true or false where the table says so.
 */
export function checkedOptions<O extends object>(operation: string, options: O, names: Covering<O>, within = ''): O {
  return read(operation, options, names as Table, within) as O;
}

function read(operation: string, given: unknown, names: Table, within: string): object {
  const known = Object.keys(names).map((name) => within + name);
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    const what = within === '' ? 'the options are' : `the option '${within.slice(0, -1)}' is`;
    throw new TypeError(`${operation}: ${what} a record of ${listed(known)}, not ${shown(given)}.`);
  }
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(names, name));
  if (unknown !== undefined) {
    const near = nearest(unknown, Object.keys(names));
    const remedy = near === undefined ? `; there is ${listed(known)}.` : `; did you mean '${within}${near}'?`;
    throw new TypeError(`${operation}: there is no option '${within}${unknown}'${remedy}`);
  }
  const options: Record<string, unknown> = {};
  for (const [name, inner] of Object.entries(names)) {
    const value = (given as Record<string, unknown>)[name];
    if (value === undefined) continue;
    if (inner === 'boolean' && typeof value !== 'boolean') {
      throw new TypeError(`${operation}: ${within}${name} is true or false, not ${shown(value)}; give one of them.`);
    }
    options[name] = typeof inner === 'object' ? read(operation, value, inner, `${within}${name}.`) : value;
  }
  return options;
}

const listed = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(', ');

function shown(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'function') return 'a function';
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

/** Letters that have to agree where one name begins or ends with the other: `batch` and `batch_size`. */
const LEAST_PART = 3;

/** The name that was probably meant: a third of its letters differ at most, or it is a part of the other. */
function nearest(wanted: string, names: readonly string[]): string | undefined {
  const a = lettersOf(wanted);
  let best: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const name of names) {
    const b = lettersOf(name);
    const [short, long] = a.length < b.length ? [a, b] : [b, a];
    const isPart = short.length >= LEAST_PART && (long.startsWith(short) || long.endsWith(short));
    const distance = distanceOf(a, b);
    if (distance < least && (isPart || distance <= long.length / 3)) [best, least] = [name, distance];
  }
  return best;
}

/** A name however others write it: `learningRate` and `learning_rate` are one. */
const lettersOf = (name: string): string => name.replaceAll(/[_-]/g, '').toLowerCase();

/** Letters inserted, left out, changed, or exchanged with the next one (Damerau and Levenshtein, optimal alignment). */
function distanceOf(a: string, b: string): number {
  let before: readonly number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, k) => k);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min((last[j] as number) + 1, (row[j - 1] as number) + 1, (last[j - 1] as number) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, (before[j - 2] as number) + 1);
      }
      row.push(least);
    }
    [before, last] = [last, row];
  }
  return last[b.length] as number;
}
