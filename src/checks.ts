/** Checks of sizes and options: a wrong one is an error where it is given, not a surprise later. */

/** What is larger than the largest memory of the kernels, 4 GiB of float32, cannot be computed with. */
export const MOST_NUMBERS = 2 ** 30;

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
  throw new TypeError(`${operation}: ${name} is ${listed}, not ${JSON.stringify(value)}.`);
}
