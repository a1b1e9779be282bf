/** How far a training is, and how it goes on when its process is started again. */
import { isRecord } from '../../checks.js';
import { count } from '../shared/numbers.js';
import type { Plan, WindowKind } from './recipes.js';

/** What a training is of: it goes on at its place only where this is the same. */
export interface Way {
  /** Of the text that is learnt; null where it comes from stdin. */
  readonly text: string | null;
  readonly windows: WindowKind;
  readonly length: number;
  readonly batch: number;
}

/** A training's course, as it is kept with the run. */
export interface CourseData extends Way {
  readonly plan: Plan;
  /** Where it began, of windows and seconds of the whole run. */
  readonly after: { readonly windows: number; readonly seconds: number };
  /** How far it is, from 0 to 1; 0 where no end is known. */
  readonly done: number;
  /** How far the run is. */
  readonly steps: number;
  readonly seconds: number;
  readonly symbols: number;
  /** The loss of all symbols. */
  readonly total: number;
  /** The losses of the last windows, and what they weigh. */
  readonly recent: number;
  readonly weight: number;
}

/** A course that begins. */
export const newCourse = (way: Way, plan: Plan, was?: CourseData): CourseData => ({
  ...{ steps: 0, seconds: 0, symbols: 0, total: 0, recent: 0, weight: 0 },
  ...was,
  ...way,
  plan,
  done: 0,
  after: { windows: was?.steps ?? 0, seconds: was?.seconds ?? 0 },
});

export function courseFrom(data: unknown): CourseData | undefined {
  if (!isRecord(data)) return undefined;
  const { text, plan, after, done, steps, seconds, symbols, total, recent, weight } = data as Partial<CourseData>;
  const numbers = [done, steps, seconds, symbols, total, recent, weight, after?.windows, after?.seconds];
  const isSound = (text === null || typeof text === 'string') && isRecord(plan) && numbers.every(Number.isFinite);
  return isSound ? (data as unknown as CourseData) : undefined;
}

/** Whether the text and its windows are those of another training. */
export const isSameWay = (a: Way, b: Way): boolean =>
  a.text === b.text && a.windows === b.windows && a.length === b.length && a.batch === b.batch;

export interface Course {
  seen(loss: number, symbols: number): void;
  /** From 0 to 1; undefined where no end is known. */
  done(): number | undefined;
  /** Windows that are left; `Infinity` where their number is not what ends it. */
  left(): number;
  /** Seconds that are left; `Infinity` where they are not what ends it. */
  secondsLeft(): number;
  /** Of the whole run. */
  symbols(): number;
  steps(): number;
  seconds(): number;
  /** In this process. */
  learnt(): number;
  /** Mean loss of the last windows, and of all symbols. */
  recent(): number;
  overall(): number;
  line(): string;
  data(): CourseData;
}

/** The mean forgets a window after some hundred more. */
const MEMORY = 0.99;

export const bitsOf = (nats: number): number => nats / Math.LN2;

/** A course whose clock runs from now on; `epoch` are the windows of one, where there are such. */
export function course(from: CourseData, epoch?: number): Course {
  const started = performance.now();
  const { plan, after } = from;
  let { steps, symbols, total, recent, weight } = from;
  const now = () => (performance.now() - started) / 1000;
  const seconds = () => from.seconds + now();
  const wanted = Math.min(
    plan.steps ?? Number.POSITIVE_INFINITY,
    epoch === undefined ? Number.POSITIVE_INFINITY : (plan.epochs ?? Number.POSITIVE_INFINITY) * epoch,
  );
  const left = () => Math.max(0, wanted - (steps - after.windows));
  const secondsLeft = () =>
    plan.seconds === null ? Number.POSITIVE_INFINITY : after.seconds + plan.seconds - seconds();
  function done(): number | undefined {
    if (wanted === Number.POSITIVE_INFINITY && plan.seconds === null) return undefined;
    const ofTime = plan.seconds === null ? 0 : (seconds() - after.seconds) / plan.seconds;
    return Math.min(1, Math.max(ofTime, (steps - after.windows) / wanted));
  }
  const before = done() ?? 0;
  const mean = () => recent / weight;
  const learnt = () => symbols - from.symbols;
  return {
    seen(loss, more) {
      symbols += more;
      steps += 1;
      total += loss * more;
      recent = MEMORY * recent + loss;
      weight = MEMORY * weight + 1;
    },
    done,
    left,
    secondsLeft,
    symbols: () => symbols,
    steps: () => steps,
    seconds,
    learnt,
    recent: mean,
    overall: () => total / symbols,
    line() {
      const isDone = done();
      const of = plan.epochs === null || epoch === undefined ? '' : ` of ${plan.epochs + after.windows / epoch}`;
      const place = epoch === undefined ? `${count(symbols)} characters` : `epoch ${(steps / epoch).toFixed(2)}${of}`;
      const rest = isDone === undefined ? Number.NaN : (now() * (1 - isDone)) / Math.max(1e-9, isDone - before);
      return [
        place,
        `loss ${mean().toFixed(3)}`,
        `${bitsOf(mean()).toFixed(3)} bits per character`,
        `${count(learnt() / now())} characters/s`,
        ...(Number.isFinite(rest) ? [`${count(rest)} s left`] : []),
      ].join(' · ');
    },
    data: () => ({ ...from, done: done() ?? 0, steps, seconds: seconds(), symbols, total, recent, weight }),
  };
}
