/** Numbers as they are shown. */

export const count = (value: number): string => Math.round(value).toLocaleString('en-US');

/** `1 thread`, `2 threads`. */
export const several = (value: number, what: string): string => `${count(value)} ${what}${value === 1 ? '' : 's'}`;

export const bytes = (value: number): string => {
  if (!Number.isFinite(value)) return 'no limit';
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const step = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, value)) / 10));
  return `${(value / 1024 ** step).toFixed(step === 0 ? 0 : 1)} ${units[step]}`;
};
