/** Values of options as they are typed. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type Tier, tierNames } from '../../host/host.js';

/** Parses a whole number of at least `least`, and of at most `most` where there is such a thing. */
export const whole = (least: number, most?: number) => (text: string) => {
  const value = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(value) && value >= least && value <= (most ?? value)) return value;
  const range = most === undefined ? `of at least ${least}` : `from ${least} to ${most}`;
  throw new InvalidArgumentError(`It must be a whole number ${range}.`);
};

/** Parses a number above 0, and of at most `most` where there is such a thing. */
export const positive =
  (most = Number.POSITIVE_INFINITY) =>
  (text: string) => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isFinite(value) && value > 0 && value <= most) return value;
    throw new InvalidArgumentError(
      `It must be a number above 0${most === Number.POSITIVE_INFINITY ? '' : ` and at most ${most}`}.`,
    );
  };

/** Parses a number from 0 up. */
export const amount = (text: string) => {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value >= 0) return value;
  throw new InvalidArgumentError('It must be a number from 0 up.');
};

/** Parses a share that is less than all, from 0 to below 1. */
export const part = (text: string) => {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value < 1) return value;
  throw new InvalidArgumentError('It must be a number from 0 to below 1.');
};

/** Parses a share, from 0 to 1. */
export const share = (text: string) => {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError('It must be a number from 0 to 1.');
};

export const choice = (flags: string, description: string, choices: readonly string[]): Option =>
  new Option(flags, description).choices([...choices]);

/** Collects an option that may be given several times; `\n` and `\t` are what they are in a program. */
export const texts = (text: string, before: readonly string[] = []): readonly string[] => [...before, unescaped(text)];

export const unescaped = (text: string): string =>
  text.replace(/\\([nt\\])/g, (_, letter: string) => (letter === 'n' ? '\n' : letter === 't' ? '\t' : '\\'));

/** What every command that computes takes. */
export interface MachineChoice {
  readonly threads?: number | undefined;
  readonly tier?: Tier | undefined;
}

export const MOST_THREADS = 64;

export const withMachine = (command: Command): Command =>
  command
    .option('--threads <n>', 'threads to use (default: all processors)', whole(1, MOST_THREADS))
    .addOption(choice('--tier <name>', 'kernels to use (default: the best that works here)', tierNames));
