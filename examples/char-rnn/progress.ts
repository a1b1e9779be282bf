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
  const started = performance.now();
  let symbols = 0;
  let windows = 0;
  let sum = 0;
  let total = 0;

  const elapsed = () => (performance.now() - started) / 1000;
  const epochs = () => (plan.epoch === undefined ? 0 : symbols / plan.epoch);
  const fraction = () => Math.min(1, Math.max(elapsed() / plan.seconds, epochs() / plan.epochs));
  // The sum starts at zero, so early on it lacks what it would have forgotten by then.
  const recent = () => (sum * (1 - memory)) / (1 - memory ** windows);

  const remaining = () => Math.max(0, elapsed() / fraction() - elapsed());

  function line(): string {
    const parts = [
      `loss ${recent().toFixed(3)}`,
      `${bitsOf(recent()).toFixed(3)} bits per character`,
      `${count(symbols / elapsed())} characters/s`,
    ];
    if (plan.epoch === undefined) parts.unshift(`${count(symbols)} characters`);
    else
      parts.unshift(
        `epoch ${epochs().toFixed(2)}${plan.epochs === Number.POSITIVE_INFINITY ? '' : ` of ${plan.epochs}`}`,
      );
    if (fraction() > 0) parts.push(`${count(remaining())} s left`);
    return parts.join(' · ');
  }

  return {
    seen(loss, more) {
      symbols += more;
      windows += 1;
      sum = memory * sum + loss;
      total += loss * more;
      screen.live(line);
    },
    fraction,
    symbols: () => symbols,
    recent,
    overall: () => total / symbols,
    finish: () => {
      if (windows > 0) screen.live(line, true);
    },
  };
}
