import { clock, fadingMean, type Stopwatch, stopwatch } from '../shared/course.js';
import { count } from '../shared/numbers.js';
import type { Screen } from '../shared/screen.js';

/** When training will be over: whichever comes first. */
export interface Plan {
  readonly seconds: number;
  readonly epochs: number;
  /** Symbols to predict in one epoch; undefined for a stream, which has none. */
  readonly epoch?: number;
}

export interface Progress {
  /** Runs while a window is learnt from; the rate is that of training alone. */
  readonly watch: Stopwatch;
  /** One window more. */
  seen(loss: number, symbols: number): void;
  /** How far training is, from 0 to 1; 0 where no end is known. */
  fraction(): number;
  symbols(): number;
  /** Mean loss of the last windows. */
  recent(): number;
  /** Mean loss of all symbols so far, each predicted before it was learnt from. */
  overall(): number;
  /** The last word. */
  finish(): void;
}

/** The mean forgets a window after some hundred more. */
const memory = 0.99;

export const bitsOf = (nats: number): number => nats / Math.LN2;

export function progress(screen: Screen, plan: Plan): Progress {
  const time = clock();
  const watch = stopwatch();
  const losses = fadingMean(memory);
  let symbols = 0;
  let total = 0;

  const epochs = () => (plan.epoch === undefined ? 0 : symbols / plan.epoch);
  const fraction = () => Math.min(1, Math.max(time.seconds() / plan.seconds, epochs() / plan.epochs));

  function line(): string {
    const parts = [
      `loss ${losses.mean().toFixed(3)}`,
      `${bitsOf(losses.mean()).toFixed(3)} bits per character`,
      `${count(symbols / watch.seconds())} characters/s`,
    ];
    if (plan.epoch === undefined) parts.unshift(`${count(symbols)} characters`);
    else
      parts.unshift(
        `epoch ${epochs().toFixed(2)}${plan.epochs === Number.POSITIVE_INFINITY ? '' : ` of ${plan.epochs}`}`,
      );
    if (fraction() > 0) parts.push(`${count(time.left(fraction()))} s left`);
    return parts.join(' · ');
  }

  return {
    watch,
    seen(loss, more) {
      symbols += more;
      losses.add(loss);
      total += loss * more;
      screen.live(line);
    },
    fraction,
    symbols: () => symbols,
    recent: losses.mean,
    overall: () => total / symbols,
    finish: () => {
      if (symbols > 0) screen.live(line, true);
    },
  };
}
