import { createLogUpdate } from 'log-update';

/**
 * Where the run is shown. What comes out of it goes to stdout: to people as lines and text, to machines as records. How
 * it goes is shown on stderr, to people by a live line, so that neither is in the other's way.
 */
export interface Screen {
  /** Shows how things stand, as often as suits the place; `now` in any case. */
  live(line: () => string, now?: boolean): void;
  /** A line on how it goes, which machines may want to see too: where it was saved, what is odd about a text. */
  note(text: string): void;
  /** A line of what comes out. */
  say(text: string): void;
  /** A line of JSON; people do not see it, and machines see nothing else. */
  record(record: object): void;
  /** Text as it comes, without a line's end. */
  write(text: string): void;
  /** Letters that stand back, where the place can show that. */
  dim(text: string): string;
}

/** A terminal has a line that changes; a file or a pipe gets a line every few seconds, and no control codes. */
export function screen(
  json = false,
  out: NodeJS.WriteStream = process.stdout,
  err: NodeJS.WriteStream = process.stderr,
): Screen {
  const nothing = () => undefined;
  if (json) {
    const record = (value: object) => void out.write(`${JSON.stringify(value)}\n`);
    const note = (text: string) => void err.write(`${text}\n`);
    return { live: nothing, note, say: nothing, record, write: nothing, dim: (text) => text };
  }
  const line = err.isTTY === true ? createLogUpdate(err) : undefined;
  const coloured = out.isTTY === true && !process.env.NO_COLOR;
  const every = line ? 100 : 5000;
  let shown = performance.now();
  // Both may be the same terminal.
  const writeTo = (stream: NodeJS.WriteStream, text: string) => {
    line?.clear();
    stream.write(text);
  };
  return {
    live(text, now = false) {
      if (!now && performance.now() - shown < every) return;
      shown = performance.now();
      if (line) line(text());
      else err.write(`${text()}\n`);
      if (now) line?.done();
    },
    note: (text) => writeTo(err, `${text}\n`),
    say: (text) => writeTo(out, `${text}\n`),
    record: nothing,
    write: (text) => writeTo(out, text),
    dim: (text) => (coloured ? `\u001b[2m${text}\u001b[22m` : text),
  };
}
