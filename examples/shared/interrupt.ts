import { type Observable, ReplaySubject } from 'rxjs';

/** Ctrl-C: the first one asks to stop, the second one quits. */
export interface Interrupt {
  /** Emits once, also to those who subscribe later. */
  readonly requested$: Observable<void>;
  readonly requested: () => boolean;
}

// npm passes Ctrl-C on to a process that the terminal has signalled already: what comes at once is the same key press.
const samePress = 500;

export function onInterrupt(): Interrupt {
  const requested$ = new ReplaySubject<void>(1);
  let first: number | undefined;
  process.on('SIGINT', () => {
    const now = performance.now();
    if (first === undefined) {
      first = now;
      requested$.next();
    } else if (now - first > samePress) {
      process.exit(130);
    }
  });
  return { requested$: requested$.asObservable(), requested: () => first !== undefined };
}
