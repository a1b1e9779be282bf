/** How far a training is, and how it goes on when its process is started again. */
import { isRecord } from '../../checks.js';
import { count } from '../shared/numbers.js';

/** A training's course, as it is kept with the run. */
export interface CourseData {
  /** Of the text that is learnt. */
  readonly text: string;
  readonly length: number;
  readonly batch: number;
  /** Windows of the text that were learnt when it began. */
  readonly after: number;
  /** How long it is to be: whichever is over first; null is without an end. */
  readonly epochs: number | null;
  readonly seconds: number | null;
  /** Seconds of it that are over. */
  readonly spent: number;
  /** From 0 to 1. */
  readonly done: number;
}

export function courseFrom(data: unknown): CourseData | undefined {
  if (!isRecord(data)) return undefined;
  const { text, length, batch, after, spent, done } = data as Partial<CourseData>;
  const isSound =
    typeof text === 'string' && [length, batch, after, spent, done].every((value) => Number.isFinite(value));
  return isSound ? (data as unknown as CourseData) : undefined;
}

export interface Course {
  seen(loss: number, symbols: number): void;
  /** From 0 to 1; 0 where no end is known. */
  fraction(): number;
  /** In this process. */
  symbols(): number;
  /** Mean loss of the last windows, in bits. */
  recent(): number;
  line(): string;
  data(): CourseData;
}

/** The mean forgets a window after some hundred more. */
const MEMORY = 0.99;

/** A course whose clock runs from now on, after so many windows; `epoch` are the windows of one. */
export function course(plan: CourseData, epoch: number, before: number): Course {
  const started = performance.now();
  let [symbols, windows, sum, weight] = [0, before, 0, 0];
  const now = () => (performance.now() - started) / 1000;
  const spent = () => plan.spent + now();
  const epochs = () => (windows - plan.after) / epoch;
  const part = (value: number, whole: number | null) => (whole === null ? 0 : value / whole);
  const fraction = () => Math.min(1, Math.max(part(spent(), plan.seconds), part(epochs(), plan.epochs)));
  const recent = () => sum / weight / Math.LN2;
  return {
    seen(loss, more) {
      symbols += more;
      windows += 1;
      sum = MEMORY * sum + loss;
      weight = MEMORY * weight + 1;
    },
    fraction,
    symbols: () => symbols,
    recent,
    line() {
      const of = plan.epochs === null ? '' : ` of ${(plan.after / epoch + plan.epochs).toFixed(2)}`;
      const left =
        fraction() > 0 ? ` · ${count((now() * (1 - fraction())) / Math.max(1e-9, fraction() - plan.done))} s left` : '';
      const rate = count(symbols / now());
      return `epoch ${(windows / epoch).toFixed(2)}${of} · ${recent().toFixed(3)} bits per character · ${rate} characters/s${left}`;
    },
    data: () => ({ ...plan, spent: spent(), done: fraction() }),
  };
}
