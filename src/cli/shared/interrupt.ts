import { type Observable, ReplaySubject } from 'rxjs';

/** What ends a program early: Ctrl-C, a signal from another process, a reader that closes the pipe. It saves, and ends. */
export interface Interrupt {
  /** Emits once, also to those who subscribe later. */
  readonly requested$: Observable<void>;
  readonly requested: () => boolean;
  /** The exit code that says what ended it; undefined where nothing did. */
  readonly code: () => number | undefined;
}

/** 128 and the signal's number, as shells have it. */
const signals = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** npm passes a signal on to a process that the terminal has signalled already: what comes at once is the same key press. */
const SAME_PRESS_MS = 500;

/** `oxbow generate | head`, or a terminal that has been closed. */
const readerGone: readonly (string | undefined)[] = ['EPIPE', 'EIO', 'ERR_STREAM_DESTROYED'];

/** Listens from now on: the first signal asks to stop, a later one quits at once; `program` is named where the output fails. */
export function onInterrupt(program: string): Interrupt {
  const requested$ = new ReplaySubject<void>(1);
  let code: number | undefined;
  let pressed: number | undefined;

  function request(reason: number): void {
    const isFirst = code === undefined;
    // A reader that has gone is no failure, and a signal says more than that.
    code = code || reason;
    if (isFirst) requested$.next();
  }

  for (const [signal, reason] of Object.entries(signals)) {
    process.on(signal, () => {
      const now = performance.now();
      if (pressed === undefined) {
        pressed = now;
        request(reason);
      } else if (now - pressed > SAME_PRESS_MS) {
        process.exit(reason);
      }
    });
  }
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (readerGone.includes(error.code)) {
        request(0);
        return;
      }
      if (stream === process.stdout && !code) {
        process.stderr.write(
          `${program}: the output cannot be written: ${error.message}; make room, or write elsewhere.\n`,
        );
      }
      request(1);
    });
  }
  return { requested$: requested$.asObservable(), requested: () => code !== undefined, code: () => code };
}
