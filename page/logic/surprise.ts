/** Surprise as shades: levels that a style sheet colours, and what the colours say in words. */

/** Bits from which each level on begins; below the first is level 0. Lighter to darker, so that the scale needs no hue. */
export const SURPRISE_STEPS = [0.5, 1, 2, 3, 4.5, 6, 8] as const;

/** The level of a symbol's surprise in bits, 0 to 7. */
export function surpriseLevel(bits: number): number {
  let level = 0;
  while (level < SURPRISE_STEPS.length && bits >= (SURPRISE_STEPS[level] as number)) level += 1;
  return level;
}

/** Distances from the mean, as shares of the largest one, from which each level of an activation on begins. */
const ACTIVATION_STEPS = [0.1, 0.3, 0.55, 0.8] as const;

/** What an activation is held against: its mean over a text, and how far it goes from there at most. */
export interface Range {
  readonly mean: number;
  readonly reach: number;
}

/** The range of a unit. A cell may be far from 0 all the time: what it responds to is where it leaves its mean. */
export function rangeOf(values: readonly (number | null)[]): Range {
  const known = values.filter((value) => value !== null);
  const mean = known.reduce((sum, value) => sum + value, 0) / Math.max(1, known.length);
  return { mean, reach: known.reduce((most, value) => Math.max(most, Math.abs(value - mean)), 0) };
}

/** The level of an activation, −4 to 4. */
export function activationLevel(value: number, { mean, reach }: Range): number {
  const share = reach > 0 ? Math.abs(value - mean) / reach : 0;
  const level = ACTIVATION_STEPS.filter((step) => share >= step).length;
  return value < mean && level > 0 ? -level : level;
}

/** Neighbouring symbols of one level. */
export interface Run {
  readonly text: string;
  /** `undefined` for symbols that have none. */
  readonly level: number | undefined;
}

/** Joins symbols of equal level, so that a page has few elements. Values that are missing count as none. */
export function runsOf<T>(
  symbols: readonly string[],
  values: readonly (T | null | undefined)[],
  levelOf: (value: T) => number,
): Run[] {
  const runs: { text: string; level: number | undefined }[] = [];
  symbols.forEach((symbol, at) => {
    const value = values[at];
    const level = value === null || value === undefined ? undefined : levelOf(value);
    const last = runs.at(-1);
    if (last !== undefined && last.level === level) last.text += symbol;
    else runs.push({ text: symbol, level });
  });
  return runs;
}

/** A symbol, where it stands, and its surprise. */
export interface Surprising {
  readonly symbol: string;
  readonly at: number;
  readonly bits: number;
}

/** What a coloured text says in words: how surprising it is on the whole, and where most. */
export function surpriseSummary(symbols: readonly string[], bits: readonly (number | null)[], most = 5) {
  const known = symbols.flatMap((symbol, at): Surprising[] => {
    const of = bits[at];
    return of === null || of === undefined ? [] : [{ symbol, at, bits: of }];
  });
  const total = known.reduce((sum, each) => sum + each.bits, 0);
  return {
    total,
    mean: known.length === 0 ? undefined : total / known.length,
    passedOver: symbols.length - known.length,
    highest: [...known].sort((a, b) => b.bits - a.bits || a.at - b.at).slice(0, most),
  };
}

/** A symbol as one can say it. */
export function spoken(symbol: string): string {
  if (symbol === '\n') return 'line end';
  if (symbol === '\t') return 'tab';
  return symbol === ' ' ? 'space' : `“${symbol}”`;
}

/** The surroundings of a symbol, on one line. */
export const around = (symbols: readonly string[], at: number, reach = 12): string =>
  symbols
    .slice(Math.max(0, at - reach), at + reach + 1)
    .join('')
    .replaceAll(/\s+/g, ' ');
