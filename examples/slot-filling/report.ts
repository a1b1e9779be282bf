/** Figures as they are shown. */
import type { SlotScores } from 'oxbow';

export const percent = (share: number): string => (Number.isNaN(share) ? '–' : (100 * share).toFixed(2));

/** Columns under each other: the first to the left, all others to the right. */
export function columns(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, k) => Math.max(...rows.map((row) => (row[k] as string).length)));
  return rows.map((row) =>
    row
      .map((text, k) => (k === 0 ? text.padEnd(widths[k] as number) : text.padStart(widths[k] as number)))
      .join('  ')
      .trimEnd(),
  );
}

/** Precision, recall and F1 of each slot and of all. */
export function slotTable({ bySlot, ...all }: SlotScores): readonly string[] {
  const rows = [...bySlot, { slot: 'all', ...all }].map(({ slot, precision, recall, f1, wanted, predicted, right }) => [
    slot,
    ...[precision, recall, f1].map(percent),
    ...[wanted, predicted, right].map(String),
  ]);
  return columns([['slot', 'precision', 'recall', 'F1', 'there', 'found', 'right'], ...rows]);
}

/** The mistakes made most often. */
export function confusionTable({ confusion }: SlotScores, most = 10): readonly string[] {
  const shown = confusion.slice(0, most).map(({ wanted, predicted, count }) => {
    const what = wanted === predicted ? 'the same, from or to another word' : predicted === 'O' ? 'nothing' : predicted;
    return [wanted === 'O' ? 'nothing' : wanted, `→ ${what}`, String(count)];
  });
  const widths = [0, 1].map((k) => Math.max(0, ...shown.map((row) => (row[k] as string).length)));
  return shown.map((row) => row.map((text, k) => text.padEnd(widths[k] ?? 0)).join('  '));
}

/** The figures that are asked for first, in one line. */
export function summary({
  f1,
  precision,
  recall,
  intentAccuracy,
  sentenceAccuracy,
  frameAccuracy,
}: SlotScores): string {
  const parts = [`F1 ${percent(f1)} (precision ${percent(precision)}, recall ${percent(recall)})`];
  if (!Number.isNaN(intentAccuracy)) parts.push(`intents ${percent(intentAccuracy)}`);
  parts.push(`utterances all right ${percent(Number.isNaN(intentAccuracy) ? sentenceAccuracy : frameAccuracy)}`);
  return parts.join(' · ');
}

export interface Spread {
  readonly mean: number;
  /** The sample's standard deviation; 0 of one value. */
  readonly deviation: number;
}

export function spreadOf(values: readonly number[]): Spread {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / Math.max(1, values.length - 1)) };
}

export const showSpread = ({ mean, deviation }: Spread): string => `${percent(mean)} ± ${percent(deviation)}`;

const bars = '▁▂▃▄▅▆▇█';

/** A curve of shares in one line. */
export const sparkline = (shares: readonly number[]): string =>
  shares.map((share) => bars[Math.min(bars.length - 1, Math.floor(share * bars.length))] ?? ' ').join('');
