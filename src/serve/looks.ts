/** What is seen of a language model besides its answers: its hidden units over a text, and the lines that surprised it. */
import { map, Observable, ReplaySubject, share, tap, timer } from 'rxjs';
import { timeSlice } from '../streams/event-loop.js';
import { gate } from './gate.js';
import { hiddenUnits, type UnitChoice, type UnitsOverText } from './hidden-units.js';
import type { LiveLanguageModel } from './live.js';
import { type StrangeLines, strangeLines } from './strange-lines.js';

/** Looks at units at a time, each of which keeps up to 64 MiB, and how many may wait. */
const [AT_ONCE, QUEUE] = [2, 32];
/** For so long lines are gathered on after the last one has left, so that a page that is reloaded has them. */
const LINGER_MS = 60_000;

export interface Looks {
  /** What the units do over a text, in slices of time; unsubscribing ends it. */
  units(live: LiveLanguageModel, text: string, choice: UnitChoice): Observable<UnitsOverText>;
  /** The lines of a model, at once and again after each update. */
  lines(live: LiveLanguageModel): Observable<StrangeLines>;
}

export function looks(): Looks {
  const turns = gate('units', AT_ONCE, QUEUE);
  const gathered = new WeakMap<LiveLanguageModel, Observable<StrangeLines>>();

  return {
    units: (live, text, choice) => turns.through(sliced(() => hiddenUnits(live.model, live.vocab, text, choice))),
    lines(live) {
      const known = gathered.get(live);
      if (known !== undefined) return known;
      const lines$ = new Observable<StrangeLines>((subscriber) => {
        const lines = strangeLines();
        subscriber.next(lines);
        return live.updates$
          .pipe(
            tap(({ heard }) => lines.hear(heard)),
            map(() => lines),
          )
          .subscribe(subscriber);
      }).pipe(
        share({
          connector: () => new ReplaySubject(1),
          resetOnRefCountZero: () => timer(LINGER_MS),
        }),
      );
      gathered.set(live, lines$);
      return lines$;
    },
  };
}

/** What a generator returns, run in slices of time until it is there or nobody waits for it any more. */
function sliced<T>(begin: () => Generator<undefined, T>): Observable<T> {
  return new Observable<T>((subscriber) => {
    async function run(): Promise<void> {
      const slice = timeSlice(2);
      const steps = begin();
      try {
        for (;;) {
          await slice();
          if (subscriber.closed) return;
          const { done, value } = steps.next();
          if (!done) continue;
          subscriber.next(value);
          subscriber.complete();
          return;
        }
      } catch (error) {
        subscriber.error(error);
      } finally {
        steps.return(undefined as never);
      }
    }
    void run();
  });
}
