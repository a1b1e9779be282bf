/** Numbers as they are shown and as they are typed. */
import { InvalidArgumentError } from 'commander';

export const count = (value: number): string => Math.round(value).toLocaleString('en-US');

/** `1 task`, `2 tasks`. */
export const several = (value: number, what: string): string => `${count(value)} ${what}${value === 1 ? '' : 's'}`;

/** Parses a whole number of at least `least`. */
export const whole = (least: number) => (text: string) => {
  const value = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(value) && value >= least) return value;
  throw new InvalidArgumentError(`It must be a whole number of at least ${least}.`);
};

/** Parses a number above 0. */
export const positive = (text: string) => {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('It must be a number above 0.');
};
