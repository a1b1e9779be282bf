import { clock, type FadingState, fadingMean, type Stopwatch, stopwatch } from '../shared/course.js';
import { count } from '../shared/numbers.js';
import type { Screen } from '../shared/screen.js';
import type { Plan } from './recipe.js';

/** How far a run is. */
export interface Reached {
  readonly symbols: number;
  /** Of training, from its start, without what lay between an end and going on. */
  readonly seconds: number;
  /** Of these, those in which a window was learnt from. */
  readonly learning: number;
  /** The loss of all symbols. */
  readonly total: number;
  readonly recent: FadingState;
}

export interface Progress {
  /** Runs while a window is learnt from; the rate is that of training alone. */
  readonly watch: Stopwatch;
  /** One window more. */
  seen(loss: number, symbols: number): void;
  /** How far training is, from 0 to 1; 0 where no end is known. */
  fraction(): number;
  symbols(): number;
  /** Of training, those of earlier parts of the run too. */
  seconds(): number;
  reached(): Reached;
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

/** The progress of a run, from its start or from where it was; `epoch` is how many symbols are to be predicted in one, where there are such. */
export function progress(screen: Screen, plan: Plan, from?: Reached, epoch?: number): Progress {
  const time = clock(from?.seconds);
  const watch = stopwatch(from?.learning);
  const losses = fadingMean(memory, from?.recent);
  let { symbols = 0, total = 0 } = from ?? {};

  const epochs = () => (epoch === undefined ? 0 : symbols / epoch);
  const fraction = () =>
    Math.min(
      1,
      Math.max(
        plan.seconds === null ? 0 : time.seconds() / plan.seconds,
        plan.epochs === null ? 0 : epochs() / plan.epochs,
      ),
    );

  function line(): string {
    const parts = [
      `loss ${losses.mean().toFixed(3)}`,
      `${bitsOf(losses.mean()).toFixed(3)} bits per character`,
      `${count(symbols / watch.seconds())} characters/s`,
    ];
    if (epoch === undefined) parts.unshift(`${count(symbols)} characters`);
    else parts.unshift(`epoch ${epochs().toFixed(2)}${plan.epochs === null ? '' : ` of ${plan.epochs}`}`);
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
    seconds: time.seconds,
    reached: () => ({
      symbols,
      seconds: time.seconds(),
      learning: watch.seconds(),
      total,
      recent: losses.state(),
    }),
    recent: losses.mean,
    overall: () => total / symbols,
    finish: () => {
      if (symbols > 0) screen.live(line, true);
    },
  };
}
