/** Numbers as the page shows them. */

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

/** A number that is watched as it grows. */
export const shownWhole = (value: number): string => whole.format(value);

export const shownCount = (value: number): string => (value < 100_000 ? whole.format(value) : compact.format(value));

export const shownFixed = (value: number | null | undefined, digits: number): string =>
  value === null || value === undefined ? '–' : value.toFixed(digits);

export const shownMs = (value: number | undefined): string =>
  value === undefined ? '–' : `${value < 10 ? value.toFixed(1) : whole.format(value)} ms`;

/** A learning rate as one types it. */
export const shownRate = (value: number): string => String(Number(value.toPrecision(3)));

/** A number that was typed, where it is one and within its bounds; an empty field is nothing. */
export function typedNumber(text: string, least: number, most = Number.POSITIVE_INFINITY): number | undefined {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  return value >= least && value <= most ? value : undefined;
}
