/** Checks of sizes and options: a wrong one is an error where it is given, not a surprise later; and how messages show it. */

/** @throws RangeError where a value is not a whole number of at least `least`, and of at most `most` where there is one. */
export function requireCount(
  operation: string,
  name: string,
  value: number,
  least = 1,
  most = Number.POSITIVE_INFINITY,
): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  const range = most === Number.POSITIVE_INFINITY ? `of at least ${least}` : `from ${least} to ${most}`;
  throw new RangeError(`${operation}: ${name} is a whole number ${range}, not ${value}.`);
}

/** @throws TypeError where an option is none of its choices. */
export function requireChoice(operation: string, name: string, value: unknown, choices: readonly string[]): void {
  if (choices.some((choice) => choice === value)) return;
  const listed = choices.map((choice) => `'${choice}'`).join(' or ');
  throw new TypeError(`${operation}: ${name} is ${listed}, not ${shown(value)}.`);
}

const LONGEST = 80;
const MOST_MEMBERS = 20;
const DEEPEST = 2;

/**
 * A value as a message shows it: like JSON, no longer than a line, and the same for whatever it is. `String` and
 * `JSON.stringify` fail for some of what comes out of a file: at a `toString` that is a number, and far down in lists of lists.
 */
export function shown(value: unknown): string {
  const text = written(value, DEEPEST);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

function written(value: unknown, depth: number): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, LONGEST + 1));
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object' || value === null) return String(value);
  if (depth === 0) return '…';
  if (Array.isArray(value)) {
    return `[${value
      .slice(0, MOST_MEMBERS)
      .map((item) => written(item, depth - 1))
      .join(',')}]`;
  }
  const members = Object.entries(value).slice(0, MOST_MEMBERS);
  return `{${members.map(([name, member]) => `${written(name, 0)}:${written(member, depth - 1)}`).join(',')}}`;
}
