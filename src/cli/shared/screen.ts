import { createLogUpdate } from 'log-update';

/** Where a command is shown: data go to stdout, as text or as lines of JSON; how it goes is said on stderr. */
export interface Screen {
  readonly json: boolean;
  /** Whether stdout shows colours. */
  readonly coloured: boolean;
  /** Shows how things stand, as often as suits the place; `now` in any case, and for good. */
  live(line: () => string, now?: boolean): void;
  /** A line on how it goes. */
  note(text: string): void;
  /** A line of data; in JSON nothing. */
  say(text: string): void;
  /** A line of JSON; otherwise nothing. */
  record(record: object): void;
  /** Text as it comes, without a line's end; in JSON nothing. */
  write(text: string): void;
}

const TERMINAL_MS = 100;
const ELSEWHERE_MS = 5000;

/** By NO_COLOR and FORCE_COLOR (no-color.org, force-color.org), or else by whether it is a terminal. */
function shows(stream: NodeJS.WriteStream): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  if (NO_COLOR) return false;
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== '') return FORCE_COLOR !== '0';
  return stream.isTTY === true && TERM !== 'dumb';
}

/** A terminal has a line that changes; a file or a pipe gets a line every few seconds, and no control codes. */
export function screen(json = false, out = process.stdout, err = process.stderr): Screen {
  const line = err.isTTY === true && process.env.TERM !== 'dumb' ? createLogUpdate(err) : undefined;
  const every = line ? TERMINAL_MS : ELSEWHERE_MS;
  let shown = performance.now();
  // Both may be the same terminal.
  const writeTo = (stream: NodeJS.WriteStream, text: string) => {
    line?.clear();
    stream.write(text);
  };
  return {
    json,
    coloured: !json && shows(out),
    live(text, now = false) {
      if (!now && performance.now() - shown < every) return;
      shown = performance.now();
      if (line) line(text());
      else err.write(`${text()}\n`);
      if (now) line?.done();
    },
    note: (text) => writeTo(err, `${text}\n`),
    say: (text) => {
      if (!json) writeTo(out, `${text}\n`);
    },
    record: (record) => {
      if (json) writeTo(out, `${JSON.stringify(record)}\n`);
    },
    write: (text) => {
      if (!json) writeTo(out, text);
    },
  };
}
