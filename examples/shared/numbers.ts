/** Numbers as they are shown and as they are typed. */
import { InvalidArgumentError } from 'commander';

export const count = (value: number): string => Math.round(value).toLocaleString('en-US');

/** `1 task`, `2 tasks`. */
export const several = (value: number, what: string): string => `${count(value)} ${what}${value === 1 ? '' : 's'}`;

/** Parses a whole number of at least `least`, and of at most `most` where there is such a thing. */
export const whole = (least: number, most?: number) => (text: string) => {
  const value = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(value) && value >= least && value <= (most ?? value)) return value;
  const range = most === undefined ? `of at least ${least}` : `from ${least} to ${most}`;
  throw new InvalidArgumentError(`It must be a whole number ${range}.`);
};

/** Parses a number above 0, and of at most 1. */
export const share = (text: string) => {
  const value = Number(text);
  if (text.trim() !== '' && value > 0 && value <= 1) return value;
  throw new InvalidArgumentError('It must be a number above 0, and at most 1.');
};

/** Parses a number above 0. */
export const positive = (text: string) => {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('It must be a number above 0.');
};
