/** Checks of options: a wrong one is an error where the pipeline is put together, not a surprise when it runs. */

/** @throws RangeError where an option is not a whole number of at least `least`. */
export function requireCount(operation: string, name: string, value: number, least = 1): void {
  if (Number.isInteger(value) && value >= least) return;
  throw new RangeError(`${operation}: ${name} is a whole number of at least ${least}, not ${value}.`);
}

/** @throws TypeError where an option is none of its choices. */
export function requireChoice(operation: string, name: string, value: unknown, choices: readonly string[]): void {
  if (choices.some((choice) => choice === value)) return;
  const listed = choices.map((choice) => `'${choice}'`).join(' or ');
  throw new TypeError(`${operation}: ${name} is ${listed}, not ${JSON.stringify(value)}.`);
}
