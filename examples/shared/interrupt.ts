import { type Observable, ReplaySubject } from 'rxjs';

/** What ends a run before its time: Ctrl-C, a signal from elsewhere, a reader who has had enough. The run saves, and ends. */
export interface Interrupt {
  /** Emits once, also to those who subscribe later. */
  readonly requested$: Observable<void>;
  readonly requested: () => boolean;
  /** The exit code that says what ended it; undefined where nothing did. */
  readonly code: () => number | undefined;
}

/** 128 and the signal's number, as shells have it. */
const signals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

// npm passes a signal on to a process that the terminal has signalled already: what comes at once is the same key press.
const samePress = 500;

/** `npm start | head`, or a terminal that has been closed. */
const readerGone: readonly (string | undefined)[] = ['EPIPE', 'EIO', 'ERR_STREAM_DESTROYED'];

/** Listens from now on: the first signal asks to stop, a later one quits at once. */
export function onInterrupt(): Interrupt {
  const requested$ = new ReplaySubject<void>(1);
  let code: number | undefined;
  let pressed: number | undefined;

  function request(reason: number): void {
    const first = code === undefined;
    // A reader who has gone is no failure, and says less than a signal.
    code = code || reason;
    if (first) requested$.next();
  }

  for (const [signal, reason] of Object.entries(signals)) {
    process.on(signal, () => {
      const now = performance.now();
      if (pressed === undefined) {
        pressed = now;
        request(reason);
      } else if (now - pressed > samePress) {
        process.exit(reason);
      }
    });
  }
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (readerGone.includes(error.code)) request(0);
      else {
        if (stream === process.stdout && !code)
          process.stderr.write(`the output cannot be written: ${error.message}\n`);
        request(1);
      }
    });
  }
  return { requested$: requested$.asObservable(), requested: () => code !== undefined, code: () => code };
}
